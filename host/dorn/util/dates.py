"""Dates and times given by the operator."""

import datetime

from dorn.errors import UserError

_YEARS = 1900, 2200


def utc(text: str, source: str, field: str) -> datetime.datetime:
    """A date, or date and time, in ISO 8601; in UTC unless it has a zone. Raises UserError."""
    try:
        found = datetime.datetime.fromisoformat(text.strip())
    except ValueError:
        what = "not a date, or date and time, such as 2026-01-31 or 2026-01-31T12:34:56Z"
        raise UserError.at(source, field, what, text) from None
    if not _YEARS[0] <= found.year < _YEARS[1]:
        raise UserError.at(source, field, f"not from {_YEARS[0]} to {_YEARS[1] - 1}", text)
    return found if found.tzinfo else found.replace(tzinfo=datetime.UTC)
