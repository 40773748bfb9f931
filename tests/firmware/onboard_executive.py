# fsw/executive.py in isolation: steps, failures and load. Garbage collection: onboard_executive_garbage.py.
from check import equal, raises
from executive_bench import Bench, named
from fsw import icd
from fsw.executive import Group, Task

LONGEST_IDLE_US = 250_000
RESTART_WINDOW_US = 600_000_000


def test_a_cycle_steps_the_due_tasks_in_table_order():
    bench = Bench(("a", 0), ("b", 100), ("c", 50))
    equal(named(bench.cycles()), "abc")
    equal(bench.board.waits, [(0, 50_000)])
    equal(named(bench.cycles()), "ac")
    equal(named(bench.cycles()), "abc")
    equal(bench.executive.cycles, 3)


def test_between_the_steps_of_tasks_with_a_period_cycles_run_the_first_task_only():
    """Not if the link has received octets, or another task has work. Only whole cycles step the supervisor."""
    bench = Bench(("a", 0, 10, 0, True), ("b", 100), ("c", 50, 10, 0, True), ("d", 0))
    bench.board.wakes_after_us = 10_000
    equal([named(bench.cycles()) for _ in range(6)], ["abcd", "a", "a", "a", "a", "acd"])
    equal(len(bench.supervised), 2)
    equal(bench.board.waits[1:5], [(10_000 * n, 50_000) for n in range(1, 5)])
    bench.wants["a"] = True
    equal(named(bench.cycles()), "a")
    bench.wants["c"], bench.more["c"] = True, 1
    equal(named(bench.cycles(2)), "acdacd")
    bench.wants["c"], bench.board.received = False, True
    equal([named(bench.cycles()) for _ in range(3)], ["a", "ad", "abcd"])
    equal(len(bench.supervised), 6)


def test_it_runs_until_an_exception_ends_it():
    bench = Bench(("a", 0))
    bench.raises["a"] = ValueError(1)
    raises(ValueError, bench.executive.run)
    equal(named(bench.taken()), "aaaa")


def test_it_idles_until_the_next_task_is_due_at_most_a_quarter_of_a_second():
    bench = Bench(("a", 0), ("b", 1000), start_us=7)
    bench.cycles(5)
    begins = [7 + n * LONGEST_IDLE_US for n in range(5)]
    equal(bench.board.waits, [(now, now + LONGEST_IDLE_US) for now in begins])
    bench.takes["a"] = 1000
    bench.cycles()
    equal(bench.board.waits[-1], (7 + 5 * LONGEST_IDLE_US + 1000, 7 + 6 * LONGEST_IDLE_US))


def test_it_does_not_idle_while_a_task_wants_another_step():
    bench = Bench(("a", 0), ("b", 100))
    bench.more["a"] = 2
    equal(named(bench.cycles(2)), "aba")
    equal(bench.board.waits, [])
    equal(named(bench.cycles()), "a")
    equal(len(bench.board.waits), 1)


def test_a_periodic_task_continues_in_the_next_cycle_and_its_period_starts_then():
    bench = Bench(("b", 100))
    bench.more["b"], bench.takes["b"] = 2, 10
    equal(bench.cycles(3), [("b", 0), ("b", 10), ("b", 20)])
    equal(bench.board.waits, [(30, 100_000)])


def test_periods_do_not_depend_on_step_duration():
    bench = Bench(("a", 0), ("b", 100))
    bench.takes["b"] = 30_000
    equal([when for name, when in bench.cycles(4) if name == "b"], [0, 100_000, 200_000, 300_000])
    equal(bench.tasks[1].due_us, 400_000)


def test_missed_steps_are_not_made_up():
    bench = Bench(("b", 100), start_us=1_000_000)
    bench.cycles()
    bench.board.now = 1_350_000
    equal(bench.cycles(3), [("b", 1_350_000), ("b", 1_450_000), ("b", 1_550_000)])


