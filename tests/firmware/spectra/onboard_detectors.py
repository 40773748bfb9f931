# fsw/spectra/detectors.py in isolation.
from check import equal
from doubles import Clock, Reports
from event_builder import EventBuilder
from fsw import icd
from fsw.spectra.detectors import Detectors
from kept_parameters import default, parameters

OFF = 0xFFFF  # a threshold that no code reaches
ALL = 0xFFFF


class Bench:
    def __init__(self):
        self.clock = Clock(0x1_2345_6789)
        self.builder, self.reports = EventBuilder(self.clock), Reports()
        self.parameters = parameters(self.reports)
        self.detectors = Detectors(self.builder, self.parameters, self.reports)

    def stuck(self, high, events=1):
        self.builder.high = high
        self.detectors.stuck(events)
        return self.detectors.mask


def test_after_a_start_all_detectors_are_enabled_with_their_thresholds():
    bench = Bench()
    bench.parameters.apply_all()
    equal(bench.parameters.bound, (icd.P_DETECTORS_ON,) + tuple(range(icd.P_THRESHOLD, icd.P_THRESHOLD + 16)))
    equal(bench.detectors.mask, ALL)
    equal(list(bench.detectors.thresholds), [default(icd.P_THRESHOLD)] * 16)
    equal(bench.builder.taken(), [])
    bench.detectors.start()
    equal(bench.builder.taken(), [("start", ALL)])


def test_each_detector_has_its_own_threshold():
    bench = Bench()
    for d in range(16):
        bench.parameters.set(icd.P_THRESHOLD + d, 100 + d)
        equal(list(bench.detectors.thresholds), [100 + n for n in range(d + 1)] + [0] * (15 - d))


def test_a_disabled_detector_has_an_unreachable_threshold_until_enabled():
    bench = Bench()
    bench.parameters.apply_all()
    bench.parameters.set(icd.P_DETECTORS_ON, 0x7FFE)
    equal(bench.detectors.mask, 0x7FFE)
    bench.parameters.set(icd.P_THRESHOLD, 77)
    bench.parameters.set(icd.P_THRESHOLD + 1, 88)
    equal(list(bench.detectors.thresholds), [OFF, 88] + [150] * 13 + [OFF])
    bench.parameters.set(icd.P_DETECTORS_ON, ALL)
    equal(list(bench.detectors.thresholds), [77, 88] + [150] * 14)


def test_a_new_mask_applies_immediately_while_the_event_builder_runs():
    bench = Bench()
    bench.parameters.set(icd.P_DETECTORS_ON, 0x0FFF)
    equal(bench.builder.taken(), [])
    bench.detectors.start()
    bench.parameters.set(icd.P_DETECTORS_ON, 0x00FF)
    equal(bench.builder.taken(), [("start", 0x0FFF), ("enable", 0x00FF)])
    equal(bench.detectors.stop(), 0x2345_6789)  # time from which no line triggers
    equal(bench.builder.taken(), [("enable", 0)])
    bench.parameters.set(icd.P_DETECTORS_ON, ALL)
    equal(bench.builder.taken(), [])
    bench.detectors.start()
    equal(bench.builder.taken(), [("start", ALL)])


def test_a_line_high_in_three_consecutive_polls_is_switched_off():
    for d in range(16):
        bench = Bench()
        bench.detectors.start()
        bench.builder.taken()
        equal([bench.stuck(1 << d, 5), bench.stuck(1 << d, 1)], [ALL, ALL], d)
        equal((bench.builder.taken(), bench.reports.taken()), ([], []), d)
        equal(bench.stuck(1 << d), ALL & ~(1 << d))
        equal(bench.builder.taken(), [("enable", ALL & ~(1 << d))])
        equal(bench.detectors.thresholds[d], OFF, d)
        equal(bench.reports.taken(), [(icd.EVENT_DETECTOR_OFF, d, 3)])
        equal(bench.detectors.pass_limit_reached, 7, d)


def test_a_line_that_was_quiet_once_is_counted_again_from_zero():
    bench = Bench()
    for high in (0b11, 0b11, 0b10):
        mask = bench.stuck(high)
    equal(mask, ALL & ~0b10)
    for _ in range(2):
        mask = bench.stuck(0b01)
    equal(mask, ALL & ~0b10)
    equal(bench.stuck(0b01), ALL & ~0b11)


def test_a_line_switched_on_again_is_counted_from_zero():
    bench = Bench()
    for _ in range(2):
        equal([bench.stuck(1 << 4) for _ in range(3)], [ALL, ALL, ALL & ~(1 << 4)])
        bench.parameters.set(icd.P_DETECTORS_ON, ALL)
    equal(len(bench.reports.taken()), 2)


def test_several_high_lines_are_switched_off_together():
    bench = Bench()
    for _ in range(3):
        mask = bench.stuck(0x8011)
    equal(mask, 0x7FEE)
    equal(bench.reports.taken(), [(icd.EVENT_DETECTOR_OFF, d, 3) for d in (0, 4, 15)])


def test_events_at_the_pass_limit_are_counted_whatever_the_line_levels():
    bench = Bench()
    equal(bench.detectors.pass_limit_reached, 0)
    bench.stuck(0, 7)
    bench.stuck(0, 2)
    equal((bench.detectors.pass_limit_reached, bench.detectors.mask), (9, ALL))
