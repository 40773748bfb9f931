# fsw/spectra/acquisition.py in isolation: events, times and integrations. Faults: onboard_acquisition_faults.py.
from acquisition_bench import BEFORE_US, BEGIN_US, CODE, Bench
from check import equal
from fsw import icd
from fsw.spectra import kernel as k

SPECTRA = 24
FIXED, HIT, SCAN, PASS, MHZ = 10, 100, 1, 1000, 2  # dead time of the event builder, cycles
LAST_EVENT_US = 1000
MINUTE_US = 60_000_000


def test_after_boot_nothing_runs_and_nothing_is_counted():
    bench = Bench()
    a = bench.acquisition
    equal((a.running, a.integration, a.integration_us, a.to_close()), (False, 0, MINUTE_US, None))
    equal((a.real_us, a.live_us(), a.n_events(), a.events_since_boot(), a.passes), (0, 0, 0, 0, 0))
    equal((a.overruns, a.slips, a.gap_us, a.overrun_hits, a.cleared, a.listable), (0, 0, 0, 0, 0, 0))
    equal([a.snapshot(s)[0] for s in range(SPECTRA)], [(0, BEFORE_US, 0, 0, 0)] * SPECTRA)
    equal((bench.step(), bench.events.taken(), bench.reports.taken()), (False, [], []))


def test_a_start_begins_an_integration_with_empty_spectra():
    bench = Bench()
    a = bench.acquisition
    a.singles[5] = a.pairs[5] = 9
    bench.start()
    equal((a.running, a.integration), (True, 1))
    equal((max(a.singles), max(a.pairs)), (0, 0))
    equal(bench.events.taken(), [("start", 0xFFFF)])
    equal(bench.reports.taken(), [(icd.EVENT_ACQUISITION_STARTED, 1, 0xFFFF)])


