# fsw/store/retrieval.py in isolation: which stored records are retrieved, and in which steps.
import os

from check import equal
from doubles import ROOT, Flash
from fsw.store.retrieval import Retrieval
from fsw.store.segments import Segments
from records import damaged, framed, packet, record_of, write

SKIP = 4  # unrequested packets skipped in one step


class Bench:
    """Segments of five records each; record n has time 100 * n."""

    def __init__(self, firsts=(1, 6, 11), each=5):
        Flash()
        self.segments = Segments(ROOT + "/store")
        for first in firsts:
            self.write(first, range(first, first + each))
        self.has_room = self.takes = True
        self.sent, self.ended = [], []
        self.retrieval = Retrieval(self.segments, lambda: self.has_room, self.resend, self.done)

    def write(self, first, records, bad=()):
        write(self.segments, first, [(damaged if n in bad else framed)(n, 100 * n) for n in records])

    def resend(self, view):
        record = record_of(view)
        equal(bytes(view), packet(record, 100 * record))
        self.sent.append(record)
        return self.takes

    def done(self, first, last, count):
        self.ended.append((first, last, count))

    def steps(self):
        """Step until no work is left. -> number of steps"""
        steps = 0
        while self.retrieval.step():
            steps += 1
        return steps


def test_records_are_retrieved_one_per_step():
    bench = Bench()
    bench.retrieval.by_number(1, 5)
    for n in range(1, 6):
        equal(bench.retrieval.step(), True, n)
        equal(bench.sent, list(range(1, n + 1)))
    equal(bench.ended, [])
    equal(bench.retrieval.step(), False)
    equal(bench.ended, [(1, 5, 5)])
    equal(bench.retrieval.step(), False)
    equal((len(bench.sent), len(bench.ended)), (5, 1))


def test_a_step_is_wanted_until_the_end_while_the_link_has_room():
    bench = Bench()
    equal(bench.retrieval.wanted(), False)
    bench.retrieval.by_number(1, 2)
    for has_room in (True, False, True):
        bench.has_room = has_room
        equal(bench.retrieval.wanted(), has_room)
    bench.steps()
    equal((bench.sent, bench.retrieval.wanted()), ([1, 2], False))


def test_first_and_last_are_included_across_segments():
    for first, last in ((1, 15), (4, 4), (5, 6), (6, 10), (3, 12), (10, 11)):
        bench = Bench()
        bench.retrieval.by_number(first, last)
        bench.steps()
        equal(bench.sent, list(range(first, last + 1)))
        equal(bench.ended, [(first, last, last - first + 1)])


def test_records_not_on_flash_are_omitted():
    for first, last, sent in (
        (0, 2, [1, 2]),
        (14, 99, [14, 15]),
        (16, 99, []),
        (0, 0, []),
        (0xF0000000, 0xFFFFFFFF, []),
    ):
        bench = Bench()
        bench.retrieval.by_number(first, last)
        bench.steps()
        equal(bench.sent, sent, first)
        equal(bench.ended, [(first, last, len(sent))])


def test_retrieval_from_an_empty_store_ends_immediately():
    bench = Bench(())
    bench.retrieval.by_number(1, 5)
    equal(bench.steps(), 0)
    bench.retrieval.by_time(0, 1 << 47)
    equal(bench.steps(), 0)
    equal(bench.ended, [(1, 5, 0), (0, 0, 0)])


def test_retrieval_waits_without_room_on_the_link():
    bench = Bench()
    bench.retrieval.by_number(1, 5)
    bench.retrieval.step()
    bench.has_room = False
    for _ in range(3):
        equal(bench.retrieval.step(), False)
    equal((bench.sent, bench.ended), ([1], []))
    bench.has_room = True
    bench.steps()
    equal(bench.ended, [(1, 5, 5)])


def test_records_that_the_link_did_not_accept_are_not_counted():
    bench = Bench()
    bench.retrieval.by_number(1, 5)
    bench.retrieval.step()
    bench.takes = False
    bench.retrieval.step()
    bench.takes = True
    bench.steps()
    equal((bench.sent, bench.ended), ([1, 2, 3, 4, 5], [(1, 5, 4)]))


def test_a_step_skips_several_unrequested_records():
    bench = Bench((1,), each=8 * SKIP)
    bench.retrieval.by_number(2 * SKIP + 3, 2 * SKIP + 4)
    steps = []
    while True:
        sent = len(bench.sent)
        if not bench.retrieval.step():
            break
        steps.append(len(bench.sent) - sent)
    equal(steps, [0, 0] + [1, 1] + [0] * 5)  # the last five steps skip records up to 16, 20, ..., 32


def test_segments_without_requested_records_are_not_read():
    """A damaged record is counted when it is read."""
    for first, last, bad in ((7, 9, 0), (6, 10, 0), (5, 6, 1), (10, 11, 1), (4, 12, 2)):
        bench = Bench(())
        bench.write(1, range(1, 6), bad=(1,))
        bench.write(6, range(6, 11))
        bench.write(11, range(11, 16), bad=(15,))
        bench.retrieval.by_number(first, last)
        bench.steps()
        equal(bench.sent, list(range(first, last + 1)))
        equal(bench.segments.bad, bad, first)
    bench = Bench(())
    for first in (1, 8, 11):
        bench.write(first, range(first, first + 3), bad=(first,))
    bench.write(14, (14,), bad=(14,))
    bench.write(15, (15,))
    for record, bad in ((15, 0), (12, 1)):
        bench.retrieval.by_number(record, record)
        bench.steps()
        equal((bench.sent.pop(), bench.segments.bad), (record, bad))


