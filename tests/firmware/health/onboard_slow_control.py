# fsw/health/slow_control.py in isolation: bias and readings. Missing answers: onboard_slow_control_answers.py.
from check import equal, has_not, raises
from doubles import EIO
from fsw import icd
from fsw.health.faults import Refused
from slow_control_bench import (
    BIAS,
    ELECTRONICS,
    HEAD,
    LEAKAGE,
    LEAKAGE_LIMIT_NA,
    STEP_US,
    TARGET,
    UNREAD,
    Bench,
)

OFF, RAMPING, ON, TRIPPED = icd.BIAS_STATE_OFF, icd.BIAS_STATE_RAMPING, icd.BIAS_STATE_ON, icd.BIAS_STATE_TRIPPED
NA = 120  # leakage
ETIMEDOUT = 110


def trip(bias_mv, leakage_na):
    return icd.EVENT_BIAS_TRIPPED, bias_mv, leakage_na


def test_after_a_start_everything_is_off_and_nothing_was_read():
    bench = Bench()
    control = bench.control
    equal((control.bias_state, control.fired, control.errors), (OFF, 0, 0))
    equal(list(control.readings), [UNREAD] * 4)
    equal(control.leakage_na(), 0xFFFF)
    equal((bench.devices.taken(), bench.reports.taken()), ([], []))
    equal(bench.parameters.bound, tuple(range(icd.P_BIAS, icd.P_PULSER_RATE + 1)))


def test_with_everything_off_nine_of_ten_steps_are_idle():
    bench = Bench()
    for analogue_input in (HEAD, ELECTRONICS, BIAS, LEAKAGE, HEAD):
        equal(bench.step(9), [], analogue_input)
        before = [("reading", (analogue_input - 1) & 3)] if bench.now > 10 * STEP_US else []
        equal(bench.step(), before + [("convert", analogue_input)])
    equal(list(bench.control.readings), [0, 0, 29_500, 29_600])


def test_with_the_bias_on_a_step_reads_one_input_and_starts_the_next_conversion():
    bench = Bench()
    bench.on()
    bench.devices.readings[LEAKAGE] = NA
    bench.next_is(HEAD)
    for analogue_input, following in ((HEAD, ELECTRONICS), (ELECTRONICS, BIAS), (BIAS, LEAKAGE), (LEAKAGE, HEAD)):
        equal(bench.step(), [("reading", analogue_input), ("convert", following)])
    equal(list(bench.control.readings), [5000, NA, 29_500, 29_600])
    equal(bench.control.leakage_na(), NA)


def test_leakage_is_limited_to_two_octets():
    bench = Bench()
    for na, reported in ((0xFFFE, 0xFFFE), (0xFFFF, 0xFFFF), (0x10000, 0xFFFF)):
        bench.control.readings[LEAKAGE] = na
        equal(bench.control.leakage_na(), reported, na)


def test_bias_on_first_checks_that_all_devices_answer_with_the_bias_off():
    bench = Bench()
    bench.control.check(icd.FUNCTION_BIAS_ON)
    equal(bench.devices.taken(), [("off", True), ("convert", HEAD)])
    equal(bench.control.bias_state, OFF)
    bench.control.perform(icd.FUNCTION_BIAS_ON)
    equal(bench.devices.taken(), [("outputs", True, TARGET)])
    equal(bench.control.bias_state, RAMPING)


def test_a_conversion_from_before_bias_on_is_not_used():
    bench = Bench()
    equal(bench.step(30)[-1], ("convert", BIAS))
    bench.command(icd.FUNCTION_BIAS_ON)
    bench.devices.taken()
    equal(bench.step(), [("convert", HEAD), ("bias", 2500)])


def test_the_bias_steps_up_to_its_level_while_temperatures_are_converted():
    bench = Bench(goal_mv=11_000)
    bench.devices.readings[LEAKAGE] = NA
    bench.command(icd.FUNCTION_BIAS_ON)
    bench.devices.taken()
    equal(bench.step(), [("convert", HEAD), ("bias", 2500)])
    equal(bench.step(), [("reading", HEAD), ("convert", ELECTRONICS), ("bias", 5000)])
    equal(bench.step(), [("reading", ELECTRONICS), ("convert", BIAS)])
    equal(bench.step(), [("reading", BIAS), ("convert", LEAKAGE)])
    equal(bench.step(), [("reading", LEAKAGE), ("convert", HEAD), ("bias", 7500)])
    equal(bench.step()[-1], ("bias", 10_000))
    bench.step(2)
    equal((bench.control.bias_state, bench.reports.taken()), (RAMPING, []))
    equal(bench.step()[-1], ("bias", 11_000))
    equal(bench.control.bias_state, ON)
    equal(bench.reports.taken(), [(icd.EVENT_BIAS_REACHED, 11_000, NA)])
    has_not([what[0] for what in bench.step(8)], "bias")
    equal((bench.control.bias_state, bench.reports.taken()), (ON, []))


