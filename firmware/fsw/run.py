# A run of the instrument, from the start of the watchdog to the reset.
import os

from fsw.health.faults import Failures
from fsw.health.supervisor import Supervisor, crash, restart
from fsw.store.boot import BootRecord


class Parts:
    """The components of the instrument by name, as constructed by app.py. services: service number -> service."""

    def __init__(self, board, folder, supervisor, boot_record, failures):
        self.board = board
        self.folder = folder  # for files written in flight
        self.supervisor = supervisor
        self.boot_record = boot_record
        self.failures = failures
        self.services = {}

    def restart(self, maintenance):
        """Perform a commanded reset. Never returns."""
        restart(self, maintenance)


def run(board):
    """Run the instrument until it resets. An exception that nothing else handled is recorded."""
    boot_record = executive = None
    try:
        supervisor = Supervisor(board.watchdog)
        supervisor.begin()  # before anything that can fail, so that a failed start is retried
        failures = Failures()
        folder = kept(board.flash)
        boot_record = BootRecord(folder, board, failures)
        executive = assemble(Parts(board, folder, supervisor, boot_record, failures))
        executive.run()
    except Exception as error:
        crash(board, boot_record, executive and executive.failing, error)


def assemble(parts):
    """Return the executive, ready to run; objects needed only at start are released."""
    from fsw import app

    app.build(parts)
    app.begin(parts)
    app.release(parts)
    app.__dict__.clear()  # an old pointer on the C stack may keep one of its functions, but then no longer the others
    del app
    parts.executive.begin()
    return parts.executive


def kept(flash):
    """Return the folder for files written in flight. Not the root: writes make a folder grow, and imports search it."""
    folder = flash + "/kept"
    try:
        os.mkdir(folder)
    except OSError:  # it exists, or the boot record will report that nothing can be written
        pass
    return folder
