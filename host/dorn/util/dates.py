"""Dates and times: those given by the operator, and UTC as text."""

import datetime

from dorn.errors import UserError

YEARS = 1900, 2200


def utc(text: str, source: str, field: str) -> datetime.datetime:
    """A date, or date and time, in ISO 8601; in UTC unless it has a zone. Raises UserError."""
    try:
        found = datetime.datetime.fromisoformat(text.strip())
    except ValueError:
        what = "not a date, or date and time, such as 2026-01-31 or 2026-01-31T12:34:56Z"
        raise UserError.at(source, field, what, text) from None
    if not YEARS[0] <= found.year < YEARS[1]:
        raise UserError.at(source, field, f"not from {YEARS[0]} to {YEARS[1] - 1}", text)
    return found if found.tzinfo else found.replace(tzinfo=datetime.UTC)


def utc_text(time: datetime.datetime, timespec: str = "milliseconds") -> str:
    """As in 2026-01-31T12:34:56.789Z. timespec: the precision, as in datetime.isoformat."""
    return time.astimezone(datetime.UTC).isoformat(timespec=timespec).replace("+00:00", "Z")
