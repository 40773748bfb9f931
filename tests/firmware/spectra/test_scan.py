"""The threshold scan: hits of each detector at each comparator level."""

import pytest
from dorn.head.front_end import MV_PER_MEV
from support.instrument import both_if_long, instrument, refused

LEVELS = {"from": 30, "step": 30, "steps": 4, "dwell": 2}


def scan(i, **levels):
    """Start a scan in calibration mode."""
    for name, value in (LEVELS | levels).items():
        i.set(f"scan_{name}", value)
    i.calibrate()
    i.function("threshold_scan")


def steps(i):
    return [p.fields for p in i.received if p.name == "threshold_scan"]


def arrivals(cps_of_mv, seconds, detectors=(0, 1, 6)):
    """Regular pulses in each detector. cps_of_mv: height in mV at the comparators -> pulses per second."""
    pulses = []
    for n, (mv, cps) in enumerate(cps_of_mv.items()):
        for k in range(1, seconds * cps):
            for m, d in enumerate(detectors):
                pulses.append((int(1e9 * k / cps) + 3_000_000 * n + 1_000_000 * m, d, 1000.0 * mv / MV_PER_MEV))
    return sorted(pulses)


@both_if_long
def test_each_level_counts_the_pulses_above_it(where):
    """Pulses of 45, 75 and 105 mV, 20, 10 and 5 per second, in three detectors; levels of 30, 60, 90, 120 mV."""
    with instrument(where) as i:
        i.set("comparator_front", 50)
        i.set("comparator_back", 55)
        i.target.inject(arrivals({45: 20, 75: 10, 105: 5}, 12))
        scan(i)
        levels_seen = []
        while not i.events("scan_ended"):
            i.advance(0.25)
            levels_seen.append(i.target.head.comparator_mv)
        assert [f["step"] for f in steps(i)] == [0, 1, 2, 3]
        assert [f["level"] for f in steps(i)] == [30, 60, 90, 120]
        for f, cps in zip(steps(i), (35, 15, 5, 0), strict=True):
            assert f["real_us"] == pytest.approx(2e6, abs=0.6e6)
            expected = cps * f["real_us"] / 1e6
            assert [n for d, n in enumerate(f["hits"]) if d not in (0, 1, 6)] == [0] * 13
            assert all(abs(f["hits"][d] - expected) <= 3 for d in (0, 1, 6)), f
        # comparator levels at the head: those of the steps, then those set by parameters
        assert list(dict.fromkeys(levels_seen)) == [(mv, mv) for mv in (30, 60, 90, 120)] + [(50, 55)]
        assert i.events("scan_ended") == [(4, 0)]


def test_hits_below_threshold_and_over_range_are_counted():
    """Every hit above the comparator level is counted, however the kernel classifies it."""
    with instrument("unix") as i:
        i.set("threshold_0", 4000)
        i.target.inject(arrivals({75: 10, 1900: 10}, 4, (0,)))
        scan(i, steps=1)
        i.until(lambda: i.events("scan_ended"), 5)
        (f,) = steps(i)
        assert abs(f["hits"][0] - 20 * f["real_us"] / 1e6) <= 3


def test_one_scan_at_a_time_and_another_after_it():
    with instrument("unix") as i:
        scan(i, steps=2, dwell=1)
        refused(i, "wrong_mode", "function", function="threshold_scan")
        i.until(lambda: i.events("scan_ended"), 5)
        assert i.events("scan_ended") == [(2, 0)]
        i.function("threshold_scan")
        i.until(lambda: len(i.events("scan_ended")) == 2, 5)
        assert [f["step"] for f in steps(i)] == [0, 1, 0, 1]


@pytest.mark.parametrize("end", ["stop", "safe"])
def test_the_end_of_calibration_aborts_the_scan(end):
    with instrument("unix") as i:
        scan(i)
        i.advance(5)  # third level
        assert i.target.head.comparator_mv == (90, 90)
        i.function(end)
        assert i.events("scan_ended") == [(2, 1)]
        assert i.target.head.comparator_mv == (45, 45)
        i.advance(5)
        assert len(steps(i)) == 2 and i.target.head.comparator_mv == (45, 45)


def test_slow_control_that_falls_silent_aborts_the_scan():
    with instrument("unix") as i:
        scan(i)
        i.target.slow_control.dac.answers = False
        i.until(lambda: i.events("scan_ended"), 5)
        assert i.events("scan_ended") == [(1, 1)] and len(steps(i)) == 1
        assert i.next("housekeeping")["task_failures"] == 0
        i.stop()
        i.advance(1)
        i.calibrate()
        refused(i, "internal", "function", function="threshold_scan")
        i.target.slow_control.dac.answers = True
        i.function("threshold_scan")
        i.until(lambda: len(i.events("scan_ended")) == 2, 10)
        assert i.target.head.comparator_mv == (45, 45)


def test_a_level_never_exceeds_the_comparator_range():
    with instrument("unix") as i:
        scan(i, **{"from": 1900, "step": 500, "steps": 3, "dwell": 1})
        i.until(lambda: i.events("scan_ended"), 6)
        assert [f["level"] for f in steps(i)] == [1900, 2000, 2000]
