"""The expected counts of one spectrum for given lines, and their derivatives: one part of a `line_model`."""

from __future__ import annotations

from collections.abc import Collection
from dataclasses import dataclass
from typing import NamedTuple

import numpy as np

from dorn.analysis.line_shape import distribution

FREE = ("scale", "zero", "fwhm", "tails")  # what may be free besides counts and background
# a line is evaluated to CORE FWHM and, where it has a tail, TAIL tau from it: less than 1e-6 of its counts are beyond
_CORE, _TAIL = 2.6, 16.0
_LEAST_MEAN = 1e-12  # lower limit of the expected counts in a channel, for lines far away and no background


@dataclass(frozen=True, eq=False)
class Parameters:
    """Values of all parameters of a model, or their standard errors."""

    counts: np.ndarray  # float64[nuclides], or float64[spectra, nuclides] if each spectrum has its own
    kev_per_unit: np.ndarray  # float64[spectra]
    zero: np.ndarray  # float64[spectra]
    fwhm_kev: np.ndarray  # float64[spectra, 1], or float64[spectra, nuclides] if each nuclide has its own
    background: np.ndarray  # float64[spectra, 1], counts in the spectrum; with slope [spectra, 2], of its two parts
    tails: np.ndarray  # float64[tails, 2], fraction and tau_kev


class Lines(NamedTuple):
    """All lines of a spectrum."""

    energies_kev: np.ndarray  # float64[lines]
    shares: np.ndarray  # float64[lines]: counts in this spectrum per count of its group
    group_of: np.ndarray  # int[lines]: group of nuclides, a parameter of counts
    width_of: np.ndarray  # int[lines]: which FWHM of the spectrum it has


class SpectrumModel:
    """One spectrum. edges: float64[channels + 1]; places: indices of the parameters in the vector, int arrays: counts
    [groups], kev_per_unit and zero [], fwhm_kev [widths], background [1 or 2], tails [tails, 2]; free: some of FREE."""

    def __init__(self, edges: np.ndarray, lines: Lines, places: Parameters, free: Collection[str]):
        self._edges, self._lines, self._at, self._free = edges, lines, places, free
        self._energies_kev = lines.energies_kev[:, None]
        self._shapes = self._background_shapes(len(places.background) == 2)
        self.linear_rows = np.concatenate([places.counts, places.background])  # parameters that enter linearly
        # derivatives taken at edges: their places in the vector, and the row for each line
        rows, row_of = [], []
        for name, at, row in (
            ("scale", places.kev_per_unit, 0 * lines.width_of),
            ("zero", places.zero, 0 * lines.width_of),
            ("fwhm", places.fwhm_kev, lines.width_of),
            *(("tails", at, 0 * lines.width_of) for at in places.tails.T.ravel()),
        ):
            if name in free:
                row_of.append(len(rows) + row)
                rows += np.atleast_1d(at).tolist()
        self._row_of, self._edge_rows = np.array(row_of), len(rows)
        self.rows = np.concatenate([self.linear_rows, np.array(rows, int)])  # places of all derivatives

    def _background_shapes(self, slope):
        """float64[1 or 2, channels], each of sum 1."""
        edges = (self._edges - self._edges[0]) / (self._edges[-1] - self._edges[0])
        if not slope:
            return np.diff(edges)[None]
        return np.array([np.diff(2 * edges - edges**2), np.diff(edges**2)])

    def linear(self, vector: np.ndarray) -> np.ndarray:
        """float64[n, channels]: expected counts per unit of the n parameters at `linear_rows`."""
        return self._linear(*self._near(vector)[1:])

    def mean(self, vector: np.ndarray) -> np.ndarray:
        """Expected counts, float64[channels]."""
        return np.maximum(vector[self.linear_rows] @ self.linear(vector), _LEAST_MEAN)

    def evaluate(self, vector: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
        """Expected counts, float64[channels], and derivatives with respect to parameters `rows`, [n, channels]."""
        near_kev, inside, values = self._near(vector)
        linear = self._linear(inside, values)
        mean = np.maximum(vector[self.linear_rows] @ linear, _LEAST_MEAN)
        kev_per_unit = vector[self._at.kev_per_unit]
        at_edges = []
        if "scale" in self._free:
            at_edges.append(values.density * near_kev / kev_per_unit)
        if "zero" in self._free:
            at_edges.append(-kev_per_unit * values.density)
        if "fwhm" in self._free:
            at_edges.append(values.by_fwhm)
        if "tails" in self._free:
            at_edges += [*values.by_fraction, *values.by_tau]
        if not at_edges:
            return mean, linear
        counts = self._lines.shares * vector[self._at.counts][self._lines.group_of]
        by_edges = counts[:, None] * _between(np.array(at_edges))
        return mean, np.concatenate([linear, self._sums(self._row_of, inside, by_edges, self._edge_rows)])

    def by_tails(self, vector: np.ndarray) -> np.ndarray:
        """float64[groups, channels]: change of the expected counts per relative change of the fractions of all tails of
        the lines of a group."""
        _, inside, values = self._near(vector)
        in_tails = np.tensordot(vector[self._at.tails[:, 0]], values.by_fraction, 1)
        counts = self._lines.shares * vector[self._at.counts][self._lines.group_of]
        return self._sums(self._lines.group_of, inside, counts[:, None] * _between(in_tails), len(self._at.counts))

    def _near(self, vector):
        """Energies of the edges near each line, channel numbers, and the distribution at the edges."""
        tails, fwhm_kev = vector[self._at.tails], vector[self._at.fwhm_kev][self._lines.width_of, None]
        x = vector[self._at.kev_per_unit] * (self._edges - vector[self._at.zero])
        at = self._window(x, fwhm_kev, tails)
        near_kev = x[at]
        return near_kev, at[:, :-1], distribution(near_kev - self._energies_kev, fwhm_kev, tails)

    def _linear(self, inside, values):
        lines = self._lines.shares[:, None] * _between(values.cdf)
        return np.concatenate([self._sums(self._lines.group_of, inside, lines, len(self._at.counts)), self._shapes])

    def _window(self, x, fwhm_kev, tails):
        """int[lines, edges]: the edges near each line, the same number for each."""
        left_kev, right_kev = (_TAIL * (side * tails[:, 1]).max(initial=0.0) for side in (1, -1))
        reach_kev = np.concatenate([-_CORE * fwhm_kev - left_kev, _CORE * fwhm_kev + right_kev], axis=1)
        ends = x.searchsorted(self._energies_kev + reach_kev)
        first = ends[:, :1] - 1
        width = min(int((ends[:, 1:] - first).max()) + 2, len(x))
        return np.minimum(np.maximum(first, 0), len(x) - width) + np.arange(width)

    def _sums(self, row_of, channel_of, values, rows):
        """float64[rows, channels]: the sums of values with equal row and channel."""
        channels = len(self._edges) - 1
        places = (row_of * channels)[..., None] + channel_of
        return np.bincount(places.ravel(), values.ravel(), rows * channels).reshape(rows, channels)


def _between(values):
    return values[..., 1:] - values[..., :-1]
