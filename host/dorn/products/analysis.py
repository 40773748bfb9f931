"""The result of `dorn analyse`: analysis.json, peaks.csv and activities.csv."""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np

from dorn.analysis.activity import CAUSES, Quantity, alphas_per_decay
from dorn.analysis.emission import FOUND, Emission, Emissions
from dorn.analysis.iso11929 import Result
from dorn.analysis.line_fit import Fit
from dorn.errors import UserError
from dorn.nuclides import main_kev
from dorn.products import time_fits
from dorn.products.outcome import FLUX_UNIT, Outcome, assumptions
from dorn.util.digits import shown

MADE_BY = "dorn analyse"
FILES = ("analysis.json", "peaks.csv", "activities.csv", "fits.png", "report.html", "slices.csv")
_DIGITS = 7  # significant digits of numbers in files


def document(outcomes: list[Outcome], about: dict) -> dict:
    """The content of analysis.json. about: command and sources, and fits over time, by key."""
    reference = next((one.reference for one in outcomes), None)
    return {
        "made_by": MADE_BY,
        **about,
        "reference_date": reference and reference.date_text,
        "began": reference and reference.began_text,
        "assumptions": assumptions(outcomes) + time_fits.assumptions(about),
        "directions": {one.name: _direction(one) for one in outcomes},
    }


def _direction(one: Outcome) -> dict:
    emissions, of, fit = one.emissions, one.emissions.direction, one.emissions.fit
    rates, activities = one.rates(), one.activities()
    at_date, fluxes = one.activities_at_date(), one.fluxes()
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
                "channels": len(of.edges_kev[s]) - 1,
                "lower_edge_kev": _number(_kev(fit, s, of.edges_kev[s][0])),
                "upper_edge_kev": _number(_kev(fit, s, of.edges_kev[s][-1])),
            }
        )
    nuclides = {}
    for emission in emissions.emissions:
        name = emission.nuclide
        nuclides[name] = {"status": emission.status, "mixed_with": list(emission.mixed_with)}
        nuclides[name]["counts"] = _quantity(counts_of(emission))
        if name in rates:
            nuclides[name]["rate_per_s"] = _quantity(rates[name]) | _iso(one.iso_rates[name])
            nuclides[name]["status"] = rates[name].status
        if name in activities:
            alphas, error = alphas_per_decay(name)
            nuclides[name]["alphas_per_decay"] = {"value": _number(alphas), "error": _number(error)}
            nuclides[name]["activity"] = _quantity(activities[name]) | _iso(one.iso_activities[name])
            nuclides[name]["activity"]["unit"] = one.unit
        if name in at_date:
            nuclides[name]["activity_at_date"] = _quantity(at_date[name]) | {"unit": one.unit}
        if name in fluxes:
            nuclides[name]["flux"] = _quantity(fluxes[name]) | {"unit": FLUX_UNIT}
    return {
        "live_s": of.mean_live_s and _number(of.mean_live_s),
        "fit": {
            "deviance": _number(fit.deviance),
            "degrees_of_freedom": fit.dof,
            "chi2_per_degree_of_freedom": _number(one.emissions.chi2_per_dof()),
            "tails": [{"fraction": _number(fraction), "tau_kev": _number(tau)} for fraction, tau in fit.values.tails],
            "at_bounds": list(fit.at_bounds),
            "warning": one.warning(),
        },
        "spectra": spectra,
        "left_out": list(of.left_out),
        "background_measurement": _background(one),
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
        "not_corrected_to_date": one.not_corrected(),
    }


def _kev(fit: Fit, s: int, edge_kev: float) -> float:
    """An edge of the spectrum on the fitted energy scale."""
    return float(fit.values.kev_per_unit[s] * (edge_kev - fit.values.zero[s]))


def _background(one: Outcome) -> dict | None:
    """The measurement that was subtracted. `counts` of nuclides are before the subtraction."""
    blank = one.background
    if blank is None:
        return None
    return {
        "live_s": blank.direction.mean_live_s and _number(blank.direction.mean_live_s),
        "chi2_per_degree_of_freedom": _number(blank.chi2_per_dof()),
        "counts": {two.nuclide: {"value": _number(two.counts), "error": _number(two.error)} for two in blank.emissions},
    }


def counts_of(one: Emission) -> Quantity:
    errors = {"counts": one.statistics, "shape": one.shape}
    return Quantity(one.counts, one.threshold, one.upper, one.status, errors, one.detection_limit, one.interval)


