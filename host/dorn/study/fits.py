"""Fits that shall keep a bound: what is not found keeps none."""

from __future__ import annotations

import numpy as np

from dorn.analysis.peaks import Peak, gaussian


def peak(counts: np.ndarray, first: float, last: float) -> Peak:
    """The peak between these channels, which are rounded; all NaN where there is none."""
    try:
        return gaussian(counts, round(first), round(last))
    except ValueError:
        return Peak(np.nan, np.nan, np.nan, (np.nan, np.nan, np.nan))


def worst(differences) -> float:
    """The one farthest from 0; NaN if there is one: it is within no bound."""
    values = np.ravel(differences)
    return float(values[np.argmax(np.where(np.isnan(values), np.inf, abs(values)))])
