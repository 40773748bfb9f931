"""Corrections of measured counts: decay to a reference date, and subtraction of a blank or background.

factor, error = decay_factor(half_life_s, half_life_u_s, elapsed_s=86400, duration_s=3600)
counts, covariance = net(found.values.counts, found.counts_covariance, blank, blank_covariance, ratio=0.5)
"""

from __future__ import annotations

import math

import numpy as np

from dorn.errors import UserError

_SMALL = 1e-3  # decays in a measurement, below which series are more precise; their next term is 1e-12 of 1


def decay_factor(
    half_life_s: float, half_life_u_s: float | None, elapsed_s: float, duration_s: float = 0.0
) -> tuple[float, float]:
    """(factor, standard uncertainty): activity at the reference date over the mean activity in a measurement.

    elapsed_s: from the reference date to the start of the measurement, negative if that was earlier. With the decay
    constant l, exp(l elapsed) l duration / (1 - exp(-l duration)). Both depend on the half-life, whose uncertainty is
    propagated through their product. Raises UserError for times that are none.
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
    # derivative of ln(during) by decay constant x duration
    slope = 0.5 - x / 12 if x < _SMALL else 1 / x - (1 / math.expm1(x) if x < 700 else 0.0)
    by_decay = factor * (elapsed_s + duration_s * slope)
    return factor, abs(by_decay) * decay * (half_life_u_s or 0.0) / half_life_s


def net(gross, gross_covariance, blank, blank_covariance, ratio: float, ratio_u: float = 0.0):
    """(gross - ratio x blank, its covariance): float64[n] and float64[n, n], or two numbers for numbers and variances.

    ratio: exposure of the gross measurement over that of the blank, as live times, and its standard uncertainty, which
    all n differences have in common.
    """
    gross, blank = np.asarray(gross, float), np.asarray(blank, float)
    covariances = np.asarray(gross_covariance, float), np.asarray(blank_covariance, float)
    if gross.ndim > 1 or blank.shape != gross.shape:
        raise UserError.at("blank", "values", f"not of the shape {gross.shape}", str(blank.shape))
    for field, covariance in zip(("covariance of gross", "covariance of blank"), covariances, strict=True):
        if covariance.shape != 2 * gross.shape:
            raise UserError.at("blank", field, f"not of the shape {2 * gross.shape}", str(covariance.shape))
    if not (0 < ratio < math.inf and 0 <= ratio_u < math.inf):
        raise UserError.at("blank", "ratio of exposures", "not above 0 with an uncertainty", f"{ratio} +- {ratio_u}")
    common = ratio_u**2 * np.multiply.outer(blank, blank)
    return gross - ratio * blank, covariances[0] + ratio**2 * covariances[1] + common
