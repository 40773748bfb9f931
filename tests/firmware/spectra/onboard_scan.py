# fsw/spectra/scan.py in isolation, with counters set by the test.
from acquisition_bench import Bench as Acquiring
from check import equal, raises
from doubles import EIO, Devices
from fsw import icd
from fsw.health.faults import Refused
from fsw.health.slow_control import SlowControl
from fsw.spectra.scan import Scan

FRONT_MV, BACK_MV = 50, 60  # the levels set by parameters
FROM_MV, STEP_MV, STEPS, DWELL_S = 30, 20, 3, 5
DWELL_US = 1_000_000 * DWELL_S


class Bench:
    """Also acts as the modes. ends: functions registered for the end of calibration."""

    def __init__(self, **levels):
        self.acquiring = Acquiring()
        self.acquisition, self.reports = self.acquiring.acquisition, self.acquiring.reports
        self.clock, self.parameters = self.acquiring.clock, self.acquiring.parameters
        self.ends = []
        self.devices = Devices()
        slow_control = SlowControl(self.devices, self.parameters, self.reports)
        self.scan = Scan(self.acquisition, slow_control, self.parameters, self, self.reports)
        for number, value in (
            (icd.P_COMPARATOR_FRONT, FRONT_MV),
            (icd.P_COMPARATOR_BACK, BACK_MV),
            (icd.P_SCAN_FROM, levels.get("first_mv", FROM_MV)),
            (icd.P_SCAN_STEP, levels.get("step_mv", STEP_MV)),
            (icd.P_SCAN_STEPS, levels.get("steps", STEPS)),
            (icd.P_SCAN_DWELL, DWELL_S),
        ):
            self.parameters.set(number, value)
        self.levels()

    def after_calibration(self, step):
        self.ends.append(step)

    def levels(self):
        """(front, back) levels to which the comparators were set since the last call."""
        return [what[1:] for what in self.devices.taken() if what[0] == "comparators"]

    def step(self):
        """Advance until the running step is complete, and step the scan."""
        self.clock.now_us += DWELL_US
        self.acquisition.real_us += DWELL_US
        assert self.scan.complete(self.clock.now_us)
        self.scan.go_on()


def ended(steps, broken_off):
    return [(icd.EVENT_SCAN_ENDED, steps, broken_off)]


def test_a_comparator_is_set_immediately_and_the_other_keeps_its_level():
    bench = Bench()
    bench.parameters.set(icd.P_COMPARATOR_FRONT, 100)
    bench.parameters.set(icd.P_COMPARATOR_BACK, 200)
    equal(bench.levels(), [(100, BACK_MV), (100, 200)])


def test_a_comparator_that_does_not_answer_raises():
    bench = Bench()
    bench.devices.refused["comparators"] = OSError(EIO)
    equal(raises(OSError, bench.parameters.set, icd.P_COMPARATOR_FRONT, 100).errno, EIO)
    equal(bench.parameters.get(icd.P_COMPARATOR_FRONT), FRONT_MV)


def test_a_scan_steps_through_its_levels_and_restores_the_set_ones():
    for steps in (1, 2, 3, 8):
        bench = Bench(steps=steps)
        scan = bench.scan
        equal((scan.step, scan.complete(1 << 50)), (None, False), steps)
        scan.begin()
        for step in range(steps):
            level_mv = FROM_MV + step * STEP_MV
            equal((scan.step, scan.level_mv, bench.levels()), (step, level_mv, [(level_mv, level_mv)]), steps)
            equal(bench.reports.taken(), [], (steps, step))
            bench.step()
        equal((scan.step, bench.levels()), (None, [(FRONT_MV, BACK_MV)]), steps)
        equal(bench.reports.taken(), ended(steps, False))
        equal(scan.complete(1 << 50), False, steps)


def test_the_scan_binds_its_parameters_and_no_others():
    bound = Bench().parameters.bound
    scan = (icd.P_SCAN_FROM, icd.P_SCAN_STEP, icd.P_SCAN_STEPS, icd.P_SCAN_DWELL)
    equal(bound[-6:], (icd.P_COMPARATOR_FRONT, icd.P_COMPARATOR_BACK) + scan)


def test_a_step_is_complete_after_its_dwell_time():
    bench = Bench()
    bench.scan.begin()
    now = bench.clock.now_us
    equal(bench.scan.complete(now + DWELL_US - 1), False)
    equal(bench.scan.complete(now + DWELL_US), True)


