"""Telecommands that a ground system asks the operator to confirm: those that must be armed, and those that carry
another telecommand, whose content the ground system does not see."""

from dorn.dictionary import Layout
from dorn.dictionary.definitions import Function

ARMED = "`arm` in the preceding 10 s"  # as in the texts of the dictionary
_CARRIED = "telecommand"  # the field with a complete telecommand
_REFUSED = "not_armed"


def of_function(function: Function) -> str | None:
    """Why the operator must confirm this function; None if not required."""
    return _must_be_armed() if function.armed else None


def of_command(layout: Layout) -> str | None:
    """Why the operator must confirm this telecommand; None if not required, or if it depends on the function in it."""
    names = {field.name for field in layout.fields}
    if _CARRIED in names:
        return "the telecommand in it is released later, without another confirmation"
    if _REFUSED in layout.refused and "function" not in names:
        condition, _, _ = layout.refused[_REFUSED].rpartition(f" without {ARMED}")
        return _must_be_armed(condition)
    return None


def _must_be_armed(condition: str = "") -> str:
    return f"must be armed{condition and f' if {condition}'}: function {ARMED.replace('`', '')}"
