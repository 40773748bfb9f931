# Run in place of main.py by `dorn bench`: free heap after each stage of the start.
import gc


def free():
    gc.collect()
    return gc.mem_free()


stages = [free()]
import boards.rp2.board
import boards.rp2.event_builder
from boards import open_board

stages.append(free())
board = open_board()
stages.append(free())
import fsw.memory  # first, as in main.py

stages.append(free())
from fsw.app import App, BootRecord, Supervisor, kept

stages.append(free())
folder = kept(board.flash)
app = App(board, folder, Supervisor(board.watchdog), BootRecord(folder, board.reset_cause))
stages.append(free())
print("FIGURES", *stages)