# -- by time -----------------------------------------------------------------------------------------------------------


def test_records_of_a_time_interval():
    for first, last, sent in ((100, 1500, (1, 15)), (400, 699, (4, 6)), (301, 799, (4, 7)), (1300, 9999, (13, 15))):
        bench = Bench()
        bench.retrieval.by_time(first, last)
        bench.steps()
        equal(bench.sent, list(range(sent[0], sent[1] + 1)), first)
        equal(bench.ended, [(0, 0, len(bench.sent))], first)


def test_the_latest_possible_time():
    bench = Bench(())
    latest = (1 << 48) - 1
    write(bench.segments, 1, [framed(1, latest)])
    times = []
    bench.retrieval = Retrieval(
        bench.segments, lambda: True, lambda view: times.append(bytes(view[13:19])) or True, bench.done
    )
    bench.retrieval.by_time(latest, latest)
    bench.steps()
    equal((times, bench.ended), ([b"\xff" * 6], [(0, 0, 1)]))


def test_earlier_segments_are_not_read_completely():
    """Only the first packet of each segment is read, in its own step; damage after it is not counted."""
    bench = Bench(())
    bench.write(1, range(1, 6), bad=(2,))
    bench.write(6, range(6, 11), bad=(7,))
    bench.write(11, range(11, 16), bad=(12,))
    bench.retrieval.by_time(1101, 1300)
    equal(bench.steps(), 4)
    equal((bench.sent, bench.segments.bad), ([13], 1))


def test_damage_is_counted_each_time_it_is_read():
    bench = Bench(())
    bench.write(1, range(1, 6))
    bench.write(6, range(6, 11), bad=(6,))
    bench.retrieval.by_time(700, 700)
    bench.steps()
    equal((bench.sent, bench.segments.bad), ([7], 2))  # once in the search for the start, once in the retrieval


def test_the_segment_before_a_later_one_is_read():
    bench = Bench()
    bench.retrieval.by_time(599, 600)
    bench.steps()
    equal(bench.sent, [6])
    bench.retrieval.by_time(500, 550)
    bench.steps()
    equal(bench.sent, [6, 5])


def test_a_segment_without_readable_packets_hides_nothing():
    bench = Bench(())
    bench.write(1, range(1, 6))
    bench.write(6, range(6, 11), bad=range(6, 11))
    bench.write(11, range(11, 16))
    bench.retrieval.by_time(200, 1200)
    bench.steps()
    equal(bench.sent, [2, 3, 4, 5, 11, 12])


# -- during a retrieval ------------------------------------------------------------------------------------------------


def test_an_abort_reports_how_many_were_sent():
    bench = Bench()
    bench.retrieval.by_number(2, 9)
    bench.retrieval.step()
    bench.retrieval.step()
    bench.retrieval.abort()
    equal(bench.ended, [(2, 9, 2)])
    equal(bench.steps(), 0)
    bench.retrieval.abort()
    equal((bench.sent, bench.ended), ([2, 3], [(2, 9, 2)]))


def test_an_abort_without_a_retrieval_does_nothing():
    bench = Bench()
    bench.retrieval.abort()
    equal((bench.retrieval.step(), bench.ended), (False, []))


def test_a_new_retrieval_ends_the_one_in_progress():
    bench = Bench()
    bench.retrieval.by_number(1, 5)
    bench.retrieval.step()
    bench.retrieval.by_time(700, 800)
    equal(bench.ended, [(1, 5, 1)])
    bench.retrieval.step()
    bench.retrieval.step()
    bench.retrieval.by_number(9, 9)
    bench.steps()
    equal(bench.sent, [1, 7, 9])
    equal(bench.ended, [(1, 5, 1), (0, 0, 1), (9, 9, 1)])


def test_a_missing_segment_loses_only_its_own_records():
    bench = Bench()
    bench.retrieval.by_number(1, 15)
    bench.retrieval.step()
    os.remove(ROOT + "/store/00000006")
    bench.steps()
    equal(bench.sent, [1, 2, 3, 4, 5, 11, 12, 13, 14, 15])


def test_retrieval_continues_after_a_segment_removed_while_being_read():
    bench = Bench((1, 41), each=40)
    bench.retrieval.by_number(1, 80)
    bench.retrieval.step()
    bench.segments.remove_oldest()
    bench.steps()
    equal(bench.sent[-40:], list(range(41, 81)))
    assert len(bench.sent) < 80, bench.sent


def test_by_time_a_missing_segment_loses_only_its_own_records():
    bench = Bench()
    os.remove(f"{ROOT}/store/{6:08x}")
    bench.retrieval.by_time(0, 10_000)
    bench.steps()
    equal(bench.sent, [1, 2, 3, 4, 5, 11, 12, 13, 14, 15])


def test_a_record_at_the_start_time_of_the_next_segment_is_sent():
    bench = Bench()
    segments = bench.segments
    write(segments, 16, [framed(16, 1700)])
    write(segments, 17, [framed(17, 1700)])
    bench.retrieval = Retrieval(
        segments, lambda: True, lambda view: bench.sent.append(record_of(view)) or True, bench.done
    )
    bench.retrieval.by_time(1700, 1700)
    bench.steps()
    equal(bench.sent, [16, 17])


def test_an_abort_counts_the_damage_found():
    bench = Bench(())
    bench.write(6, range(6, 11), bad=(6,))
    bench.retrieval.by_number(6, 10)
    bench.retrieval.step()
    bench.retrieval.abort()
    equal(bench.segments.bad, 1)
