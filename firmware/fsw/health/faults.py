# Failures: refused telecommands, exceptions reduced to two numbers that fit into a report, and failed writes to flash.
import io
import sys

from fsw import icd
from micropython import const

# Error numbers that MicroPython does not name. littlefs returns ENAMETOOLONG if a directory has no room for another
# entry.
_ENOSPC = const(28)
_ENAMETOOLONG = const(36)
_EIO = const(5)
_REPORT_US = const(60_000_000)
_CAUSE = const(3)  # scratch register of 20 bits (boards/README.md): task, exception, line
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
    """Raised to refuse a telecommand: (failure code of the dictionary, detail)."""


def exception_of(error):
    """Return the value of the enum `exception` for the class of `error`."""
    for kind, number in _EXCEPTIONS:
        if isinstance(error, kind):
            return number
    return icd.EXCEPTION_OTHER


def errno_of(error):
    """Return the errno of an OSError; 0 for any other exception, as its `errno` is just its first argument."""
    return (isinstance(error, OSError) and error.errno) or 0


def line_of(error):
    """Return the number of the line that raised an exception, from its traceback; 0 if unknown."""
    text = io.StringIO()
    sys.print_exception(error, text)  # pyright: ignore[reportArgumentType]
    line = 0
    for part in text.getvalue().split(", line ")[1:]:  # pyright: ignore[reportAttributeAccessIssue]
        digits = part.split(",")[0].split("\n")[0]
        if digits.isdigit():
            line = int(digits)
    return line


def note_crash(scratch, task, exception, line):
    """Note a crash for the next start. Only the first unrecorded one is kept, as it may have caused the others."""
    if not scratch.get(_CAUSE):
        scratch.set(_CAUSE, (task & 15) << 16 | exception << 12 | min(line, 0xFFF))


def crash_in(scratch):
    """Return the noted crash, (task, exception, line), or None."""
    cause = scratch.get(_CAUSE)
    task = cause >> 16
    return (_NO_TASK if task == 15 else task, cause >> 12 & 15, cause & 0xFFF) if cause else None


def forget_crash(scratch):
    scratch.set(_CAUSE, 0)


class Failures:
    """Failed writes to flash, noted by all writers. The storage task reports them, and the packet store makes room.

    count: failures since boot. errno: that of the last one. full: a write found no room, and none has been made since.
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
        """Report all failures since the last report in one event, at most once a minute."""
        if self.count != self._reported and now >= self._report_us:
            self._report_us = now + _REPORT_US
            report(icd.EVENT_FLASH_FAILED, self.errno, self.count - self._reported)
            self._reported = self.count
