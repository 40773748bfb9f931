"""Half-lives and decay chains fitted to the slices of `dorn analyse`: as in analysis.json, and in words."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

import numpy as np

from dorn.analysis.half_life import CONSTANT, DECREASES, INCREASES
from dorn.errors import UserError
from dorn.nuclides import half_life_s
from dorn.products.analysis_slices import Part, chain_of, half_life_of

Slices = Mapping[str, list[Part]]  # direction -> its slices


def half_lives(parts: Slices, nuclide: str | None) -> dict:
    """Direction -> the half-life of a nuclide, or why there is none; empty without a nuclide."""
    return {} if nuclide is None else _each(parts, {"nuclide": nuclide}, lambda of: _half_life(of, nuclide))


def chains(parts: Slices, parent: str | None) -> dict:
    """Direction -> the activities of a chain at the start of the first integration, or why there are none; empty
    without a parent."""
    return {} if parent is None else _each(parts, {"parent": parent}, lambda of: _chain(of, parent))


def _each(parts: Slices, about: dict, fit: Callable[[list[Part]], dict]) -> dict:
    found = {}
    for name, of in parts.items():
        try:
            found[name] = about | fit(of)
        except UserError as error:
            found[name] = about | {"fault": str(error)}
    return found


def _half_life(parts: list[Part], nuclide: str) -> dict:
    one = half_life_of(parts, nuclide)
    known = {"half_life_s": one.half_life_s, "error_s": one.error_s} if one.rate == DECREASES else {}
    return known | {
        "rate": one.rate,
        "lower_limit_95_s": _finite(one.least_s),
        "decay_per_s": one.decay_per_s,
        "decay_error_per_s": one.decay_error_per_s,
        "deviance": one.deviance,
        "degrees_of_freedom": one.dof,
    }


def _chain(parts: list[Part], parent: str) -> dict:
    one = chain_of(parts, parent)
    at_start = {name: {"value": value, "error": _finite(error)} for name, (value, error) in one.at_start.items()}
    return {
        "decays_per_s_at_start": at_start,
        "covariance": [[_finite(value) for value in row] for row in one.covariance.tolist()],
        "start_s": min(part.begin_s for part in parts if part.emissions),
        "deviance": one.deviance,
        "degrees_of_freedom": one.dof,
    }


def _finite(value: float) -> float | None:
    return float(value) if np.isfinite(value) else None


def lines(content: Mapping[str, Any]) -> list[str]:
    """The results in words. content: that of analysis.json, with the keys half_lives and chains."""
    found = []
    for name, one in content["half_lives"].items():
        found.append(f"{name}: {_half_life_text(one)}")
    for name, one in content["chains"].items():
        if "fault" in one:
            found.append(f"{name}: no chain of {one['parent']}: {one['fault']}")
            continue
        found.append(
            f"{name}: chain of {one['parent']} at {one['start_s']:.6g} s, {_fit_text(one)}; decays per second whose "
            "alphas would enter the detectors:"
        )
        for member, value in one["decays_per_s_at_start"].items():
            known = value["error"] is not None
            text = f"{value['value']:.4g} +- {value['error']:.2g}" if known else "not determined by these counts"
            found.append(f"  {member:8} {text}")
    return found


def _half_life_text(one: dict) -> str:
    nuclide = one["nuclide"]
    if "fault" in one:
        return f"no half-life of {nuclide}: {one['fault']}"
    table = f"{_fit_text(one)}; in the table {half_life_s(nuclide):.5g} s"
    if one["rate"] == INCREASES:
        return f"no half-life of {nuclide}: the rate increases, {table}"
    if one["rate"] == CONSTANT:
        limit = f"above {one['lower_limit_95_s']:.3g} s (95 %)"
        return f"half-life of {nuclide} {limit}: the rate does not decrease significantly, {table}"
    return f"half-life of {nuclide} {one['half_life_s']:.5g} +- {one['error_s']:.2g} s, {table}"


def _fit_text(one: dict) -> str:
    return f"deviance/dof {one['deviance'] / max(one['degrees_of_freedom'], 1):.2f}"


def assumptions(content: Mapping[str, Any]) -> list[str]:
    """The assumptions behind them, in words."""
    found = []
    if content["half_lives"]:
        found.append(
            "A half-life is that of an exponential decay of the rate to 0, without supply by a parent, over the slices "
            "that could be fitted. It is given if the rate decreases significantly (95 %), otherwise its lower limit."
        )
    if content["chains"]:
        found.append(
            "All members of a decay chain are in the same place, so that their alphas are detected with the same "
            "probability. Their activities are those at the start of the first integration. Members that come into "
            "equilibrium with the member before them within a slice start in equilibrium."
        )
    return found
