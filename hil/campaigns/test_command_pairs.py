"""No sequence of telecommands causes harm: every ordered pair in every mode, and random triples.

Each telecommand is reported as its acknowledgement flags request, a rejected one changes nothing, and every mode can be
reached afterwards.
"""

import itertools
import random

from dorn.dictionary import Ack
from dorn.session.instrument import Instrument
from dorn.targets import open_target

SHORT_PAIRS, SHORT_TRIPLES, TRIPLES = 150, 50, 10_000
MODES = ("safe", "standby", "science", "calibration")
ALL_SUCCESSES = Ack.ACCEPTANCE | Ack.START | Ack.COMPLETION
SUCCESSES = ["acceptance_success", "start_success", "completion_success"]
FAILED_AFTER = {"acceptance_failure": 0, "routing_failure": 0, "start_failure": 1}  # successes reported before
RESETS = ("reset", "maintenance")
# housekeeping fields that change by themselves or count telecommands and their reports
MOVING = {
    "record", "uptime_ms", "heap_free", "heap_free_min", "gc_max_us", "cycles", "task_overruns", "busy_permille",
    "commands_accepted", "commands_rejected", "bias_mv", "leakage_na", "temperature_head", "temperature_board",
    "bias_state", "pulses_fired", "store_first", "store_last", "store_discarded", "event_rate", "out_of_limits",
    "task_wcet_us", "task_permille", "slow_control_errors",
}  # fmt: skip
# the observable state: telecommand, its fields, its report, fields that change by themselves
OBSERVED = (
    ("report_structure", {"structure": "health"}, "housekeeping", MOVING),
    ("report_schedule", {}, "schedule_report", ()),
    ("report_actions", {}, "action_status", ()),
    ("report_monitors", {}, "monitor_definitions", ()),
    ("report_disabled_events", {}, "disabled_events", ()),
    ("check_memory", {"region": "parameters", "offset": 0, "count": 120}, "memory_check", ()),
    ("check_memory", {"region": "thresholds", "offset": 0, "count": 32}, "memory_check", ()),
)


def telecommands(dictionary):
    """name -> (telecommand, function: on-board time in s -> fields); all valid, and some invalid ones."""
    ping = dictionary.encode("ping", 1, ack=0)  # may be released at any time, so without reports
    fields = {
        "insert_activity": lambda now_s: {"at_s": now_s + 3600, "at_fraction": 0, "telecommand": ping},
        "delete_activity": lambda _: {"request_sequence": 0xC001},
        "set_time": lambda now_s: {"seconds": now_s + 5, "fraction": 0},
        "load_memory": lambda _: {"region": "thresholds", "offset": 2, "data": bytes(2)},
        "dump_memory": lambda _: {"region": "spectra", "offset": 8, "count": 16},
        "check_memory": lambda _: {"region": "counters", "offset": 0, "count": 256},
        "add_action": lambda _: {"event": "scan_ended", "telecommand": ping},
        "add_monitor": lambda _: {"monitor": "heap", "low": 1, "high": 2**32 - 1, "repetition": 2},
        "modify_monitor": lambda _: {"monitor": "heap", "low": 2, "high": 2**32 - 1, "repetition": 2},
        "retrieve_records": lambda _: {"first": 1, "last": 3},
        "retrieve_by_time": lambda _: {"from_s": 0, "from_fraction": 0, "to_s": 1, "to_fraction": 0},
        "delete_records": lambda _: {"until": 1},
        "set_parameter": lambda _: {"parameter": "rates_period", "value": 7},
        "report_parameter": lambda _: {"parameter": "bias"},
        "set_collection_interval": lambda _: {"structure": "science", "interval": 9},
        "set_time_interval": lambda _: {"interval": 3},
        "load_table": lambda _: {"table": "orbit"},
        "report_spectra": lambda _: {"spectra": 0xFFFFFF},
    }
    simple = {"structure": "science", "event": "booted", "monitor": "heap"}
    found = {}
    for name, layout in dictionary.commands.items():
        if name == "function":
            continue
        ordinary = {item.name: simple[item.name] for item in layout.scalars if item.name in simple}
        found[name] = name, fields.get(name, lambda _, ordinary=ordinary: ordinary)
    for name in dictionary.functions:
        found[name] = "function", lambda _, name=name: {"function": name}
    found["bad parameter"] = "set_parameter", lambda _: {"parameter": "rates_period", "value": 0}
    found["bad function"] = "function", lambda _: {"function": 200}
    found["bad region"] = "dump_memory", lambda _: {"region": 200, "offset": 0, "count": 1}
    found["past time"] = "set_time", lambda _: {"seconds": 0, "fraction": 0}
    return found


