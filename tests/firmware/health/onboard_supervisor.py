# fsw/health/supervisor.py in isolation, with test doubles that log their calls in one list.
from check import equal
from doubles import EIO, Devices, Scratch, Watchdog
from fsw import icd
from fsw.executive import Task
from fsw.health.faults import crash_in
from fsw.health.supervisor import Supervisor, bias_off, crash, reset, restart

NO_TASK = 255


class End(BaseException):
    """Ends functions that never return."""


class Instrument:
    """Board, parameters, boot record, store, acquisition and checkpoint in one object. calls: log of all calls.

    refused: name -> exception that the call raises. resets: whether a reset ends the run, as on a chip.
    """

    def __init__(self, safe=0, running=False):
        self.calls = []
        self.refused = {}
        self.slow_control = Devices()
        self.slow_control.is_off = False
        self.scratch = Scratch()
        self.resets = True
        self.waits = 0
        self.board = self.boot_record = self
        self.safe, self.running = safe, running
        self.acquisition = self
        self.parameters = Part(self, "parameters", ("finish", "flush"))
        self.store = Part(self, "store", ("flush",))
        self.checkpoint = Part(self, "checkpoint", ("write",))

    def note(self, *what):
        self.calls.append(what + (self.slow_control.is_off,))
        if what[0] in self.refused:
            raise self.refused[what[0]]

    def close(self):
        self.note("boot_record.close")

    def crashed(self, task, error):
        self.note("boot_record.crashed", task, error)

    def reset(self, maintenance):
        self.note("reset", maintenance)
        if self.resets:
            raise End

    def wait(self, until_us, attention):
        assert until_us >= 1 << 59, until_us  # more than ten thousand years
        assert not attention()
        self.waits += 1
        if self.waits == 5:
            raise End


class Part:
    def __init__(self, instrument, name, methods):
        for method in methods:
            setattr(self, method, self._noting(instrument, name + "." + method))

    def _noting(self, instrument, name):
        return lambda: instrument.note(name)


def ended(function, *values):
    """Check that the call does not return."""
    try:
        function(*values)
    except End:
        return
    raise AssertionError("it returned")


def names(instrument):
    return [calls[0] for calls in instrument.calls]


FULL = ["parameters.flush", "parameters.finish", "store.flush", "boot_record.close", "reset"]


def test_the_watchdog_has_eight_seconds():
    watchdog = Watchdog()
    supervisor = Supervisor(watchdog)
    equal(watchdog.timeout_ms, None)
    supervisor.begin()
    equal((watchdog.timeout_ms, watchdog.fed), (8000, 0))


def made(done_us, period_ms, limit_ms):
    task = Task(None, period_ms, 1, limit_ms, 0)
    task.done_us = done_us
    return task


def test_the_watchdog_is_fed_while_every_task_completes_steps_within_its_limit():
    watchdog = Watchdog()
    supervisor = Supervisor(watchdog)
    tasks = (made(1_000_000, 0, 3000), made(500_000, 1000, 3000))
    for n, now in enumerate((1_000_000, 2_000_000, 4_000_000)):
        supervisor.step(now, tasks)
        equal(watchdog.fed, n + 1)


def test_one_late_task_stops_the_feeding():
    """This holds for any task; its limit counts from its due time."""
    for late in range(3):
        watchdog = Watchdog()
        supervisor = Supervisor(watchdog)
        tasks = [made(50_000_000, 0, 3000) for _ in range(3)]
        tasks[late] = made(10_000_000, 5000, 3000)
        supervisor.step(18_000_000, tasks)
        equal(watchdog.fed, 1, late)
        supervisor.step(18_000_001, tasks)
        equal(watchdog.fed, 1, late)
        tasks[late].done_us = 18_000_001
        supervisor.step(18_000_002, tasks)
        equal(watchdog.fed, 2, late)


def test_everything_persistent_is_written_before_a_reset():
    instrument = Instrument()
    ended(restart, instrument, False)
    equal(names(instrument), FULL)
    equal([calls[-1] for calls in instrument.calls], [True] * 5)  # bias off was first
    equal(instrument.calls[-1], ("reset", False, True))


def test_a_running_acquisition_leaves_a_checkpoint_first():
    instrument = Instrument(running=True)
    ended(restart, instrument, True)
    equal(names(instrument), ["checkpoint.write"] + FULL)
    equal(instrument.calls[-1], ("reset", True, True))


def test_in_safe_only_the_boot_record_is_written():
    instrument = Instrument(safe=1, running=True)
    ended(restart, instrument, False)
    equal(names(instrument), ["parameters.finish", "boot_record.close", "reset"])


def test_each_action_is_performed_even_if_an_earlier_one_failed():
    for error in (OSError(EIO), ValueError(1), MemoryError()):
        for name in ["checkpoint.write"] + FULL[:-1]:
            instrument = Instrument(running=True)
            instrument.refused[name] = error
            ended(restart, instrument, False)
            equal(names(instrument), ["checkpoint.write"] + FULL, (error, name))


def test_a_failed_bias_off_does_not_prevent_the_reset():
    instrument = Instrument()
    instrument.slow_control.refused["off"] = OSError(EIO)
    ended(restart, instrument, False)
    equal(names(instrument), FULL)
    assert instrument.slow_control.silent


def test_a_crash_is_recorded_in_the_boot_record_after_bias_off():
    instrument = Instrument()
    error = ValueError(7)
    ended(crash, instrument, instrument, 3, error)
    equal(instrument.calls, [("boot_record.crashed", 3, error, True), ("reset", False, True)])
    equal(crash_in(instrument.scratch), None)


def test_without_a_boot_record_a_crash_is_noted_in_the_scratch_register():
    instrument = Instrument()
    ended(crash, instrument, None, None, ValueError(7))
    equal(instrument.calls, [("reset", False, True)])
    equal(crash_in(instrument.scratch), (NO_TASK, icd.EXCEPTION_OTHER, 1))


def test_a_crash_that_cannot_be_recorded_still_resets():
    for error in (OSError(EIO), MemoryError()):
        instrument = Instrument()
        instrument.refused["boot_record.crashed"] = error
        ended(crash, instrument, instrument, None, ValueError(7))
        equal(names(instrument), ["boot_record.crashed", "reset"], error)


def test_bias_off_sends_one_command():
    instrument = Instrument()
    bias_off(instrument)
    equal(instrument.slow_control.calls, [("off", False)])
    assert instrument.slow_control.is_off and not instrument.slow_control.silent


def test_one_device_switched_off_is_enough_otherwise_the_bus_falls_silent():
    for error in (OSError(EIO), MemoryError(), TypeError(1)):
        for half in (True, False):
            instrument = Instrument()
            devices = instrument.slow_control
            devices.half, devices.refused["off"] = half, error
            bias_off(instrument)
            equal(devices.silent, not half, error)


def test_a_reset_that_fails_leaves_it_to_the_watchdog():
    """reset() then neither returns nor feeds the watchdog."""
    for error in (None, OSError(EIO), MemoryError()):
        instrument = Instrument()
        instrument.resets = False
        if error:
            instrument.refused["reset"] = error
        ended(reset, instrument, True)
        equal(instrument.calls, [("reset", True, False)], error)
        equal(instrument.waits, 5, error)
