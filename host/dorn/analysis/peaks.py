"""A single line of a spectrum in channels: centroid, width and area by `line_fit`, with a tail if it has one.

For spectra whose energy scale or nuclides are not known; with both, `line_fit` uses all lines together.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from scipy.optimize import root_scalar

from dorn.analysis.line_fit import Fit, fit
from dorn.analysis.line_model import Emitter, Grid, LineModel
from dorn.analysis.line_shape import distribution
from dorn.errors import UserError

_BELOW, _ABOVE = 3.0, 1.5  # FWHM of the line that are fitted
_LEAST = 6  # channels in a fit: without a tail it has four parameters
# twice the logarithm of the likelihood ratio that two more parameters must gain: once in 1000 lines without a tail
_TAIL_GAIN = 13.8
_TAIL = 0.1, 0.5  # start: fraction, and tau in FWHM


@dataclass(frozen=True)
class Peak:
    """A fitted line, in channels, where channel c spans c - 0.5 to c + 0.5; `area`: counts of the whole line.

    centroid: the highest point of the line, or of the first one of its pattern; fwhm: of the Gaussian. `errors`: one
    standard deviation of centroid, fwhm and area, from counting statistics alone. tail: fraction and tau in channels,
    if the line has one.
    """

    centroid: float
    fwhm: float
    area: float
    errors: tuple[float, float, float]
    tail: tuple[float, float] | None = None


def line(counts, first: int, last: int, pattern: Sequence[tuple[float, float]] = ((0.0, 1.0),)) -> Peak:
    """Fit the highest peak of channels first to last.

    counts: one number per channel of the whole spectrum. pattern: components of the line, (channels from the centroid,
    share of the area), the first with distance 0. The fit uses the integral of the line over each channel, so the
    channel width affects neither fwhm nor area, however few channels a peak has. A background is included, and a left
    tail where the likelihood asks for it. Raises UserError if there is no peak.
    """
    none = UserError(f"no peak in channels {first} to {last}")
    counts = np.asarray(counts, float)
    seen = counts[first : last + 1]
    if not seen.max(initial=0) > 0 or seen.min() < 0:
        raise none
    centroid, fwhm = _guess(np.arange(first, last + 1), seen)
    offsets = [offset for offset, _ in pattern]
    low = max(first, round(centroid + min(offsets) - max(_BELOW * fwhm, _LEAST / 2)))
    high = min(last, round(centroid + max(offsets) + max(_ABOVE * fwhm, _LEAST / 2)))
    if high - low + 1 < _LEAST:
        raise none
    grid = Grid(np.arange(low, high + 2) - 0.5 - centroid, 1.0)
    inside = counts[low : high + 1]
    emitter = Emitter("line", *zip(*pattern, strict=True))
    best = fit(_model(grid, emitter, fwhm, ()), [inside])
    tailed = fit(_model(grid, emitter, best.values.fwhm_kev[0, 0], (_TAIL[0], max(1.0, _TAIL[1] * fwhm))), [inside])
    if tailed.valid and (best.deviance - tailed.deviance > _TAIL_GAIN or not best.valid):
        best = tailed
    found = _peak(best, centroid)
    if not best.valid or not first - 0.5 <= found.centroid <= last + 0.5 or not found.area > 0:
        raise none
    return found


def _model(grid, emitter, fwhm, tail):
    free = ("zero", "fwhm", *(("tails",) if tail else ()))
    return LineModel([grid], [emitter], fwhm_kev=fwhm, tails=[tail] if tail else [], free=free)


def _peak(best: Fit, start: float) -> Peak:
    values, errors = best.values, best.errors
    fwhm, area = float(values.fwhm_kev[0, 0]), float(values.counts[0])
    others = float(errors.fwhm_kev[0, 0]), float(errors.counts[0])
    if not len(values.tails):
        return Peak(start + float(values.zero[0]), fwhm, area, (float(errors.zero[0]), *others))
    fraction, tau = values.tails[0].tolist()
    shape = np.array([fwhm, fraction, tau])
    top = _top(shape)
    steps = 1e-3 * np.diag([fwhm, -1.0, tau])
    slope = [(_top(shape + step) - top) / step.sum() for step in steps]
    names = ("zero 0", "fwhm_kev 0", "tails 0 fraction", "tails 0 tau_kev")
    places = [best.names.index(name) for name in names]
    weights = np.array([1.0, *slope])
    known = np.nan_to_num(best.covariance[np.ix_(places, places)], posinf=0.0)
    error = float(np.sqrt(weights @ known @ weights))
    return Peak(start + float(values.zero[0]) + top, fwhm, area, (error, *others), (fraction, tau))


def _top(shape):
    """Distance of the highest point of a line from the centre of its Gaussian, at which the density has slope 0."""
    fwhm, fraction, tau = shape.tolist()

    def slope(distance):
        return distribution(np.array([distance]), fwhm, [(fraction, tau)]).by_fwhm[0]

    return root_scalar(slope, bracket=(-2 * fwhm, 0.1 * fwhm)).root


def _guess(channels, counts):
    """Initial centroid and FWHM, from the channels above half height after smoothing the counting noise."""
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
    return float(channels[left + 1 : right].mean()), max(right - left - 1, 1.0)
