# fsw/spectra/acquisition.py in isolation: overruns, slips, full channels, clears while running, and event list windows.
from acquisition_bench import BEFORE_US, BEGIN_US, CODE, Bench
from check import equal
from fsw import icd
from fsw.spectra import kernel as k
from fsw.spectra.reading import batch

RING = 1024
LIMIT = (4096 - 256) // 16  # unread events with 16 hits that are not yet an overrun
ALL_CLASSES = 0b1111
MINUTE_US = 60_000_000
SIXTEEN = {d: CODE for d in range(16)}


def overrun(gap_us, lost):
    return icd.EVENT_RING_OVERRUN, gap_us, lost


def running(listable=0, begin_us=BEGIN_US):
    """An acquisition after a step. -> bench, acquisition"""
    bench = Bench()
    bench.clock.now_us = begin_us
    a = bench.start(listable)
    bench.put(CODE, CODE)
    bench.step()
    bench.reports.taken(), bench.events.taken()
    return bench, a


def test_a_ring_overrun_restarts_it_and_the_loss_is_accounted_for():
    bench, a = running()
    bench.put(*[CODE] * (RING + 5), after_us=1)
    equal(bench.step(71), True)
    equal(bench.events.taken(), [("stop",), ("start", 0xFFFF)])
    equal((a.overruns, a.overrun_hits, a.gap_us, a.real_us, a.n_events()), (1, RING + 5, 1100, 30, 2))
    equal(bench.reports.taken(), [overrun(1100, RING + 5)])
    bench.put(CODE)
    equal(bench.step(), False)
    equal((a.n_events(), a.real_us, a.gap_us, a.integration), (3, 50, 1100, 1))


def test_unread_conversions_are_lost_too():
    bench, a = running()
    bench.put(*[CODE] * (RING + 5), after_us=1)
    bench.events.lost = 7
    bench.step()
    equal((a.overrun_hits, bench.reports.taken()[0][2]), (RING + 12,) * 2)
    a._read = 0xFFFFFFFF + a._read - 9  # the event builder's count of conversions has wrapped
    bench.put(*[CODE] * (RING + 5), after_us=1)
    bench.step()
    equal(bench.reports.taken()[0][2], RING + 5 + 9)


def test_an_imminent_overrun_of_the_amplitude_ring_is_an_overrun():
    for events, overruns in ((LIMIT, 0), (LIMIT + 1, 1)):
        bench, a = running()
        for _ in range(events):
            bench.events.put(SIXTEEN)
        bench.step()
        equal((a.overruns, a.overrun_hits), (overruns, 16 * events * overruns))


def test_events_read_before_an_overrun_are_counted():
    """Nothing is lost up to the last good event."""
    bench, a = running()
    bench.put(CODE, after_us=500)
    bench.step(0)  # its stamp is the time of the step, so it is not read yet
    good = bench.clock.now_us
    bench.put(*[CODE] * RING, after_us=1)
    bench.step(0)
    equal((a.overruns, a.real_us, a.gap_us), (1, 530, bench.clock.now_us - good))


def test_an_overrun_before_the_first_step_loses_everything_since_the_start():
    bench = Bench()
    a = bench.start()
    bench.put(*[CODE] * (RING + 5), after_us=1)
    bench.step()
    equal((a.overruns, a.real_us, a.gap_us), (1, 0, RING + 15))


def test_an_overrun_may_take_no_time():
    bench, a = running()
    bench.put(*[CODE] * (RING + 5), after_us=0)
    bench.step(0)
    equal((bench.reports.taken(), a.gap_us), ([overrun(0, RING + 5)], 0))


def test_an_overrun_detected_by_a_stop_restarts_nothing():
    bench, a = running()
    good = bench.clock.now_us
    bench.put(*[CODE] * (RING + 5), after_us=1)
    gap_us = bench.clock.now_us - good
    a.stop()
    equal(bench.events.taken(), [("enable", 0), ("stop",)])
    equal(bench.reports.taken(), [overrun(gap_us, RING + 5), (icd.EVENT_ACQUISITION_STOPPED, 1, 2)])
    equal((a.overruns, a.overrun_hits, a.gap_us, a.real_us, a.n_events()), (1, RING + 5, gap_us, 30, 2))
    bench.start()
    bench.put(CODE)
    bench.step()
    equal((a.n_events(), a.overruns, a.real_us), (3, 1, 50))
    for _ in range(LIMIT + 1):
        bench.events.put(SIXTEEN)
    a.stop()
    equal((a.n_events(), a.overruns), (3, 2))


