"""The geometry of a measurement from a file (.toml): its efficiency, with the errors of its dimensions.

kind = "plane"                  # a plane, or the column of a gas, in front of each detector
area_cm2 = 6.0                  # of a detector
area_error_cm2 = 0.1
half_angle_deg = 60             # of the cone around its normal from which alphas reach it
half_angle_error_deg = 1

kind = "discs"                  # a disc as source, and a parallel one on the same axis as detector
source_cm = 0.5                 # radius
source_error_cm = 0.01
detector_cm = 1.0               # radius
detector_error_cm = 0.01
distance_cm = 4.0
distance_error_cm = 0.05

kind = "point"                  # a point on the axis of a disc: detector_cm, distance_cm and their errors
"""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import numpy as np

from dorn.analysis import geometry
from dorn.analysis.geometry import Efficiency
from dorn.errors import UserError
from dorn.util.tables import Table

_KINDS: dict[str, tuple[Callable[..., Efficiency], tuple[str, ...]]] = {
    "plane": (geometry.plane, ("area_cm2", "half_angle_deg")),
    "discs": (geometry.disc_to_disc, ("source_cm", "detector_cm", "distance_cm")),
    "point": (geometry.point_to_disc, ("detector_cm", "distance_cm")),
}
_STEP = 1e-4  # relative step of numerical derivatives


def read(path: Path | str) -> tuple[Efficiency, bool]:
    """(efficiency, whether it is for a plane: in cm2, per detector). Raises UserError that names file and field."""
    table = Table.read(path)
    kind = table.text("kind")
    if kind not in _KINDS:
        raise table.error("kind", f"not one of {', '.join(_KINDS)}", kind)
    function, names = _KINDS[kind]
    values = [table.above_zero(name) for name in names]
    errors = [table.at_least(0, "_error_".join(name.rsplit("_", 1))) for name in names]
    table.done()
    try:
        value = function(*values).value
        changes = [
            error * (function(*_moved(values, i, -_STEP)).value - value) / (_STEP * values[i])
            for i, error in enumerate(errors)
        ]
    except UserError as error:
        raise UserError(f"{path}: {error}") from None
    of_plane = kind == "plane"
    sizes = ", ".join(f"{n} {v:g} +- {e:g}" for n, v, e in zip(names, values, errors, strict=True))
    error = float(np.linalg.norm(changes))
    how = f"{kind}, {sizes}: {value:.4g} +- {error:.2g}{' cm2 for each detector' if of_plane else ''}"
    return Efficiency(value, error, how), of_plane


def _moved(values: list[float], i: int, part: float) -> list[float]:
    return [value * (1 + part * (j == i)) for j, value in enumerate(values)]
