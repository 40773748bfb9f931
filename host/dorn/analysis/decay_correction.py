"""Decay correction: the activity at a reference date, from the mean activity in a measurement.

factor, error = decay_factor(half_life_s, half_life_u_s, elapsed_s=86400, duration_s=3600)
fed_by("Po-218", among=["Rn-222", "Po-218"])  # "Rn-222"
"""

from __future__ import annotations

import math
from collections.abc import Iterable

from dorn.errors import UserError
from dorn.nuclides import half_life_s
from dorn.nuclides.chains import members

_SMALL = 1e-3  # decay constant x duration below which series are more precise; their next term is 1e-12


def decay_factor(
    half_life_s: float, half_life_u_s: float | None, elapsed_s: float, duration_s: float = 0.0
) -> tuple[float, float]:
    """(factor, standard uncertainty): activity at the reference date over the mean activity in a measurement.

    elapsed_s: from the reference date to the start of the measurement, negative if the start is earlier. With the decay
    constant l, the factor is exp(l elapsed) l duration / (1 - exp(-l duration)); the uncertainty of the half-life is
    propagated through the entire expression. Raises UserError for invalid times.
    """
    for field, value, right in (
        ("half_life_s", half_life_s, half_life_s > 0),
        ("uncertainty of half_life_s", half_life_u_s or 0.0, (half_life_u_s or 0.0) >= 0),
        ("elapsed_s", elapsed_s, True),
        ("duration_s", duration_s, duration_s >= 0),
    ):
        if not (right and math.isfinite(value)):
            raise UserError.at("decay", field, "negative, 0 or not finite", value)
    decay = math.log(2) / half_life_s
    x = decay * duration_s
    during = 1 + x / 2 + x**2 / 12 if x < _SMALL else x / -math.expm1(-x)
    factor = math.exp(decay * elapsed_s) * during
    # derivative of ln(during) with respect to decay constant x duration
    slope = 0.5 - x / 12 if x < _SMALL else 1 / x - (1 / math.expm1(x) if x < 700 else 0.0)
    by_decay = factor * (elapsed_s + duration_s * slope)
    return factor, abs(by_decay) * decay * (half_life_u_s or 0.0) / half_life_s


def fed_by(name: str, among: Iterable[str]) -> str | None:
    """The longest-lived ancestor of a nuclide in `among`, if it lives longer than the nuclide, which then may not decay
    with its own half-life; None without one."""
    feeding = [one for one in among if name in members([one])]
    longest = max([name, *feeding], key=half_life_s)
    return None if longest == name else longest
