# Replaces main.py on the unix port: the firmware, with one call that raises an unexpected exception.
#
# Files in the flash folder: `arm_at` names a method or function ("Modes.safe", "Parts.restart", "crash"): while it
# runs, all calls in the firmware are counted, and call number `raise_at` raises. `armed` is created when it is called,
# and holds the number of calls. While a file `crash` exists, a task raises in each of its steps.
import sys

import fsw.app
import fsw.run  # noqa: F401  imports every module to be wrapped

import boards.slow_control
import boards.unix.board
import boards.unix.link

_FOLDER = sys.argv[1]
# functions of the unix board that raise before they send: a truncated message would break the test, not the firmware
_BOARD = (
    (boards.unix.board.Board, ("reset",)),
    (boards.unix.board.Clock, ("us",)),
    (boards.unix.board.Watchdog, ("feed",)),
    (boards.unix.board.I2C, ("writeto", "readfrom_into")),
    (boards.unix.link.Link, ("room", "write", "read")),
)
_FUNCTION = type(lambda: None)


class Injected(Exception):
    pass


def read(name):
    with open(_FOLDER + "/" + name) as file:
        return file.read().strip()


def exists(name):
    try:
        read(name)
    except OSError:
        return False
    return True


class Injection:
    def __init__(self):
        self.arm_at = read("arm_at")
        self.raise_at = int(read("raise_at"))
        self.calls = 0
        self.armed = self.over = False
        self.wrappers = {}  # id of a function -> its replacement

    def wrapped(self, name, function):
        if id(function) not in self.wrappers:

            def call(*values, **named):
                if self.armed:
                    self.calls += 1
                    self.note()
                    if self.calls == self.raise_at:
                        raise Injected(name)
                elif name == self.arm_at and not self.over:
                    self.armed = True
                    self.note()
                    try:
                        return function(*values, **named)
                    finally:
                        self.armed, self.over = False, True
                elif name == "Storm.step" and exists("crash"):
                    raise ValueError(name)
                return function(*values, **named)

            self.wrappers[id(function)] = call
            self.wrappers[id(call)] = call
        return self.wrappers[id(function)]

    def note(self):
        with open(_FOLDER + "/armed", "w") as file:
            file.write(str(self.calls))

    def wrap(self, owner, prefix, names=None):
        """Wrap every function of a module or class, or only `names`."""
        for name in names or dir(owner):
            value = getattr(owner, name)
            if type(value) is _FUNCTION:
                setattr(owner, name, self.wrapped(prefix + name, value))
            elif type(value) is type and not prefix and not issubclass(value, Exception):
                self.wrap(value, name + ".")


injection = Injection()
for module in [m for name, m in sys.modules.items() if name.startswith("fsw.") and name != "fsw.icd"]:
    injection.wrap(module, "")
injection.wrap(boards.slow_control, "")
for owner, names in _BOARD:
    injection.wrap(owner, owner.__name__ + ".", names)

import firmware_main  # noqa: E402, F401  the firmware's own main.py
