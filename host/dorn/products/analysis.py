"""The result of `dorn analyse`: analysis.json, peaks.csv and activities.csv."""

from __future__ import annotations

import json
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from dorn.analysis.activity import CAUSES, Quantity, activity, alphas_per_decay, emission_rate
from dorn.analysis.emission import FOUND, Emission, Emissions
from dorn.analysis.geometry import Efficiency
from dorn.errors import UserError
from dorn.nuclides import main_kev
from dorn.util.digits import with_uncertainty

MADE_BY = "dorn analyse"
FILES = ("analysis.json", "peaks.csv", "activities.csv", "fits.png", "report.html", "slices.csv")
_POOR = 2.0  # deviance per degree of freedom
_DIGITS = 7  # significant, of numbers in files


@dataclass(frozen=True, eq=False)
class Outcome:
    """One direction, or one spectrum."""

    emissions: Emissions
    background: Emissions | None = None
    efficiency: Efficiency | None = None
    of_plane: bool = False  # the efficiency is in cm2, for each spectrum

    @property
    def name(self) -> str:
        return self.emissions.direction.name

    def rates(self) -> dict[str, Quantity]:
        """Alphas per second into all spectra, by nuclide; empty without a live time."""
        of = self.emissions.direction
        if of.total_live_s is None:
            return {}
        rates = {}
        for one in self.emissions.emissions:
            other = None
            if self.background is not None and self.background.direction.total_live_s:
                other = self.background.of(one.nuclide), self.background.direction.total_live_s
            rates[one.nuclide] = emission_rate(one, len(of.counts), of.total_live_s, other)
        return rates

    def activities(self) -> dict[str, Quantity]:
        """Bq, or Bq/cm2 of a plane; empty without an efficiency or a live time."""
        if self.efficiency is None:
            return {}
        n = len(self.emissions.direction.counts) if self.of_plane else 1
        return {name: activity(rate, name, self.efficiency, n) for name, rate in self.rates().items()}

    @property
    def unit(self) -> str:
        return "Bq/cm2" if self.of_plane else "Bq"

    def warning(self) -> str:
        """Why the result is not to be trusted; empty if nothing is wrong. Few counts make the deviance lower."""
        fit = self.emissions.fit
        quality = fit.deviance / max(fit.dof, 1)
        if quality <= _POOR:
            return ""
        return (
            f"the lines do not describe the spectra, deviance per degree of freedom {quality:.1f}: "
            "is the energy scale right, and are all nuclides named?"
        )

    def missing(self) -> list[str]:
        """What an activity lacks, in words."""
        found = []
        if self.emissions.direction.total_live_s is None:
            found.append("the live time, which is not in the file: --live")
        if self.efficiency is None:
            found.append("the efficiency: --efficiency or --geometry")
        return found


def assumptions(outcomes: list[Outcome]) -> list[str]:
    """What the results rest on, in words."""
    tails = {one.name: len(one.emissions.fit.values.tails) for one in outcomes}
    said = [
        "Counts of a nuclide are those of all its lines, shared as the intensities in the table of nuclides.",
        "Spectra of one direction see the same rate of each nuclide, and share its counts as their live times.",
        "The background is flat or falls or rises linearly over the energies that are fitted.",
        "Lines have the same tails in all spectra of a direction; number of tails by the likelihood: "
        + ", ".join(f"{name} {n}" for name, n in tails.items())
        + ".",
        "The error `shape` is the largest change of the counts with one tail more, and with one less where the "
        "likelihood does not exclude it.",
        "Errors are one standard deviation, limits hold with 95 %; if no other nuclide has lines there.",
        "The deviance per degree of freedom of a good fit is near 1, and lower where channels have few counts.",
    ]
    if any(one.efficiency for one in outcomes):
        said += sorted({f"Efficiency: {one.efficiency.how}." for one in outcomes if one.efficiency})
        said.append("Activities are means over the measurement, without correction for decay.")
    else:
        said.append("Rates are alphas that enter the detectors, not decays of a source.")
    if any(one.background for one in outcomes):
        said.append(
            "The background measurement has the energy scales, widths and tails of the other; its rates are subtracted."
        )
    return said


