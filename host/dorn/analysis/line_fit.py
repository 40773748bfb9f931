"""Poisson maximum likelihood of a LineModel: counts of nuclides, energy scales, widths and tails with their errors.

    result = fit(model, [counts])
    result.values.counts, result.errors.counts, result.valid

Chi-squared with the weights 1 / counts is biased low by several per cent at any usual number of counts (Baker and
Cousins, Nucl. Instrum. Methods 221 (1984) 437), so the likelihood is maximised, by Fisher scoring: each step maximises
the quadratic form of score and expected information within the bounds, by an active set, and is shortened until the
deviance, -2 ln(likelihood / its largest possible value), decreases.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from scipy.special import xlogy

from dorn.analysis.line_model import LineModel, Parameters
from dorn.errors import UserError

_STEPS, _SHORTENED = 60, 15
# expected decrease of the deviance below which the step is the last: it is at most 0.01 standard deviations long
_CONVERGED = 1e-4
_ROUNDING = 1e-12  # relative rounding error of the deviance
_START_ROUNDS = 8  # rounds of expectation maximisation, for the initial counts
_RIDGE = 1e-10  # added to the scaled information: keeps parameters without information unchanged


@dataclass(frozen=True, eq=False)
class Fit:
    """The result. Errors are standard deviations from the expected information at the fitted values, as if there were
    no bounds. The error of a fixed parameter, and of a tail's fraction at a bound, is 0; that of a parameter without
    any information is infinite."""

    nuclides: tuple[str, ...]
    values: Parameters
    errors: Parameters
    names: list[str]  # of the rows of the covariance; counts are those of groups of tied nuclides
    covariance: np.ndarray  # float64[parameters, parameters]
    counts_covariance: np.ndarray  # float64[nuclides, nuclides], or [spectra, ...] if each spectrum has its own counts
    deviance: float
    dof: int  # channels minus free parameters that are not at a bound
    converged: bool
    at_bounds: tuple[str, ...]  # names of the free parameters at a bound
    expected: list[np.ndarray]  # float64[channels] of each spectrum

    @property
    def valid(self) -> bool:
        """Whether it converged, and only counts, backgrounds and fractions of tails are at a bound."""
        return self.converged and all(
            name.startswith(("counts", "background")) or name.endswith("fraction") for name in self.at_bounds
        )

    def of(self, nuclide: str) -> tuple[float, float]:
        """(counts, error) of a nuclide, if counts are common to the spectra."""
        k = self.nuclides.index(nuclide)
        return float(self.values.counts[k]), float(self.errors.counts[k])


def fit(model: LineModel, counts: Sequence, search: float = 0.0, begin: Parameters | None = None) -> Fit:
    """Fit the model to the counts of its spectra, int[channels] each.

    search: relative error allowed for the initial kev_per_unit, such as 0.05; if 0, the error must be less than an FWHM
    at the lines. begin: initial values of the free parameters, such as those of a similar fit, instead of a search.
    Raises UserError if the counts do not match the model's channels, or all are 0.
    """
    observed = _checked(model, counts)
    first = (
        start(model, observed, search) if begin is None else np.where(model.is_free, model.vector(begin), model.start)
    )
    state = Likelihood(model, observed, first)
    free = np.flatnonzero(model.is_free)
    for _ in range(_STEPS):
        score = state.score[free]
        low, high = _reach(model, state.vector)
        step = np.zeros_like(state.vector)
        step[free] = _step(state.information[free[:, None], free], score, low[free], high[free])
        decrease = float(score @ step[free])  # of the deviance, where its quadratic form is valid
        found = _along(model, observed, state, step, decrease)
        if found is None:
            break
        state = found
        if decrease < _CONVERGED:
            return _result(model, state, True)
    return _result(model, state, False)


def _along(model, observed, state, step, decrease):
    """The likelihood after the step; the step is shortened, each time to the minimum of a parabola, until the deviance
    decreases by a fraction of the expected decrease. None if it does not decrease."""
    length, rounding = 1.0, _ROUNDING * (1 + state.deviance)
    for _ in range(_SHORTENED):
        vector = np.minimum(np.maximum(state.vector + length * step, model.lower), model.upper)
        trial = Likelihood(model, observed, vector)
        change = trial.deviance - state.deviance
        if change <= rounding - 0.2 * length * decrease:
            return trial
        expected = 2 * length * decrease
        length *= min(max(expected / (2 * (change + expected)), 0.1), 0.5)
    return None


def expected_errors(model: LineModel, parameters: Parameters) -> Parameters:
    """Standard errors of a fit to spectra whose true parameters are these: from the information at the truth.

    A pull with this error is not biased by the correlation of fitted counts with their own error.
    """
    vector = model.vector(parameters)
    information = Likelihood(model, None, vector).information
    return _errors(model, _covariance(information, model.is_free))


class Likelihood:
    """Deviance, score and expected information at a vector of parameters; counts: those of all spectra, or None for
    the information only."""

    def __init__(self, model: LineModel, counts: list[np.ndarray] | None, vector: np.ndarray):
        n = len(vector)
        self.vector, self.deviance = vector, 0.0
        self.score, self.information = np.zeros(n), np.zeros((n, n))
        self.expected = []
        for part, seen in zip(model.parts, [None] * len(model.parts) if counts is None else counts, strict=True):
            mean, derivatives = part.evaluate(vector)
            weighted = derivatives / mean
            self.expected.append(mean)
            self.information[part.rows[:, None], part.rows] += weighted @ derivatives.T
            if seen is not None:
                self.score[part.rows] += weighted @ (seen - mean)
                self.deviance += 2 * float(np.sum(mean - seen + xlogy(seen, seen / mean)))


def _checked(model, counts):
    """Counts of all spectra as float64[channels]. Raises UserError if they are invalid."""
    if len(counts) != len(model.grids):
        raise UserError.at("line fit", "counts", f"not for {len(model.grids)} spectra", len(counts))
    checked = []
    for s, (grid, given) in enumerate(zip(model.grids, counts, strict=True)):
        field = f"counts of spectrum {s}"
        try:
            seen = np.asarray(given, float)
        except (TypeError, ValueError):
            raise UserError.at("line fit", field, "not numbers", given) from None
        if seen.shape != (len(grid.edges) - 1,):
            raise UserError.at("line fit", field, f"not {len(grid.edges) - 1} channels", str(seen.shape))
        wrong = seen[~((seen >= 0) & (seen <= 2**53))]
        if len(wrong):
            raise UserError.at("line fit", field, "negative or not finite", float(wrong[0]))
        checked.append(seen)
    if not any(seen.any() for seen in checked):
        raise UserError.at("line fit", "counts", "all are 0")
    return checked


def start(model: LineModel, counts: list[np.ndarray], search: float = 0.0) -> np.ndarray:
    """The initial vector of parameters: the model's start, with counts and backgrounds by expectation maximisation, and
    scales by a search."""
    vector = model.start.copy()
    found = np.zeros_like(vector)
    shared = model.places["counts"].ndim == 1
    for s, (part, seen) in enumerate(zip(model.parts, counts, strict=True)):
        scale = model.places["kev_per_unit"][s]
        best = np.inf
        for factor in _factors(model, s, search):
            trial = vector.copy()
            trial[scale] *= factor
            linear = part.linear(trial)
            values, deviance = _mixture(linear, seen)
            if deviance < best:
                best, best_scale, best_values = deviance, trial[scale], values
        vector[scale] = best_scale
        weights = np.ones(len(part.linear_rows))
        weights[np.isin(part.linear_rows, model.places["counts"])] = model.shares[s] if shared else 1.0
        found[part.linear_rows] += weights * best_values
    linear = np.concatenate([model.places["counts"].ravel(), model.places["background"].ravel()])
    linear = linear[model.is_free[linear]]
    vector[linear] = found[linear]
    return vector


def _factors(model, s, search):
    """Trial factors for an energy scale, a third of an FWHM apart at the highest line."""
    if not search:
        return np.ones(1)
    fwhm_kev = model.start[model.places["fwhm_kev"]].min()
    n = int(np.ceil(3 * search * model.most_kev / fwhm_kev))
    return 1 + search * np.linspace(-1, 1, 2 * n + 1)


def _mixture(linear, seen):
    """Amounts of the shapes `linear` [n, channels] in the counts, and the deviance."""
    whole = linear.sum(axis=1)
    values = np.full(len(linear), max(seen.sum(), 1.0) / len(linear))
    for _ in range(_START_ROUNDS):
        mean = np.maximum(values @ linear, 1e-12)
        values *= np.divide(linear @ (seen / mean), whole, out=np.zeros_like(whole), where=whole > 1e-6)
    mean = np.maximum(values @ linear, 1e-12)
    return values, float(2 * np.sum(mean - seen + xlogy(seen, seen / mean)))


def _reach(model, vector):
    """Bounds of a step: those of the parameters, and of the range where the quadratic form may be valid."""
    at = model.places
    fwhm_kev, kev_per_unit = vector[at["fwhm_kev"]], vector[at["kev_per_unit"]]
    narrowest_kev = fwhm_kev.min(axis=1)
    most = np.full_like(vector, np.inf)
    most[at["kev_per_unit"]] = 0.5 * narrowest_kev / max(abs(model.most_kev), 1.0) * kev_per_unit
    most[at["zero"]] = 0.5 * narrowest_kev / kev_per_unit
    most[at["fwhm_kev"]] = 0.4 * fwhm_kev
    fraction, tau_kev = at["tails"].T
    most[fraction], most[tau_kev] = 0.1, 0.5 * abs(vector[tau_kev])
    return np.maximum(model.lower - vector, -most), np.minimum(model.upper - vector, most)


def _step(information, score, low, high):
    """The step within `low` and `high` that maximises score . step - step . information . step / 2."""
    unit, a = _scaled(information)
    b, low, high = score * unit, low / unit, high / unit
    step = np.zeros_like(b)
    held = ((low >= 0) & (b < 0)) | ((high <= 0) & (b > 0))
    for _ in range(3 * len(b)):
        moving = np.flatnonzero(~held)
        if len(moving) == len(b):
            step = np.linalg.solve(a, b)
        else:
            rows = a[moving]
            step[moving] = np.linalg.solve(rows[:, moving], b[moving] - rows @ (step * held))
        within = np.minimum(np.maximum(step, low), high)
        outside = within != step
        step = within
        if outside.any():
            held |= outside
        elif not held.any():
            break
        else:
            pull = (b - a @ step) * np.where(step <= low, 1, -1) * held  # above 0: away from the bound
            first = pull.argmax()
            if pull[first] <= 1e-9:
                break
            held[first] = False
    return step * unit


def _scaled(information):
    """Units in which the information of each parameter is 1, and the information in these units, with the ridge."""
    diagonal = information.diagonal()
    unit = 1 / np.sqrt(np.where(diagonal > 0, diagonal, 1.0))
    scaled = information * unit * unit[:, None]
    scaled.flat[:: len(unit) + 1] += _RIDGE
    return unit, scaled


def _covariance(information, is_free):
    """Inverse of the information on the free parameters; infinite variance without any information."""
    n = len(information)
    covariance = np.zeros((n, n))
    diagonal = information.diagonal()
    covariance.flat[:: n + 1] = np.where(is_free, np.inf, 0.0)
    known = np.flatnonzero(is_free & (diagonal > 0))
    unit, scaled = _scaled(information[known[:, None], known])
    covariance[known[:, None], known] = np.linalg.inv(scaled) * unit * unit[:, None]
    return covariance


def _errors(model, covariance):
    """Standard errors of all parameters; counts are those of nuclides, not of groups."""
    errors = vars(model.parameters(np.sqrt(covariance.diagonal())))
    of_counts = _counts_covariance(model, covariance)
    return Parameters(**errors | {"counts": np.sqrt(np.diagonal(of_counts, axis1=-2, axis2=-1))})


def _counts_covariance(model, covariance):
    """float64[..., nuclides, nuclides]"""
    places = model.places["counts"]
    return model.tie @ covariance[places[..., :, None], places[..., None, :]] @ model.tie.T


def _result(model, state, converged):
    vector = state.vector
    names = np.array(model.names)
    at_bounds = model.is_free & ((vector <= model.lower) | (vector >= model.upper))
    fixed = np.zeros_like(at_bounds)
    fixed[model.places["tails"][:, 0]] = True  # the fraction of a tail at 0 or 1 is taken as known
    covariance = _covariance(state.information, model.is_free & ~(fixed & at_bounds))
    channels = sum(map(len, state.expected))
    return Fit(
        nuclides=model.nuclides,
        values=model.parameters(vector),
        errors=_errors(model, covariance),
        names=names.tolist(),
        covariance=covariance,
        counts_covariance=_counts_covariance(model, covariance),
        deviance=state.deviance,
        dof=channels - int(np.count_nonzero(model.is_free & ~at_bounds)),
        converged=converged,
        at_bounds=tuple(names[at_bounds].tolist()),
        expected=state.expected,
    )