def test_an_event_with_a_wrong_number_of_conversions_is_dropped_and_the_next_is_in_step():
    bench, a = running()
    bench.events.put({5: CODE, 6: CODE}, found=[CODE])
    bench.events.put({1: CODE}, found=[1, 2, 3])
    bench.put(CODE, d=9)
    equal(bench.step(), False)
    equal((a.slips, a.overrun_hits, a.overruns, a.n_events(), a.counters[9]), (2, 4, 0, 3, 1))
    equal(bench.reports.taken(), [(icd.EVENT_RING_SLIP, 0b110_0000, 1), (icd.EVENT_RING_SLIP, 0b10, 3)])
    a.stop()
    equal((a.overrun_hits, a.real_us), (4, 50))


def test_events_that_end_with_a_line_high_are_passed_to_the_detectors():
    bench, a = running()
    bench.events.high = 1 << 7
    for n in range(3):
        equal(a.detectors.pass_limit_reached, 2 * n)
        bench.events.put({0: CODE}, passes=0x8000)
        bench.events.put({0: CODE}, passes=0x8000)
        bench.step()
    bench.step()
    equal((a.detectors.mask, a.detectors.pass_limit_reached), (0xFFFF & ~(1 << 7), 6))
    equal(bench.reports.taken(), [(icd.EVENT_DETECTOR_OFF, 7, 3)])


def test_a_full_channel_suspends_events_and_time_until_its_spectrum_is_closed():
    bench, a = running()
    a.singles[100] = 0xFFFE
    bench.put(CODE, CODE, CODE)
    equal((bench.step(), a.n_events(), a.real_us), (False, 3, 30))
    equal((bench.step(), a.n_events(), a.real_us), (False, 3, 30))
    about, _, _ = bench.close(0)
    equal((about[0], about[3], about[5]), (icd.CLOSED_BY_OVERFLOW, 40, 0xFFFF))
    equal((bench.step(), a.n_events()), (False, 5))
    equal((a.real_us, a.gap_us, a.overruns), (90, 0, 0))


def test_a_stop_with_a_full_channel_accounts_for_unread_events():
    for begin_us in (BEGIN_US, 5):
        bench, a = running(begin_us=begin_us)
        a.singles[100] = 0xFFFE
        bench.put(CODE, CODE, CODE)
        bench.clock.now_us += 500
        a.stop()
        equal((a.n_events(), a.real_us, a.gap_us, a.overrun_hits, a.overruns), (3, 40, 520, 2, 0), begin_us)


def test_what_an_interrupt_has_read_is_the_same_in_the_next_step():
    """An interrupt calls `batch` while garbage is collected (`unattended` of the event builder) until STATUS is set."""
    one, two, limit = ({3: CODE}, None), ({5: CODE, 6: CODE}, None), ({3: CODE}, 0x8000)
    slip = {5: CODE, 6: CODE}, [CODE]
    for name, events, counts in (
        ("events", [one, two, one], 0),
        ("slip", [one, slip, two, one], 0),
        ("overrun", [(SIXTEEN, None)] * (LIMIT + 1), 0),
        ("pass limit", [limit, one], 0),
        ("full channel", [one, one, one], 0xFFFE),
    ):
        seen = []
        for interrupts in (0, 1, 3):
            bench, a = running(ALL_CLASSES)
            a.singles[3 * icd.CHANNELS + 100] = counts
            for codes, more in events:
                bench.clock.now_us += 1
                if isinstance(more, int):
                    bench.events.put(codes, passes=more)
                else:
                    bench.events.put(codes, found=more)
            a.state[k.UNTIL] = (bench.clock.now_us + MINUTE_US) & 0xFFFFFFFF
            for _ in range(interrupts):
                while not a.state[k.STATUS] and batch(a._sort, a.state, bench.events) == k.EVENTS:
                    pass
            for _ in range(2):
                bench.step()
            a.stop()
            totals = a.n_events(), a.passes, a.real_us, a.gap_us, a.live_us(), a.overrun_hits, a.overruns, a.slips
            seen.append((totals, list(a.counters), sum(a.singles), list(a.listed), bench.reports.taken()))
        equal(seen[1:], seen[:1] * 2, name)


