# fsw/health/modes.py in isolation, with test doubles that log their calls in one list.
from check import equal, has_not, raises
from doubles import EIO, Clock
from fsw import icd
from fsw.health.faults import Refused
from fsw.health.modes import Modes

ARMED_US = 10_000_000
NO_MODE = 255
COMMANDED = (icd.MODE_SAFE, icd.MODE_STANDBY, icd.MODE_SCIENCE, icd.MODE_CALIBRATION)
BIAS_OFF = ("perform", icd.FUNCTION_BIAS_OFF)
PULSER_OFF = ("perform", icd.FUNCTION_PULSER_OFF)
KEEP = ("keep", True)  # both copies of the boot record
SAFE = [BIAS_OFF, KEEP, PULSER_OFF, ("flush",), ("ensure_off",)]


class Neighbours:
    """calls: log of calls with their arguments. refused: name or (name, value) -> exception that the call raises."""

    def __init__(self, running=False):
        self.calls = []
        self.refused = {}
        self.running = running
        self.safe = self.consecutive_resets = 0
        self.safe_when_kept = None

    def _note(self, *what):
        self.calls.append(what)
        error = self.refused.get(what[0]) or self.refused.get(what)
        if error:
            raise error

    def taken(self):
        taken, self.calls = self.calls, []
        return taken

    # acquisition
    def start(self):
        self.running = True
        self._note("start")

    def stop(self):
        self.running = False
        self._note("stop")

    # slow control
    def perform(self, function):
        self._note("perform", function)

    def ensure_off(self):
        self._note("ensure_off")

    # parameters
    def flush(self):
        self._note("flush")

    def save(self):
        self._note("save")

    # boot record
    def keep(self, write=False):
        self.safe_when_kept = self.safe
        self._note("keep", write)

    def report(self, event, a=0, b=0):
        self._note("report", event, a, b)


class Bench:
    def __init__(self, mode=icd.MODE_STANDBY):
        self.clock = Clock(1_000_000)
        self.all = all_ = Neighbours(mode in (icd.MODE_SCIENCE, icd.MODE_CALIBRATION))
        self.modes = Modes(self.clock, all_, all_, all_, all_, all_.report)
        equal(self.modes.mode, icd.MODE_BOOT)
        self.modes.mode = mode

    def changed(self, before, after):
        return "report", icd.EVENT_MODE_CHANGED, before, after


def test_nothing_is_armed_after_a_start():
    bench = Bench()
    for now in (0, 1, ARMED_US - 1):
        bench.clock.now_us = now
        equal(raises(Refused, bench.modes.check_armed, 5).args, (icd.FAILURE_NOT_ARMED, 5), now)


def test_arming_lasts_ten_seconds():
    bench = Bench()
    bench.modes.arm()
    bench.modes.check_armed(5)
    bench.clock.now_us += ARMED_US - 1
    bench.modes.check_armed(5)
    bench.clock.now_us += 1
    equal(raises(Refused, bench.modes.check_armed, 6).args, (icd.FAILURE_NOT_ARMED, 6))


def test_disarming_is_immediate_and_arming_can_be_repeated():
    bench = Bench()
    bench.modes.arm()
    bench.modes.disarm()
    for now in (bench.clock.now_us, 0):
        bench.clock.now_us = now
        equal(raises(Refused, bench.modes.check_armed, 5).args, (icd.FAILURE_NOT_ARMED, 5), now)
    bench.modes.arm()
    bench.modes.check_armed(5)


def test_a_function_leads_to_the_mode_in_the_table_or_is_rejected():
    for number, _, to in icd.FUNCTIONS:
        for mode in (icd.MODE_BOOT,) + COMMANDED:
            modes = Bench(mode).modes
            modes.arm()
            if to[mode] == NO_MODE:
                equal(raises(Refused, modes.after, number).args, (icd.FAILURE_WRONG_MODE, mode), number)
            else:
                equal(modes.after(number), to[mode], number)
            equal(modes.mode, mode, number)


