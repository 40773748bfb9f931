"""Reading of files and checks of numbers; errors are a SourceError of one line."""

import math
from pathlib import Path

from dorn.errors import UserError


class SourceError(UserError):
    """A source that cannot be used: FILE: FIELD: what (value)."""


def text_of(path):
    """The text of a file in UTF-8 or UTF-16, without byte order mark, and up to the ^Z that ends a text of DOS. Invalid
    octets are replaced, and then rejected with their field. Lines end with \\n."""
    text = text_in(octets_of(path))
    if not text.strip():
        raise SourceError.at(path, "file", "is empty")
    return text


def text_in(octets):
    """The same for the octets, or the first octets, of a file."""
    text = octets.decode(_encoding(octets), errors="replace")
    return text.partition("\x1a")[0].replace("\r\n", "\n").replace("\r", "\n")


def _encoding(octets):
    if octets[:2] in (b"\xff\xfe", b"\xfe\xff"):
        return "utf-16"
    begin = octets[:64]
    for form, zeros in (("utf-16-le", begin[1::2]), ("utf-16-be", begin[::2])):
        if len(begin) > 3 and not any(zeros) and any(begin):  # every other octet of a plain text is 0
            return form
    return "utf-8-sig"


def octets_of(path):
    """The octets of a binary file."""
    try:
        return Path(path).read_bytes()
    except OSError as error:
        raise SourceError.at(path, "file", f"cannot be read: {error.strerror}") from None


def number(text, path, field, line=None):
    """A finite number, at most 1e18. `text` is a string from a file, or a value parsed from TOML."""
    # float() and int() also accept 1_000, and float() also True, which no data file uses
    if isinstance(text, (str, int, float)) and not isinstance(text, bool) and "_" not in str(text):
        try:
            value = float(text)
        except (ValueError, OverflowError):
            value = math.nan
        if abs(value) <= 1e18:  # above any time, energy or rate; sums and squares stay finite
            return value
    raise SourceError.at(path, field, "not a usable number", text, line)


def at_least(least, text, path, field, line=None):
    """A finite number not below `least`."""
    value = number(text, path, field, line)
    if value < least:
        raise SourceError.at(path, field, f"below {least:g}", text, line)
    return value


def above_zero(text, path, field, line=None):
    """A finite number above 0."""
    value = number(text, path, field, line)
    if value <= 0:
        raise SourceError.at(path, field, "not above 0", text, line)
    return value


def count(text, path, field, line=None):
    """Counts in a channel: a whole number from 0 to 2^53; 3.0 is accepted, as many programs write it."""
    digits = text.strip().lstrip("0") if isinstance(text, str) else ""
    if digits.isdecimal():  # exactly: a float would round 2^53 + 1, and `number` has its own limit
        value = int(digits) if len(digits) < 20 else math.inf
    else:
        value = at_least(0, text, path, field, line)
    if value > 2**53:
        raise SourceError.at(path, field, "above 2^53 counts", text, line)
    if value != int(value):
        raise SourceError.at(path, field, "not a whole number of counts", text, line)
    return int(value)
