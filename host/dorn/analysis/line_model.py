"""A model of one or many spectra: alpha lines of nuclides on a background.

    model = LineModel([Grid(edges, kev_per_code, zero_code)], ["Po-209", "Po-210"], fwhm_kev=40, tails=[(0.07, 20)])

The expected counts of a channel between two edges, at the energies kev_per_unit (edge - zero), are

    sum over nuclides of counts x exposure share x sum over lines of intensity share x integral of the line
    + background x share of the channel

The counts of a nuclide are those of all its lines together, including those outside the edges, and are divided among
its lines in proportion to the intensities. Counts that are common to the spectra are those of all
spectra together, divided among them in proportion to the exposures. The background is flat over the edges; with a slope
it is the sum of a part that falls linearly to 0 at the upper end and one that falls to 0 at the lower end, neither
negative.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from copy import copy
from dataclasses import dataclass
from itertools import product

import numpy as np

from dorn.analysis.line_shape import check_tails
from dorn.analysis.spectrum_model import FREE, Lines, Parameters, SpectrumModel
from dorn.errors import UserError
from dorn.nuclides import nuclide

OWN = ("counts", "fwhm")
_LEAST_WIDTH = 0.2  # lower bound of FWHM and tau, in channels
_LEAST_INSIDE = 1e-6  # fraction of the counts of a nuclide that must be within the edges


@dataclass(frozen=True, eq=False)
class Grid:
    """Channels of a spectrum. kev_per_unit and zero are start values where they are free."""

    edges: np.ndarray  # float64[channels + 1], ascending, in ADC codes or another unit
    kev_per_unit: float
    zero: float = 0.0  # the position of energy 0, in the unit of the edges
    exposure: float = 1.0  # relative live time x acceptance, for counts common to the spectra

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
    """What emits lines: a nuclide, or anything else, such as a pulser."""

    name: str
    energies_kev: tuple[float, ...]
    shares: tuple[float, ...] = (1.0,)  # relative counts of its lines

    def __post_init__(self):
        if not self.energies_kev or not np.isfinite(self.energies_kev).all():
            raise UserError.at(self.name, "energies_kev", "none, or not finite", self.energies_kev)
        if len(self.shares) != len(self.energies_kev) or not all(0 < share < np.inf for share in self.shares):
            raise UserError.at(self.name, "shares", "not a number above 0 for each energy", self.shares)

    @classmethod
    def of(cls, name: str) -> Emitter:
        """A nuclide of the table. Raises UserError if it is not in the table or has no alpha line."""
        lines = nuclide(name).lines
        if not lines:
            raise UserError.at("line model", "nuclides", "no alpha line", name)
        return cls(name, tuple(line.energy_kev for line in lines), tuple(line.intensity for line in lines))


class LineModel:
    """Expected counts of all channels for given parameters.

    nuclides: names in the table, or Emitters; ties: each maps nuclides to relative counts, such as
    {"Bi-212": 35.94, "Po-212": 64.06}, and makes their counts one parameter. free: any of FREE; the others keep their
    start values. own: "counts" if each spectrum has its own counts, "fwhm" if each nuclide has its own FWHM. slope:
    whether the background has a slope. Raises UserError for arguments that do not define a model.
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
        self._layout(fwhm_kev, tails)
        self.parts = self._parts(emitters)
        for part in self.parts:
            inside = part.linear(self.start)[: self.tie.shape[1]].sum(axis=1)
            if inside.min() < _LEAST_INSIDE:
                outside = self.nuclides[int(np.argmax(self.tie[:, np.argmin(inside)]))]
                raise UserError.at("line model", "nuclides", "no line within the edges", outside)

    def _layout(self, fwhm_kev, tails):
        """The places of all parameters in one vector, their initial values and bounds, and which are free."""
        spectra, groups, names = len(self.grids), self.tie.shape[1], len(self.nuclides)
        start = Parameters(
            np.zeros((spectra, groups) if "counts" in self.own else groups),
            np.array([grid.kev_per_unit for grid in self.grids], float),
            np.array([grid.zero for grid in self.grids], float),
            np.full((spectra, names if "fwhm" in self.own else 1), float(fwhm_kev)),
            np.zeros((spectra, 2 if self.slope else 1)),
            np.array(tails, float).reshape(-1, 2),
        )
        self.places: dict[str, np.ndarray] = {}  # field of Parameters -> int[...], its shape with groups for nuclides
        end = 0
        for name, values in vars(start).items():
            self.places[name] = np.arange(end, end + values.size).reshape(values.shape)
            end += values.size
        self.start = np.concatenate([values.ravel() for values in vars(start).values()])
        self._bounds(end, len(tails))
        self.is_free = np.zeros(end, bool)
        fields = {"scale": "kev_per_unit", "zero": "zero", "fwhm": "fwhm_kev", "tails": "tails"}
        for name in ("counts", "background", *(fields[one] for one in self.free)):
            self.is_free[self.places[name]] = True
        exposures = np.array([grid.exposure for grid in self.grids])
        self.shares = np.ones(spectra) if "counts" in self.own else exposures / exposures.sum()

    def _parts(self, emitters):
        """A SpectrumModel for each spectrum."""
        nuclide_of = np.repeat(np.arange(len(emitters)), [len(one.energies_kev) for one in emitters])
        shares = np.concatenate([np.divide(one.shares, np.sum(one.shares)) for one in emitters])
        lines = Lines(
            energies_kev=np.concatenate([one.energies_kev for one in emitters]),
            shares=shares * self.tie.max(axis=1)[nuclide_of],
            group_of=np.argmax(self.tie, axis=1)[nuclide_of],
            width_of=nuclide_of if "fwhm" in self.own else 0 * nuclide_of,
        )
        self.most_kev = float(lines.energies_kev.max())
        if {"scale", "zero"} <= set(self.free) and np.ptp(lines.energies_kev) == 0:
            raise UserError.at("line model", "free", "scale and zero cannot both be free", "one line")
        parts = []
        for s, grid in enumerate(self.grids):
            common = {"tails", *(() if "counts" in self.own else ("counts",))}
            places = {name: at if name in common else at[s] for name, at in self.places.items()}
            own = lines._replace(shares=lines.shares * self.shares[s])
            parts.append(SpectrumModel(grid.edges, own, Parameters(**places), self.free))
        return parts

    def _bounds(self, n, tails):
        self.lower, self.upper = np.zeros(n), np.full(n, np.inf)
        at, spans_kev = self.places, np.array([grid.kev_per_unit * np.ptp(grid.edges) for grid in self.grids])
        channel_kev = spans_kev / [len(grid.edges) - 1 for grid in self.grids]
        self.lower[at["kev_per_unit"]] = 0.5 * self.start[at["kev_per_unit"]]
        self.lower[at["zero"]] = -np.inf
        self.lower[at["fwhm_kev"].T], self.upper[at["fwhm_kev"].T] = _LEAST_WIDTH * channel_kev, spans_kev
        fraction, tau = at["tails"].T
        self.upper[fraction] = 1 / max(tails, 1)
        least_kev, most_kev, right = _LEAST_WIDTH * channel_kev.min(), spans_kev.max(), self.start[tau] < 0
        self.lower[tau] = np.where(right, -most_kev, least_kev)
        self.upper[tau] = np.where(right, -least_kev, most_kev)

    @property
    def names(self) -> list[str]:
        """Names of the entries of a vector of parameters: "counts Po-210", "fwhm_kev 0", "tails 0 fraction"."""
        spectra = [str(s) for s in range(len(self.grids))]
        groups = ["+".join(np.compress(column, self.nuclides)) for column in self.tie.T > 0]
        axes = {
            "counts": [spectra, groups] if "counts" in self.own else [groups],
            "kev_per_unit": [spectra],
            "zero": [spectra],
            "fwhm_kev": [spectra, self.nuclides if "fwhm" in self.own else [""]],
            "background": [spectra, ["falling", "rising"] if self.slope else [""]],
            "tails": [[str(i) for i in range(len(self.places["tails"]))], ["fraction", "tau_kev"]],
        }
        return [" ".join([name, *one]).strip() for name in self.places for one in product(*axes[name])]

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

    def with_counts(self, name: str, counts: float) -> LineModel:
        """The same model with the counts of a nuclide, and of those tied to it, fixed. Raises UserError if the nuclide
        is not in the model, or each spectrum has its own counts."""
        if name not in self.nuclides or "counts" in self.own:
            raise UserError.at("line model", "nuclides", "no counts common to the spectra", name)
        if not 0 <= counts < np.inf:
            raise UserError.at("line model", f"counts of {name}", "negative or not finite", counts)
        share = self.tie[self.nuclides.index(name)]
        place = self.places["counts"][share.argmax()]
        fixed = copy(self)
        fixed.start, fixed.is_free = self.start.copy(), self.is_free.copy()
        fixed.start[place], fixed.is_free[place] = counts / share.max(), False
        return fixed

    def expected(self, parameters: Parameters) -> list[np.ndarray]:
        """float64[channels] of each spectrum: the expected counts."""
        vector = self.vector(parameters)
        return [part.mean(vector) for part in self.parts]


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
