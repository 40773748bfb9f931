# fsw/spectra/kernel.py in isolation: single events. Event list: onboard_kernel_list.py; random events: test_kernel.py.
from check import equal
from fsw.spectra import kernel as k
from kernel_bench import THRESHOLD, ZERO_CODE, Bench

OVERRUN, SLIPPED, FULL = 1, 2, 4
CODE = 403  # channel 100
OFF = 0xFFFF
NEARLY, MOST = 0xF000, 0xFFFF
EVENTS = 512  # limit of one call


def test_without_an_event_nothing_is_read():
    bench = Bench()
    equal((bench.sort(), bench.unread()), ((0, 0), 0))
    equal(bench.classes(), [0] * 6)


def test_a_hit_is_counted_in_the_spectrum_of_its_detector():
    for d in range(16):
        for code, channel in ((THRESHOLD, 37), (CODE, 100), (4094, 1023)):
            bench = Bench()
            bench.put({d: code})
            equal(bench.sort(), (1, 0), (d, code))
            equal(bench.counts(), [[(1024 * d + channel, 1)], []], code)
            equal(bench.counted(), [{d: 1}, {}, {}, {}], code)
            equal(bench.classes(), [0, 1 - d % 2, d % 2, 0, 0, 0], code)
            equal((bench.state[k.HITS], bench.state[k.AMPLITUDE], bench.state[k.READ]), (1, 1, 1), (d, code))


def test_a_rejected_hit_is_counted_by_reason():
    """Alone, and with an accepted hit in the same unit, which is then a single hit."""
    for d in (0, 1, 6, 15):
        for code, why, bad in ((149, 1, 0), (4095, 2, 0), (0x8000 | CODE, 2, 1), (0x8000, 2, 1)):
            for beside in (None, d ^ 1):
                bench = Bench()
                bench.put({d: code} if beside is None else {d: code, beside: CODE})
                equal(bench.sort(), (1, 0), (d, code, beside))
                wanted = [{}, {}, {}, {}]
                wanted[why] = {d: 1}
                if beside is not None:
                    wanted[0] = {beside: 1}
                equal(bench.counted(), wanted, (d, code, beside))
                equal(bench.state[k.BAD_CODES], bad, (d, code, beside))
                classes = [0] * 5 + [1] if beside is None else [0, d % 2, 1 - d % 2, 0, 0, 0]
                equal(bench.classes(), classes, (d, code, beside))
                equal(bench.counts(), [[] if beside is None else [(1024 * beside + 100, 1)], []], (d, code))


def test_a_hit_of_a_disabled_detector_is_counted_as_disabled_whatever_its_code():
    for codes in ({4: CODE}, {4: 0}, {4: 0x8FFF}, {4: CODE, 5: 1}):
        bench = Bench()
        bench.thresholds[4] = OFF
        bench.put(codes)
        bench.sort()
        equal(bench.counted(), [{}, {5: 1} if 5 in codes else {}, {}, {4: 1}], codes)
        equal((bench.classes(), bench.state[k.BAD_CODES]), ([0] * 5 + [1], 0), codes)


