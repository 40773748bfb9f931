# fsw/health/storm.py in isolation, with a simulated acquisition.
from check import equal
from doubles import Reports
from fsw import icd
from fsw.health.storm import Storm
from kept_parameters import parameters

RATE_CPS, HOLD_S, STORM_S, INTEGRATION_S = 100, 20, 3, 600
TENTH_US = 2_000_000
HIGH, LOW = RATE_CPS + 1, RATE_CPS // 2 - 1
NOTHING = []


class Acquisition:
    """lengths_s: integration times in the order in which they were set."""

    def __init__(self):
        self.events = 0
        self.lengths_s = []

    def events_since_boot(self):
        return self.events

    def set_integration(self, seconds):
        self.lengths_s.append(seconds)


class Bench:
    def __init__(self, integration_s=INTEGRATION_S, storm_s=STORM_S):
        self.acquisition, self.reports = Acquisition(), Reports()
        self.parameters = parameters(self.reports)
        self.storm = Storm(self.acquisition, self.parameters, self.reports)
        for number, value in (
            (icd.P_INTEGRATION_TIME, integration_s),
            (icd.P_STORM_INTEGRATION, storm_s),
            (icd.P_STORM_RATE, RATE_CPS),
            (icd.P_STORM_HOLD, HOLD_S),
        ):
            self.parameters.set(number, value)
        self.now = 0

    def pass_(self, us, events):
        self.now += us
        self.acquisition.events += events
        self.storm.step(self.now)

    def tenths(self, n, cps):
        """Advance `n` tenths of the hold time at rate `cps`. -> reports"""
        for _ in range(n):
            self.pass_(TENTH_US, 2 * cps)
        return self.reports.taken()

    def enter(self):
        """Enter storm mode with ten high tenths."""
        self.tenths(10, 200)
        assert self.storm.active
        return self


def begins(cps):
    return [(icd.EVENT_STORM_BEGIN, cps, 0)]


def ends(cps, s):
    return [(icd.EVENT_STORM_END, cps, s)]


def test_storm_mode_is_off_after_a_start():
    bench = Bench()
    storm = bench.storm
    equal((storm.active, storm.rate_cps, storm.rate, storm.hold_us), (False, 0, RATE_CPS, 20_000_000))
    bound = (icd.P_INTEGRATION_TIME, icd.P_STORM_INTEGRATION, icd.P_STORM_RATE, icd.P_STORM_HOLD)
    equal(bench.parameters.bound, bound)


def test_it_begins_when_nine_tenths_of_ten_were_high():
    bench = Bench()
    equal(bench.tenths(8, HIGH), NOTHING)
    assert not bench.storm.active
    equal(bench.tenths(1, HIGH), begins(HIGH))
    assert bench.storm.active


def test_a_rate_at_the_limit_is_not_high():
    bench = Bench()
    equal(bench.tenths(30, RATE_CPS), NOTHING)
    bench.pass_(TENTH_US, 2 * RATE_CPS + 1)
    for _ in range(8):
        assert not bench.storm.active
        bench.pass_(TENTH_US, 2 * RATE_CPS + 1)  # one event more is high
    assert bench.storm.active
    bench = Bench()
    bench.parameters.set(icd.P_STORM_RATE, 1_000_000)
    equal(bench.tenths(30, 1_000_000), NOTHING)
    for _ in range(9):
        bench.pass_(TENTH_US, 2_000_001)
    assert bench.storm.active


def test_one_low_tenth_does_not_prevent_a_storm_but_two_do():
    for at in range(9):
        bench = Bench()
        equal(bench.tenths(at, HIGH) + bench.tenths(1, 0) + bench.tenths(8 - at, HIGH), NOTHING, at)
        equal(bench.tenths(1, HIGH), begins(HIGH), at)
    bench = Bench()
    for _ in range(6):
        equal(bench.tenths(7, HIGH) + bench.tenths(2, 0), NOTHING)
    equal(bench.tenths(8, HIGH) + bench.tenths(1, 0), NOTHING)  # eight of ten
    equal(bench.tenths(3, 0), NOTHING)


def test_a_spike_of_half_the_hold_time_never_starts_storm_mode():
    bench = Bench()
    for _ in range(5):
        equal(bench.tenths(6, 1_000_000) + bench.tenths(5, 0), NOTHING)


