# Run in place of main.py by `dorn bench`: octets of the heap that a step of each task takes at most, while the host
# commands whatever leads to garbage.
import gc
import time

from boards import open_board

board = open_board()
import fsw.app
import fsw.memory  # first, as in main.py
from fsw.run import BootRecord, Failures, Parts, Supervisor, assemble, kept

LASTS_MS = 12_000
del fsw
failures, folder = Failures(), kept(board.flash)
boot_record = BootRecord(folder, board.reset_cause, board.scratch, failures)
executive = assemble(Parts(board, folder, Supervisor(board.watchdog), boot_record, failures))
most = [0] * len(executive.tasks)


def measured(number, run):
    def step(now):
        before = gc.mem_alloc()
        more = run(now)
        most[number] = max(most[number], gc.mem_alloc() - before)
        return more

    return step


for number, task in enumerate(executive.tasks):
    task.run = measured(number, task.run)
begin = time.ticks_ms()
while time.ticks_diff(time.ticks_ms(), begin) < LASTS_MS:
    executive.cycle()
print("\nFIGURES", *most)
