# Run in place of main.py by `dorn bench`, while the host sends telecommands that cause allocations: maximum number of
# heap octets allocated by a step of each task, without what adds to the executive's estimate by itself; and the least
# free heap before a collection, which shows whether the whole estimate is high enough.
import gc
import time

from boards import open_board


def load():
    """Import as main.py does."""
    import fsw.memory
    import fsw.run
    import fsw.app  # isort: skip


board = open_board()
board.maintenance(0, load)
from fsw import icd, memory
from fsw.run import BootRecord, Failures, Parts, Supervisor, assemble, kept

DURATION_MS = 14_000


class Watchdog:
    def feed(self):
        pass


failures, folder = Failures(), kept(board.flash)
boot_record = BootRecord(folder, board, failures)
parts = Parts(board, folder, Supervisor(Watchdog()), boot_record, failures)
executive = assemble(parts)
most = [0] * len(executive.tasks)
collect = memory.collect
least = gc.mem_free()


def measured(number, run):
    # only for steps with work to do: measuring traverses the heap, which is slow
    def step(now):
        if (number == icd.TASK_ACQUISITION and executive.cycles % 16) or (
            number == icd.TASK_COMMANDS and not board.link.ready()  # pyright: ignore[reportAttributeAccessIssue]
        ):
            return run(now)
        estimated, before = memory.garbage[0], gc.mem_alloc()
        more = run(now)
        took = gc.mem_alloc() - before - (memory.garbage[0] - estimated)
        most[number] = max(most[number], took)
        return more

    return step


def measured_collection():
    global least
    least = min(least, gc.mem_free())
    collect()


memory.collect = measured_collection
for number, task in enumerate(executive.tasks):
    task.run = measured(number, task.run)
# the very first write makes two copies, which may need more than the reserve
parts.parameters.save()  # pyright: ignore[reportAttributeAccessIssue]
collect()
gc.disable()  # a collection by MicroPython itself would hide that too little is left: so it is a MemoryError
begin = time.ticks_ms()
while time.ticks_diff(time.ticks_ms(), begin) < DURATION_MS:
    executive.cycle()
if executive.failures:
    raise RuntimeError("a task failed")
print("\nFIGURES", *most, least)
