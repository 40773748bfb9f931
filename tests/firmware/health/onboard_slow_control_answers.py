# fsw/health/slow_control.py in isolation: missing answers and steps, comparators, self-check and test pulser.
from check import equal, has, has_not, raises
from doubles import EIO
from fsw import icd
from fsw.health.faults import Refused
from slow_control_bench import ELECTRONICS, HEAD, HEIGHT_MV, PULSES, TARGET, UNREAD, Bench

OFF, ON, TRIPPED = icd.BIAS_STATE_OFF, icd.BIAS_STATE_ON, icd.BIAS_STATE_TRIPPED
ETIMEDOUT = 110


def test_the_bias_trips_at_the_third_step_without_an_answer():
    bench = Bench()
    bench.on()
    bench.step(4)
    bench.devices.refused["convert"] = OSError(ETIMEDOUT)
    for n in range(1, 4):
        calls = bench.step()
        equal((bench.control.errors, ("off", False) in calls), (n, n == 3))
        equal(len(bench.reports.all), 2 if n == 3 else 1, n)  # the first missing answer, and the trip
        equal(list(bench.control.readings), [UNREAD] * 4, n)  # no stale readings
    equal(bench.control.bias_state, TRIPPED)
    tripped = icd.EVENT_BIAS_TRIPPED, UNREAD, 0xFFFF
    equal(bench.reports.taken(), [(icd.EVENT_SLOW_CONTROL_FAILED, ETIMEDOUT, 0), tripped])


def test_an_answer_resets_the_count_of_missing_answers():
    bench = Bench()
    bench.on()
    for _ in range(3):
        bench.devices.refused["convert"] = OSError(EIO)
        bench.step(2)
        bench.devices.refused.clear()
        has_not([what[0] for what in bench.step()], "reading")  # no conversion was started
    equal(bench.control.bias_state, ON)
    equal(bench.reports.taken(), [(icd.EVENT_SLOW_CONTROL_FAILED, EIO, 0)] * 3)


def test_answers_missing_before_bias_on_are_not_counted():
    bench = Bench()
    bench.on()
    for missing in (2, 2):
        bench.devices.refused["convert"] = OSError(EIO)
        bench.step(missing)
        bench.devices.refused.clear()
        bench.command(icd.FUNCTION_BIAS_OFF)
        bench.command(icd.FUNCTION_BIAS_ON)
    events = [event for event, _, _ in bench.reports.taken()]
    equal(events, [icd.EVENT_SLOW_CONTROL_FAILED, icd.EVENT_BIAS_OFF] * 2)


def test_with_everything_off_a_missing_answer_is_only_counted():
    bench = Bench()
    bench.devices.refused["convert"] = OSError(EIO)
    bench.step(40)
    equal((bench.control.errors, bench.control.bias_state, bench.reports.taken()), (4, OFF, []))


def test_a_failed_bias_step_is_repeated_later():
    bench = Bench(goal_mv=2500)
    bench.command(icd.FUNCTION_BIAS_ON)
    bench.devices.refused["bias"] = OSError(EIO)
    bench.step()
    bench.devices.refused.clear()
    equal(bench.step()[-1], ("bias", 2500))
    equal(bench.control.bias_state, ON)


def test_no_step_for_more_than_two_seconds_trips_the_bias():
    for late_us in (0, 1):
        for reported in ("step", "comparators"):
            bench = Bench()
            bench.on()
            bench.devices.taken()
            bench.now += 2_000_000 + late_us
            if reported == "step":
                bench.control.step(bench.now)
            else:
                bench.control.comparators(bench.now, 50, 60)
                equal(bench.devices.taken(), [("off", False)] * late_us + [("comparators", 50, 60)], reported)
            equal(bench.control.bias_state, TRIPPED if late_us else ON, (late_us, reported))
            equal(len(bench.reports.taken()), late_us, reported)


def test_comparators_that_do_not_answer_raise():
    bench = Bench()
    bench.control.comparators(100_000_000, 50, 60)
    equal(bench.devices.taken(), [("comparators", 50, 60)])
    bench.devices.refused["comparators"] = OSError(ETIMEDOUT)
    equal(raises(OSError, bench.control.comparators, 0, 50, 60).errno, ETIMEDOUT)


def test_a_self_check_sets_the_pulser_up_without_a_pulse_and_starts_a_round():
    for on in (False, True):
        bench = Bench()
        if on:
            bench.on()
        equal(bench.control.self_check(), 0, on)
        equal(bench.devices.taken(), [("pulse_height", HEIGHT_MV), ("outputs", on, TARGET), ("convert", HEAD)])
        calls = bench.step(1 if on else 10)
        equal(calls[:2], [("reading", HEAD), ("convert", ELECTRONICS)], on)


def test_a_self_check_returns_the_errno_of_any_device():
    for device in ("pulse_height", "outputs", "convert"):
        bench = Bench()
        bench.step(10)  # a conversion is in progress, which the self-check invalidates
        bench.devices.refused[device] = OSError(ETIMEDOUT)
        equal(bench.control.self_check(), ETIMEDOUT, device)
        bench.devices.refused.clear()
        equal("reading" in [what[0] for what in bench.step(10)], device != "convert", device)


def test_the_pulser_fires_its_rate_in_each_step():
    bench = Bench()
    bench.control.check(icd.FUNCTION_PULSER_ON)
    equal(bench.devices.taken(), [("pulse_height", HEIGHT_MV), ("outputs", False, TARGET)])
    bench.control.perform(icd.FUNCTION_PULSER_ON)
    setup = [("pulse_height", HEIGHT_MV), ("outputs", False, TARGET)]
    equal(bench.step(), setup + [("pulse",)] * PULSES + [("convert", HEAD)])
    equal(bench.step()[:4], setup + [("pulse",)] * PULSES)
    equal((bench.control.fired, bench.control.bias_state), (2 * PULSES, OFF))
    bench.command(icd.FUNCTION_PULSER_OFF)
    equal((bench.step(8), bench.control.fired), ([], 2 * PULSES))


def test_with_the_bias_on_the_pulser_leaves_it_on():
    bench = Bench()
    bench.on()
    bench.command(icd.FUNCTION_PULSER_ON)
    has(bench.step(), ("outputs", True, TARGET))
    equal(bench.control.bias_state, ON)


def test_a_pulse_that_fails_is_not_counted_but_reported_once():
    for device in ("pulse", "outputs"):
        bench = Bench()
        bench.command(icd.FUNCTION_PULSER_ON)
        bench.devices.refused[device] = OSError(EIO)
        bench.step(4)
        equal((bench.control.fired, bench.control.errors), (0, 4), device)
        equal(bench.reports.taken(), [(icd.EVENT_SLOW_CONTROL_FAILED, EIO, 0)], device)
        error = raises(Refused, bench.control.check, icd.FUNCTION_PULSER_ON) if device == "outputs" else None
        equal(error and error.args, error and (icd.FAILURE_SLOW_CONTROL, EIO), device)
