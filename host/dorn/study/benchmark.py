"""`dorn bench`: the firmware's use of the Pico's resources, measured on the emulated chip against the board's budget.

The emulator is not cycle-exact: it has no memory wait states. It runs the official MicroPython image, so sizes and
control flow are those of the chip; times are lower bounds.
"""

from __future__ import annotations

import tomllib
from collections.abc import Callable
from typing import Any

from dorn.head.front_end import FrontEnd, Head
from dorn.image import firmware
from dorn.image.constants import constants
from dorn.image.folding import folded
from dorn.session import Session
from dorn.study import collector, recording, trials
from dorn.targets.rp2040 import Rp2040Target
from dorn.util.paths import onboard_root

TARGET = "rp2040, emulated, not cycle-exact"
PICO = onboard_root() / "boards" / "pico"
BENCH = onboard_root() / "firmware" / "benchmarks"  # these scripts know the firmware's internals; this file does not
# what delays the reading of the rings, apart from flash writes (see stalls.py)
_BLOCKING = tuple(f"time.{name}" for name in ("spectra", "rates", "housekeeping", "slow_control"))
_CLASSES = {"one_hit": 400, "below_threshold": 100, "front_back": 400, "two_units": 400, "sixteen_hits": 60}

# a run with few events and the default periods, on the flight link: its load is that of the periodic work
_QUIET_CPS, _QUIET_S = 100, 60

# Telecommands that take longest or leave most garbage. The self-test is not among them: nothing else runs meanwhile.
_HEAVY: tuple[tuple[str, dict[str, Any]], ...] = (
    ("load_table", {"table": "surface"}),
    ("restore_defaults", {}),
    ("report_storage", {}),
    ("report_disabled_events", {}),
    ("dump_memory", {"region": "spectra", "offset": 0, "count": 512}),
)


def measure(say: Callable[[str], None] = lambda text: None) -> dict[str, float]:
    """Measure all figures of budget.toml, and the load of each task: "group.name" -> figure. Takes several minutes.

    say: called with what is being measured. Raises UserError without an emulator or image.
    """
    files = firmware.files("pico")
    say("heap")
    boot, board_code, builder, spectra, code, app = _figures(files, "heap.py")
    pico = constants("pico")
    promised_cps = tomllib.loads((PICO / "budget.toml").read_text())["speed"]["regular_cps"]["target"]
    ring_us = ((1 << pico["RING_BITS"]) - 1) / promised_cps * 1e6
    say("a run at 20 000 events per second")
    boot_us, busy, hk, pending = _busy_run()
    say(f"a run at {_QUIET_CPS} events per second, on the flight link")
    quiet = _quiet_run()
    say("compression")
    coding = max(_figures(files, "compression.py"))
    say("kernel")
    kernel = _kernel(files, pico)
    say("recorded events per second")
    speed = _speed(promised_cps)
    say("allocation of the tasks")
    return {
        "ram.free_at_boot": boot,
        "ram.event_builder": board_code - builder,
        "ram.code": boot - board_code + spectra - code,
        "ram.app": builder - spectra + code - app,
        "ram.free": hk["heap_free_min"],
        "ram.pending": pending,
        "files.mpy": sum(len(content) for name, content in files.items() if name.endswith(".mpy")),
        "time.boot": boot_us,
        "time.ring": int(ring_us),
        "time.gc_max": hk["gc_max_us"],
        **{f"time.{name}": value for name, value in zip(_tasks(), hk["task_wcet_us"], strict=True)},
        "time.coding": coding,
        **kernel,
        **speed,
        **_allocation(files),
        "speed.busy_permille": busy[0],
        "speed.quiet_permille": quiet[0],
        **_loads("busy", busy[1]),
        **_loads("quiet", quiet[1]),
    }


