"""Dates and times given by the operator."""

import datetime

from dorn.errors import UserError


def utc(text: str, source: str, field: str) -> datetime.datetime:
    """A date, or date and time, in ISO 8601; in UTC unless it has a zone. Raises UserError."""
    try:
        found = datetime.datetime.fromisoformat(text.strip())
    except ValueError:
        what = "not a date, or date and time, such as 2026-01-31 or 2026-01-31T12:34:56Z"
        raise UserError.at(source, field, what, text) from None
    return found if found.tzinfo else found.replace(tzinfo=datetime.UTC)