def test_a_level_never_exceeds_two_volts():
    bench = Bench(first_mv=1980)
    bench.scan.begin()
    bench.step()
    bench.step()
    equal(bench.levels(), [(1980, 1980), (2000, 2000), (2000, 2000)])


def test_hits_of_a_step_include_those_below_threshold_and_over_range():
    bench = Bench()
    counters = bench.acquisition.counters
    for place in range(64):
        counters[place] = 1000 + place
    bench.acquisition.real_us = 77
    bench.scan.begin()
    for place in range(64):
        counters[place] += (1, 100, 10_000, 1_000_000)[place // 16] * (1 + place % 16)
    bench.clock.now_us += DWELL_US
    bench.acquisition.real_us += 4_900_000
    assert bench.scan.complete(bench.clock.now_us)
    equal(list(bench.scan.hits), [10_101 * (1 + d) for d in range(16)])
    equal(bench.scan.real_us, 4_900_000)
    bench.scan.go_on()
    counters[3] += 2
    bench.clock.now_us += DWELL_US
    bench.acquisition.real_us += 4_800_000
    assert bench.scan.complete(bench.clock.now_us)
    equal(list(bench.scan.hits), [2 if d == 3 else 0 for d in range(16)])
    equal(bench.scan.real_us, 4_800_000)


def test_counters_may_wrap():
    bench = Bench()
    counters = bench.acquisition.counters
    counters[5] = counters[21] = 0xFFFFFFFF
    bench.scan.begin()
    counters[5], counters[21] = 6, 1
    bench.clock.now_us += DWELL_US
    assert bench.scan.complete(bench.clock.now_us)
    equal(bench.scan.hits[5], 9)


def test_one_scan_at_a_time():
    bench = Bench()
    bench.scan.check()
    bench.scan.begin()
    equal(raises(Refused, bench.scan.check).args, (icd.FAILURE_WRONG_MODE, icd.MODE_CALIBRATION))
    for _ in range(STEPS):
        bench.step()
    bench.scan.check()


def test_a_comparator_set_during_a_scan_is_applied_at_its_end():
    bench = Bench()
    bench.scan.begin()
    bench.levels()
    bench.parameters.set(icd.P_COMPARATOR_FRONT, 100)
    bench.parameters.set(icd.P_COMPARATOR_BACK, 200)
    equal(bench.levels(), [])
    bench.scan.abort()
    equal(bench.levels(), [(100, 200)])


def test_the_end_of_calibration_aborts_the_scan():
    bench = Bench()
    (end,) = bench.ends
    end()
    equal((bench.levels(), bench.reports.taken()), ([], []))  # no scan is running
    for steps in range(STEPS):
        bench.scan.begin()
        for _ in range(steps):
            bench.step()
        bench.levels()
        end()
        equal((bench.scan.step, bench.levels()), (None, [(FRONT_MV, BACK_MV)]), steps)
        equal(bench.reports.taken(), ended(steps, True))


def test_a_clear_restarts_the_step():
    bench = Bench()
    bench.scan.begin()
    bench.step()
    bench.levels()
    bench.acquisition.counters[0] = 50
    bench.acquisition.clear()
    bench.reports.taken()
    bench.clock.now_us += DWELL_US
    equal(bench.scan.complete(bench.clock.now_us), False)
    level_mv = FROM_MV + STEP_MV
    equal((bench.scan.step, bench.levels()), (1, [(level_mv, level_mv)]))
    equal(bench.scan.complete(bench.clock.now_us + DWELL_US - 1), False)
    bench.acquisition.counters[0] = 3
    bench.step()
    equal((bench.scan.step, bench.reports.taken()), (2, []))


def test_slow_control_that_does_not_answer_aborts_the_scan():
    bench = Bench()
    bench.scan.begin()
    bench.step()
    bench.devices.refused["comparators"] = OSError(EIO)
    bench.step()
    equal((bench.scan.step, bench.reports.taken()), (None, ended(2, True)))
    bench.scan.check()


def test_a_scan_does_not_begin_if_slow_control_fails():
    bench = Bench()
    bench.devices.refused["comparators"] = OSError(EIO)
    raises(OSError, bench.scan.begin)
    equal((bench.scan.step, bench.reports.taken()), (None, []))
    bench.scan.check()
