# ST[03] housekeeping: the health of the instrument.
from fsw import icd
from fsw.spectra import kernel as k
from fsw.version import VERSION
from micropython import const

_STRUCTURE = const(1)


class Housekeeping:
    def __init__(
        self,
        board,
        boot_record,
        manifest,
        modes,
        acquisition,
        executive,
        router,
        deframer,
        slow_control,
        storage,
        telemetry,
        report,
    ):
        self._board = board.id
        self._boot_record = boot_record
        self._manifest = manifest
        self._modes = modes
        self._storage = storage
        self._link = board.link
        self._report = report
        self._taken = self._dropped = 0
        self._clock = board.clock
        self._events = board.events
        self._acquisition = acquisition
        self._executive = executive
        self._router = router
        self._deframer = deframer
        self._slow_control = slow_control
        self._telemetry = telemetry
        self._faults = 0

    def turn(self, now):
        a, e, slow_control = self._acquisition, self._executive, self._slow_control
        boot_record, store = self._boot_record, self._storage.store
        if a.running:
            self._faults += 1 if self._events.faults() else 0
        self._faults += a.state[k.BAD_CODES]
        a.state[k.BAD_CODES] = 0
        e.measure_load()
        bias_mv, _, temperature_head, temperature_board = slow_control.monitors
        telemetry = self._telemetry
        telemetry.begin(
            icd.HOUSEKEEPING,
            _STRUCTURE,
            icd.HASH,
            boot_record.count,
            boot_record.reset_cause,
            *VERSION,
            self._board,
            self._manifest,
            self._modes.mode(),
            self._clock.us() // 1000,
            e.heap_free,
            e.heap_free_min,
            e.gc_max_us,
            e.cycles & 0xFFFFFFFF,
            e.overruns & 0xFFFF,
            e.failures & 0xFFFF,
            e.busy_permille,
            self._router.accepted & 0xFFFF,
            self._router.rejected & 0xFFFF,
            self._deframer.bad & 0xFFFF,
            telemetry.dropped & 0xFFFF,
            a.integration,
            a.detectors,
            a.overruns & 0xFFFF,
            a.slips & 0xFFFF,
            a.gave_up & 0xFFFFFFFF,
            self._faults & 0xFFFF,
            bias_mv,
            slow_control.leakage_na(),
            min(temperature_head, 0xFFFF),
            min(temperature_board, 0xFFFF),
            slow_control.bias_state,
            slow_control.fired & 0xFFFFFFFF,
            slow_control.errors & 0xFFFF,
            boot_record.in_row,
            store.first,
            store.last,
            self._storage.missed() & 0xFFFFFFFF,
        )
        telemetry.words(e.longest_us, 0, len(e.longest_us))
        telemetry.halves(e.load_permille, 0, len(e.load_permille))
        telemetry.end()
        self._look_at_link(telemetry)

    def _look_at_link(self, telemetry):
        """A link that took nothing since the last time is restarted, once."""
        if telemetry.taken != self._taken:
            self._taken = telemetry.taken
            self._dropped = telemetry.dropped
        elif self._dropped is not None and telemetry.dropped != self._dropped:
            self._dropped = None  # until it takes something
            self._link.restart()
            self._report(icd.EVENT_LINK_RESTARTED, telemetry.dropped)