def judge(figures: dict[str, float]) -> tuple[list[tuple], list[str]]:
    """Compare with boards/pico/budget.toml. Returns (name, figure, budget, target, verdict) for each figure, and the
    faults. The load of a task has no budget."""
    table = tomllib.loads((PICO / "budget.toml").read_text())
    slack = table.pop("slack")
    entries = {f"{group}.{name}": entry for group, rows in table.items() for name, entry in rows.items()}
    # allocation estimates of the executive, which may be too high
    for name, octets in zip(_tasks(), constants("pico")["ALLOCATION"], strict=True):
        entries[f"allocation.{name}"] = {"budget": octets, "target": octets, "better": "less"}
    rows: list[tuple] = []
    wrong = [f"{name}: not in the budget" for name in figures if name not in entries and not name.startswith("load")]
    for name, entry in entries.items():
        value, budget = figures[name], entry["budget"]
        sign = 1 if entry["better"] == "more" else -1
        verdict = "PASS" if sign * value >= sign * budget else "FAIL"
        rows.append((name, value, f"{'>=' if sign > 0 else '<='} {budget}", entry["target"], verdict))
        if sign * value < sign * budget:
            wrong.append(f"{name}: {value} is outside the budget of {budget}")
        elif sign * (value - budget) > entry.get("slack", slack) * budget and not name.startswith("allocation."):
            wrong.append(f"{name}: {value} is better than {budget}: tighten the budget")
        if sign * budget < sign * entry["target"]:
            wrong.append(f"{name}: the budget of {budget} misses the target {entry['target']}")
    for name, value in figures.items():
        if name in _BLOCKING and value >= figures["time.ring"]:
            wrong.append(f"{name}: {value} us, but the rings hold only {figures['time.ring']} us")
    rows += [(name, value, "", "", "") for name, value in figures.items() if name not in entries]
    return rows, wrong


_UNITS = {"ram": "bytes", "allocation": "bytes", "files": "bytes", "time": "us", "kernel": "cycles", "speed": "1/s"}
_UNIT_OF = {"ram.pending": "objects"}


def text(rows: list[tuple]) -> str:
    """Format the rows of `judge` as a table."""
    lines = [f"{TARGET:34}{'':8}{'measured':>10}{'budget':>12}{'target':>10}"]
    for name, measured, budget, target, verdict in rows:
        permille = name.endswith("permille") or name.startswith("load")
        unit = "1/1000" if permille else _UNIT_OF.get(name, _UNITS[name.partition(".")[0]])
        lines.append(f"{name:34}{unit:8}{measured:10}{budget:>12}{target:10}  {verdict}")
    return "\n".join(lines)


def _tasks() -> list[str]:
    from dorn.dictionary import Dictionary

    return list(Dictionary.load().enums["task"])


def _figures(files: dict[str, bytes], script: str) -> list[int]:
    """Run `script` of firmware/benchmarks in place of the firmware and return the numbers it prints after FIGURES."""
    with _running(files, script) as target:
        return _printed(target)


def _running(files: dict[str, bytes], script: str, head: Head | None = None) -> Rp2040Target:
    """The emulated Pico, running a script of firmware/benchmarks in place of main.py."""
    main = folded((BENCH / script).read_text())
    return Rp2040Target(head, files={**files, "main.py": main.encode()}, unique_id=1)


def _printed(target: Rp2040Target) -> list[int]:
    """Wait for the end of the script and return the numbers after FIGURES.

    Raises RuntimeError with the script's output if there are none.
    """
    printed = bytearray()

    def over() -> bool:
        printed.extend(target.receive())
        return b">>> " in printed

    target.wait_for(over, 60)
    text = printed.decode(errors="replace").partition("\r\nMicroPython v")[0]
    if "FIGURES " not in text:
        raise RuntimeError(text)
    return [int(word) for word in text.rpartition("FIGURES ")[2].split()]


def _kernel(files, board: dict[str, int]) -> dict[str, int]:
    """Clock cycles per event of each class and per call, and the share of the call overhead while the chip keeps up:
    a call then handles the events that ended the sleep."""
    mhz = board["CLOCK_MHZ"]
    call_us, *took_us = _figures(files, "kernel.py")
    cycles = {name: round((us - call_us) * mhz / n) for (name, n), us in zip(_CLASSES.items(), took_us, strict=True)}
    call = call_us * mhz
    share = round(1000 * call / (call + board["BACKLOG"] * cycles["one_hit"]))
    return {f"kernel.{name}": value for name, value in (*cycles.items(), ("call", call), ("call_permille", share))}


def _load(hk: dict) -> tuple[int, list[int]]:
    """(load of the core, load by task), of the time that a housekeeping packet covers."""
    return hk["busy_permille"], hk["task_permille"]


def _loads(run: str, of_tasks: list[int]) -> dict[str, int]:
    return {f"load_{run}.{name}": load for name, load in zip(_tasks(), of_tasks, strict=True)}


