# What an exception was, in two numbers that fit into a report.
import io
import sys

from fsw import icd

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


def exception_of(error):
    """Number of its class in the enum `exception`."""
    for kind, number in _EXCEPTIONS:
        if isinstance(error, kind):
            return number
    return icd.EXCEPTION_OTHER


def line_of(error):
    """The line an exception was raised at, as its traceback tells; 0 if it does not."""
    text = io.StringIO()
    sys.print_exception(error, text)
    line = 0
    for part in text.getvalue().split(", line ")[1:]:
        digits = part.split(",")[0].split("\n")[0]
        if digits.isdigit():
            line = int(digits)
    return line
