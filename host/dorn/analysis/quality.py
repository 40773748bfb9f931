"""How well a fit describes spectra, whatever the number of counts."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

_ENOUGH = 5.0  # channels are added up until this many counts are expected
_LEAST_DOF = 5


def chi2_per_dof(expected: Sequence[np.ndarray], seen: Sequence[np.ndarray], parameters: int) -> float:
    """Chi-squared per degree of freedom of channels added up until enough counts are expected: with few counts, neither
    chi-squared nor the deviance distinguishes a poor fit from a good one. expected, seen: float[channels] of each
    spectrum; parameters: number fitted to all of them. NaN if fewer than five degrees of freedom are left."""
    total, bins = 0.0, 0
    for model, counts in zip(expected, seen, strict=True):
        firsts = np.unique(np.cumsum(model) // _ENOUGH, return_index=True)[1]
        model, counts = np.add.reduceat(model, firsts), np.add.reduceat(counts, firsts)
        total += float(np.sum((counts - model) ** 2 / np.maximum(model, 1e-300)))
        bins += len(model)
    dof = bins - parameters
    return total / dof if dof >= _LEAST_DOF else float("nan")
