# Run in place of main.py by `dorn bench`: octets of the heap that a step of each task takes at most, while the host
# commands whatever leads to garbage; without what writing the parameters takes, which they tell by themselves.
import gc
import time

from boards import open_board


def load():
    """As main.py does."""
    import fsw.memory
    import fsw.run
    import fsw.app  # isort: skip


board = open_board()
board.maintenance(0, load)
from fsw import icd, memory
from fsw.run import BootRecord, Failures, Parts, Supervisor, assemble, kept

LASTS_MS = 14_000


class Watchdog:
    def feed(self):
        pass


failures, folder = Failures(), kept(board.flash)
boot_record = BootRecord(folder, board.reset_cause, board.scratch, failures)
executive = assemble(Parts(board, folder, Supervisor(Watchdog()), boot_record, failures))
most = [0] * len(executive.tasks)


def measured(number, run):
    # measuring goes through the heap, which takes long: only where there is something to do
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
while time.ticks_diff(time.ticks_ms(), begin) < LASTS_MS:
    executive.cycle()
print("\nFIGURES", *most)