def test_a_new_level_is_approached_from_the_present_one():
    bench = Bench()
    bench.on(5000)
    for goal, levels in ((1000, [2500, 1000]), (4000, [3500, 4000]), (0, [1500, 0]), (2500, [2500])):
        bench.parameters.set(icd.P_BIAS, goal)
        calls, states = [], set()
        for _ in range(8):
            calls += bench.step()
            states.add(bench.control.bias_state)
        equal([what[1] for what in calls if what[0] == "bias"], levels, goal)
        equal(bench.reports.taken(), [(icd.EVENT_BIAS_REACHED, goal, 0)])
        equal(states, {RAMPING, ON} if len(levels) > 1 else {ON}, goal)


def test_a_level_of_0_is_reached_without_a_step():
    bench = Bench(goal_mv=0)
    bench.command(icd.FUNCTION_BIAS_ON)
    has_not([what[0] for what in bench.step(4)], "bias")
    equal(bench.reports.taken(), [(icd.EVENT_BIAS_REACHED, 0, 0xFFFF)])


def test_after_a_trip_it_ramps_from_0():
    bench = Bench()
    bench.on(5000)
    bench.next_is(HEAD)
    bench.devices.readings[LEAKAGE] = 2000
    bench.step(4)
    equal(bench.control.bias_state, TRIPPED)
    bench.devices.readings[LEAKAGE] = 0
    bench.command(icd.FUNCTION_BIAS_ON)
    equal([what for what in bench.step(4) if what[0] == "bias"], [("bias", 2500), ("bias", 5000)])


def test_bias_on_is_rejected_while_the_bias_is_on():
    bench = Bench()
    bench.command(icd.FUNCTION_BIAS_ON)
    for state in (RAMPING, ON):
        equal(bench.control.bias_state, state)
        bench.devices.taken()
        error = raises(Refused, bench.control.check, icd.FUNCTION_BIAS_ON)
        equal(error.args, (icd.FAILURE_WRONG_MODE, state))
        equal(bench.devices.taken(), [], state)
        bench.step(50)


def test_bias_on_is_rejected_if_a_device_does_not_answer():
    for device in ("off", "convert"):
        bench = Bench()
        bench.devices.refused[device] = OSError(ETIMEDOUT)
        error = raises(Refused, bench.control.check, icd.FUNCTION_BIAS_ON)
        equal(error.args, (icd.FAILURE_SLOW_CONTROL, ETIMEDOUT), device)
        equal(bench.control.bias_state, OFF, device)


def test_the_bias_stays_off_if_its_switch_fails():
    bench = Bench()
    bench.control.check(icd.FUNCTION_BIAS_ON)
    bench.devices.refused["outputs"] = OSError(EIO)
    raises(OSError, bench.control.perform, icd.FUNCTION_BIAS_ON)
    equal(bench.control.bias_state, OFF)


def test_bias_off_is_reported_with_level_and_leakage():
    bench = Bench()
    bench.devices.readings[LEAKAGE] = NA
    bench.on(5000)
    bench.step(4)
    bench.control.check(icd.FUNCTION_BIAS_OFF)
    equal(bench.devices.taken(), [])
    bench.control.perform(icd.FUNCTION_BIAS_OFF)
    equal(bench.devices.taken(), [("off", False)])
    equal(bench.control.bias_state, OFF)
    equal(bench.reports.taken(), [(icd.EVENT_BIAS_OFF, 5000, NA)])
    bench.control.perform(icd.FUNCTION_BIAS_OFF)
    equal(bench.reports.taken(), [(icd.EVENT_BIAS_OFF, 0, NA)])
    bench.devices.taken()
    equal(bench.step(9), [])