def test_tasks_due_together_stay_together_after_missed_steps():
    bench = Bench(("b", 100), ("c", 100))
    bench.cycles()
    bench.takes["b"] = 1000
    bench.board.now = 350_000
    equal(bench.cycles(2), [("b", 350_000), ("c", 351_000), ("b", 450_000), ("c", 451_000)])


def test_a_step_late_by_less_than_a_period_is_followed_by_one_on_time():
    bench = Bench(("b", 100))
    bench.cycles()
    bench.board.now = 199_999
    equal(bench.cycles(2), [("b", 199_999), ("b", 200_000)])
    bench.board.now = 400_000  # late by one period
    equal(bench.cycles(2), [("b", 400_000), ("b", 500_000)])


def test_an_early_step_on_request_does_not_change_when_the_next_is_due():
    bench = Bench(("a", 0), ("b", 100, 10, 0, True))
    bench.cycles()
    bench.board.now = 30_000
    equal(bench.cycles(), [("a", 30_000)])
    bench.board.now = 40_000
    bench.wants["b"] = True
    equal(bench.cycles(), [("a", 40_000), ("b", 40_000)])
    bench.wants["b"] = False
    equal(bench.board.waits[-1], (40_000, 100_000))
    equal(bench.cycles(), [("a", 100_000), ("b", 100_000)])


def test_idle_ends_only_for_a_task_that_has_work():
    bench = Bench(("a", 0), ("b", 100, 10, 0, True), ("c", 100, 10, 0, True))
    bench.cycles()
    bench.wants["c"] = True
    bench.cycles()
    equal(bench.board.wanted, [False, True])


def test_a_long_step_is_followed_by_a_step_of_the_acquisition():
    bench = Bench(("a", 0), ("b", 100), ("c", 100))
    bench.takes["b"] = 2000
    equal(named(bench.cycles()), "abc")
    bench.board.now = 500_000
    bench.takes["b"] = 2001
    equal(bench.cycles(), [("a", 500_000), ("b", 500_000), ("a", 502_001), ("c", 502_001)])
    bench.board.now = 1_000_000
    bench.raises["a"] = KeyError(1)
    bench.cycles()
    equal([what for _, what, _ in bench.reports.taken()], [0 | icd.EXCEPTION_KEY << 8] * 2)


def test_the_supervisor_is_stepped_at_the_end_of_a_cycle():
    bench = Bench(("a", 0), ("b", 100))
    bench.takes["a"], bench.takes["b"] = 300, 20
    bench.cycles()
    equal(bench.supervised, [(320, bench.tasks)])
    equal([task.done_us for task in bench.tasks], [300, 320])
    equal(bench.board.waits, [(320, 100_000)])


def test_all_tasks_are_considered_done_at_the_start():
    bench = Bench(("a", 0), ("b", 100), start_us=5_000_000)
    equal([(task.due_us, task.done_us) for task in bench.tasks], [(5_000_000, 5_000_000)] * 2)
    executive = bench.executive
    equal((list(executive.wcet_us), list(executive.load_permille), executive.busy_permille), ([0, 0], [0, 0], 0))
    equal((executive.cycles, executive.overruns, executive.failures, executive.failing), (0, 0, 0, None))


def test_a_new_period_starts_with_a_step():
    bench = Bench(("a", 0), ("b", 100), start_us=50_000_000)
    bench.more["a"] = 1  # as the task of telecommands after one
    bench.cycles()
    bench.tasks[1].set_period(2, 3)
    now = bench.board.now
    equal(bench.cycles(), [("a", now), ("b", now)])
    equal((bench.tasks[1].period_us, bench.tasks[1].due_us), (3_000_000, now + 3_000_000))


def test_task_times_are_given_in_milliseconds():
    task = Task(None, 5, 12, 3000, 77)
    equal((task.period_us, task.budget_us, task.limit_us, task.allocation), (5000, 12_000, 3_000_000, 77))
    equal((task.due_us, task.done_us, task.failures, task.busy_us), (0, 0, 0, 0))


