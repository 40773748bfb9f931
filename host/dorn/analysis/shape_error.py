"""Errors of counts because the shape of the lines is not known.

Two causes are added in quadrature:

- the number of tails: the largest difference from the fits of `line_choice.alternatives`;
- tails that differ between nuclides, while a fit has one shape for all lines. Alpha particles of different sources pass
  through different thicknesses: a deposit on a plate, a layer on the detectors, a gas. The fractions of the tails of
  each nuclide differ from the common ones by DIFFERENCE. This is an assumption: one standard deviation of fractions
  that are equally probable from 5 to 10 %.

A fit with covariance C and derivatives J, whose expected counts change by a small D, moves by C J^T (D / expected
counts). From this come the effect of a tail that differs, and the part of an error that other nuclides cause: for an
alternative fit, its difference without the counts that the first fit finds in the alternative's line.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from dorn.analysis import line_choice
from dorn.analysis.line_fit import Fit
from dorn.analysis.line_model import Grid, LineModel

DIFFERENCE = 0.2  # standard deviation of the fraction of a nuclide's tail, relative to that of the fit


@dataclass(frozen=True, eq=False)
class ShapeErrors:
    """Standard errors of the counts of nuclides, and what they are made of."""

    differences: np.ndarray  # float64[fits, nuclides]: counts less those of alternative fits
    from_others: np.ndarray  # float64[fits, nuclides]: the same if the nuclide had no counts
    from_tails: np.ndarray  # float64[nuclides, groups]: caused by the tails of each group of tied nuclides
    own_group: np.ndarray  # int[nuclides]

    @property
    def errors(self) -> np.ndarray:
        """float64[nuclides]"""
        return np.hypot(_largest(self.differences), np.hypot.reduce(self.from_tails, axis=1))

    @property
    def without(self) -> np.ndarray:
        """float64[nuclides]: the errors of nuclides that have no counts."""
        others = self.from_tails.copy()
        others[np.arange(len(others)), self.own_group] = 0.0
        return np.hypot(_largest(self.from_others), np.hypot.reduce(others, axis=1))

    def of_sum(self, nuclides: Sequence[int]) -> float:
        """The error of the sum of the counts of nuclides."""
        largest = _largest(self.differences[:, nuclides].sum(axis=1, keepdims=True))[0]
        return float(np.hypot(largest, np.hypot.reduce(self.from_tails[nuclides].sum(axis=0))))


def _largest(differences: np.ndarray) -> np.ndarray:
    return np.abs(differences).max(axis=0, initial=0.0)


def shape_errors(
    found: Fit, grids: Sequence[Grid], counts: Sequence, free: Sequence[str], **options: Any
) -> ShapeErrors:
    """From the fits of `line_choice.alternatives`, with its arguments. Counts must be common to the spectra."""
    others = line_choice.alternatives(found, grids, found.nuclides, counts, free, **options)
    model = line_choice.model_of(found, grids, found.nuclides, (*free, "tails"), **options)
    group = model.tie.argmax(axis=1)
    differences = np.array([found.values.counts - one.values.counts for one in others]).reshape(-1, len(group))
    from_others = np.empty_like(differences)
    for row, one in zip(from_others, others, strict=True):
        other = line_choice.model_of(one, grids, found.nuclides, free, **options)
        vector = other.vector(one.values)
        lines = [part.linear(vector)[: model.tie.shape[1]] for part in other.parts]  # per count of a group
        counted = _moved(model, found, lines) * (one.values.counts @ (model.tie > 0))
        row[:] = found.values.counts - counted[np.arange(len(group)), group]
    # a strong line is no small change; without it the error is not larger
    from_others = np.clip(from_others, -np.abs(differences), np.abs(differences))
    return ShapeErrors(differences, from_others, DIFFERENCE * shifts(model, found), group)


def no_shape_errors(found: Fit) -> ShapeErrors:
    """Those of a fit whose shape is taken as known."""
    n = len(found.nuclides)
    return ShapeErrors(np.zeros((0, n)), np.zeros((0, n)), np.zeros((n, n)), np.arange(n))


def shifts(model: LineModel, found: Fit) -> np.ndarray:
    """float64[nuclides, groups]: change of the fitted counts of each nuclide per relative change of the fractions of
    the tails of each group of tied nuclides. model: that of the fit, with the same free parameters."""
    vector = model.vector(found.values)
    return _moved(model, found, [part.by_tails(vector) for part in model.parts])


def _moved(model: LineModel, found: Fit, changes: Sequence[np.ndarray]) -> np.ndarray:
    """float64[nuclides, n]: change of the fitted counts if the expected counts of the spectra change by each of n
    changes, float64[n, channels] for each spectrum."""
    vector = model.vector(found.values)
    score = np.zeros((len(vector), len(changes[0])))
    for part, change in zip(model.parts, changes, strict=True):
        mean, derivatives = part.evaluate(vector)
        score[part.rows] += derivatives / mean @ change.T
    # a parameter without information has an infinite variance, and no effect
    covariance = np.where(np.isfinite(found.covariance), found.covariance, 0.0)
    return model.tie @ (covariance @ score)[model.places["counts"]]