def test_events_are_counted_in_their_spectra():
    bench = Bench()
    a = bench.start()
    bench.put(CODE, CODE, 100, 4095, d=3)  # two accepted, one below threshold, one over range
    bench.events.put({4: CODE, 5: CODE})
    equal(bench.step(), False)
    equal((a.singles[3 * 1024 + 100], sum(a.singles)), (2, 2))
    equal((a.pairs[2 * 256 + (2 * CODE - 50) // 32], sum(a.pairs)), (1, 1))
    equal([a.counters[at + 3] for at in (0, 16, 32, 48)], [2, 1, 1, 0])
    equal((a.n_events(), a.events_since_boot()), (5, 5))


def test_events_of_all_classes_are_counted_and_marks_are_not():
    bench = Bench()
    a = bench.start()
    for codes in ({0: CODE}, {1: CODE}, {0: CODE, 1: CODE}, {0: CODE, 2: CODE}, {0: 1}):
        bench.events.put(codes)
    bench.step()
    equal((a.n_events(), a.state[k.MARKS]), (5, 1))
    equal([a.state[n] for n in (k.FRONT, k.BACK, k.FRONT_BACK, k.SEVERAL, k.NONE)], [1] * 5)


def test_a_step_reads_the_events_before_it():
    bench = Bench()
    a = bench.start()
    now = bench.clock.now_us + 100
    bench.events.put({0: CODE}, now - 1)
    bench.events.put({0: CODE}, now)
    bench.step(100)
    equal(a.n_events(), 1)
    bench.step(1)
    equal(a.n_events(), 2)


def test_a_step_reads_four_batches_and_returns_whether_there_are_more():
    bench = Bench(events=4096)
    a = bench.start()
    for _ in range(4 * k.EVENTS + 9):
        bench.events.put({})
    equal((bench.step(), a.state[k.MARKS], a.real_us), (True, 4 * k.EVENTS, 0))
    equal((bench.step(), a.state[k.MARKS], a.real_us), (False, 4 * k.EVENTS + 10, 20))  # including the start's mark
    for _ in range(70):  # the number of conversions also limits a batch
        bench.events.put({d: CODE for d in range(16)})
    bench.step()
    equal(a.n_events(), 70)


def test_real_time_runs_while_acquiring_and_live_time_excludes_dead_time():
    bench = Bench()
    a = bench.start()
    bench.put(CODE, CODE)
    bench.events.put({0: CODE, 1: CODE}, passes=3)
    bench.step(80)
    equal((a.real_us, a.passes), (100, 3))
    dead = 3 * FIXED + 4 * HIT + SCAN + 3 * PASS
    equal(a.dead_cycles, dead)  # the dead time of the mark is before real time
    equal(a.live_us(), 0)
    bench.step(10_000)
    equal((a.real_us, a.live_us()), (10_100, 10_100 - dead // MHZ))


def test_real_time_begins_when_the_lines_are_first_quiet():
    """The mark gives that time, if it has been written once the event builder has started."""
    for passes in (0, 5, 0x8000):  # 0x8000: never quiet
        bench = Bench()
        bench.events.start_us, bench.events.mark_passes = 30, passes
        a = bench.start()
        bench.step(70)
        equal((a.real_us, a.dead_cycles, a.passes), (100, 0, passes))
        bench.put(CODE)
        bench.step()
        equal(a.dead_cycles, FIXED + HIT, passes)


def test_a_late_mark_is_dead_time():
    bench = Bench()
    bench.events.start_us, bench.events.marks = 30, False
    a = bench.start()
    bench.step(70)
    equal((a.real_us, a.dead_cycles), (70, 0))
    bench.events.put({}, passes=2)
    bench.step(30)
    equal((a.real_us, a.dead_cycles), (100, FIXED + 2 * PASS))


def test_no_real_time_passes_before_a_start_nor_after_a_stop():
    bench = Bench()
    a = bench.start()
    bench.step(100)
    bench.clock.now_us += 900
    a.stop()
    bench.step(5000)
    equal(a.real_us, 1000)
    bench.start()
    bench.step(300)
    equal(a.real_us, 1300)


def test_a_stop_waits_for_the_last_event_and_closes_every_spectrum():
    bench = Bench()
    a = bench.start()
    bench.step()
    bench.put(CODE)
    off = bench.clock.now_us = bench.clock.now_us + 50
    bench.events.enable_us = 3
    bench.while_waiting = lambda: bench.events.put({1: CODE}, off + 400)
    bench.reports.taken(), bench.events.taken()
    a.stop()
    equal(bench.events.taken(), [("enable", 0), ("stop",)])
    equal((a.running, a.n_events(), a.real_us), (False, 2, 70))
    equal(bench.clock.now_us, off + LAST_EVENT_US)
    equal(bench.reports.taken(), [(icd.EVENT_ACQUISITION_STOPPED, 1, 2)])
    equal((a.gap_us, a.overruns, a.overrun_hits), (0, 0, 0))
    equal(bench.close_all(), [(s, icd.CLOSED_BY_STOP, 1) for s in range(SPECTRA)])


def test_a_stop_reads_all_events_before_it():
    bench = Bench()
    a = bench.start()
    bench.step()
    bench.put(*[CODE] * 1020, after_us=1)
    a.stop()
    equal((a.n_events(), a.gap_us), (1020, 0))


def test_a_stop_reports_the_low_32_bits_of_the_event_count():
    for front, back, reported in ((0xFFFFFFFF, 0, 0xFFFFFFFF), (0xFFFFFFFF, 6, 5)):
        bench = Bench()
        a = bench.start()
        a.state[k.FRONT], a.state[k.BACK] = front, back
        bench.reports.taken()
        a.stop()
        equal(bench.reports.taken(), [(icd.EVENT_ACQUISITION_STOPPED, 1, reported)], front)


def test_an_integration_ends_on_time_and_the_next_one_begins():
    bench = Bench()
    a = bench.start()
    begin = bench.clock.now_us
    a.step(begin + MINUTE_US - 1)
    equal((a.integration, a.to_close()), (1, None))
    bench.clock.now_us = begin + MINUTE_US
    bench.step(0)
    equal((a.integration, a.to_close()), (2, 0))
    equal(bench.close_all(), [(s, icd.CLOSED_BY_TIME, 1) for s in range(SPECTRA)])
    a.step(begin + 2 * MINUTE_US - 1)
    equal(a.integration, 2)
    a.step(begin + 2 * MINUTE_US)
    equal(a.integration, 3)


def test_an_integration_lasts_until_the_previous_is_sent_and_delays_are_not_made_up():
    bench = Bench()
    a = bench.start()
    begin = bench.clock.now_us
    a.step(begin + MINUTE_US)
    bench.clock.now_us = begin + 5 * MINUTE_US + 7
    bench.step(0)
    equal(a.integration, 2)
    bench.close_all()
    bench.step(0)
    equal(a.integration, 3)
    bench.close_all()
    bench.step(0)
    equal(a.integration, 3)
    a.step(begin + 5 * MINUTE_US + 7)
    equal(a.integration, 3)
    a.step(begin + 5 * MINUTE_US + 8)  # the ended one is considered to start one length before its end
    equal(a.integration, 4)


def test_a_new_integration_time_applies_to_the_running_integration():
    bench = Bench()
    bench.acquisition.set_integration(10)
    a = bench.start()
    begin = bench.clock.now_us
    a.set_integration(20)
    a.step(begin + 20_000_000 - 1)
    equal(a.integration, 1)
    a.set_integration(5)
    a.step(begin + 5_000_000 - 1)
    equal(a.integration, 1)
    a.step(begin + 5_000_000)
    equal((a.integration, a.integration_us), (2, 5_000_000))


def test_a_snapshot_leaves_the_spectrum_unchanged():
    bench = Bench()
    a = bench.start()
    bench.put(CODE, 2 * CODE, 150, d=3)
    bench.clock.now_us += 1000
    for _ in range(2):
        about, first, last, spectra, at = a.snapshot(3)
        equal(about, (1, BEFORE_US + BEGIN_US, 1030, 1030 - 3 * (FIXED + HIT + 3 * SCAN) // MHZ, 3))
        equal((first, last, spectra[at + 100], at), (37, 200, 1, 3 * 1024))
    about, first, last, spectra, at = a.snapshot(16)
    equal((about[4], at, spectra is a.pairs), (0, 0, True))
    assert first > last, (first, last)


def test_a_closed_spectrum_restarts_with_its_times():
    bench = Bench()
    a = bench.start()
    bench.put(CODE, CODE, d=3)
    bench.step(80)
    a.state[k.NEARLY_FULL] = 1 << 3
    live_us = 100 - 2 * (FIXED + HIT + 3 * SCAN) // MHZ
    about, first, last = bench.close(3)
    equal(about, (icd.CLOSED_BY_OVERFLOW, 1, BEFORE_US + BEGIN_US, 100, max(live_us, 0), 2))
    equal((first, last, bench.copy[100], sum(bench.copy), sum(a.singles)), (100, 100, 2, 2, 0))
    bench.put(CODE, d=3)
    bench.step(9990)
    about, _, _ = bench.close(3)
    equal(about[2:], (BEFORE_US + BEGIN_US + 100, 10_000, 10_000 - (FIXED + HIT + 3 * SCAN) // MHZ, 1))
    about, _, _ = bench.close(4)
    equal(about[2:], (BEFORE_US + BEGIN_US, 10_100, 10_100 - 3 * (FIXED + HIT + 3 * SCAN) // MHZ, 0))


def test_the_line_tracking_is_given_each_closed_spectrum_of_a_detector():
    bench = Bench()
    a = bench.start()
    for d in range(16):
        bench.put(*[CODE] * d, d=d)
    bench.events.put({0: CODE, 1: CODE})
    a.stop()
    bench.close_all()
    equal(bench.lines.calls, [(d, d) for d in range(16)])
    a.follow(None)
    bench.start()
    a.clear()
    a.stop()
    bench.close_all()
    equal(len(bench.lines.calls), 16)