def test_it_ends_when_nine_of_ten_tenths_were_at_or_below_half_the_rate():
    for low in (RATE_CPS // 2, LOW, 0):
        bench = Bench().enter()
        equal(bench.tenths(8, low), NOTHING, low)
        assert bench.storm.active
        equal(bench.tenths(1, low), ends(low, 20))  # counted from its start, in the 10th tenth
        assert not bench.storm.active


def test_an_intermediate_rate_neither_starts_nor_ends_storm_mode():
    equal(Bench().tenths(40, RATE_CPS // 2 + 1), NOTHING)
    bench = Bench().enter()
    equal(bench.tenths(40, RATE_CPS // 2 + 1), NOTHING)
    assert bench.storm.active


def test_a_short_lull_does_not_end_storm_mode():
    bench = Bench().enter()
    for _ in range(5):
        equal(bench.tenths(6, 0) + bench.tenths(5, HIGH), NOTHING)
    assert bench.storm.active


def test_a_second_storm_follows_the_same_rule():
    bench = Bench().enter()
    bench.tenths(9, 0)
    assert not bench.storm.active
    equal(bench.tenths(8, HIGH), NOTHING)
    equal(bench.tenths(1, HIGH), begins(HIGH))
    equal(bench.tenths(30, HIGH), NOTHING)
    equal(bench.tenths(8, LOW), NOTHING)
    equal(bench.tenths(1, LOW), ends(LOW, 2 * 39))


def test_the_duration_is_reported_in_whole_seconds():
    bench = Bench()
    bench.tenths(9, HIGH)
    for _ in range(9):
        bench.pass_(TENTH_US + 111_000, 0)
    equal(bench.reports.taken(), ends(0, 18))  # 18.999 s


def test_a_tenth_ends_after_a_tenth_of_the_hold_time():
    bench = Bench()
    for _ in range(9):
        bench.pass_(TENTH_US - 1, 2 * HIGH)
        assert not bench.storm.active
        bench.pass_(1, 0)
    assert bench.storm.active


def test_a_late_step_is_judged_by_its_rate():
    """A late step counts as one tenth, judged by its mean rate."""
    bench = Bench()
    bench.pass_(10 * TENTH_US, 20 * RATE_CPS)
    equal(bench.tenths(8, HIGH), NOTHING)
    equal(bench.tenths(1, HIGH), begins(HIGH))


def test_the_rate_is_averaged_over_at_least_a_second():
    bench = Bench()
    bench.pass_(999_999, 500)
    equal(bench.storm.rate_cps, 0)
    bench.pass_(1, 7)
    equal(bench.storm.rate_cps, 507)
    bench.pass_(500_000, 100)
    equal(bench.storm.rate_cps, 507)
    bench.pass_(1_000_000, 100)
    equal(bench.storm.rate_cps, 133)
    bench.pass_(1_000_000, 0)
    equal(bench.storm.rate_cps, 0)
    bench.pass_(2_000_000, 3_000_001)
    equal(bench.storm.rate_cps, 1_500_000)


def test_integrations_are_short_during_a_storm_only():
    bench = Bench()
    equal(bench.acquisition.lengths_s[-1], INTEGRATION_S)
    bench.enter()
    equal(bench.acquisition.lengths_s[-1], STORM_S)
    bench.tenths(9, 0)
    equal(bench.acquisition.lengths_s[-1], INTEGRATION_S)


def test_storm_integration_never_lengthens_an_integration():
    bench = Bench(integration_s=60, storm_s=100).enter()
    equal(bench.acquisition.lengths_s[-1], 60)


def test_a_new_integration_length_applies_immediately():
    bench = Bench()
    lengths_s = bench.acquisition.lengths_s
    for number, value, calm_s, storm_s in (
        (icd.P_STORM_INTEGRATION, 5, INTEGRATION_S, 5),
        (icd.P_INTEGRATION_TIME, 4, 4, 4),
        (icd.P_INTEGRATION_TIME, 50, 50, 5),
    ):
        bench.parameters.set(number, value)
        equal(lengths_s[-1], storm_s if bench.storm.active else calm_s, number)
    bench.enter()
    for number, value, storm_s in (
        (icd.P_STORM_INTEGRATION, 7, 7),
        (icd.P_INTEGRATION_TIME, 6, 6),
        (icd.P_INTEGRATION_TIME, 80, 7),
    ):
        bench.parameters.set(number, value)
        equal(lengths_s[-1], storm_s, number)
    bench.tenths(9, 0)
    equal(lengths_s[-1], 80)


def test_rate_and_hold_time_are_parameters():
    bench = Bench()
    bench.parameters.set(icd.P_STORM_RATE, 1000)
    equal(bench.tenths(20, 1000), NOTHING)
    bench.parameters.set(icd.P_STORM_HOLD, 1)
    for _ in range(8):
        bench.pass_(100_000, 101)
    equal(bench.reports.taken(), NOTHING)
    bench.pass_(100_000, 101)
    equal([event for event, _, _ in bench.reports.taken()], [icd.EVENT_STORM_BEGIN])