def test_a_function_that_must_be_armed_is_rejected_otherwise():
    for number, armed, to in icd.FUNCTIONS:
        for mode in COMMANDED:
            modes = Bench(mode).modes
            if armed:
                equal(raises(Refused, modes.after, number).args, (icd.FAILURE_NOT_ARMED, number), mode)
            elif to[mode] != NO_MODE:
                equal(modes.after(number), to[mode], number)


def test_an_unknown_function_is_rejected():
    for number in (0, 12, 15, 20, 255):
        modes = Bench().modes
        modes.arm()
        equal(raises(Refused, modes.after, number).args, (icd.FAILURE_UNKNOWN_FUNCTION, number))


def test_entering_the_present_mode_has_no_effect():
    for mode in (icd.MODE_STANDBY, icd.MODE_SCIENCE, icd.MODE_CALIBRATION):
        bench = Bench(mode)
        bench.modes.enter(mode)
        equal((bench.modes.mode, bench.all.taken()), (mode, []))


def test_standby_is_entered_from_boot_with_a_report_only():
    bench = Bench(icd.MODE_BOOT)
    bench.modes.enter(icd.MODE_STANDBY)
    equal(bench.modes.mode, icd.MODE_STANDBY)
    equal(bench.all.taken(), [bench.changed(icd.MODE_BOOT, icd.MODE_STANDBY)])


def test_science_and_calibration_start_the_acquisition():
    for mode in (icd.MODE_SCIENCE, icd.MODE_CALIBRATION):
        bench = Bench()
        bench.modes.enter(mode)
        equal(bench.modes.mode, mode)
        equal(bench.all.taken(), [("start",), bench.changed(icd.MODE_STANDBY, mode)])


def test_the_mode_changes_only_once_the_acquisition_has_started():
    bench = Bench()
    bench.all.refused["start"] = OSError(EIO)
    raises(OSError, bench.modes.enter, icd.MODE_SCIENCE)
    equal((bench.modes.mode, bench.all.taken()), (icd.MODE_STANDBY, [("start",)]))


def test_standby_stops_the_acquisition():
    bench = Bench(icd.MODE_SCIENCE)
    bench.modes.enter(icd.MODE_STANDBY)
    equal(bench.all.taken(), [("stop",), bench.changed(icd.MODE_SCIENCE, icd.MODE_STANDBY)])
    equal(bench.modes.mode, icd.MODE_STANDBY)


def test_a_running_acquisition_continues_in_another_acquiring_mode():
    bench = Bench(icd.MODE_SCIENCE)
    bench.modes.enter(icd.MODE_CALIBRATION)
    equal(bench.all.taken(), [bench.changed(icd.MODE_SCIENCE, icd.MODE_CALIBRATION)])
    bench.modes.enter(icd.MODE_SCIENCE)
    equal(bench.all.taken(), [PULSER_OFF, bench.changed(icd.MODE_CALIBRATION, icd.MODE_SCIENCE)])


def test_the_actions_at_the_end_of_calibration_precede_the_acquisition_stop():
    bench = Bench(icd.MODE_CALIBRATION)
    bench.modes.after_calibration(lambda: bench.all.calls.append("scan"))
    bench.modes.at_safe(lambda: bench.all.calls.append("no"))
    bench.modes.enter(icd.MODE_STANDBY)
    left = [PULSER_OFF, "scan", ("stop",), bench.changed(icd.MODE_CALIBRATION, icd.MODE_STANDBY)]
    equal(bench.all.taken(), left)
    bench.modes.enter(icd.MODE_SCIENCE)
    bench.modes.enter(icd.MODE_STANDBY)
    has_not(bench.all.taken(), PULSER_OFF)  # only calibration does this


def test_leaving_safe_writes_both_copies_of_parameters_and_boot_record():
    bench = Bench(icd.MODE_SAFE)
    bench.all.safe, bench.all.consecutive_resets = 1, 5
    bench.modes.enter(icd.MODE_STANDBY)
    equal(bench.all.taken(), [("save",), KEEP, bench.changed(icd.MODE_SAFE, icd.MODE_STANDBY)])
    equal((bench.all.safe, bench.all.consecutive_resets, bench.all.safe_when_kept), (0, 0, 0))
    equal(bench.modes.mode, icd.MODE_STANDBY)


