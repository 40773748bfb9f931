# A run of the instrument: from the watchdog's start to the reset. At its end bias off comes first, then everything
# else, each whatever became of the one before: no exception keeps the bias on, or the instrument from its reset.
import os
import sys

from fsw.health.faults import Failures
from fsw.health.supervisor import Supervisor
from fsw.store.boot import BootRecord, note_crash
from micropython import const

_NO_TASK = const(255)
_FOREVER_US = const(1 << 60)


class Parts:
    """What the instrument consists of, by name, as app.py puts it together. services: by number."""

    def __init__(self, board, folder, supervisor, boot_record, failures):
        self.board = board
        self.folder = folder  # of what is written while flying
        self.supervisor = supervisor
        self.boot_record = boot_record
        self.failures = failures
        self.services = {}

    def service(self, number):
        """An optional service, or None."""
        return self.services.get(number)

    def restart(self, maintenance):
        """A reset that was commanded: what can be kept is kept. Never returns."""
        bias_off(self.board)
        steps = [self.boot_record.close]  # the last one: then no record number is given any more
        if not self.modes.is_safe:
            steps = [self.parameters.flush, self.store.flush] + steps
            if self.acquisition.running:
                steps = [self.checkpoint.write] + steps
        for step in steps:
            try:
                step()
            except Exception:  # the next start tells what is missing
                pass
        reset(self.board, maintenance)


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
    forget_construction()
    parts.executive.begin()
    return parts.executive


def forget_construction():
    """No module is imported any more, and no object of its classes is made: app.py and every __init__ are garbage.

    The table of modules goes for the collector's sake: it looks after 64 objects at a time; with more at hand it goes
    through the heap once more, which doubles its time. The modules alone are 40.
    """
    for name in list(sys.modules):
        if "." in name:
            for item in sys.modules[name].__dict__.values():
                if isinstance(item, type) and hasattr(item, "__init__"):
                    try:
                        item.__init__ = None  # an attribute that is deleted stays in memory
                    except AttributeError:  # a type of MicroPython's
                        pass
            del sys.modules[name]
    del sys.modules["fsw"].app


def kept(flash):
    """The folder of what is written while flying: a folder grows with each write, and imports read the root's."""
    folder = flash + "/kept"
    try:
        os.mkdir(folder)
    except OSError:  # it is there, or the boot record tells that nothing can be written
        pass
    return folder


def crash(board, boot_record, task, error):
    """The run ends with an exception, of that task or, None, of none. boot_record: None if there is none yet."""
    bias_off(board)
    try:
        if boot_record:
            boot_record.crashed(task, error)
        else:
            note_crash(board.scratch, _NO_TASK, 0, 1)
    except Exception:  # the watchdog's reset is counted at least
        pass
    reset(board, False)


def bias_off(board):
    """By command, or by silence."""
    devices = board.slow_control
    try:
        devices.off()
    except Exception:  # OSError or any other
        if not devices.is_off:
            devices.silent = True


def reset(board, maintenance):
    """Never returns."""
    try:
        board.reset(maintenance)
    except Exception:
        pass
    while True:  # the watchdog is not fed any more
        board.wait(_FOREVER_US, _never)


def _never():
    return False
