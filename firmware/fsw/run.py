# A run of the instrument, from the start of the watchdog to the reset.
import os
import sys

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
    del app
    _forget_construction()
    parts.executive.begin()
    return parts.executive


def _forget_construction():
    """Release app.py and every __init__: no module is imported and no class instantiated from here on.

    The module table is emptied to speed up garbage collection: the collector tracks 64 objects at a time; with more
    pending it scans the heap again, which doubles its time. The modules alone account for 40.
    """
    for name in list(sys.modules):
        if "." in name:
            for item in sys.modules[name].__dict__.values():
                if isinstance(item, type) and hasattr(item, "__init__"):
                    try:
                        # deleting the attribute would not free it
                        item.__init__ = None  # pyright: ignore[reportAttributeAccessIssue]
                    except AttributeError:  # a built-in type
                        pass
            del sys.modules[name]
    del sys.modules["fsw"].app  # pyright: ignore[reportAttributeAccessIssue] a module


def kept(flash):
    """Return the folder for files written in flight. Not the root: writes make a folder grow, and imports search it."""
    folder = flash + "/kept"
    try:
        os.mkdir(folder)
    except OSError:  # it exists, or the boot record will report that nothing can be written
        pass
    return folder
