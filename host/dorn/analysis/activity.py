"""From counts to rates and activities, with errors split by their causes.

    rate = emission_rate(one, n_spectra=8, live_s=8 * 3600.0)
    bq = activity(rate, "Po-210", geometry.measured(0.12, 0.01))
    bq_per_cm2 = activity(rate, "Po-210", geometry.plane(6, 60), per_spectrum=8)

A rate is that of the alphas of a nuclide that reach the detectors: counts x n / (sum of live times) for n spectra. An
activity is the rate divided by alphas per decay and efficiency. A surface activity (of a plane in front of each
detector, or of a column of gas) requires an efficiency in cm2. Errors are one standard deviation, to first order, and
independent of each other.
"""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass, field

import numpy as np

from dorn.analysis.detection import ONE_SIDED, net_detection_limit, net_threshold, widened
from dorn.analysis.emission import BELOW, FOUND, NOT_SEPARATED, Emission
from dorn.analysis.geometry import Efficiency
from dorn.errors import UserError
from dorn.nuclides import nuclide

_LEAST_S, _LEAST = 1e-9, 1e-15  # live time; efficiency, or cm2
CAUSES = ("counts", "efficiency", "intensity", "background", "shape", "half_life")


@dataclass(frozen=True)
class Quantity:
    """A value with its errors by cause, decision threshold, and upper limit and interval at 95 %, all in one unit."""

    value: float
    threshold: float
    upper: float
    status: str
    errors: Mapping[str, float] = field(default_factory=dict)  # one of CAUSES -> error
    detection_limit: float = math.nan  # NaN: not computed
    interval: tuple[float, float] = (math.nan, math.nan)  # of the true value, at 95 %

    @property
    def error(self) -> float:
        return float(np.sqrt(sum(error**2 for error in self.errors.values())))

    def over(self, divisor: float, **relative: float) -> Quantity:
        """This quantity divided by a number that has relative errors, by cause."""
        value = self.value / divisor
        more = {cause: abs(value) * part for cause, part in relative.items()}
        systematic = float(np.sqrt(sum(error**2 for error in more.values())))
        low, high = self.interval
        return Quantity(
            value,
            self.threshold / divisor,
            value + float(np.hypot(self.upper / divisor - value, ONE_SIDED * systematic)),
            self.status,
            {cause: error / divisor for cause, error in self.errors.items()} | more,
            self.detection_limit / divisor,
            widened((low / divisor, high / divisor), value, systematic),
        )


def emission_rate(
    one: Emission, n_spectra: int, live_s: float, background: tuple[Emission, float] | None = None
) -> Quantity:
    """Alphas per second that reach all detectors of a direction. live_s: sum of the live times. background, to be
    subtracted: (emission, sum of live times) of a measurement without the source."""
    if not live_s > _LEAST_S:
        raise UserError.at("rates", "live time", f"not above {_LEAST_S:g} s", live_s)
    per_s = n_spectra / live_s
    value, threshold, upper = one.counts * per_s, one.threshold * per_s, one.upper * per_s
    errors = {"counts": one.statistics * per_s, "shape": one.shape * per_s, "background": 0.0}
    if background is None:
        low, high = one.interval
        return Quantity(
            value, threshold, upper, one.status, errors, one.detection_limit * per_s, (low * per_s, high * per_s)
        )
    other, other_live_s = background
    other_per_s = n_spectra / other_live_s
    errors["background"] = other.error * other_per_s
    net = value - other.counts * other_per_s
    ratio = live_s / other_live_s
    only_blank = float(np.sqrt(one.without**2 + max(other.counts, 0.0) * ratio))
    blank_error = float(np.hypot(other.error * ratio, one.shape_without))
    threshold = net_threshold(only_blank, blank_error, 1 / ratio) * per_s
    limit = net_detection_limit(only_blank, blank_error, 1 / ratio) * per_s
    status = one.status if one.status == NOT_SEPARATED else FOUND if net > threshold else BELOW
    upper = max(net, 0.0) + float(np.hypot(upper - value, ONE_SIDED * errors["background"]))
    low, high = (end * per_s - value + max(net, 0.0) for end in one.interval)
    return Quantity(
        net, threshold, upper, status, errors, limit, widened((low, high), max(net, 0.0), errors["background"])
    )


def activity(rate: Quantity, name: str, efficiency: Efficiency, per_spectrum: int = 1) -> Quantity:
    """Bq, or Bq/cm2 for an efficiency in cm2. per_spectrum: number of spectra if the efficiency is for each of them."""
    if not efficiency.value > _LEAST:
        raise UserError.at("activity", "efficiency", f"not above {_LEAST:g}", efficiency.value)
    alphas, error = alphas_per_decay(name)
    divisor = alphas * efficiency.value * per_spectrum
    return rate.over(divisor, intensity=error / alphas, efficiency=efficiency.error / efficiency.value)


def alphas_per_decay(name: str) -> tuple[float, float]:
    """Sum of the intensities of the alpha lines, at most 1, and its error, taking the errors of the lines as
    independent. A line without a stated error contributes none."""
    lines = nuclide(name).lines
    value = min(sum(line.intensity for line in lines), 1.0)  # intensities of evaluations add up to 1 + rounding
    error = float(np.sqrt(sum((line.intensity_u or 0.0) ** 2 for line in lines)))
    return value, error
