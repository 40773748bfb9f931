"""Peaks of a spectrum: Gaussian fits of centroid, width and area."""

import warnings
from dataclasses import dataclass

import numpy as np
from scipy.optimize import OptimizeWarning, curve_fit
from scipy.special import ndtr

from dorn.util.gaussian import FWHM

_LEAST = 3  # channels in a fit: the number of parameters
_ROUNDS = 30


@dataclass(frozen=True)
class Peak:
    """A fitted peak, in channels, where channel c spans c - 0.5 to c + 0.5; `area`: counts of the whole Gaussian.

    `errors`: one standard deviation of centroid, fwhm and area, from counting statistics alone.
    """

    centroid: float
    fwhm: float
    area: float
    errors: tuple[float, float, float]


def gaussian(counts, first: int, last: int) -> Peak:
    """Fit a Gaussian to the highest peak of channels first to last, where it is above half its height.

    counts: one number per channel of the whole spectrum. The lower half is left out because alpha lines have tails and
    weaker neighbours: in a peak of three channels, a fourth shifts the centroid. The fit uses the integral of the
    Gaussian over each channel, so the channel width affects neither fwhm nor area, however few channels a peak has.
    Channels are weighted by the Poisson error of their fitted counts. Raises ValueError if there is no peak.
    """
    channels = np.arange(first, last + 1)
    counts = np.asarray(counts, float)[first : last + 1]
    none = ValueError(f"no peak in channels {first} to {last}")
    if not counts.max(initial=0) > 0:
        raise none
    values = _guess(channels, counts)
    windows = []
    for _ in range(_ROUNDS):
        distance = abs(channels - values[0])
        order = np.argsort(distance, kind="stable")
        inside = np.sort(order[: max(_LEAST, np.count_nonzero(distance <= values[1] / 2))])
        if inside.tolist() in windows[:-1]:  # a channel at the edge is alternately in and out
            break
        windows.append(inside.tolist())
        weights = np.sqrt(np.maximum(_integrals(channels[inside], *values), 1.0))
        try:
            with warnings.catch_warnings():
                warnings.simplefilter("error", OptimizeWarning)  # raised if errors cannot be estimated
                values, covariance = curve_fit(
                    _integrals, channels[inside], counts[inside], values, weights, absolute_sigma=True
                )
        except (RuntimeError, OptimizeWarning):
            raise none from None
        values[1] = abs(values[1])
        if not (first <= values[0] <= last and values[2] > 0):
            raise none
    centroid, fwhm, area = values.tolist()
    return Peak(centroid, fwhm, area, tuple(np.sqrt(np.diag(covariance)).tolist()))


def _guess(channels, counts):
    """Initial centroid, FWHM and area, from the channels above half height after smoothing the counting noise."""
    wide = 1
    while True:
        smooth = np.convolve(counts, np.ones(wide) / wide, "same")
        top = int(np.argmax(smooth))
        above = smooth >= smooth[top] / 2
        left = top - int(np.argmin(above[top::-1])) if not above[: top + 1].all() else -1
        right = top + int(np.argmin(above[top:])) if not above[top:].all() else len(counts)
        # enough counts in the smoothing window for its half height to be above the noise
        if smooth[top] * wide >= 100 or 2 * wide >= len(counts):
            break
        wide = 2 * wide + 1
    inside = slice(left + 1, right)
    area = counts[inside].sum() / 0.76  # the fraction of a Gaussian above half its height
    return np.array([channels[inside].mean(), max(right - left - 1, 1.0), area])


def _integrals(channels, centroid, fwhm, area):
    sigma = fwhm / FWHM
    return area * (ndtr((channels + 0.5 - centroid) / sigma) - ndtr((channels - 0.5 - centroid) / sigma))