def test_safe_is_entered_from_every_mode_action_by_action():
    """First bias off, then the boot record with mode safe; a running acquisition is stopped."""
    for before in (icd.MODE_BOOT, icd.MODE_STANDBY, icd.MODE_SCIENCE, icd.MODE_CALIBRATION):
        bench = Bench(before)
        bench.all.consecutive_resets = 3
        running = bench.all.running
        bench.modes.safe(icd.SAFE_REASON_RESETS)
        wanted = [BIAS_OFF, KEEP, PULSER_OFF] + [("stop",)] * running + [("flush",), ("ensure_off",)]
        wanted += [bench.changed(before, icd.MODE_SAFE), ("report", icd.EVENT_SAFE, icd.SAFE_REASON_RESETS, 3)]
        equal(bench.all.taken(), wanted, before)
        equal((bench.modes.mode, bench.all.safe, bench.all.safe_when_kept), (icd.MODE_SAFE, 1, 1), before)


def test_safe_can_be_entered_again_in_safe():
    bench = Bench(icd.MODE_SAFE)
    bench.modes.safe(icd.SAFE_REASON_COMMANDED)
    equal(bench.all.taken()[:2], [BIAS_OFF, KEEP])
    equal(bench.modes.mode, icd.MODE_SAFE)


def test_registered_actions_follow_those_of_the_modes():
    bench = Bench()
    bench.modes.at_safe(lambda: bench.all.calls.append("first"))
    bench.modes.after_calibration(lambda: bench.all.calls.append("second"))
    bench.modes.safe(0)
    equal(bench.all.taken()[:-2], SAFE[:-1] + ["first", "second", ("ensure_off",)])


def test_a_failing_action_does_not_prevent_the_others():
    for name in (KEEP, PULSER_OFF, ("flush",)):
        bench = Bench(icd.MODE_STANDBY)
        bench.all.refused[name] = ValueError(1)
        bench.modes.safe(icd.SAFE_REASON_COMMANDED)
        calls = bench.all.taken()
        equal(calls[:5], SAFE, name)
        kind, event, exception, line = calls[5]
        equal((kind, event, exception), ("report", icd.EVENT_SAFE_STEP_FAILED, icd.EXCEPTION_VALUE), name)
        assert line > 0, line
        reports = [bench.changed(icd.MODE_STANDBY, icd.MODE_SAFE), ("report", icd.EVENT_SAFE, 0, 0)]
        equal(calls[6:], reports, name)
        equal(bench.modes.mode, icd.MODE_SAFE, name)


def test_a_bias_off_without_an_answer_is_not_a_failed_action():
    """Slow control reports the failure, and the silent bus removes the bias."""
    bench = Bench()
    bench.all.refused[BIAS_OFF] = OSError(EIO)
    bench.modes.safe(icd.SAFE_REASON_COMMANDED)
    reports = [bench.changed(icd.MODE_STANDBY, icd.MODE_SAFE), ("report", icd.EVENT_SAFE, 0, 0)]
    equal(bench.all.taken(), SAFE + reports)


def test_any_other_exception_of_bias_off_is_reported_and_the_bus_silenced():
    bench = Bench()
    bench.all.refused[BIAS_OFF] = MemoryError()
    bench.modes.safe(icd.SAFE_REASON_COMMANDED)
    calls = bench.all.taken()
    equal(calls[:5], SAFE)
    equal(calls[5][:3], ("report", icd.EVENT_SAFE_STEP_FAILED, icd.EXCEPTION_MEMORY))


def test_failing_reports_do_not_raise_either():
    bench = Bench(icd.MODE_SCIENCE)
    bench.all.refused["report"] = TypeError(1)
    bench.modes.safe(icd.SAFE_REASON_COMMANDED)
    equal(bench.all.taken()[:6], SAFE[:3] + [("stop",)] + SAFE[3:])
    equal(bench.modes.mode, icd.MODE_SAFE)