class Orders:
    def __init__(self, target):
        self.target = target
        self.instrument = Instrument(target)
        self.instrument.connect()
        self.commands = telecommands(self.instrument.dictionary)
        self.stages = {
            self.instrument.dictionary.telemetry[name].subtype: name
            for name in (
                "acceptance_success",
                "start_success",
                "completion_success",
                "completion_failure",
                *FAILED_AFTER,
            )
        }
        self.sent = self.refused = self.resets = 0

    def snapshot(self):
        """The observable state without the fields that change by themselves."""
        state = []
        for name, fields, answer, moving in OBSERVED:
            wanted = lambda packet, answer=answer: packet.name == answer  # noqa: E731
            post = lambda name=name, fields=fields: self.instrument.post(name, ack=0, **fields)  # noqa: E731
            found = self.instrument.wait_for(wanted, 5, post).fields
            state.append({key: value for key, value in found.items() if key not in moving})
        return state

    def enter(self, mode):
        """Change to `mode` from any mode."""
        for _ in range(20):
            now = self.instrument.dictionary.enums["mode"]
            found = next(name for name, number in now.items() if number == self.snapshot()[0]["mode"])
            if found == mode:
                return
            step = {"safe": "standby", "science": "stop", "calibration": "stop"}.get(found)
            if step is None:
                step = {"safe": "safe", "science": "start", "calibration": "calibrate"}[mode]
            self.instrument.post("function", ack=0, function=step)
            self.instrument.advance(0.5)  # a start requires that all spectra are sent
        raise AssertionError(f"no transition from {found} to {mode}")

    def perform(self, name):
        """Send the telecommand and check its reports. -> name of the failure, or None"""
        instrument, (command, fields) = self.instrument, self.commands[name]
        instrument.received.clear()
        resets = name in RESETS
        boots = self.snapshot()[0]["boot_count"] if resets else 0
        instrument.received.clear()
        failure = None
        try:
            now_s = int(instrument.housekeeping.time_s) + 1
            instrument.command(command, ack=ALL_SUCCESSES, check=False, **fields(now_s))
        except Exception as error:
            failure = getattr(error, "failure", None)
            if failure is None:
                raise
        self.sent += 1
        reports = [self.stages[p.subtype] for p in instrument.received if p.service == 1]
        if failure is None:
            assert reports == SUCCESSES, (name, reports)
            if resets:
                self.resets += 1
                self._wait_for_boot(name, boots)
            return None
        assert reports[-1] in FAILED_AFTER, (name, failure, reports)  # no telecommand fails after its start
        assert reports[:-1] == ["acceptance_success"] * FAILED_AFTER[reports[-1]], (name, reports)
        self.refused += 1
        return failure

    def _wait_for_boot(self, name, boots):
        if name == "maintenance":
            self.instrument.advance(1)
            self.target.reset()
        self.instrument.until(lambda: bool(self.instrument.events("booted")), 15)
        self.instrument.advance(1)
        assert self.snapshot()[0]["boot_count"] > boots

    def sequence(self, mode, names):
        """Perform the telecommands; if the last is rejected, the state must not change."""
        self.enter(mode)
        for name in names[:-1]:
            self.perform(name)
        before = self.snapshot()
        if self.perform(names[-1]):
            assert self.snapshot() == before, (mode, names)


def test_command_pairs(long, seed, totals):
    with open_target("unix", unique_id=seed) as target:
        orders = Orders(target)
        rng = random.Random(seed)
        names = list(orders.commands)
        pairs = [(mode, pair) for mode in MODES for pair in itertools.product(names, repeat=2)]
        triples = [(rng.choice(MODES), rng.choices(names, k=3)) for _ in range(TRIPLES if long else SHORT_TRIPLES)]
        chosen = pairs if long else rng.sample(pairs, SHORT_PAIRS)
        for number, (mode, names) in enumerate([*chosen, *triples]):
            try:
                orders.sequence(mode, names)
            except Exception as error:
                raise AssertionError(f"seed {seed}, number {number}, in {mode}: {', '.join(names)}: {error}") from error
        assert orders.snapshot()[0]["task_failures"] == 0
    totals(
        f"orders: {len(chosen)} pairs and {len(triples)} triples of {len(orders.commands)} telecommands in {len(MODES)}"
        f" modes, {orders.sent} sent, {orders.refused} rejected without effect, {orders.resets} resets; seed {seed}"
    )
