"""A model of one or many spectra: alpha lines of nuclides on a background, and its derivatives.

    model = LineModel([Grid(edges, kev_per_code, zero_code)], ["Po-209", "Po-210"], fwhm_kev=40, tails=[(0.07, 20)])

A channel of spectrum s between two edges, of energies kev_per_unit (edge - zero), has the expected counts

    sum over nuclides of counts x exposure share x sum over lines of intensity share x integral of the line
    + background x share of the channel

The counts of a nuclide are those of all its lines together, which share them as their intensities do, and, if the
spectra have them in common, those of all spectra. The background is flat over the edges; with a slope it is the sum of
one part that falls linearly to 0 at the upper end and one that falls to 0 at the lower end, neither negative.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np

from dorn import nuclides as table
from dorn.analysis.line_shape import check_tails, distribution
from dorn.errors import UserError

FREE = ("scale", "zero", "fwhm", "tails")  # what may be free besides counts and background
OWN = ("counts", "fwhm")
# a line is evaluated from LEFT FWHM and TAIL tau below to RIGHT FWHM above it: less than 1e-8 of its counts are beyond
_LEFT, _RIGHT, _TAIL = 2.6, 2.6, 16.0
_LEAST_WIDTH, _MOST_TAIL = 0.2, 0.5  # of FWHM and tau, in channels; fraction of a tail
_LEAST_MEAN = 1e-12  # counts in a channel: lines far away and no background


@dataclass(frozen=True, eq=False)
class Grid:
    """Channels of a spectrum. kev_per_unit and zero are start values where they are free."""

    edges: np.ndarray  # float64[channels + 1], ascending, in ADC codes or another unit
    kev_per_unit: float
    zero: float = 0.0  # the position of energy 0, in the unit of the edges
    exposure: float = 1.0  # relative live time, times acceptance, of counts common to the spectra

    def __post_init__(self):
        edges = np.asarray(self.edges, float)
        if edges.ndim != 1 or len(edges) < 2 or not (np.isfinite(edges).all() and (np.diff(edges) > 0).all()):
            raise UserError.at("grid", "edges", "not an ascending sequence of finite numbers", self.edges)
        for name in ("kev_per_unit", "exposure"):
            if not 0 < getattr(self, name) < np.inf:
                raise UserError.at("grid", name, "not above 0", getattr(self, name))
        if not np.isfinite(self.zero):
            raise UserError.at("grid", "zero", "not a finite number", self.zero)
        object.__setattr__(self, "edges", edges)


@dataclass(frozen=True, eq=False)
class Emitter:
    """What emits lines: a nuclide, or anything else, as a pulser."""

    name: str
    energies_kev: tuple[float, ...]
    shares: tuple[float, ...] = (1.0,)  # of its counts, in any unit

    @classmethod
    def of(cls, name: str) -> Emitter:
        """The nuclide of the table. Raises UserError if it is not in it."""
        energies_kev, intensities = zip(*table.lines(name), strict=True)
        return cls(name, energies_kev, intensities)


@dataclass(frozen=True, eq=False)
class Parameters:
    """Values of all parameters of a model, or their standard errors."""

    counts: np.ndarray  # float64[nuclides], or float64[spectra, nuclides] if each spectrum has its own
    kev_per_unit: np.ndarray  # float64[spectra]
    zero: np.ndarray  # float64[spectra]
    fwhm_kev: np.ndarray  # float64[spectra], or float64[spectra, nuclides] if each nuclide has its own
    background: np.ndarray  # float64[spectra, 1], counts in the spectrum; with slope [spectra, 2], of its two parts
    tails: np.ndarray  # float64[tails, 2], fraction and tau_kev


class LineModel:
    """Expected counts of all channels for given parameters.

    nuclides: names of the table, or Emitters; ties: each a mapping nuclide -> relative counts, as {"Bi-212": 35.94,
    "Po-212": 64.06}, whose counts become one parameter. free: any of FREE; the others keep their start values. own:
    "counts" if each spectrum has its own counts, "fwhm" if each nuclide has its own FWHM. slope: of the background.
    Raises UserError for arguments that are not a model.
    """

    def __init__(
        self,
        grids: Sequence[Grid],
        nuclides: Sequence[str | Emitter],
        *,
        fwhm_kev: float = 50.0,
        tails: Sequence[tuple[float, float]] = (),
        ties: Sequence[Mapping[str, float]] = (),
        free: Sequence[str] = ("scale", "fwhm"),
        own: Sequence[str] = (),
        slope: bool = False,
    ):
        for field, names, known in (("free", free, FREE), ("own", own, OWN)):
            for name in names:
                if name not in known:
                    raise UserError.at("line model", field, f"not one of {', '.join(known)}", name)
        check_tails(tails)
        if not 0 < fwhm_kev < np.inf:
            raise UserError.at("line model", "fwhm_kev", "not above 0", fwhm_kev)
        if not grids or not nuclides:
            raise UserError.at("line model", "grids" if not grids else "nuclides", "none")
        emitters = [Emitter.of(one) if isinstance(one, str) else one for one in nuclides]
        self.nuclides = tuple(one.name for one in emitters)
        self.grids, self.own, self.slope, self.free = tuple(grids), tuple(own), slope, tuple(free)
        if len(set(self.nuclides)) < len(self.nuclides):
            raise UserError.at("line model", "nuclides", "a name twice", ", ".join(self.nuclides))
        self.tie = _tie(self.nuclides, ties)  # float64[nuclides, groups]: counts of nuclides per count of a group
        self._lines(emitters)
        self._layout(fwhm_kev, tails)

    def _lines(self, emitters):
        """Energy, nuclide and group of each line, and its counts per count of the group."""
        self.energies_kev = np.concatenate([one.energies_kev for one in emitters])[:, None]
        self.nuclide_of = np.repeat(np.arange(len(emitters)), [len(one.energies_kev) for one in emitters])
        self.group_of = np.argmax(self.tie, axis=1)[self.nuclide_of]
        shares = np.concatenate([np.divide(one.shares, np.sum(one.shares)) for one in emitters])
        self.shares = shares * self.tie.max(axis=1)[self.nuclide_of]

    def _layout(self, fwhm_kev, tails):
        """Places of all parameters in one vector, its start, and what each spectrum needs of it."""
        spectra, groups, names = len(self.grids), self.tie.shape[1], len(self.nuclides)
        own_fwhm = "fwhm" in self.own
        start = Parameters(
            np.zeros((spectra, groups) if "counts" in self.own else groups),
            np.array([grid.kev_per_unit for grid in self.grids], float),
            np.array([grid.zero for grid in self.grids], float),
            np.full((spectra, names) if own_fwhm else spectra, float(fwhm_kev)),
            np.zeros((spectra, 2 if self.slope else 1)),
            np.array(tails, float).reshape(-1, 2),
        )
        self.places: dict[str, np.ndarray] = {}  # field of Parameters -> int[...], its shape with groups for nuclides
        end = 0
        for name, values in vars(start).items():
            self.places[name] = np.arange(end, end + values.size).reshape(values.shape)
            end += values.size
        self.start = np.concatenate([values.ravel() for values in vars(start).values()])
        self._bounds(end)
        self.is_free = np.zeros(end, bool)
        fields = {"scale": "kev_per_unit", "zero": "zero", "fwhm": "fwhm_kev", "tails": "tails"}
        for name in ("counts", "background", *(fields[one] for one in self.free)):
            self.is_free[self.places[name]] = True
        exposures = np.array([grid.exposure for grid in self.grids])
        shares = np.ones(spectra) if "counts" in self.own else exposures / exposures.sum()
        self.parts = [Part(self, s, shares[s]) for s in range(spectra)]

    def _bounds(self, n):
        self.lower, self.upper = np.zeros(n), np.full(n, np.inf)
        at, spans_kev = self.places, np.array([grid.kev_per_unit * np.ptp(grid.edges) for grid in self.grids])
        channel_kev = spans_kev / [len(grid.edges) - 1 for grid in self.grids]
        self.lower[at["kev_per_unit"]] = 0.5 * self.start[at["kev_per_unit"]]
        self.lower[at["zero"]] = -np.inf
        self.lower[at["fwhm_kev"].T], self.upper[at["fwhm_kev"].T] = _LEAST_WIDTH * channel_kev, spans_kev
        fraction, tau = at["tails"].T
        self.upper[fraction] = _MOST_TAIL
        self.lower[tau], self.upper[tau] = _LEAST_WIDTH * channel_kev.min(), spans_kev.max()

    @property
    def names(self) -> list[str]:
        """Of the entries of a vector of parameters."""
        found = []
        for name, places in self.places.items():
            found += [" ".join([name, *map(str, at)]) for at in np.ndindex(places.shape)]
        return found

    def parameters(self, vector: np.ndarray) -> Parameters:
        values = {name: vector[places] for name, places in self.places.items()}
        return Parameters(**values | {"counts": values["counts"] @ self.tie.T})

    def vector(self, parameters: Parameters) -> np.ndarray:
        """The inverse of `parameters`. Raises UserError if the shapes are not those of the model."""
        given = vars(parameters)
        counts = np.asarray(given["counts"], float)
        if counts.shape[-1:] == (len(self.nuclides),):  # the sum over the nuclides of a group
            counts = counts @ (self.tie > 0)
        vector = np.empty_like(self.start)
        for name, places in self.places.items():
            values = counts if name == "counts" else np.asarray(given[name], float)
            if values.shape != places.shape:
                raise UserError.at("parameters", name, f"not of shape {places.shape}", str(values.shape))
            vector[places] = values
        return vector

    def expected(self, parameters: Parameters) -> list[np.ndarray]:
        """float64[channels] of each spectrum: the expected counts."""
        vector = self.vector(parameters)
        return [part.evaluate(vector)[0] for part in self.parts]


class Part:
    """One spectrum of a model; share: of the counts of all spectra."""

    def __init__(self, model: LineModel, s: int, share: float):
        self.share = share
        self._energies_kev, self._shares = model.energies_kev, model.shares * share
        self._edges, places = model.grids[s].edges, model.places
        self._counts = places["counts"][s] if "counts" in model.own else places["counts"]
        self._scale, self._zero, self._tails = places["kev_per_unit"][s], places["zero"][s], places["tails"]
        fwhm = np.atleast_1d(places["fwhm_kev"][s])
        nuclide_of = model.nuclide_of if "fwhm" in model.own else 0 * model.nuclide_of
        self._fwhm, self._background = fwhm[nuclide_of], places["background"][s]
        self._group_of = model.group_of
        self._shapes = self._background_shapes(model.slope)
        self._free = model.free
        self.linear_rows = np.concatenate([self._counts, self._background])  # places of what enters linearly
        # places in the vector of the rows of derivatives, and row, among those at edges, of each line
        rows: list[np.ndarray] = []
        row_of: list[np.ndarray] = []
        one_row = np.zeros(len(nuclide_of), int)
        for name, at, row in (
            ("scale", self._scale, one_row),
            ("zero", self._zero, one_row),
            ("fwhm", fwhm, nuclide_of),
            *(("tails", at, one_row) for at in self._tails.T.ravel()),
        ):
            if name in model.free:
                row_of.append(sum(map(len, rows)) + row)
                rows.append(np.atleast_1d(at))
        self._row_of = np.array(row_of).reshape(-1, len(nuclide_of))
        self._edge_rows = sum(map(len, rows))
        self.rows = np.concatenate([self.linear_rows, *rows])

    def _background_shapes(self, slope):
        """float64[1 or 2, channels], each of sum 1."""
        edges = (self._edges - self._edges[0]) / (self._edges[-1] - self._edges[0])
        if not slope:
            return np.diff(edges)[None]
        return np.array([np.diff(2 * edges - edges**2), np.diff(edges**2)])

    def linear(self, vector: np.ndarray) -> np.ndarray:
        """float64[n, channels]: expected counts per unit of the n parameters at `linear_rows`."""
        return self._linear(*self._near(vector)[1:])

    def evaluate(self, vector: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
        """Expected counts, float64[channels], and their derivatives by the n parameters at `rows`, [n, channels]."""
        near_kev, inside, values = self._near(vector)
        linear = self._linear(inside, values)
        mean = np.maximum(vector[self.linear_rows] @ linear, _LEAST_MEAN)
        kev_per_unit = vector[self._scale]
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
        counts = self._shares * vector[self._counts][self._group_of]
        by_edges = counts[:, None] * _between(np.array(at_edges))
        return mean, np.concatenate([linear, self._sums(self._row_of, inside, by_edges, self._edge_rows)])

    def _near(self, vector):
        """Energies of the edges near each line, the numbers of the channels, and the distribution at the edges."""
        tails, fwhm_kev = vector[self._tails], vector[self._fwhm][:, None]
        x = vector[self._scale] * (self._edges - vector[self._zero])
        at = self._window(x, fwhm_kev, tails)
        near_kev = x[at]
        return near_kev, at[:, :-1], distribution(near_kev - self._energies_kev, fwhm_kev, tails)

    def _linear(self, inside, values):
        lines = self._shares[:, None] * _between(values.cdf)
        return np.concatenate([self._sums(self._group_of, inside, lines, len(self._counts)), self._shapes])

    def _window(self, x, fwhm_kev, tails):
        """int[lines, edges]: the edges near each line, equally many for all of them."""
        reach = _TAIL * tails[:, 1].max(initial=0.0)
        first = np.searchsorted(x, (self._energies_kev - _LEFT * fwhm_kev - reach).ravel()) - 1
        last = np.searchsorted(x, (self._energies_kev + _RIGHT * fwhm_kev).ravel()) + 1
        width = min(max(2, int((last - first).max())), len(x))
        return np.clip(first, 0, len(x) - width)[:, None] + np.arange(width)

    def _sums(self, row_of, channel_of, values, rows):
        """float64[rows, channels]: the sums of values with equal row and channel."""
        channels = len(self._edges) - 1
        places = (row_of * channels)[..., None] + channel_of
        return np.bincount(places.ravel(), values.ravel(), rows * channels).reshape(rows, channels)


def _between(values):
    return values[..., 1:] - values[..., :-1]


def _tie(names, ties):
    """float64[nuclides, groups]; every column adds up to 1."""
    group_of: dict[str, dict[str, float]] = {}
    for one in ties:
        total = sum(one.values())
        for name, part in one.items():
            if name not in names:
                raise UserError.at("line model", "ties", "not one of the nuclides", name)
            if name in group_of:
                raise UserError.at("line model", "ties", "a nuclide in two ties", name)
            if not 0 < part < np.inf:
                raise UserError.at("line model", "ties", "not above 0", part)
            group_of[name] = {other: value / total for other, value in one.items()}
    groups: list[dict[str, float]] = []
    for name in names:
        group = group_of.get(name, {name: 1.0})
        if group not in groups:
            groups.append(group)
    return np.array([[group.get(name, 0.0) for group in groups] for name in names])
