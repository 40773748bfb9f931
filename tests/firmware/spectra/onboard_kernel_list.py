# fsw/spectra/kernel.py in isolation: the event list and its marks.
from check import equal
from fsw.spectra import kernel as k
from fsw.spectra.reading import mark
from kernel_bench import PART, Bench

STAMP = 0x1234_5678
LOW, HIGH = 0x5678, 0x1234
MARK, LARGEST = 4, 19  # halfwords in a mark, and in an event with 16 hits
ROOM = PART - MARK - LARGEST  # index after which an event may not fit
CODE = 403
CLASSES = ({4: CODE}, {5: CODE}, {4: CODE, 5: CODE}, {4: CODE, 6: CODE})  # one event of each class
PATTERNS = (0x10, 0x20, 0x30, 0x50)


def opens(c, low=LOW, high=HIGH):
    return [low, high, 0, c << 8 | 1]


def closes(c, low=LOW, high=HIGH):
    return [low, high, 0, c << 8]


def made(classes=0):
    """A bench with the windows of these classes open."""
    bench = Bench()
    bench.state[k.STAMP] = STAMP
    mark(bench.state, bench.listed, classes, 1)
    return bench


def is_open(bench):
    return [int(end > 0) for end in bench.state[k.OPEN : k.OPEN + 4]]


def test_windows_open_with_a_mark_in_the_part_of_each_class():
    for classes in range(16):
        bench = made(classes)
        wanted = [classes >> c & 1 for c in range(4)]
        equal(is_open(bench), wanted, classes)
        equal([bench.part(c) for c in range(4)], [opens(c) * wanted[c] for c in range(4)], classes)
        equal(list(bench.state[k.OPEN : k.OPEN + 4]), [wanted[c] * (PART * c + ROOM) for c in range(4)], classes)


def test_only_the_selected_open_windows_close():
    bench = made(0b0111)
    bench.state[k.STAMP] += 1
    mark(bench.state, bench.listed, 0b1101, 0)
    equal(is_open(bench), [0, 1, 0, 0])
    equal([bench.part(c) for c in (0, 2)], [opens(c) + closes(c, LOW + 1) for c in (0, 2)])
    equal([bench.part(1), bench.part(3)], [opens(1), []])


def test_a_window_opens_only_where_an_event_and_the_mark_that_closes_it_have_room():
    for c in range(4):
        for used, there in ((0, 1), (ROOM - MARK, 1), (ROOM - MARK + 1, 0), (PART, 0)):
            bench = Bench()
            bench.state[k.LIST + c] = PART * c + used
            mark(bench.state, bench.listed, 0xF, 1)
            equal((used, is_open(bench)[c]), (used, there), c)
            equal(bench.state[k.LIST + c], PART * c + used + MARK * there)


def test_every_event_of_a_class_is_listed_while_its_window_is_open():
    for c in range(4):
        bench = made(1 << c)
        for codes in CLASSES:
            bench.put(codes, stamp=STAMP + 1)
        equal(bench.sort(STAMP + 2), (4, 0), c)
        event = [LOW + 1, HIGH, PATTERNS[c]] + [CODE] * len(CLASSES[c])
        equal([bench.part(n) for n in range(4)], [opens(c) + event if n == c else [] for n in range(4)])
        equal(list(bench.state[k.LISTED : k.LISTED + 4]), [int(n == c) for n in range(4)], c)


def test_a_listed_event_has_every_hit_as_converted():
    bench = made(0xF)
    bench.put({0: 1, 4: CODE, 9: 0x8000 | 7, 15: 4095}, stamp=0x0102_0304)
    bench.sort(0x0102_0305)
    equal(bench.part(0), opens(0) + [0x0304, 0x0102, 0x8211, 1, CODE, 0x8007, 4095])


def test_events_without_a_class_are_not_listed():
    bench = made(0xF)
    for codes in ({}, {4: 1}, {4: 4095}, {4: 1, 5: 1}):
        bench.put(codes)
    bench.put({4: CODE}, found=[])
    bench.sort()
    equal([bench.part(c) for c in range(4)], [opens(c) for c in range(4)])
    equal(list(bench.state[k.LISTED : k.LISTED + 4]), [0] * 4)


def test_amplitudes_are_listed_across_the_end_of_their_ring():
    bench = made(0xF)
    bench.put({}, found=[0] * 4095)
    bench.put({4: CODE, 5: CODE + 1}, stamp=STAMP)
    bench.sort(STAMP + 1)  # a slip
    bench.sort(STAMP + 1)
    equal(bench.part(2), opens(2) + [LOW, HIGH, 0x30, CODE, CODE + 1])


def test_a_window_closes_with_the_event_after_which_another_may_not_fit():
    several = [(3, {d: CODE for d in range(hits)}) for hits in range(3, 17)]
    for c, codes in list(enumerate(CLASSES)) + several:
        bench = made(1 << c)
        event = [LOW, HIGH, sum(1 << d for d in codes)] + [CODE] * len(codes)
        fit = (ROOM - MARK) // len(event) + 1
        for _ in range(fit + 3):
            bench.put(codes, stamp=STAMP)
        bench.sort(STAMP + 1)
        equal(bench.part(c), opens(c) + event * fit + closes(c))
        equal((is_open(bench), bench.state[k.LISTED + c]), ([0] * 4, fit), c)
        length = len(bench.part(c))
        mark(bench.state, bench.listed, 0xF, 0)  # already closed
        equal(len(bench.part(c)), length, c)


def test_the_largest_last_event_fills_its_part_and_no_more():
    """16 hits of several units, at the last index where an event is sure to fit."""
    bench = made(0b1000)
    bench.state[k.LIST + 3] = at = 3 * PART + ROOM
    bench.put({d: CODE for d in range(16)}, stamp=STAMP)
    bench.sort(STAMP + 1)
    equal(list(bench.listed[at:]), [LOW, HIGH, 0xFFFF] + [CODE] * 16 + closes(3))
    equal((bench.state[k.LIST + 3], is_open(bench)), (4 * PART, [0] * 4))


def test_after_an_event_that_just_fits_the_window_stays_open():
    for hits, stays in ((1, 1), (2, 0)):
        bench = made(0xF)
        c, codes = (0, {4: CODE}) if hits == 1 else (2, {4: CODE, 5: CODE})
        bench.state[k.LIST + c] = PART * c + ROOM - 4
        bench.put(codes, stamp=STAMP)
        bench.sort(STAMP + 1)
        equal(is_open(bench)[c], stays, hits)
