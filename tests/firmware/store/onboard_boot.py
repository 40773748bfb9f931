# fsw/store/boot.py in isolation: state restored from the previous start and saved for the next.
from check import equal, has, raises
from doubles import EIO, EROFS, Clock, each_failure
from fsw import icd
from fsw.health.faults import Refused, line_of
from fsw.store.boot import OnBoardTime
from starts import BLOCK, BLOCK_US, COUNTER, CRASH, LATEST_US, UNCOUNTED, WATCHDOG, Bench, put, started, states


def test_on_board_time_continues_from_where_it_is_set():
    clock = Clock(500)
    time = OnBoardTime(clock, 7_000)
    equal(time.us(), 7_500)
    time.set(20_000)
    equal((time.us(), time.start_us), (20_000, 19_500))
    clock.now_us = 600
    equal(time.us(), 20_100)


# -- a start -----------------------------------------------------------------------------------------------------------


def test_the_first_start_ever():
    record = Bench(follow=False).record
    equal(
        (record.count, record.reset_cause, record.crash, record.consecutive_resets, record.safe),
        (1, WATCHDOG, None, 0, 0),
    )
    equal((record.time_us, record.record, record.damaged, record.lost), (0, 0, 0, False))
    equal((record.counter, record.unsynchronised), (bytes(12), 0))


def test_the_first_start_writes_both_copies_once_no_loss_was_found():
    bench = Bench(follow=False)
    equal(states(), [])
    equal(bench.scratch.get(UNCOUNTED), 1 << 11)  # one boot
    bench.follow()
    equal(len(states()), 2)
    for state in states():
        equal((state["count"], state["time_us"], state["record"]), (1, BLOCK_US, 1 + BLOCK))
        equal((state["safe"], state["expected"], state["consecutive_resets"], state["counter"]), (0, 0, 0, bytes(12)))
        equal((state["task"], state["exception"], state["line"]), (0, 0, 0))
    equal((bench.record.lost, bench.scratch.get(UNCOUNTED), bench.failures.count), (False, 0, 0))


def test_a_start_restores_what_the_previous_one_saved():
    record = started(safe=1, counter=COUNTER).record
    equal((record.count, record.time_us, record.record), (11, 5 * BLOCK_US, 50_000))
    equal((record.safe, record.consecutive_resets, record.counter), (1, 3, COUNTER))
    equal((record.crash, record.reset_cause, record.damaged, record.lost), (None, WATCHDOG, 0, False))


def test_a_start_reserves_the_next_block_in_one_copy():
    started()
    old, new = states()
    equal((old["count"], old["time_us"], old["record"]), (10, 5 * BLOCK_US, 50_000))
    equal((new["count"], new["time_us"], new["record"]), (11, 6 * BLOCK_US, 50_000 + BLOCK))
    equal((new["expected"], new["consecutive_resets"], new["counter"]), (0, 3, COUNTER))


def test_an_unexpected_reset_skips_the_rest_of_the_reservation():
    bench = Bench()
    bench.clock.now_us = 1000
    for n in range(1, 5):
        bench = bench.again()
        equal((bench.record.count, bench.record.consecutive_resets), (n + 1, n))
        equal((bench.record.time_us, bench.store.next), (n * BLOCK_US, 1 + n * BLOCK))


def test_an_expected_reset_skips_nothing():
    bench = Bench().again()
    equal(bench.record.consecutive_resets, 1)
    bench.clock.now_us = 1000
    bench.store.next += 7
    bench.record.close()
    equal([state["expected"] for state in states()], [0, 1])
    time_us, next_record = bench.time.us(), bench.store.next
    bench = bench.again()
    equal((bench.record.consecutive_resets, bench.record.time_us, bench.store.next), (0, time_us, next_record))
    equal(bench.record.count, 3)
    equal(bench.again().record.consecutive_resets, 1)


def test_consecutive_resets_are_counted_up_to_255():
    for before, after in ((253, 254), (254, 255), (255, 255)):
        equal(started(consecutive_resets=before).record.consecutive_resets, after, before)
        equal(started(consecutive_resets=before, expected=1).record.consecutive_resets, 0, before)


