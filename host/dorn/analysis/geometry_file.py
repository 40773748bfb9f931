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

kind = "facets"                 # flat surfaces in any position, by Monte Carlo
pairs = 1000000                 # of random points
half_angle_deg = 90             # of the cone around the normal of the detector

[source]
radius_cm = 0.5                 # of a disc
radius_error_cm = 0.01
centre_cm = [0, 0, 0]
centre_error_cm = [0, 0, 0]
normal = [0, 0, 1]              # points to the side that emits or detects

[detector]
width_cm = 2.0                  # of a rectangle; width and height are along x and y if the normal is along z
width_error_cm = 0.01
height_cm = 2.5
height_error_cm = 0.01
centre_cm = [0.5, 0, 3]
centre_error_cm = [0.05, 0.05, 0.1]
normal = [0, 0, -1]
"""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import numpy as np

from dorn.analysis import geometry
from dorn.analysis.geometry import Disc, Efficiency, Rectangle
from dorn.errors import UserError
from dorn.util.tables import Table

_KINDS: dict[str, tuple[Callable[..., Efficiency], tuple[str, ...]]] = {
    "plane": (geometry.plane, ("area_cm2", "half_angle_deg")),
    "discs": (geometry.disc_to_disc, ("source_cm", "detector_cm", "distance_cm")),
    "point": (geometry.point_to_disc, ("detector_cm", "distance_cm")),
}
_STEP = 1e-4  # relative step of numerical derivatives
_SEED = 1  # of the random points, the same for all values of the dimensions
_Sizes = dict[str, tuple[float, ...]]  # name of a field of a facet -> its numbers


def read(path: Path | str) -> tuple[Efficiency, bool]:
    """(efficiency, whether it is for a plane: in cm2, per detector). Raises UserError that names file and field."""
    table = Table.read(path)
    kind = table.text("kind")
    if kind == "facets":
        return _of_facets(table), False
    if kind not in _KINDS:
        raise table.error("kind", f"not one of {', '.join([*_KINDS, 'facets'])}", kind)
    function, names = _KINDS[kind]
    values = [table.above_zero(name) for name in names]
    errors = [_error(table, name, value) for name, value in zip(names, values, strict=True)]
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


def _error(table: Table, name: str, value: float) -> float:
    """The error of a size, `radius_error_cm` for `radius_cm`. Raises UserError unless it is below the size."""
    of_name = "_error_".join(name.rsplit("_", 1))
    error = table.at_least(0, of_name)
    if error >= value:
        raise table.error(of_name, f"not below {name}", error)
    return error


def _of_facets(table: Table) -> Efficiency:
    """The efficiency by Monte Carlo; its error is that of the mean of the pairs and those of the dimensions."""
    pairs, half_angle_deg = table.count("pairs"), table.above_zero("half_angle_deg")
    sizes, errors = zip(*(_facet(table.table(name)) for name in ("source", "detector")), strict=True)
    table.done()

    def found(source: _Sizes, detector: _Sizes) -> Efficiency:
        try:
            return geometry.monte_carlo(_made(source), _made(detector), pairs, _SEED, half_angle_deg)
        except UserError as error:
            raise UserError(f"{table.path}: {error}") from None

    one = found(*sizes)
    changes = [one.error]
    for n, of in enumerate(errors):
        for name, i, error in ((name, i, e) for name, row in of.items() for i, e in enumerate(row) if e):
            both = [
                found(*(_shifted(facet, name, i, way * error) if n == k else facet for k, facet in enumerate(sizes)))
                for way in (1, -1)
            ]
            changes.append((both[0].value - both[1].value) / 2)
    total = float(np.linalg.norm(changes))
    return Efficiency(one.value, total, f"facets, {one.how}: {one.value:.4g} +- {total:.2g}")


def _facet(table: Table) -> tuple[_Sizes, _Sizes]:
    """(dimensions, their errors) of a facet; a disc has a radius."""
    names = ("radius_cm",) if "radius_cm" in table.values else ("width_cm", "height_cm")
    sizes: _Sizes = {name: (table.above_zero(name),) for name in names}
    errors: _Sizes = {name: (_error(table, name, *sizes[name]),) for name in names}
    sizes["centre_cm"], sizes["normal"] = table.vector("centre_cm", 3), table.vector("normal", 3)
    errors["centre_cm"] = table.at_least_zero("centre_error_cm", 3)
    table.done()
    return sizes, errors


def _made(sizes: _Sizes) -> Disc | Rectangle:
    (x, y, z), (across, along, up) = sizes["centre_cm"], sizes["normal"]
    centre_cm, normal = (x, y, z), (across, along, up)
    if "radius_cm" in sizes:
        return Disc(*sizes["radius_cm"], centre_cm=centre_cm, normal=normal)
    return Rectangle(*sizes["width_cm"], *sizes["height_cm"], centre_cm=centre_cm, normal=normal)


def _shifted(sizes: _Sizes, name: str, i: int, by: float) -> _Sizes:
    return {**sizes, name: tuple(value + by * (i == j) for j, value in enumerate(sizes[name]))}


def _moved(values: list[float], i: int, part: float) -> list[float]:
    return [value * (1 + part * (j == i)) for j, value in enumerate(values)]