def _quantity(one: Quantity) -> dict:
    errors = {cause: _number(one.errors[cause]) for cause in CAUSES if cause in one.errors}
    return {
        "value": _number(one.value),
        "error": _number(one.error),
        "errors": errors,
        "decision_threshold": _number(one.threshold),
        "detection_limit": _number(one.detection_limit),
        "upper_limit_95": _number(one.upper),
        "interval_95": [_number(end) for end in one.interval],
    }


def _iso(one: Result | None) -> dict:
    if one is None:
        return {"iso_11929": None}
    return {
        "iso_11929": {
            "decision_threshold": _number(one.decision_threshold),
            "detection_limit": _number(one.detection_limit),
            "best_estimate": _number(one.best[0]),
            "best_estimate_error": _number(one.best[1]),
            "interval_95": [_number(end) for end in one.symmetric],
        }
    }


def _number(value) -> float | None:
    """Rounded to the digits of files; None if not finite."""
    return float(f"{value:.{_DIGITS}g}") if np.isfinite(value) else None


def json_text(content: dict) -> bytes:
    return (json.dumps(content, indent=1, allow_nan=False) + "\n").encode()


def peaks_rows(outcomes: list[Outcome]):
    """Rows of peaks.csv. Centroids: main line in the calibration before the fit, averaged over the spectra."""
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
    """float64[spectra] each: the position of a line in the calibration before the fit, and its error."""
    fit, n = found.fit, len(found.grids)
    by_scale = -energy_kev / fit.values.kev_per_unit**2
    variances = []
    for s in range(n):
        at = [fit.names.index(f"{name} {s}") for name in ("kev_per_unit", "zero")]
        slope = np.array([by_scale[s], 1.0])
        variances.append(slope @ fit.covariance[np.ix_(at, at)] @ slope)
    return energy_kev / fit.values.kev_per_unit + fit.values.zero, np.sqrt(np.maximum(variances, 0.0))


def activities_rows(outcomes: list[Outcome]):
    """Rows of activities.csv: rates at the detectors; activities and fluxes where they are known."""
    by_cause = [f"error_{cause}" for cause in CAUSES]
    yield (
        *("direction", "nuclide", "quantity", "unit", "status", "value", "error", *by_cause),
        *("decision_threshold", "upper_limit_95", "detection_limit", "interval_95_low", "interval_95_high"),
        *("iso_11929_decision_threshold", "iso_11929_detection_limit"),
    )
    for one in outcomes:
        for quantity, unit, found, by_iso in (
            ("rate", "1/s", one.rates(), one.iso_rates),
            ("activity", one.unit, one.activities(), one.iso_activities),
            ("activity at date", one.unit, one.activities_at_date(), {}),
            ("flux", FLUX_UNIT, one.fluxes(), one.iso_activities),
        ):
            for name, value in found.items():
                parts = [value.errors.get(cause, 0.0) for cause in CAUSES]
                numbers = [value.value, value.error, *parts, value.threshold, value.upper, value.detection_limit]
                iso = by_iso.get(name)
                numbers += [*value.interval, *((iso.decision_threshold, iso.detection_limit) if iso else (np.nan,) * 2)]
                yield one.name, name, quantity, unit, value.status, *(_number(number) for number in numbers)


def text(value: Quantity) -> str:
    """Readable text for a table: value +- error, or the limit."""
    if value.status != FOUND:
        return f"< {value.upper:.3g}"
    return shown(value.value, value.error)


def counts_text(one: Emission) -> str:
    """Readable text for counts, before a background is subtracted."""
    return text(counts_of(one))


def ours(out: Path) -> list[str]:
    """The files in `out` that an earlier call wrote."""
    try:
        content = json.loads((out / FILES[0]).read_text(encoding="utf-8"))
        return [name for name in content["files"] if name in FILES] if content["made_by"] == MADE_BY else []
    except (OSError, ValueError, KeyError, TypeError):
        return []


def check_ours(out: Path, force: bool) -> None:
    """Raises UserError if `out` has files of these names that `dorn analyse` did not write, unless force."""
    known = ours(out)
    others = [name for name in FILES if (out / name).exists() and name not in known]
    if others and not force:
        raise UserError.at(out, others[0], f"exists and was not written by {MADE_BY}; --force replaces it")
