"""Telecommands before which a ground system asks the operator: those that the instrument wants armed, and those that
carry any other telecommand, whose content the ground system does not see."""

from dorn.dictionary import Layout
from dorn.dictionary.definitions import Function

ARMED = "`arm` in the preceding 10 s"  # as in the texts of the dictionary
_CARRIED = "telecommand"  # the field with a complete telecommand
_REFUSED = "not_armed"


def of_function(function: Function) -> str | None:
    """Why the operator is asked before this function; None if not."""
    return _must_be_armed() if function.armed else None


def of_command(layout: Layout) -> str | None:
    """Why the operator is asked before this telecommand; None if not, or if that depends on the function in it."""
    names = {field.name for field in layout.fields}
    if _CARRIED in names:
        return "the telecommand in it is released later, without asking again"
    if _REFUSED in layout.refused and "function" not in names:
        condition, _, _ = layout.refused[_REFUSED].rpartition(f" without {ARMED}")
        return _must_be_armed(condition)
    return None


def _must_be_armed(condition: str = "") -> str:
    return f"must be armed{condition and f' if {condition}'}: function {ARMED.replace('`', '')}"
