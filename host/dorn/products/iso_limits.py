"""Characteristic limits of ISO 11929 for rates and activities, beside those of `dorn.analysis.detection`.

For few counts the standard's decision threshold is exceeded by chance more often than in 5 % of measurements
(`dorn study limits`), so whether a nuclide was found is decided by the other one.
"""

from __future__ import annotations

import math

from dorn.analysis.activity import alphas_per_decay
from dorn.analysis.emission import Counted, Emissions
from dorn.analysis.geometry import Efficiency
from dorn.analysis.iso11929 import Input, Result, evaluate
from dorn.errors import UserError

Results = dict[str, Result | None]  # by nuclide; None where the standard has no result


def of_rates(found: Emissions, background: Counted | None) -> Results:
    """For alphas per second that reach the detectors. Requires a live time."""
    return {name: _evaluated(found, one, 1.0) for name, one in _counts(found, background).items()}


def of_activities(found: Emissions, background: Counted | None, efficiency: Efficiency, of_plane: bool) -> Results:
    """For Bq or, of a plane, Bq/cm2. Requires a live time."""
    per_spectrum = len(found.direction.counts) if of_plane else 1.0
    by_efficiency = Input(efficiency.value, efficiency.error)
    return {
        name: _evaluated(
            found, one | {"efficiency": by_efficiency, "alphas": Input(*alphas_per_decay(name))}, per_spectrum
        )
        for name, one in _counts(found, background).items()
    }


def _counts(found: Emissions, background: Counted | None) -> dict[str, dict[str, Input]]:
    """The inputs for the net counts of each nuclide."""
    model, inputs = found.model(), {}
    for one in found.emissions:
        blank = Input(0.0)
        if background is not None and background.direction.total_live_s:
            other = background.of(one.nuclide)
            ratio = (found.direction.total_live_s or 0.0) / background.direction.total_live_s
            blank = Input(other.counts * ratio, other.error * ratio)
        counts = Input.fitted(found.fit, model, one.nuclide)
        inputs[one.nuclide] = {"counts": counts, "shape": Input(0.0, one.shape), "background": blank}
    return inputs


def _evaluated(found: Emissions, inputs: dict[str, Input], per_spectrum: float) -> Result | None:
    of = found.direction
    per_s = len(of.counts) / (of.total_live_s or math.inf)

    def value(counts: float, shape: float, background: float, efficiency: float = 1.0, alphas: float = 1.0) -> float:
        return (counts + shape - background) * per_s / (efficiency * alphas * per_spectrum)

    try:
        return evaluate(value, inputs, "counts")
    except UserError:
        return None
