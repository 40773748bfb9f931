"""Characteristic limits of ISO 11929 for rates and activities, beside those of `dorn.analysis.detection`.

For few counts the standard's decision threshold is exceeded by chance more often than in 5 % of measurements
(`dorn study limits`), so whether a nuclide was found is decided by the other one.
"""

from __future__ import annotations

from dorn.analysis.activity import alphas_per_decay
from dorn.analysis.iso11929 import Input, Result, evaluate
from dorn.errors import UserError
from dorn.products.outcome import Outcome


def of_rate(one: Outcome, name: str) -> Result | None:
    """For alphas per second that reach the detectors; None without a live time, or where the standard has no result."""
    return _evaluated(one, name, 1.0, {})


def of_activity(one: Outcome, name: str) -> Result | None:
    """For Bq, or Bq/cm2; None without an efficiency too."""
    if one.efficiency is None:
        return None
    factors = {
        "efficiency": Input(one.efficiency.value, one.efficiency.error),
        "alphas": Input(*alphas_per_decay(name)),
    }
    return _evaluated(one, name, len(one.emissions.direction.counts) if one.of_plane else 1.0, factors)


def _evaluated(one: Outcome, name: str, per_spectrum: float, factors: dict[str, Input]) -> Result | None:
    of, emissions = one.emissions.direction, one.emissions
    if of.total_live_s is None:
        return None
    per_s = len(of.counts) / of.total_live_s
    inputs = {
        "counts": Input.fitted(emissions.fit, emissions.model(), name),
        "shape": Input(0.0, emissions.of(name).shape),
        "background": Input(0.0),
        **factors,
    }
    if one.background is not None and one.background.direction.total_live_s:
        other, ratio = one.background.of(name), of.total_live_s / one.background.direction.total_live_s
        inputs["background"] = Input(other.counts * ratio, other.error * ratio)

    def value(counts: float, shape: float, background: float, efficiency: float = 1.0, alphas: float = 1.0) -> float:
        return (counts + shape - background) * per_s / (efficiency * alphas * per_spectrum)

    try:
        return evaluate(value, inputs, "counts")
    except UserError:
        return None
