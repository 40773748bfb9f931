"""Lines whose fits are checked against limits: a failed fit gives NaN, which fails every limit."""

from __future__ import annotations

import numpy as np

from dorn.analysis.peaks import Peak, line
from dorn.nuclides import lines, main_kev


def peak(
    counts: np.ndarray, first: float, last: float, nuclide: str | None = None, main: float = 0.0, zero: float = 0.0
) -> Peak:
    """Fit the peak between these channels, which are rounded; all NaN if there is none.

    nuclide: fit all its lines; channel `zero` has energy 0, and `main` is the approximate channel of its main line.
    """
    pattern = [(0.0, 1.0)]
    if nuclide is not None:
        per_kev = (main - zero) / main_kev(nuclide)
        pattern = [(per_kev * (kev - main_kev(nuclide)), share) for kev, share in lines(nuclide)]  # the main line first
    try:
        return line(counts, round(first), round(last), pattern)
    except ValueError:
        return Peak(np.nan, np.nan, np.nan, (np.nan, np.nan, np.nan))


def worst(differences) -> float:
    """The difference farthest from 0; NaN if any is NaN."""
    values = np.ravel(differences)
    return float(values[np.argmax(np.where(np.isnan(values), np.inf, abs(values)))])