def test_bias_off_is_reported_even_if_a_device_fails_or_the_bus_is_silent():
    for silent in (False, True):
        bench = Bench()
        bench.on(5000)
        bench.devices.refused["off"], bench.devices.silent = OSError(ETIMEDOUT), silent
        if silent:
            bench.control.perform(icd.FUNCTION_BIAS_OFF)
        else:
            equal(raises(OSError, bench.control.perform, icd.FUNCTION_BIAS_OFF).errno, ETIMEDOUT, silent)
        equal(bench.control.bias_state, OFF, silent)
        equal([report[:2] for report in bench.reports.taken()], [(icd.EVENT_BIAS_OFF, 5000)], silent)


def test_a_silent_bus_stays_silent_and_readings_are_discarded():
    bench = Bench()
    bench.on()
    bench.step(4)
    bench.devices.silent = True
    equal(bench.step(12), [])
    equal(list(bench.control.readings), [UNREAD] * 4)
    equal((bench.control.errors, bench.reports.taken()), (0, []))


def test_leakage_above_its_limit_trips_the_bias_immediately():
    bench = Bench()
    bench.on(5000)
    bench.devices.readings[LEAKAGE] = LEAKAGE_LIMIT_NA
    bench.step(8)
    equal(bench.control.bias_state, ON)
    bench.devices.readings[LEAKAGE] = LEAKAGE_LIMIT_NA + 1
    bench.next_is(LEAKAGE)
    equal(bench.step(), [("reading", LEAKAGE), ("off", False), ("convert", HEAD)])
    equal(bench.control.bias_state, TRIPPED)
    equal(bench.reports.taken(), [trip(5000, LEAKAGE_LIMIT_NA + 1)])
    equal(bench.step(9), [])  # everything is off
    bench.step(40)  # no further trip with the bias off
    equal((bench.control.bias_state, bench.reports.taken()), (TRIPPED, []))
    bench.command(icd.FUNCTION_BIAS_OFF)
    equal(bench.reports.taken(), [(icd.EVENT_BIAS_OFF, 0, LEAKAGE_LIMIT_NA + 1)])


def test_a_bias_more_than_5_v_off_its_level_trips_at_the_third_reading():
    for off_mv in (5001, -5001):
        bench = Bench()
        bench.on(20_000)
        for within_mv in (5000, -5000):
            bench.devices.readings[BIAS] = 20_000 + within_mv
            bench.step(20)
            equal((bench.control.bias_state, bench.reports.taken()), (ON, []), (off_mv, within_mv))
        bench.devices.readings[BIAS] = 20_000 + off_mv
        for n in range(3):
            bench.next_is(BIAS)
            equal(bench.control.bias_state, ON, (off_mv, n))
            calls = bench.step()
            equal(("off", False) in calls, n == 2, (off_mv, n))
        equal(bench.control.bias_state, TRIPPED, off_mv)
        equal(bench.reports.taken(), [trip(20_000 + off_mv, 0)])


def test_a_reading_at_its_level_resets_the_count():
    bench = Bench()
    bench.on(20_000)
    for mv in (0, 0, 20_000, 0, 0):
        bench.devices.readings[BIAS] = mv
        bench.step(4)
    equal((bench.control.bias_state, bench.reports.taken()), (ON, []))
    bench.command(icd.FUNCTION_BIAS_OFF)
    bench.command(icd.FUNCTION_BIAS_ON)  # resets the count of deviations
    bench.follows, bench.devices.readings[BIAS] = False, 90_000
    bench.step(8)
    equal(bench.control.bias_state, RAMPING)
    bench.step(4)
    equal(bench.control.bias_state, TRIPPED)


def test_a_trip_takes_effect_even_if_the_devices_fail():
    for half in (True, False):
        for error in (OSError(EIO), MemoryError()):
            bench = Bench()
            bench.on()
            bench.next_is(LEAKAGE)
            bench.devices.readings[LEAKAGE] = 2000
            bench.devices.refused["off"], bench.devices.half = error, half
            bench.step()
            equal(bench.control.bias_state, TRIPPED, (half, error))
            equal(bench.devices.silent, not half, error)  # with the bus silent, the hardware removes the bias
            equal(bench.control.errors, 1 if half else 2, (half, error))  # including the failed conversion
            equal(bench.reports.taken()[0][:2], (icd.EVENT_BIAS_TRIPPED, 5000), (half, error))
