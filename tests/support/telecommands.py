"""Values for the fields of a telecommand."""

from dorn.dictionary import Layout

_OCTETS = bytes(range(13))  # of an array


def values_of(layout: Layout) -> dict[str, int | bytes]:
    """A valid value for every field except the lengths of arrays, which follow from the arrays."""
    lengths = {field.length for field in layout.arrays}
    scalars = {field.name: field.valid[1] if field.valid else 1 for field in layout.scalars}
    chosen = {name: value for name, value in scalars.items() if name not in lengths}
    return chosen | {field.name: _OCTETS for field in layout.arrays}
