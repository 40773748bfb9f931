# Run in place of main.py by `dorn bench`: maximum number of heap octets allocated by a step of each task, while the
# host sends telecommands that cause allocations; without writes of parameters, which add their own estimate.
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
executive = assemble(Parts(board, folder, Supervisor(Watchdog()), boot_record, failures))
most = [0] * len(executive.tasks)


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


for number, task in enumerate(executive.tasks):
    task.run = measured(number, task.run)
begin = time.ticks_ms()
while time.ticks_diff(time.ticks_ms(), begin) < DURATION_MS:
    executive.cycle()
print("\nFIGURES", *most)