def document(outcomes: list[Outcome], about: dict) -> dict:
    """The content of analysis.json. about: command and sources, by key."""
    return {
        "made_by": MADE_BY,
        **about,
        "assumptions": assumptions(outcomes),
        "directions": {one.name: _direction(one) for one in outcomes},
    }


def _direction(one: Outcome) -> dict:
    emissions, of, fit = one.emissions, one.emissions.direction, one.emissions.fit
    rates, activities = one.rates(), one.activities()
    spectra = []
    for s in range(len(of.counts)):
        spectra.append(
            {
                "name": of.labels[s] if of.labels else of.name,
                "live_s": None if of.live_s is None else _number(of.live_s[s]),
                "scale": _number(fit.values.kev_per_unit[s]),
                "scale_error": _number(fit.errors.kev_per_unit[s]),
                "zero_kev": _number(fit.values.zero[s]),
                "zero_error_kev": _number(fit.errors.zero[s]),
                "fwhm_kev": [_number(value) for value in fit.values.fwhm_kev[s]],
                "fwhm_error_kev": [_number(value) for value in fit.errors.fwhm_kev[s]],
                "background_counts": _number(fit.values.background[s].sum()),
            }
        )
    nuclides = {}
    for emission in emissions.emissions:
        name = emission.nuclide
        nuclides[name] = {"status": emission.status, "mixed_with": list(emission.mixed_with)}
        nuclides[name]["counts"] = _quantity(counts_of(emission))
        if name in rates:
            nuclides[name]["rate_per_s"] = _quantity(rates[name])
            nuclides[name]["status"] = rates[name].status
        if name in activities:
            alphas, error = alphas_per_decay(name)
            nuclides[name]["alphas_per_decay"] = {"value": _number(alphas), "error": _number(error)}
            nuclides[name]["activity"] = _quantity(activities[name]) | {"unit": one.unit}
    return {
        "live_s": of.total_live_s and _number(of.total_live_s / len(of.counts)),
        "fit": {
            "deviance": _number(fit.deviance),
            "degrees_of_freedom": fit.dof,
            "tails": [{"fraction": _number(fraction), "tau_kev": _number(tau)} for fraction, tau in fit.values.tails],
            "at_bounds": list(fit.at_bounds),
            "warning": one.warning(),
        },
        "spectra": spectra,
        "nuclides": nuclides,
        "sums": [
            {"nuclides": list(names), "counts": _number(counts), "error": _number(error)}
            for names, counts, error in emissions.sums
        ],
        "counts_covariance": {
            "nuclides": list(fit.nuclides),
            "matrix": [[_number(value) for value in row] for row in fit.counts_covariance],
        },
        "missing_for_activity": one.missing(),
    }


def counts_of(one: Emission) -> Quantity:
    errors = {"counts": one.statistics, "shape": one.shape}
    return Quantity(one.counts, one.threshold, one.upper, one.status, errors)


def _quantity(one: Quantity) -> dict:
    errors = {cause: _number(one.errors[cause]) for cause in CAUSES if cause in one.errors}
    return {
        "value": _number(one.value),
        "error": _number(one.error),
        "errors": errors,
        "decision_threshold": _number(one.threshold),
        "upper_limit_95": _number(one.upper),
    }


def _number(value) -> float | None:
    """With the digits that a file needs; None if it is not finite."""
    return float(f"{value:.{_DIGITS}g}") if np.isfinite(value) else None


def json_text(content: dict) -> bytes:
    return (json.dumps(content, indent=1, allow_nan=False) + "\n").encode()


