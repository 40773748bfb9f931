# fsw/executive.py in isolation: allocation estimate, and collection before a step.
from check import equal, has, raises
from executive_bench import Bench, named
from fsw import icd, memory

CYCLE, SHORT_CYCLE = 880, 380  # octets
RESERVE = 11_000
FREE = 50_000


def test_garbage_is_estimated_from_cycles_and_steps():
    """A task with wanted() adds its allocation only if it wants another step."""
    bench = Bench(("a", 0, 10, 1), ("b", 100, 10, 20), ("c", 100, 10, 300, True), ("d", 0, 10, 4000), start_us=7000)
    equal(named(bench.cycles()), "abcd")
    equal(memory.garbage[0], 20 + CYCLE)
    memory.garbage[0] = 0
    bench.more = dict(a=1, b=1, c=1, d=1)
    equal(named(bench.cycles()), "abcd")
    equal(memory.garbage[0], 4321 + CYCLE)  # nothing for the idle time before it
    bench.wants["c"] = True
    bench.board.wakes_after_us = 100
    bench.cycles()
    memory.garbage[0] = 0
    equal(named(bench.cycles()), "acd")
    equal(memory.garbage[0], CYCLE)  # b is not due, c found no work


def test_garbage_of_the_start_is_collected_and_not_measured():
    bench = Bench(("a", 0), free=FREE)
    equal(named(bench.taken()), "collectsnapshot")
    executive = bench.executive
    equal((executive.heap_free, executive.heap_free_min, executive.gc_max_us), (FREE, FREE, 0))


def test_garbage_is_collected_before_a_step_once_only_the_reserve_is_left():
    bench = Bench(("a", 0), ("b", 100), free=FREE)
    bench.taken()
    bench.board.wakes_after_us = 0
    memory.garbage[0] = FREE - RESERVE - 1
    equal(named(bench.cycles()), "ab")
    memory.garbage[0] = FREE - RESERVE
    bench.board.now = now = 50_000
    collect = [("a", now), ("collect", now)]
    snapshot = [("a", now + 700), ("snapshot", now + 700)]
    equal(bench.cycles(), collect + snapshot + [("a", now + 1000)])
    equal(memory.garbage[0], SHORT_CYCLE)


def test_the_rings_are_read_before_a_collection_and_by_an_interrupt_during_it():
    """The same holds for each reading of free heap, at every fourth collection."""
    bench = Bench(("a", 0), free=FREE)
    bench.taken()
    bench.heap.read.clear()
    for n in range(9):
        memory.garbage[0] = FREE
        equal(named(bench.cycles()), "acollect" + "asnapshot" * (n % 4 == 0) + "a", n)
        equal(named(bench.cycles()), "a", n)
        equal(bench.board.reading, False)
    equal(bench.heap.read, [True] * 12)


def test_free_heap_is_known_from_the_snapshot():
    bench = Bench(("a", 0), free=FREE)
    bench.board.wakes_after_us = 0
    for free, least in ((30_000, 30_000), (40_000, 30_000), (25_000, 25_000)):
        bench.heap.free = free
        for _ in range(4):
            memory.garbage[0] = FREE
            bench.cycles()
        equal((bench.executive.heap_free, bench.executive.heap_free_min), (free, least))
        bench.taken()
        memory.garbage[0] = free - RESERVE - 1
        equal(named(bench.cycles()), "a", free)
    memory.garbage[0] = 25_000 - RESERVE
    has(named(bench.cycles()), "collect")


def test_the_longest_collection_excludes_the_steps_before_it():
    bench = Bench(("a", 0), free=FREE)
    bench.takes["a"] = 1000
    heap = bench.heap
    for heap.collect_us, heap.snapshot_us, wcet_us in (
        (70_000, 300, 70_000),
        (60_000, 0, 70_000),
        (90_000, 0, 90_000),
        (1, 0, 90_000),
    ):
        memory.garbage[0] = FREE
        bench.cycles()
        equal(bench.executive.gc_max_us, wcet_us)
    heap.snapshot_us = 95_000
    memory.garbage[0] = FREE
    bench.cycles()
    equal(bench.executive.gc_max_us, 95_000)


def test_the_load_includes_the_steps_before_a_collection():
    bench = Bench(("a", 0), free=FREE)
    bench.takes["a"] = 1000
    memory.garbage[0] = FREE
    bench.board.wakes_after_us = 0
    bench.cycles()
    equal(bench.board.waits, [(5_000, 251_000)])  # starting at 1000
    bench.executive.measure_load()
    equal((list(bench.executive.load_permille), bench.executive.busy_permille), ([750], 1000))


def test_a_failed_step_before_a_collection_is_attributed_to_the_acquisition():
    bench = Bench(("a", 0), ("b", 100), free=FREE)
    bench.raises["a"] = KeyError(1)
    memory.garbage[0] = FREE
    bench.cycles()  # one before the collection, one before the reading of the free heap, one of its own
    raises(KeyError, bench.executive.cycle)
    equal(bench.executive.failing, 0)
    equal([what for _, what, _ in bench.reports.taken()], [0 | icd.EXCEPTION_KEY << 8] * 4)
