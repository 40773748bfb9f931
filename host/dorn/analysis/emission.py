"""Counts of nuclides in the spectra of one direction, with errors, or upper limits where they are not determined.

    found = emissions(Direction("front", edges_kev, counts, live_s), ["Po-209", "Rn-222"])
    found.of("Rn-222").counts, found.of("Rn-222").error

All spectra are fitted together: each has its own energy scale, FWHM and background, and the counts of a nuclide are
common to them, shared in proportion to the live times. The fitted energy scale of a detector is a correction to that
of the edges; its zero is also fitted if there are enough lines.

Errors: `statistics`, from the fit, including the effect of all other fitted parameters; `shape`, see `shape_error`. A
nuclide that is below its decision threshold (`detection`), or whose correlation with another is below MIXED, has an
upper limit at 95 %; for correlated nuclides, their sum is also given.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass, field, replace
from typing import Any

import numpy as np

from dorn.analysis import detection, energy_scale, limits, line_choice, quality
from dorn.analysis.line_fit import Fit, fit
from dorn.analysis.line_model import Grid, LineModel
from dorn.analysis.shape_error import ShapeErrors, no_shape_errors, shape_errors
from dorn.errors import UserError
from dorn.nuclides import main_kev

FOUND, BELOW, NOT_SEPARATED = "found", "below decision threshold", "not separated"
MIXED = -0.9  # correlation of the counts of two nuclides below which they are not separated
_ZERO_SPAN_KEV, _FOR_ZERO = 500.0, 50.0  # zeros are fitted if main lines with 50 counts per spectrum span 500 keV
_MANY = 10.0  # mean counts per spectrum from which a spectrum without counts is attributed to a disconnected detector
_OPTIONS: dict[str, Any] = {"slope": True}  # for all models: particles that pass through leave a sloping background


@dataclass(frozen=True, eq=False)
class Direction:
    """Spectra of detectors that see the same source. Edges are in the energies of a calibration; search: the relative
    error of that calibration."""

    name: str
    edges_kev: Sequence[np.ndarray]  # float64[channels + 1] of each spectrum
    counts: Sequence[np.ndarray]  # int64[channels] of each
    live_s: np.ndarray | None = None  # float64[spectra]; None: unknown
    labels: Sequence[str] = ()  # names of the spectra, for messages
    fwhm_kev: float = energy_scale.FWHM_KEV  # approximate
    search: float = energy_scale.SEARCH
    left_out: Sequence[str] = ()  # labels of spectra that were left out because they have no counts or no live time

    @property
    def total_live_s(self) -> float | None:
        """Sum over the spectra."""
        return None if self.live_s is None else float(np.sum(self.live_s))

    @property
    def mean_live_s(self) -> float | None:
        """Mean of the spectra."""
        return None if self.live_s is None else float(np.mean(self.live_s))

    def counting(self) -> Direction:
        """This direction without spectra that have no live time, or no counts where the others have many."""
        sums = np.array([int(np.sum(one)) for one in self.counts])
        alive = (sums > 0) | (sums.mean() < _MANY)
        if self.live_s is not None:
            alive &= np.asarray(self.live_s) > 0
        if not alive.any() or not sums.any():
            raise UserError.at(self.name, "counts", "none")
        kept = np.flatnonzero(alive).tolist()
        return replace(
            self,
            edges_kev=[self.edges_kev[i] for i in kept],
            counts=[self.counts[i] for i in kept],
            live_s=None if self.live_s is None else np.asarray(self.live_s, float)[kept],
            labels=[self.labels[i] for i in kept] if self.labels else (),
            left_out=[label for label, used in zip(self.labels, alive, strict=False) if not used],
        )


@dataclass(frozen=True)
class Emission:
    """Counts of a nuclide, of all its lines and all spectra together."""

    nuclide: str
    counts: float
    statistics: float  # standard errors of the counts
    shape: float
    threshold: float  # decision threshold of the counts
    upper: float  # limit at 95 %
    status: str
    mixed_with: tuple[str, ...] = ()
    without: float = 0.0  # error of the counts expected without the nuclide, from the fit
    shape_without: float = 0.0  # and from the shape of the other lines
    detection_limit: float = math.nan  # least true counts that are found in 95 % of measurements
    interval: tuple[float, float] = (math.nan, math.nan)  # of the true counts, at 95 %; not computed in quick fits

    @property
    def error(self) -> float:
        return float(np.hypot(self.statistics, self.shape))


@dataclass(frozen=True, eq=False)
class Emissions:
    """The result for one direction."""

    direction: Direction  # the spectra that were used
    grids: list[Grid]  # channels that were fitted, in keV
    counts: list[np.ndarray]  # in these channels
    fit: Fit
    emissions: list[Emission]
    sums: list[tuple[tuple[str, ...], float, float]] = field(default_factory=list)  # (nuclides, counts, error)
    free: tuple[str, ...] = ("scale", "fwhm")  # what was fitted besides counts and backgrounds
    other_shapes: int = 0  # number of other shapes of the lines that could be fitted, for the error `shape`

    def of(self, nuclide: str) -> Emission:
        return next(one for one in self.emissions if one.nuclide == nuclide)

    def chi2_per_dof(self) -> float:
        """Chi-squared per degree of freedom of the fit; NaN if there are too few counts to judge it."""
        channels = sum(len(seen) for seen in self.counts)
        return quality.chi2_per_dof(self.fit.expected, self.counts, channels - self.fit.dof)

    def model(self) -> LineModel:
        """The model of the fit, starting from the fitted values."""
        return line_choice.model_of(self.fit, self.grids, self.fit.nuclides, self.free, **_OPTIONS)


def emissions(direction: Direction, nuclides: Sequence[str], quick: bool = False) -> Emissions:
    """Fit the lines of the nuclides. quick: lines are Gaussian, and the error of their shape is left out.

    Raises UserError if there are no counts, a nuclide has no line within the edges, or the fit does not converge.
    """
    used = direction.counting()
    grids, counts = _windows(used, nuclides)
    found = fit(LineModel(grids, nuclides, fwhm_kev=used.fwhm_kev, **_OPTIONS), counts, used.search)
    free: tuple[str, ...] = ("scale", "fwhm")
    if not quick:
        if _span_kev(found) >= _ZERO_SPAN_KEV:
            free = ("scale", "zero", "fwhm")
        start = [replace(g, kev_per_unit=float(k)) for g, k in zip(grids, found.values.kev_per_unit, strict=True)]
        width_kev, own = float(found.values.fwhm_kev.mean()), len(grids) == 1
        found = line_choice.choose(start, nuclides, counts, fwhm_kev=width_kev, free=free, own_widths=own, **_OPTIONS)
    if not found.valid:
        at_bounds = ", ".join(found.at_bounds)
        what = "does not converge"
        if "fwhm_kev" in at_bounds:
            what += ": lines are narrower than a channel, or far wider than expected"
        raise UserError.at(used.name, "fit of the lines", what, at_bounds or None)
    shape = no_shape_errors(found) if quick else shape_errors(found, grids, counts, free, **_OPTIONS)
    return _result(used, grids, counts, found, shape, free, with_intervals=not quick)


def _span_kev(found: Fit) -> float:
    """Span of the main lines of nuclides with enough counts in each spectrum to locate them."""
    many = found.values.counts >= _FOR_ZERO * len(found.expected)
    return float(np.ptp([main_kev(name) for name, enough in zip(found.nuclides, many, strict=True) if enough] or [0]))


def with_lines_of(known: Emissions, other: Direction) -> Emissions:
    """Fit another measurement of the same detectors with the energy scales, widths and tails of a known fit: only
    counts and backgrounds are free. Edges must be the same. Raises UserError if there are no counts, or detectors
    differ."""
    same = _same(known.direction, other)
    grids, counts = _windows(same, known.fit.nuclides)
    found = fit(line_choice.model_of(known.fit, grids, known.fit.nuclides, (), **_OPTIONS), counts)
    return _result(same, grids, counts, found, no_shape_errors(found), ())


@dataclass(frozen=True, eq=False)
class Counted:
    """Counts of the nuclides in another measurement of the same detectors."""

    direction: Direction  # its spectra
    emissions: list[Emission]
    fitted: Emissions | None = None  # None: there are no counts

    def of(self, nuclide: str) -> Emission:
        return next(one for one in self.emissions if one.nuclide == nuclide)

    def chi2_per_dof(self) -> float:
        """As that of `Emissions`; NaN without counts."""
        return math.nan if self.fitted is None else self.fitted.chi2_per_dof()


def counted(known: Emissions, other: Direction) -> Counted:
    """The counts in a measurement that may be so short, or so clean, that there are none; otherwise as
    `with_lines_of`. Without counts no nuclide is detected, the error is one count, and the limit is that of no counts
    without background. Raises UserError if detectors differ."""
    same = _same(known.direction, other)
    _, counts = _windows(same, known.fit.nuclides)
    if any(seen.any() for seen in counts):
        found = with_lines_of(known, other)
        return Counted(same, found.emissions, found)
    none = 0.0, 1.0, 0.0, detection.threshold(0.0), limits.upper_limit(0, 0.0), BELOW
    return Counted(same, [Emission(name, *none) for name in known.fit.nuclides])


def _same(of: Direction, other: Direction) -> Direction:
    """The spectra of `other` that `of` has, with the edges of `of`. Raises UserError if detectors differ."""
    labels = list(other.labels)
    missing = [label for label in of.labels if label not in labels]
    if missing or len(other.counts) < len(of.counts):
        raise UserError.at(other.name, "spectra", "not those of the other measurement", ", ".join(missing) or None)
    at = [labels.index(label) for label in of.labels] if of.labels else list(range(len(of.counts)))
    live_s = None if other.live_s is None else np.asarray(other.live_s, float)[at]
    if live_s is not None and not (live_s > 0).all():
        raise UserError.at(other.name, "live time", "0 in a spectrum that the other measurement has")
    return replace(of, counts=[other.counts[i] for i in at], live_s=live_s)


def _result(used, grids, counts, found: Fit, of_shape: ShapeErrors, free, with_intervals=False) -> Emissions:
    groups, shape, shape_without = _mixed(found), of_shape.errors, of_shape.without
    result = Emissions(used, grids, counts, found, [], free=free, other_shapes=len(of_shape.differences))
    model = result.model()
    for k, name in enumerate(found.nuclides):
        mixed = next((group for group in groups if name in group), ())
        value, error = found.of(name)
        without = detection.error_without(model, found, name)
        absent = float(np.hypot(without, shape_without[k]))
        threshold = detection.threshold(absent)
        status = NOT_SEPARATED if mixed else FOUND if value > threshold else BELOW
        others_of = tuple(one for one in mixed if one != name)
        upper = detection.upper_limit(found, model, counts, name, without, status == FOUND)
        upper = value + float(np.hypot(upper - value, detection.ONE_SIDED * shape[k]))
        ends = detection.interval(found, model, counts, name, without) if with_intervals else (math.nan, math.nan)
        result.emissions.append(
            Emission(
                *(name, value, error, float(shape[k]), threshold, upper, status, others_of),
                without=without,
                shape_without=float(shape_without[k]),
                detection_limit=detection.detection_limit(absent),
                interval=detection.widened(ends, value, float(shape[k])),
            )
        )
    for group in groups:
        at = [found.nuclides.index(name) for name in group]
        variance = found.counts_covariance[np.ix_(at, at)].sum()
        error = float(np.hypot(np.sqrt(max(variance, 0.0)), of_shape.of_sum(at)))
        result.sums.append((group, float(found.values.counts[at].sum()), error))
    return result


def _windows(direction: Direction, nuclides) -> tuple[list[Grid], list[np.ndarray]]:
    """The channels around the lines of each spectrum, and the counts in them."""
    grids, counts = [], []
    for s, (edges_kev, seen) in enumerate(zip(direction.edges_kev, direction.counts, strict=True)):
        width_kev, search = direction.fwhm_kev, direction.search
        inside = energy_scale.window(edges_kev, nuclides, 1.0, 0.0, width_kev, search)
        grid, some = energy_scale.binned(np.asarray(seen), np.asarray(edges_kev), inside, 1.0, 0.0, width_kev)
        exposure = 1.0 if direction.live_s is None else float(direction.live_s[s])
        grids.append(replace(grid, exposure=exposure))
        counts.append(some)
    return grids, counts


def _mixed(found: Fit) -> list[tuple[str, ...]]:
    """Groups of nuclides whose counts are so strongly correlated that only their sum is known."""
    errors = np.sqrt(np.diag(found.counts_covariance))
    correlation = found.counts_covariance / np.maximum(np.outer(errors, errors), 1e-300)
    groups: list[set[str]] = []
    for i, j in zip(*np.nonzero(np.triu(correlation < MIXED, 1)), strict=True):
        pair = {found.nuclides[i], found.nuclides[j]}
        joined = [group for group in groups if group & pair]
        groups = [group for group in groups if not group & pair] + [set.union(pair, *joined)]
    return [tuple(name for name in found.nuclides if name in group) for group in groups]
