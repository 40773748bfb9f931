# What goes wrong: telecommands that are refused, exceptions, in two numbers that fit into a report, and what the flash
# refuses.
import io
import sys

from fsw import icd
from micropython import const

# MicroPython has no names for them. littlefs gives the latter where a directory has no room for one more entry.
_ENOSPC = const(28)
_ENAMETOOLONG = const(36)
_EIO = const(5)
_REPORT_US = const(60_000_000)
_CAUSE = const(3)  # a scratch register, of 20 bits (boards/README.md): task, exception, line
_NO_TASK = const(255)
_EXCEPTIONS = (
    (MemoryError, icd.EXCEPTION_MEMORY),
    (OSError, icd.EXCEPTION_OS),
    (ValueError, icd.EXCEPTION_VALUE),
    (TypeError, icd.EXCEPTION_TYPE),
    (IndexError, icd.EXCEPTION_INDEX),
    (KeyError, icd.EXCEPTION_KEY),
    (AttributeError, icd.EXCEPTION_ATTRIBUTE),
    (ZeroDivisionError, icd.EXCEPTION_ZERO_DIVISION),
    (OverflowError, icd.EXCEPTION_OVERFLOW),
    (RuntimeError, icd.EXCEPTION_RUNTIME),
)


class Refused(Exception):
    """A telecommand that cannot be done: (failure code of the dictionary, detail)."""


def exception_of(error):
    """Number of its class in the enum `exception`."""
    for kind, number in _EXCEPTIONS:
        if isinstance(error, kind):
            return number
    return icd.EXCEPTION_OTHER


def errno_of(error):
    """Of an OSError; 0 of any other exception, whose `errno` is whatever it was raised with."""
    return (isinstance(error, OSError) and error.errno) or 0


def line_of(error):
    """The line an exception was raised at, as its traceback tells; 0 if it does not."""
    text = io.StringIO()
    sys.print_exception(error, text)
    line = 0
    for part in text.getvalue().split(", line ")[1:]:  # pyright: ignore[reportAttributeAccessIssue]
        digits = part.split(",")[0].split("\n")[0]
        if digits.isdigit():
            line = int(digits)
    return line


def note_crash(scratch, task, exception, line):
    """For the next start. Of several crashes without a record, the first counts: the others may follow from it."""
    if not scratch.get(_CAUSE):
        scratch.set(_CAUSE, (task & 15) << 16 | exception << 12 | min(line, 0xFFF))


def crash_in(scratch):
    """What was noted, (task, exception, line), or None."""
    cause = scratch.get(_CAUSE)
    task = cause >> 16
    return (_NO_TASK if task == 15 else task, cause >> 12 & 15, cause & 0xFFF) if cause else None


def forget_crash(scratch):
    scratch.set(_CAUSE, 0)


class Failures:
    """Whoever writes to flash notes its failures here; the storage task reports them, and the packet store makes room.

    count: since boot. errno: of the last. full: one found no room, and none has been made for it yet.
    """

    def __init__(self):
        self.count = 0
        self.full = False
        self.errno = self._reported = self._report_us = 0

    def note(self, error):
        self.count += 1
        self.errno = errno_of(error) or _EIO
        if self.errno == _ENOSPC or self.errno == _ENAMETOOLONG:
            self.full = True

    def step(self, now, report):
        """One event for all failures since the last, once a minute at most."""
        if self.count != self._reported and now >= self._report_us:
            self._report_us = now + _REPORT_US
            report(icd.EVENT_FLASH_FAILED, self.errno, self.count - self._reported)
            self._reported = self.count
