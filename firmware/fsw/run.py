# A run of the instrument: from the watchdog's start to the reset.
import os
import sys

from fsw.health.faults import Failures
from fsw.health.supervisor import Supervisor, crash, restart
from fsw.store.boot import BootRecord


class Parts:
    """What the instrument consists of, by name, as app.py puts it together. services: by number."""

    def __init__(self, board, folder, supervisor, boot_record, failures):
        self.board = board
        self.folder = folder  # of what is written while flying
        self.supervisor = supervisor
        self.boot_record = boot_record
        self.failures = failures
        self.services = {}

    def restart(self, maintenance):
        """A reset that was commanded. Never returns."""
        restart(self, maintenance)


def run(board):
    """The instrument, until it resets. An exception that nothing else could deal with is put on record."""
    boot_record = executive = None
    try:
        supervisor = Supervisor(board.watchdog)
        supervisor.begin()  # before anything that can fail: a start that does not succeed is tried again
        failures = Failures()
        folder = kept(board.flash)
        boot_record = BootRecord(folder, board.reset_cause, board.scratch, failures)
        executive = assemble(Parts(board, folder, supervisor, boot_record, failures))
        executive.run()
    except Exception as error:
        crash(board, boot_record, executive and executive.failing, error)


def assemble(parts):
    """-> the executive, ready to run. What only a start needs is garbage then."""
    from fsw import app

    app.build(parts)
    app.begin(parts)
    del app
    _forget_construction()
    parts.executive.begin()
    return parts.executive


def _forget_construction():
    """No module is imported any more, and no object of its classes is made: app.py and every __init__ are garbage.

    The table of modules goes for the collector's sake: it looks after 64 objects at a time; with more at hand it goes
    through the heap once more, which doubles its time. The modules alone are 40.
    """
    for name in list(sys.modules):
        if "." in name:
            for item in sys.modules[name].__dict__.values():
                if isinstance(item, type) and hasattr(item, "__init__"):
                    try:
                        # an attribute that is deleted stays in memory
                        item.__init__ = None  # pyright: ignore[reportAttributeAccessIssue]
                    except AttributeError:  # a type of MicroPython's
                        pass
            del sys.modules[name]
    del sys.modules["fsw"].app  # pyright: ignore[reportAttributeAccessIssue] of a module


def kept(flash):
    """The folder of what is written while flying: a folder grows with each write, and imports read the root's."""
    folder = flash + "/kept"
    try:
        os.mkdir(folder)
    except OSError:  # it is there, or the boot record tells that nothing can be written
        pass
    return folder
