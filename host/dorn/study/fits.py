"""Fits whose results are checked against limits: a failed fit is NaN, which is within no limit."""

from __future__ import annotations

import numpy as np

from dorn.analysis.peaks import Peak, gaussian


def peak(counts: np.ndarray, first: float, last: float) -> Peak:
    """Fit the peak between these channels, which are rounded; all NaN if there is none."""
    try:
        return gaussian(counts, round(first), round(last))
    except ValueError:
        return Peak(np.nan, np.nan, np.nan, (np.nan, np.nan, np.nan))


def worst(differences) -> float:
    """The difference farthest from 0; NaN if any is NaN."""
    values = np.ravel(differences)
    return float(values[np.argmax(np.where(np.isnan(values), np.inf, abs(values)))])