def test_a_step_is_wanted_for_enough_events_unless_a_channel_is_full():
    bench, a = running()
    backlog = bench.events.backlog
    for n in range(RING + 50):  # overruns the ring
        if n % 100 == 99:
            assert not a.wanted()
            bench.put(*[CODE] * backlog)
            assert not a.wanted()
            bench.put(CODE)
            assert a.wanted()
            a.state[k.HELD] = 1
            assert not a.wanted()
            a.state[k.HELD] = 0
        else:
            bench.put(CODE)
        bench.step()
    bench.put(*[CODE] * 20)
    assert a.wanted()
    a.running = False
    assert not a.wanted()


def test_a_clear_empties_everything_and_restarts_the_integration():
    bench = Bench()
    a = bench.start()
    bench.step(40_000_000)
    bench.put(CODE, CODE, 1, d=2)
    bench.events.put({0: CODE, 1: CODE}, passes=3)
    bench.step()
    bench.put(CODE)
    bench.clock.now_us += 5
    now = bench.clock.now_us
    bench.reports.taken()
    a.clear()
    equal(bench.reports.taken(), [(icd.EVENT_CLEARED, 1, 0)])
    equal((max(a.singles), max(a.pairs), max(a.counters), a.n_events()), (0, 0, 0, 0))
    equal((a.events_since_boot(), a.cleared), (5, 1))
    equal((a.real_us, a.dead_cycles, a.gap_us, a.passes, a.overrun_hits), (0, 0, 0, 0, 0))
    equal((a.running, a.integration, bench.lines.calls), (True, 1, ["clear"]))
    bench.put(CODE, d=2)
    bench.step(90)
    equal((a.real_us, a.events_since_boot(), a.singles[2 * 1024 + 100]), (100, 6, 1))
    about, _, _, _, _ = a.snapshot(3)
    equal(about, (1, BEFORE_US + now, 100, 100 - 112 // 2, 0))
    a.step(now + MINUTE_US - 1)
    equal(a.integration, 1)
    a.step(now + MINUTE_US)
    equal(a.integration, 2)
    a.clear()
    equal((a.events_since_boot(), a.cleared, a.to_close()), (6, 2, None))


def test_a_clear_while_nothing_runs_starts_nothing():
    bench, a = running()
    a.stop()
    bench.events.taken()
    a.follow(None)
    a.clear()
    equal((bench.events.taken(), a.running, a.to_close(), a.real_us), ([], False, None, 0))
    equal((a.n_events(), a.events_since_boot()), (0, 2))


def test_windows_of_listable_classes_open_with_a_start_and_close_with_a_stop():
    bench, a = running(0b0101)
    equal(list(a.listed[:2]), [BEGIN_US & 0xFFFF, BEGIN_US >> 16])
    bench.events.put({1: CODE})
    bench.events.put({4: CODE, 5: CODE})
    a.stop()
    equal([bench.listed(c) for c in range(4)], [["opens", 1, 1, "closes"], [], ["opens", 0x30, "closes"], []])


def test_windows_close_where_events_are_missing():
    bench, a = running(ALL_CLASSES)
    bench.events.put({5: CODE, 6: CODE}, found=[CODE])
    bench.step()
    equal([bench.listed(c) for c in range(4)], [["opens", 1, 1, "closes"]] + [["opens", "closes"]] * 3)
    bench, a = running(ALL_CLASSES)
    a.clear()
    equal([bench.listed(c) for c in range(4)], [["opens", 1, 1, "closes"]] + [["opens", "closes"]] * 3)
    bench, a = running(ALL_CLASSES)
    bench.put(*[CODE] * (RING + 5), after_us=1)
    bench.step()
    equal([bench.listed(c)[-2:] for c in range(4)], [["closes", "opens"]] * 4)


def test_wrapping_time_stamps_make_no_difference():
    bench = Bench()
    a = bench.start()
    for n in range(300):
        bench.put(CODE, after_us=20_000)
        bench.step(1)
        equal((a.n_events(), a.real_us), (n + 1, 20_001 * (n + 1)))
    a.stop()
    equal((a.real_us, a.overruns, a.gap_us), (300 * 20_001, 0, 0))


def test_a_clear_with_a_full_channel_begins_before_the_suspended_events():
    bench, a = running()
    a.singles[100] = 0xFFFE
    bench.put(*[CODE] * 3)
    bench.step(5_000_000)
    equal(a.n_events(), 3)
    reached_us = a.last_good_us(bench.clock.now_us)
    assert reached_us < bench.clock.now_us - 4_999_000, (reached_us, bench.clock.now_us)
    a.clear()
    bench.step(1000)
    equal(a.n_events(), 2)
    about, _, _, _, _ = a.snapshot(0)
    equal(about[1:3], (BEFORE_US + reached_us, bench.clock.now_us - reached_us))