def test_two_hits_of_a_unit_are_summed_without_a_second_zero():
    for unit in range(8):
        for front, back in ((400, 417), (THRESHOLD, THRESHOLD), (4094, 4094)):
            bench = Bench()
            bench.put({2 * unit: front, 2 * unit + 1: back})
            equal(bench.sort(), (1, 0), (unit, front))
            equal(bench.counts(), [[], [(256 * unit + (front + back - ZERO_CODE) // 32, 1)]])
            equal(bench.counted(), [{2 * unit: 1, 2 * unit + 1: 1}, {}, {}, {}], front)
            equal((bench.classes(), bench.state[k.HITS]), ([0, 0, 0, 1, 0, 0], 2), (unit, front))


def test_a_sum_below_zero_is_zero():
    bench = Bench()
    bench.thresholds[2] = bench.thresholds[3] = 0
    for _ in range(2):
        bench.put({2: 10, 3: 30})
    bench.sort()
    equal(bench.counts(), [[], [(256, 2)]])


def test_hits_of_several_units_are_in_no_spectrum():
    for codes in ({0: CODE, 2: CODE}, {1: CODE, 2: CODE}, {0: CODE, 15: CODE}, {d: CODE for d in range(16)}):
        bench = Bench()
        bench.put(codes)
        equal(bench.sort(), (1, 0), codes)
        equal((bench.counts(), bench.classes()), ([[], []], [0, 0, 0, 0, 1, 0]), codes)
        equal(bench.counted(), [{d: 1 for d in codes}, {}, {}, {}])
        equal(bench.state[k.HITS], len(codes))


def test_only_the_accepted_two_of_three_hits_are_used():
    bench = Bench()
    bench.put({0: 1, 8: CODE, 9: CODE})
    bench.put({0: 1, 1: CODE, 9: 4095})
    bench.sort()
    equal((bench.classes(), bench.state[k.HITS]), ([0, 0, 1, 1, 0, 0], 6))
    equal(bench.counts(), [[(1024 + 100, 1)], [(256 * 4 + (2 * CODE - ZERO_CODE) // 32, 1)]])


def test_an_event_without_a_hit_is_a_mark():
    bench = Bench()
    bench.put({})
    equal((bench.sort(), bench.classes(), bench.state[k.HITS]), ((1, 0), [1, 0, 0, 0, 0, 0], 0))


def test_codes_are_assigned_to_the_detectors_in_ascending_order():
    bench = Bench()
    for d in range(16):
        bench.thresholds[d] = 200 + d
    bench.put({d: 200 + d - d % 2 for d in range(16)})  # odd detectors are one code below threshold
    bench.sort()
    equal(bench.counted(), [{d: 1 for d in range(0, 16, 2)}, {d: 1 for d in range(1, 16, 2)}, {}, {}])


def test_events_are_read_up_to_but_excluding_the_stamp():
    for begin in (1000, 0xFFFFFFFE):
        bench = Bench()
        for after in range(4):
            bench.put({0: CODE}, stamp=begin + after)
        equal(bench.sort((begin + 2) & 0xFFFFFFFF), (2, 0), begin)
        equal(bench.state[k.STAMP], (begin + 1) & 0xFFFFFFFF)
        equal(bench.sort((begin + 1) & 0xFFFFFFFF), (0, 0), begin)
        equal(bench.sort((begin + 4) & 0xFFFFFFFF), (2, 0), begin)
        equal(bench.state[k.STAMP], (begin + 3) & 0xFFFFFFFF)


def test_a_call_reads_up_to_512_events():
    bench = Bench()
    for _ in range(EVENTS + 5):
        bench.put({0: CODE})
    equal((bench.sort(), bench.sort(), bench.sort()), ((EVENTS, 0), (5, 0), (0, 0)))


def test_the_lines_before_the_last_hit_are_summed():
    for hits, scanned in (([0], 0), ([7], 7), ([15], 15), ([0, 1], 1), ([3, 9], 9), (range(16), 15), ([], 0)):
        for code in (CODE, 1, 4095):  # accepted or not
            bench = Bench()
            for _ in range(3):
                bench.put({d: code for d in hits})
            equal((bench.sort(), bench.state[k.SCANNED]), ((3, 0), 3 * scanned), (hits, code))


def test_extra_passes_are_summed_and_those_at_the_limit_counted():
    bench = Bench()
    for passes in (0, 1, 7, 0x7FFF, 0x8000, 0x8000):
        bench.put({0: CODE}, passes=passes)
    bench.sort()
    equal((bench.state[k.PASSES], bench.state[k.LIMIT_REACHED]), (8 + 0x7FFF + 0x10000, 2))
    bench.put({0: CODE}, passes=3)
    bench.sort()
    equal((bench.state[k.PASSES], bench.state[k.HITS]), (8 + 0x7FFF + 0x10000 + 3, 7))


def test_a_slot_that_was_read_is_zeroed():
    bench = Bench()
    for _ in range(3):
        bench.put({0: CODE})
    bench.sort()
    equal((bench.builder.tails[:16], bench.state[k.READ]), (bytes(16), 3))


def test_the_rings_are_read_cyclically():
    bench = Bench(events=16)
    for n in range(1000):
        bench.put({n % 16: CODE, (n + 2) % 16: CODE} if n % 3 else {n % 16: CODE})
        bench.put({n % 16: CODE, (n + 2) % 16: CODE, (n + 4) % 16: CODE, (n + 6) % 16: CODE})
        equal((n, bench.sort()), (n, (2, 0)))
    equal(sum(bench.counters[:16]), 334 + 2 * 666 + 4000)


def nearly_full():
    for d in (0, 1, 7, 15):
        yield {d: CODE}, "singles", 1024 * d + 100, 1 << d
        yield {d: CODE, d ^ 3: 1}, "singles", 1024 * d + 100, 1 << d  # with a second, rejected hit
        yield {d & 14: CODE, d | 1: CODE}, "pairs", 256 * (d // 2) + 23, 0x10000 << d // 2


def test_a_spectrum_with_a_nearly_full_channel_is_flagged():
    for codes, name, at, bit in nearly_full():
        for before, nearly, held in ((NEARLY - 2, 0, 0), (NEARLY - 1, 1, 0), (MOST - 2, 1, 0), (MOST - 1, 1, 1)):
            bench = Bench()
            getattr(bench, name)[at] = before
            bench.put(codes)
            bench.put({14: CODE})
            equal(bench.sort(), (1, FULL) if held else (2, 0), (codes, before))
            equal(getattr(bench, name)[at], before + 1, codes)
            equal((bench.state[k.NEARLY_FULL], bench.state[k.HELD]), (nearly * bit, held * bit), (codes, before))


def test_several_spectra_may_be_nearly_full():
    bench = Bench()
    for d in (3, 4):
        bench.singles[1024 * d + 100] = NEARLY
        bench.put({d: CODE})
    bench.pairs[23] = NEARLY
    bench.put({0: CODE, 1: CODE})
    equal(bench.sort(), (3, 0))
    equal((bench.state[k.NEARLY_FULL], bench.state[k.HELD]), (0x10018, 0))


def test_nothing_is_read_until_a_full_spectrum_is_closed():
    bench = Bench()
    bench.put({0: CODE})
    bench.state[k.HELD] = 1 << 23
    equal((bench.sort(), bench.state[k.READ], bench.unread()), ((0, FULL), 0, 1))
    bench.state[k.HELD] = 0
    equal(bench.sort(), (1, 0))


def test_an_event_with_a_wrong_number_of_conversions_is_dropped_with_all_of_them():
    for codes, found in (
        ({5: 1}, [CODE] * 2),
        ({5: 1}, []),
        ({5: 1, 6: 1}, [CODE]),
        ({0: 1, 1: 1, 2: 1}, [CODE] * 2),
        ({}, [CODE]),
    ):
        bench = Bench()
        bench.put({1: CODE})
        bench.put(codes, stamp=0, found=found)
        bench.put({9: CODE})
        equal(bench.sort(), (2, SLIPPED), codes)
        equal(bench.state[k.SLIP], sum(1 << d for d in codes))
        equal((bench.state[k.SLIP_CONVERSIONS], bench.state[k.HITS]), (len(found), 1 + len(found)), codes)
        equal((bench.classes(), bench.counted()[1:]), ([0, 0, 1, 0, 0, 0], [{}, {}, {}]), codes)
        equal((bench.sort(), bench.counted()[0]), ((1, 0), {1: 1, 9: 1}), codes)


def test_a_ring_overrun_is_detected_and_the_last_good_stamp_is_kept():
    for stamp in (500, 2000):  # before and after UNTIL
        bench = Bench(events=16)
        bench.put({0: CODE}, stamp=11)
        equal(bench.sort(1000), (1, 0), stamp)
        for _ in range(16):
            bench.put({0: CODE}, stamp=stamp)
        equal((bench.sort(1000), bench.state[k.STAMP], bench.classes()[1]), ((0, OVERRUN), 11, 1), stamp)


def test_unread_conversions_are_counted():
    for hits in (0, 1, 3, 16):
        for events in (1, 2, 63, 127, 128, 129, 200, 255):
            bench = Bench(events=256)
            for _ in range(7):  # so that reading begins in the middle of the ring
                bench.put({0: CODE})
            bench.sort()
            for _ in range(events):
                bench.put({d: CODE for d in range(hits)}, stamp=9)
            equal((hits, events, bench.unread()), (hits, events, hits * events % 4096))