def test_time_is_limited_to_what_packets_can_represent():
    record = started(time_us=LATEST_US).record
    equal((record.time_us, states()[-1]["time_us"]), (LATEST_US, LATEST_US))
    record = started(time_us=LATEST_US - BLOCK_US + 1).record
    equal((record.time_us, states()[-1]["time_us"]), (LATEST_US - BLOCK_US + 1, LATEST_US))
    equal(started(3, time_us=LATEST_US - BLOCK_US).record.time_us, LATEST_US)


def test_in_safe_a_telecommand_is_rejected():
    record = started().record
    record.check_not_safe()
    record.safe = 1
    equal(raises(Refused, record.check_not_safe).args, (icd.FAILURE_WRONG_MODE, icd.MODE_SAFE))


# -- while it runs -----------------------------------------------------------------------------------------------------


def test_the_next_reservation_is_made_half_a_block_before_the_end():
    bench = started()
    start = bench.time.us()
    before = states()
    bench.clock.now_us = BLOCK_US // 2
    bench.store.next = 50_000 + BLOCK // 2
    equal((bench.record.keep(), states()), (False, before))
    bench.clock.now_us += 1
    equal(bench.record.keep(), True)
    equal(bench.limits(), (start + BLOCK_US // 2 + 1 + BLOCK_US, 50_000 + BLOCK // 2 + BLOCK))
    before = states()
    bench.store.next += BLOCK // 2
    equal((bench.record.keep(), states()), (False, before))
    bench.store.next += 1
    equal((bench.record.keep(), bench.record.keep()), (True, False))
    equal(bench.limits(), (start + BLOCK_US // 2 + 1 + BLOCK_US, 50_000 + BLOCK + 1 + BLOCK))


def test_an_immediate_save_writes_both_copies():
    bench = started()
    bench.record.safe, bench.record.consecutive_resets, bench.record.counter = 1, 0, bytes(12)
    bench.clock.now_us = 5
    equal(bench.record.keep(True), True)
    for state in states():
        equal((state["safe"], state["consecutive_resets"], state["counter"], state["count"]), (1, 0, bytes(12), 11))
        equal((state["time_us"], state["record"]), (6 * BLOCK_US + 5, 50_000 + BLOCK))


def test_setting_time_forward_first_reserves_it_in_both_copies():
    bench = started()
    half = bench.time.us() + BLOCK_US // 2
    before = states()
    bench.record.reserve_time(half)
    equal(states(), before)
    us = half + 50 * BLOCK_US
    bench.record.reserve_time(us)
    for state in states():
        equal((state["time_us"], state["record"], state["expected"]), (us + BLOCK_US, 50_000 + BLOCK, 0))
    bench.time.set(us + BLOCK_US // 2)
    equal(bench.record.keep(), False)
    bench.clock.now_us += 1
    equal(bench.record.keep(), True)


def test_setting_time_back_reserves_nothing():
    bench = started()
    half = bench.time.us() + BLOCK_US // 2
    before = states()
    bench.record.reserve_time(1000)
    equal(states(), before)
    bench.time.set(half)
    equal(bench.record.keep(), False)


def test_time_is_not_reserved_unless_both_copies_are_written():
    def prepare(flash):
        put()
        return Bench(flash)

    us = 100 * BLOCK_US
    found = set()
    for _, bench, error in each_failure(prepare, lambda bench: bench.record.reserve_time(us), EROFS):
        equal(error and error.errno, EROFS)
        found.add(max(state["time_us"] for state in states()) > us)
        bench.clock.now_us = BLOCK_US // 2 + 1
        equal(bench.record.keep(), True)
    has(found, True, False)  # with one copy written, and with none


# -- a crash -----------------------------------------------------------------------------------------------------------


def crash():
    raise ValueError


def error():
    try:
        crash()
    except ValueError as raised:
        return raised


def line():
    return line_of(error())


def test_a_crash_is_reported_by_the_next_start_only():
    bench = started()
    time_us, next_record = bench.time.us(), bench.store.next
    bench.record.crashed(icd.TASK_RATES, error())
    equal((states()[-1]["time_us"], states()[-1]["record"]), (time_us + BLOCK_US, next_record + BLOCK))
    equal([state["exception"] for state in states()], [0, icd.EXCEPTION_VALUE])
    bench = bench.again()
    equal(bench.record.crash, (icd.TASK_RATES, icd.EXCEPTION_VALUE, line()))
    equal((bench.record.reset_cause, bench.record.consecutive_resets), (icd.RESET_CAUSE_CRASH, 4))
    equal(bench.scratch.get(CRASH), 0)
    bench.record.reported()
    bench = bench.again()
    equal((bench.record.crash, bench.record.reset_cause), (None, WATCHDOG))


def test_a_crash_keeps_the_reservations():
    bench = started(time_us=LATEST_US - BLOCK_US)
    bench.clock.now_us = 1000
    bench.record.crashed(1, error())
    equal(bench.limits(), (LATEST_US, 50_000 + BLOCK))
    bench = started(time_us=LATEST_US)
    bench.record.crashed(1, error())
    equal(bench.limits(), (LATEST_US, 50_000 + BLOCK))


def test_a_crash_outside_all_tasks():
    bench = started()
    bench.record.crashed(None, error())
    equal(bench.again().record.crash, (255, icd.EXCEPTION_VALUE, line()))
    bench = started()
    bench.record.crashed(0, error())
    equal(bench.again().record.crash, (0, icd.EXCEPTION_VALUE, line()))


def test_a_crash_may_have_a_line_or_an_exception_only():
    for exception, line in ((0, 5), (3, 0)):
        equal(started(task=2, exception=exception, line=line).record.crash, (2, exception, line))


def test_a_crash_that_cannot_be_written_is_kept_in_a_register():
    bench = started()
    bench.flash.fail(EIO)
    bench.record.crashed(icd.TASK_SPECTRA, error())
    bench.record.crashed(icd.TASK_RATES, KeyError())  # the first crash is kept
    bench.flash.work()
    bench = bench.again()
    equal(bench.record.crash, (icd.TASK_SPECTRA, icd.EXCEPTION_VALUE, line()))
    bench.record.reported()
    equal(bench.scratch.get(CRASH), 0)
    equal(bench.again().record.crash, None)


def test_a_crash_before_time_is_known_is_kept_in_a_register():
    bench = Bench(follow=False)
    bench.record.crashed(None, error())
    equal(states(), [])
    equal(bench.again().record.crash, (255, icd.EXCEPTION_VALUE, line()))


def test_a_crash_on_flash_is_ignored_if_a_register_has_later_boots():
    record = started(1 << 11, task=2, exception=3, line=4).record
    equal((record.crash, record.reset_cause, record.count), (None, WATCHDOG, 12))


def test_without_a_report_a_crash_of_this_run_stays_in_its_register():
    bench = started()
    bench.scratch.set(CRASH, 1 << 12)
    bench.record.reported()
    equal(bench.scratch.get(CRASH), 1 << 12)


# -- the origin --------------------------------------------------------------------------------------------------------


def test_the_origin_is_a_number_from_1_to_65535():
    for random, origin in ((0, 1), (1, 2), (0xFFFE, 0xFFFF), (0xFFFF, 1), (0xFFFFFFFF, 1), (0xFFFFFFFE, 0xFFFF)):
        bench = Bench(random=random)
        equal(bench.record.origin, origin, random)
        equal([state["origin"] for state in states()], [origin] * 2, random)


def test_the_origin_is_kept_by_every_write():
    bench = Bench(random=41)
    for write in (
        lambda record: record.keep(True),
        lambda record: record.close(),
        lambda record: record.reserve_time(LATEST_US // 2),
        lambda record: record.crashed(3, ValueError()),
    ):
        write(bench.record)
        bench = bench.again(random=99)
        equal(bench.record.origin, 42)
    equal([state["origin"] for state in states()], [42] * 2)
