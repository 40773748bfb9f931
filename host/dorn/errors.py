"""What a user can put right: one line naming file, field (and line) and value; `dorn` exits with status 2."""

_SHOWN = 60  # characters of a bad value: enough to find it, short enough for one line of a terminal


class UserError(ValueError):
    """An error that is the input's, not the program's. str() of it is always one line."""

    def __str__(self):
        return " ".join(super().__str__().split())

    @classmethod
    def at(cls, file, field, what, value=None, line=None):
        """FILE: FIELD: WHAT (VALUE), or FILE:LINE: FIELD: WHAT (VALUE)."""
        place = f"{file}" if line is None else f"{file}:{line}"
        return cls(f"{place}: {field}: {what}" + ("" if value is None else f" ({shown(value)})"))


def shown(value):
    """`value` as a message shows it: on one line, printable, not too long."""
    text = value if isinstance(value, str) and value.isprintable() and value.strip() else repr(value)
    return text if len(text) <= _SHOWN else text[: _SHOWN - 3] + "..."