def _quiet_run() -> tuple[int, list[int]]:
    """The load with few events and the default periods, on the flight link."""
    with Rp2040Target(Head(FrontEnd(width_ns=trials.WIDTH_NS)), link="uart", unique_id=1) as target:
        session = Session(target)
        session.connect()
        target.flash_takes_time = False
        target.inject(recording.flat(through=0.2).particles(_QUIET_CPS, _QUIET_S + 30, 1))
        session.command("function", function="calibrate")
        _set(session, housekeeping_period=_QUIET_S)
        session.wait_for(lambda packet: packet.name == "housekeeping", 3)
        return _load(session.wait_for(lambda packet: packet.name == "housekeeping", _QUIET_S + 2).fields)


def _busy_run() -> tuple[int, tuple[int, list[int]], dict, int]:
    """Run the whole firmware at 20 kcps, a fifth of the particles crossing both sides.

    Returns (us from power-up to the first housekeeping, `_load`, fields of housekeeping after packets of all kinds,
    objects that the garbage collector has pending at most).
    """
    with Rp2040Target(Head(FrontEnd(width_ns=trials.WIDTH_NS)), unique_id=1) as target:
        session = Session(target)
        session.connect()  # the very first boot creates folders, which takes about 90 ms of flash time
        target.power_cycle()
        began_us = target.now_us
        session.wait_for(lambda packet: packet.name == "housekeeping", 15)
        boot_us = target.now_us - began_us
        target.flash_takes_time = False  # `dorn study stalls` measures the effect of its stalls
        session.command("function", function="calibrate")
        target.inject(recording.flat(through=0.2).particles(20_000, 21, 1))
        _set(session, housekeeping_period=2)

        def housekeeping(limit_s: float = 3) -> dict:
            return session.wait_for(lambda packet: packet.name == "housekeeping", limit_s).fields

        housekeeping()  # it covers the time of the telecommands
        _set(session, housekeeping_period=8)
        housekeeping()
        busy = _load(housekeeping(9))  # 8 s contain several garbage collections
        for name, fields in _HEAVY:
            session.command(name, **fields)
        _set(session, checkpoint_period=1)
        session.advance(3)  # a whole checkpoint, which integrations of 1 s would cancel
        _set(session, checkpoint_period=600, integration_time=1, rates_period=1, pulser_rate=4)
        _switch_on(session)
        _set(session, housekeeping_period=2)
        housekeeping()
        return boot_us, busy, housekeeping(), collector.Heap(target.mcu.read_uint32).pending()


def _allocation(files: dict[str, bytes]) -> dict[str, int]:
    """Maximum number of octets allocated by a step of each task, and the least free heap before a collection, as
    printed by firmware/benchmarks/allocation.py."""
    with _running(files, "allocation.py", Head(FrontEnd())) as target:
        session = Session(target)
        session.connect()
        target.flash_takes_time = False
        session.command("function", function="calibrate")
        for name, fields in _HEAVY:  # the parameters are written in the next step of the storage, all at once
            session.post(name, **fields)
            session.advance(0.2)
        # from here on, as the defaults have been restored
        _set(session, housekeeping_period=2, integration_time=1, rates_period=1, pulser_rate=4, storage_delay=1)
        _switch_on(session)
        target.inject(recording.flat(through=0.2).particles(20_000, 1, 1))
        session.advance(1)
        for _ in range(100):
            session.post("ping")
        target.inject(recording.flat(through=0.2).particles(200, 18, 1))
        session.post("retrieve_records", first=1, last=20)
        *octets, least = _printed(target)
    steps = {f"allocation.{name}": number for name, number in zip(_tasks(), octets, strict=True)}
    return {**steps, "ram.reserve": least}


def _switch_on(session: Session) -> None:
    """Switch on test pulser and bias."""
    for function in ("arm", "pulser_on", "arm", "bias_on"):
        session.command("function", function=function)


def _set(session: Session, **values: int) -> None:
    """Set parameters, which take effect at once, without waiting for the write to flash up to 10 s later."""
    for name, value in values.items():
        session.post("set_parameter", parameter=name, value=value)


def _speed(promised_cps: int) -> dict[str, int]:
    """Events per second recorded by the whole firmware, apart from stalls of the flash (stalls.py): of a regular pulser
    just above the promised rate, one hit each, for longer than the time between garbage collections; and of a Poisson
    source. An overrun of the rings would show as a lower rate."""
    out = {}
    for spacing, offered_cps, seconds in (("regular", round(1.001 * promised_cps), 1.0), ("poisson", 100_000, 0.4)):
        (trial,) = trials.trials(trials.Job("rp2040", spacing, offered_cps, seconds, (1,), stalls=False))
        rates = trial.rates
        out[f"speed.{spacing}_cps"] = round(rates["events"] / (rates["real_us"] + rates["gap_us"]) * 1e6)
    return out
