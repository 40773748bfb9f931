"""Efficiency: the fraction of the alphas that reach a detector.

    plane(area_cm2=6, half_angle_deg=60)              ground, or gas: counts per second per (Bq/cm2), in cm2
    disc_to_disc(source_cm=1, detector_cm=1.5, distance_cm=2)
    monte_carlo(Disc(1), Rectangle(2, 2.5, centre_cm=(0, 0, 3), normal=(0, 0, -1)), n=10**6, seed=1)
    measured(0.12, 0.004)

Absorption and scattering are neglected. Alphas are emitted isotropically: an efficiency is at most 0.5 for a thin
source on a surface. A detector may see only a cone of directions around its normal (half_angle_deg).
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from functools import cached_property

import numpy as np
from scipy.integrate import quad

from dorn.errors import UserError

_TOLERANCE = 1e-10  # of an integral
_BLOCK = 2**18  # pairs of points at a time


@dataclass(frozen=True)
class Efficiency:
    """error: standard uncertainty; how: the method by which the value was obtained."""

    value: float
    error: float
    how: str


@dataclass(frozen=True, kw_only=True)
class _Facet:
    """A flat surface. Its normal points to the side that emits or detects."""

    centre_cm: tuple[float, float, float] = (0.0, 0.0, 0.0)
    normal: tuple[float, float, float] = (0.0, 0.0, 1.0)

    def __post_init__(self):
        if not np.isfinite([*self.centre_cm, *self.normal]).all() or not any(self.normal):
            raise UserError.at("geometry", "facet", "centre or normal not finite, or normal of length 0", self)

    @cached_property
    def axes(self) -> np.ndarray:
        """float64[3, 3]: unit vectors along the two sides and the normal; a normal along z has sides along x and y."""
        normal = np.array(self.normal, float) / math.hypot(*self.normal)
        other = np.array([0.0, 1.0, 0.0]) if abs(normal[1]) < 0.9 else np.array([0.0, 0.0, 1.0])
        first = np.cross(other, normal)
        first /= np.linalg.norm(first)
        return np.array([first, np.cross(normal, first), normal])

    def points(self, rng: np.random.Generator, n: int) -> np.ndarray:
        """float64[n, 3]: uniform over the surface, in cm."""
        return np.array(self.centre_cm, float) + self._inside(rng, n) @ self.axes[:2]

    @property
    def area_cm2(self) -> float:
        raise NotImplementedError

    def _inside(self, rng, n):
        """float64[n, 2]: coordinates along the two sides, from the centre."""
        raise NotImplementedError


@dataclass(frozen=True)
class Disc(_Facet):
    """With radius 0 it is a point source that emits to one side of its plane."""

    radius_cm: float

    def __post_init__(self):
        super().__post_init__()
        _check("radius_cm", self.radius_cm, self.radius_cm >= 0)

    @property
    def area_cm2(self) -> float:
        return math.pi * self.radius_cm**2

    def _inside(self, rng, n):
        angle, radius = 2 * np.pi * rng.random(n), self.radius_cm * np.sqrt(rng.random(n))
        return np.stack([radius * np.cos(angle), radius * np.sin(angle)], axis=1)


@dataclass(frozen=True)
class Rectangle(_Facet):
    """Sides along x and y if the normal is along z."""

    width_cm: float
    height_cm: float

    def __post_init__(self):
        super().__post_init__()
        for field in ("width_cm", "height_cm"):
            _check(field, getattr(self, field), getattr(self, field) > 0)

    @property
    def area_cm2(self) -> float:
        return self.width_cm * self.height_cm

    def _inside(self, rng, n):
        return (rng.random((n, 2)) - 0.5) * [self.width_cm, self.height_cm]


def plane(area_cm2: float, half_angle_deg: float = 90.0) -> Efficiency:
    """For a detector in front of an infinite plane, or below a gas: counts per second per (Bq/cm2), in cm2.

    area / 2 (1 - cos of the half-angle) at any height: derived in dorn.head.scenario. For a gas, the activity is that
    in the column above an area.
    """
    _check("area_cm2", area_cm2, area_cm2 > 0)
    _check_angle(half_angle_deg)
    value = area_cm2 / 2 * (1 - math.cos(math.radians(half_angle_deg)))
    return Efficiency(value, 0.0, "plane, closed form, cm2")


def point_to_disc(detector_cm: float, distance_cm: float) -> Efficiency:
    """For a point source on the axis of a disc of radius `detector_cm`."""
    _check("detector_cm", detector_cm, detector_cm > 0)
    _check("distance_cm", distance_cm, distance_cm >= 0)
    value = (1 - distance_cm / math.hypot(distance_cm, detector_cm)) / 2
    return Efficiency(value, 0.0, "point and disc, closed form")


def disc_to_disc(source_cm: float, detector_cm: float, distance_cm: float) -> Efficiency:
    """For a disc in front of a parallel one on the same axis; arguments: radii and distance.

    Alphas at an angle t from the axis come from where the detector, shifted by distance x tan t, overlaps the source:
    the efficiency is the integral of overlap / source area x sin t / 2 dt.
    """
    _check("source_cm", source_cm, source_cm > 0)
    _check("detector_cm", detector_cm, detector_cm > 0)
    _check("distance_cm", distance_cm, distance_cm >= 0)
    if not distance_cm:
        return Efficiency(min(1.0, (detector_cm / source_cm) ** 2) / 2, 0.0, "discs in contact, closed form")

    def density(angle):
        overlap = _overlap_cm2(source_cm, detector_cm, distance_cm * math.tan(angle))
        return overlap / (math.pi * source_cm**2) * math.sin(angle) / 2

    bends = [math.atan(radius / distance_cm) for radius in (abs(source_cm - detector_cm), source_cm + detector_cm)]
    parts = [quad(density, *ends, epsabs=0, epsrel=_TOLERANCE)[0] for ends in zip([0.0, bends[0]], bends, strict=True)]
    return Efficiency(sum(parts), 0.0, "discs, integral")


def monte_carlo(
    source: Disc | Rectangle, detector: Disc | Rectangle, n: int, seed: int, half_angle_deg: float = 90.0
) -> Efficiency:
    """For a source and a detector in any position, from n pairs of random points, one on each.

    The detector's area subtends the solid angle area x cos t / distance^2, with t measured from its normal; the
    efficiency is the mean of this divided by 4 pi. Pairs that do not face each other contribute 0. The error is that
    of the mean; a distance that is small compared with the facets needs more pairs. Raises UserError for n < 2.
    """
    _check("n", n, n >= 2)
    _check("area_cm2", detector.area_cm2, detector.area_cm2 > 0)
    _check_angle(half_angle_deg)
    rng, least = np.random.default_rng(seed), math.cos(math.radians(half_angle_deg))
    total = squares = 0.0
    for first in range(0, n, _BLOCK):
        pairs = min(_BLOCK, n - first)
        path = detector.points(rng, pairs) - source.points(rng, pairs)
        length = np.linalg.norm(path, axis=1)
        leaves, arrives = path @ source.axes[2], -(path @ detector.axes[2]) / length
        seen = (leaves > 0) & (arrives > 0) & (arrives >= least)
        weights = np.where(seen, detector.area_cm2 * arrives / (4 * math.pi * length**2), 0.0)
        total, squares = total + weights.sum(), squares + (weights**2).sum()
    mean = total / n
    error = math.sqrt(max(0.0, squares / n - mean**2) / (n - 1))
    return Efficiency(float(mean), error, f"Monte Carlo, {n} pairs of points, seed {seed}")


def measured(value: float, error: float, how: str = "measured") -> Efficiency:
    """Measured with a source of known activity. Raises UserError unless value > 0 and error >= 0, both finite."""
    _check("efficiency", value, value > 0)
    _check("uncertainty of the efficiency", error, error >= 0)
    return Efficiency(value, error, how)


def _overlap_cm2(a, b, shift):
    """Area common to two discs of radii a and b."""
    if shift >= a + b:
        return 0.0
    if shift <= abs(a - b):
        return math.pi * min(a, b) ** 2
    at_a = math.acos(min(1.0, max(-1.0, (shift**2 + a**2 - b**2) / (2 * shift * a))))
    at_b = math.acos(min(1.0, max(-1.0, (shift**2 + b**2 - a**2) / (2 * shift * b))))
    return a**2 * (at_a - math.sin(2 * at_a) / 2) + b**2 * (at_b - math.sin(2 * at_b) / 2)


def _check(field, value, right):
    if not (right and math.isfinite(value)):
        raise UserError.at("geometry", field, "too small or not finite", value)


def _check_angle(half_angle_deg):
    if not 0 < half_angle_deg <= 90:
        raise UserError.at("geometry", "half_angle_deg", "not above 0 and at most 90", half_angle_deg)
