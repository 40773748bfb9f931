# ST[03] housekeeping: health of the instrument; which structures are sent, and how often.
from fsw import icd
from fsw.health.faults import Refused
from fsw.spectra import kernel as k
from fsw.version import VERSION
from micropython import const

_ENABLE = const(5)
_REPORT = const(27)
_INTERVAL = const(31)
_AGAIN_US = const(60_000_000)  # minimum time between reports of lost octets


class Structure:
    """A periodic report. packets: a function for each of its packets, which sends it; empty: no such report. parameter:
    number of the parameter that holds its interval. on: enabled. boot_record: given if, in mode safe, the report is
    sent on request only."""

    def __init__(self, packets, parameter, boot_record=None):
        self.on = bool(packets)
        self.parameter = parameter
        self._packets = packets
        self._next = 0
        self._boot_record = boot_record

    def step(self, now):
        """Send the next packet; return true if others follow, each in a step of its own, to keep the steps short."""
        if not self.on or (self._boot_record and self._boot_record.safe):
            self._next = 0
            return False
        send = self._packets[self._next]
        self._next = (self._next + 1) % len(self._packets)
        send()
        return self._next

    def send(self):
        """Send all packets."""
        for send in self._packets:
            send()


class Structures:
    """The telecommands of ST[03]. structures: number -> Structure"""

    def __init__(self, structures, parameters):
        self._structures = structures
        self._parameters = parameters

    def check(self, subtype, number, interval=None):
        structure = self._structures.get(number)
        if not structure:
            raise Refused(icd.FAILURE_UNKNOWN_ENTRY, number)
        if subtype == _INTERVAL:
            self._parameters.check(subtype, structure.parameter, interval)

    def execute(self, subtype, number, interval=None):
        structure = self._structures[number]
        if subtype == _INTERVAL:
            self._parameters.set(structure.parameter, interval)
        elif subtype == _REPORT:
            structure.send()
        else:
            structure.on = subtype == _ENABLE


class Housekeeping:
    def __init__(self, parts):
        self.structure = Structure((self.send,), icd.P_HOUSEKEEPING_PERIOD)
        self._parts = parts
        self._manifest = 0  # id of the flashed files: the 8 hex digits that the manifest begins with
        try:
            with open(parts.board.flash + "/manifest") as f:
                self._manifest = int(f.read(8), 16)
        except (OSError, ValueError):
            pass
        self._taken = self._dropped = 0
        self._faults = self._lost = self._lost_us = 0

    def step(self, now):
        self.structure.step(now)
        self._check_link(self._parts.telemetry)
        lost = self._parts.board.link.lost
        if lost != self._lost and now >= self._lost_us:
            self._lost_us = now + _AGAIN_US
            self._parts.report(icd.EVENT_UPLINK_OVERRUN, lost - self._lost, lost)
            self._lost = lost

    def send(self):
        parts = self._parts
        a, e, slow_control = parts.acquisition, parts.executive, parts.slow_control
        boot_record, store = parts.boot_record, parts.store
        schedule, monitoring = parts.services.get(11), parts.services.get(12)
        if a.running:
            self._faults += 1 if a.events.faults() else 0
        self._faults += a.state[k.BAD_CODES]
        a.state[k.BAD_CODES] = 0
        e.measure_load()
        bias_mv, _, temperature_head, temperature_board = slow_control.readings
        telemetry = parts.telemetry
        telemetry.begin(
            icd.HOUSEKEEPING,
            icd.STRUCTURE_HEALTH,
            icd.HASH,
            parts.board.unique_id,
            boot_record.count,
            boot_record.reset_cause,
            *VERSION,
            parts.board.id,
            self._manifest,
            parts.modes.mode,
            parts.board.clock.us() // 1000,
            e.heap_free,
            e.heap_free_min,
            e.gc_max_us,
            e.cycles & 0xFFFFFFFF,
            e.overruns & 0xFFFF,
            e.failures & 0xFFFF,
            e.busy_permille,
            parts.router.accepted & 0xFFFF,
            parts.router.rejected & 0xFFFF,
            parts.deframer.bad & 0xFFFF,
            parts.board.link.lost & 0xFFFFFFFF,
            telemetry.dropped & 0xFFFF,
            a.integration,
            a.detectors.mask,
            a.overruns & 0xFFFF,
            a.slips & 0xFFFF,
            a.detectors.pass_limit_reached & 0xFFFFFFFF,
            self._faults & 0xFFFF,
            bias_mv,
            slow_control.leakage_na(),
            min(temperature_head, 0xFFFF),
            min(temperature_board, 0xFFFF),
            slow_control.bias_state,
            slow_control.fired & 0xFFFFFFFF,
            slow_control.errors & 0xFFFF,
            boot_record.consecutive_resets,
            store.first,
            store.last,
            (store.missed + telemetry.store.over) & 0xFFFFFFFF,
            parts.storm.rate_cps,
            parts.storm.active,
            parts.authentication.rejected & 0xFFFF if parts.authentication else 0,
            len(schedule) if schedule else 0,
            monitoring.out() if monitoring else 0,
            a.n_listed,
        )
        telemetry.words(e.wcet_us, 0, len(e.wcet_us))
        telemetry.halves(e.load_permille, 0, len(e.load_permille))
        telemetry.end()

    def _check_link(self, telemetry):
        """Restart the link, once, if it dropped packets and accepted none since the last check."""
        if telemetry.taken != self._taken:
            self._taken = telemetry.taken
            self._dropped = telemetry.dropped
        elif self._dropped is not None and telemetry.dropped != self._dropped:
            self._dropped = None  # no further restart until it accepts a packet
            self._parts.board.link.restart()
            self._parts.report(icd.EVENT_LINK_RESTARTED, telemetry.dropped)
