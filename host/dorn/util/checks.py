"""Reading files: text, and numbers that are what they claim to be; else a SourceError of one line."""

import math
from pathlib import Path

from dorn.errors import UserError


class SourceError(UserError):
    """A source that cannot be used: FILE: FIELD: what (value)."""


def text_of(path):
    """The text of a file, without byte order mark; bytes that are not UTF-8 fail in their field."""
    try:
        with open(path, encoding="utf-8-sig", errors="replace") as file:
            text = file.read()
    except OSError as error:
        raise SourceError.at(path, "file", f"cannot be read: {error.strerror}") from None
    if not text.strip():
        raise SourceError.at(path, "file", "is empty")
    return text


def octets_of(path):
    """The octets of a binary file."""
    try:
        return Path(path).read_bytes()
    except OSError as error:
        raise SourceError.at(path, "file", f"cannot be read: {error.strerror}") from None


def number(text, path, field, line=None):
    """A finite number, at most 1e18. `text` is a string of a file, or a value that TOML has read already."""
    # float() and int() also take 1_000, and float() True: no file of numbers means that
    if isinstance(text, (str, int, float)) and not isinstance(text, bool) and "_" not in str(text):
        try:
            value = float(text)
        except (ValueError, OverflowError):
            value = math.nan
        if abs(value) <= 1e18:  # no time, energy or rate is above; sums and squares stay finite
            return value
    raise SourceError.at(path, field, "not a number to use", text, line)


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
    """Counts of a channel: a whole number from 0 to 2^53. 3.0 is one too: many programs write it so."""
    value = at_least(0, text, path, field, line)
    if value != int(value) or value > 2**53:
        raise SourceError.at(path, field, "not a whole number of counts", text, line)
    return int(value)