def peaks_rows(outcomes: list[Outcome]):
    """Of peaks.csv. Centroids: of the main line, by the calibration before the fit, mean of the spectra."""
    yield (
        *("direction", "nuclide", "status", "energy_kev", "centroid_kev", "centroid_error_kev", "fwhm_kev"),
        *("fwhm_error_kev", "counts", "counts_error", "statistics", "shape", "decision_threshold", "upper_limit_95"),
    )
    for one in outcomes:
        fit = one.emissions.fit
        weights = [float(seen.sum()) for seen in one.emissions.counts]
        for k, emission in enumerate(one.emissions.emissions):
            energy_kev = main_kev(emission.nuclide)
            width = min(k, fit.values.fwhm_kev.shape[1] - 1)
            fwhm_kev = np.average(fit.values.fwhm_kev[:, width], weights=weights)
            fwhm_error_kev = np.sqrt(np.average(fit.errors.fwhm_kev[:, width] ** 2, weights=weights) / len(weights))
            positions_kev, errors_kev = _positions_kev(one.emissions, energy_kev)
            centroid_kev = np.average(positions_kev, weights=weights)
            centroid_error_kev = np.sqrt(np.average(errors_kev**2, weights=weights) / len(weights))
            values = energy_kev, centroid_kev, centroid_error_kev, fwhm_kev, fwhm_error_kev
            counts = emission.counts, emission.error, emission.statistics, emission.shape
            numbers = (*values, *counts, emission.threshold, emission.upper)
            yield one.name, emission.nuclide, emission.status, *(_number(value) for value in numbers)


def _positions_kev(found: Emissions, energy_kev: float) -> tuple[np.ndarray, np.ndarray]:
    """float64[spectra]: where a line is, by the calibration before the fit, and its error."""
    fit, n = found.fit, len(found.grids)
    by_scale = -energy_kev / fit.values.kev_per_unit**2
    variances = []
    for s in range(n):
        at = [fit.names.index(f"{name} {s}") for name in ("kev_per_unit", "zero")]
        slope = np.array([by_scale[s], 1.0])
        variances.append(slope @ fit.covariance[np.ix_(at, at)] @ slope)
    return energy_kev / fit.values.kev_per_unit + fit.values.zero, np.sqrt(np.maximum(variances, 0.0))


def activities_rows(outcomes: list[Outcome]):
    """Of activities.csv: rates into the detectors, and activities where they are known."""
    by_cause = [f"error_{cause}" for cause in CAUSES]
    yield (
        *("direction", "nuclide", "quantity", "unit", "status", "value", "error", *by_cause),
        *("decision_threshold", "upper_limit_95"),
    )
    for one in outcomes:
        for quantity, unit, found in (("rate", "1/s", one.rates()), ("activity", one.unit, one.activities())):
            for name, value in found.items():
                parts = [_number(value.errors.get(cause, 0.0)) for cause in CAUSES]
                numbers = [_number(value.value), _number(value.error), *parts]
                numbers += [_number(value.threshold), _number(value.upper)]
                yield one.name, name, quantity, unit, value.status, *numbers


def text(value: Quantity) -> str:
    """For a table that people read: value +- error, or the limit."""
    if value.status != FOUND:
        return f"< {value.upper:.3g}"
    shown, error = with_uncertainty(value.value, value.error)
    return f"{shown:.10g} +- {error:.10g}"


def counts_text(one: Emission) -> str:
    """The same for counts, before a background is subtracted."""
    return text(counts_of(one))


def check_ours(out: Path, force: bool) -> None:
    """Raises UserError if `out` has files of these names that `dorn analyse` did not write, unless force."""
    there = [name for name in FILES if (out / name).exists()]
    if there and not force:
        try:
            ours = json.loads((out / FILES[0]).read_text(encoding="utf-8"))["made_by"] == MADE_BY
        except (OSError, ValueError, KeyError, TypeError):
            ours = False
        if not ours:
            what = f"is there, and not written by {MADE_BY}; --force replaces it"
            raise UserError.at(out, there[0], what)