def test_members_of_a_group_are_stepped_together():
    class Part:
        more = None

        def step(self, now):
            steps.append((self, now))
            return self.more

    steps, parts = [], [Part(), Part()]
    equal(Group(parts).step(17), False)
    equal(steps, [(parts[0], 17), (parts[1], 17)])
    parts[0].more = True
    equal(Group(parts).step(18), True)
    equal(steps[2:], [(parts[0], 18), (parts[1], 18)])


def test_a_failed_task_is_reported_with_its_line_and_the_others_continue():
    bench = Bench(("a", 0), ("b", 100), ("c", 100))
    bench.takes["b"] = 500
    bench.raises["b"] = KeyError(1)
    equal(bench.cycles(), [("a", 0), ("b", 0), ("c", 500)])
    ((event, what, line),) = bench.reports.taken()
    equal((event, what), (icd.EVENT_TASK_FAILED, 1 | icd.EXCEPTION_KEY << 8))
    assert line > 0, line
    equal((bench.executive.failures, bench.tasks[1].failures, bench.tasks[1].done_us), (1, 1, 500))
    equal(bench.board.waits, [(500, 100_000)])  # its due time does not change


def test_the_fourth_failure_of_a_task_ends_the_run_with_its_exception():
    bench = Bench(("a", 0), ("b", 100))
    bench.raises["b"] = error = KeyError(1)
    bench.cycles(3)
    equal(bench.executive.failing, None)
    assert raises(KeyError, bench.executive.cycle) is error
    equal((bench.executive.failing, bench.executive.failures, len(bench.reports.taken())), (1, 4, 4))


def test_failures_far_apart_are_not_added_up():
    bench = Bench(("a", 0), ("b", 0))
    bench.raises["b"] = ValueError(1)
    bench.board.wakes_after_us, bench.board.received = 0, True
    for gap_us, failures in (
        (1, 1),
        (RESTART_WINDOW_US, 2),
        (RESTART_WINDOW_US + 1, 1),
        (5, 2),
        (5, 3),
        (RESTART_WINDOW_US, 4),
    ):
        bench.board.now = bench.tasks[1].failed_us + gap_us
        if failures == 4:
            raises(ValueError, bench.executive.cycle)
        else:
            bench.cycles()
        equal(bench.tasks[1].failures, failures, gap_us)


def test_each_budget_overrun_is_counted_and_each_new_maximum_reported():
    bench = Bench(("a", 0), ("b", 100, 5))
    for took_us, reported in ((5000, 0), (4000, 0), (5001, 1), (5001, 0), (5000, 0), (5002, 1), (5001, 0)):
        bench.takes["b"] = took_us
        bench.tasks[1].due_us = 0
        bench.cycles()
        equal(bench.reports.taken(), [(icd.EVENT_TASK_OVERRUN, 1, took_us)] * reported)
    equal(bench.executive.overruns, 4)
    equal(list(bench.executive.wcet_us), [0, 5002])


def test_load_is_measured_in_permille_of_the_time_since_the_last_measurement():
    bench = Bench(("a", 0), ("b", 100))
    bench.takes["a"], bench.takes["b"] = 1000, 2000
    bench.cycles(2)  # 200 ms
    for _ in range(2):
        bench.executive.measure_load()
        equal(list(bench.executive.load_permille), [10, 20])
        equal(bench.executive.busy_permille, 30)
        bench.cycles(2)
    bench.board.now += 1_800_000
    bench.executive.measure_load()
    equal((list(bench.executive.load_permille), bench.executive.busy_permille), ([1, 2], 3))
    bench.executive.measure_load()  # no time has passed
    equal((list(bench.executive.load_permille), bench.executive.busy_permille), ([0, 0], 0))


def test_load_is_at_most_1000_permille():
    bench = Bench(("a", 0), start_us=77)
    bench.takes["a"] = 1000
    bench.board.wakes_after_us = 0
    bench.cycles(3)
    bench.executive.measure_load()
    equal((list(bench.executive.load_permille), bench.executive.busy_permille), ([1000], 1000))
    bench.tasks[0].busy_us = bench.executive._busy_us = 1
    bench.executive.measure_load()
    equal((list(bench.executive.load_permille), bench.executive.busy_permille), ([1000], 1000))
