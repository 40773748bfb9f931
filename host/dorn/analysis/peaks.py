"""A single line of a spectrum in channels: top, width and area by `line_fit`, with tails if it has them.

For spectra whose energy scale or nuclides are not known; if both are, `line_fit` fits all lines together.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from scipy.optimize import root_scalar

from dorn.analysis.line_choice import better
from dorn.analysis.line_fit import Fit, fit
from dorn.analysis.line_model import Emitter, Grid, LineModel
from dorn.analysis.line_shape import distribution
from dorn.errors import UserError

_BELOW, _ABOVE = 4.0, 3.0  # fitted range around the line, in FWHM
_LEAST = 6  # fewest channels in a fit: without a tail it has four parameters
_STEP = 1e-4  # relative step of numerical derivatives


@dataclass(frozen=True)
class Peak:
    """A fitted line, in channels, where channel c spans c - 0.5 to c + 0.5.

    centroid: its highest point; fwhm: its full width at half maximum, with tails; area: counts of the whole line; for a
    pattern, centroid and fwhm are those of the first component. errors: one standard deviation of centroid, fwhm and
    area, from counting statistics alone. tails: (fraction, tau in channels) of each, tau below 0 if to the right.
    """

    centroid: float
    fwhm: float
    area: float
    errors: tuple[float, float, float]
    tails: tuple[tuple[float, float], ...] = ()


def line(counts, first: int, last: int, pattern: Sequence[tuple[float, float]] = ((0.0, 1.0),)) -> Peak:
    """Fit the highest peak in channels first to last.

    counts: one number per channel of the whole spectrum. pattern: components of the line, (channels from the centroid,
    share of the area), the first with distance 0. The fit uses the integral of the line over each channel, so the
    channel width affects neither fwhm nor area, however few channels a peak has. A background is included, and tails
    if the likelihood ratio justifies them. Raises UserError if there is no peak, or it is a single channel.
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
    emitter = Emitter("line", *zip(*pattern, strict=True))
    tau = max(1.0, 0.5 * fwhm)
    best = None
    for tails in ([], [(0.1, tau)], [(0.1, tau), (0.05, -tau)]):
        free = ("zero", "fwhm", *(["tails"] if tails else []))
        model = LineModel([grid], [emitter], fwhm_kev=fwhm, tails=tails, free=free)
        other = fit(model, [counts[low : high + 1]])
        if best is None or not best.valid or better(best, other):
            best = other
    if best is None or not best.valid or not best.values.counts[0] > 0:
        raise none
    found = _peak(best, centroid)
    # a position with an error above the width is that of a single channel, or of noise
    if not first - 0.5 <= found.centroid <= last + 0.5 or not found.errors[0] < max(found.fwhm, 1.0):
        raise none
    return found


def _peak(best: Fit, start: float) -> Peak:
    """The result, with errors of top and width from the covariance of the parameters of the shape."""
    values = best.values
    shape = np.array([values.fwhm_kev[0, 0], *values.tails.ravel()])
    top, width = measures = _measures(shape)
    slopes = [
        (_measures(shape + step) - measures) / (step.sum() or 1.0)  # no step for a fraction known to be 0
        for step in np.diag(-_STEP * shape)
    ]
    names = ["zero 0", "fwhm_kev 0", *(name for name in best.names if name.startswith("tails"))]
    places = [best.names.index(name) for name in names]
    known = np.nan_to_num(best.covariance[np.ix_(places, places)], posinf=0.0)
    weights = np.column_stack([(1.0, 0.0), *slopes])
    errors = *np.sqrt(np.diag(weights @ known @ weights.T)), best.errors.counts[0]
    return Peak(
        centroid=float(start + values.zero[0] + top),
        fwhm=float(width),
        area=float(values.counts[0]),
        errors=(float(errors[0]), float(errors[1]), float(errors[2])),
        tails=tuple((float(fraction), float(tau)) for fraction, tau in values.tails),
    )


def _measures(shape):
    """Distance of the highest point of a line from the centre of its Gaussian, and its full width at half maximum."""
    fwhm, tails = float(shape[0]), shape[1:].reshape(-1, 2).tolist()
    if not tails:
        return np.array([0.0, fwhm])

    def at(distance):
        return distribution(np.array([distance]), fwhm, tails)

    # the top is within two FWHM, where even a density with a wide tail still has a slope
    top = root_scalar(lambda x: at(x).by_fwhm[0], bracket=(-2 * fwhm, 2 * fwhm)).root
    reach = 2 * fwhm + max(abs(tau) for _, tau in tails)  # half maximum is within this distance, as exp(-1) < 1/2
    half = at(top).density[0] / 2
    left, right = (
        root_scalar(lambda x: at(x).density[0] - half, bracket=ends).root
        for ends in ((top - reach, top), (top, top + reach))
    )
    return np.array([top, right - left])


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
