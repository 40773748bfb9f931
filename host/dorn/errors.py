"""Errors that the user can correct: one line naming file, line, field and value; `dorn` exits with status 2."""

_SHOWN = 60  # characters of a bad value, so that the message fits one line of a terminal


class UserError(ValueError):
    """An error in the input, not in the program. str() is always one line."""

    def __str__(self):
        return " ".join(super().__str__().split())

    @classmethod
    def at(cls, file, field, what, value=None, line=None):
        """The error FILE: FIELD: WHAT (VALUE), or FILE:LINE: FIELD: WHAT (VALUE)."""
        place = f"{file}" if line is None else f"{file}:{line}"
        return cls(f"{place}: {field}: {what}" + ("" if value is None else f" ({shown(value)})"))


def shown(value):
    """`value` for a message: one line, printable, truncated if long."""
    text = value if isinstance(value, str) and value.isprintable() and value.strip() else repr(value)
    return text if len(text) <= _SHOWN else text[: _SHOWN - 3] + "..."
