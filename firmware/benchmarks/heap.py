# Run in place of main.py by `dorn bench`: free heap after each stage of start-up.
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
import fsw.app
from fsw.run import BootRecord, Failures, Parts, Supervisor, assemble, kept

stages.append(free())
del fsw
folder, failures = kept(board.flash), Failures()
boot_record = BootRecord(folder, board, failures)
executive = assemble(Parts(board, folder, Supervisor(board.watchdog), boot_record, failures))
stages.append(free())
print("FIGURES", *stages)
