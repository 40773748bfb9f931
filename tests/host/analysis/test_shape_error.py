"""Counts of lines whose tails differ, against fits of expected spectra whose tails do differ."""

from dataclasses import replace

import numpy as np
import pytest
from dorn.analysis.line_fit import fit
from dorn.analysis.line_model import Grid, LineModel
from dorn.analysis.shape_error import ShapeErrors, shifts

EDGES = np.arange(1400.0, 3150, 4)
GRIDS = [Grid(EDGES, 3.0, 50.0), Grid(EDGES + 30, 3.02, 40.0, 2.0)]
# so many that the convergence of a fit, 0.01 standard deviations, is small compared with the change
COUNTS = {"Po-210": 4e10, "Bi-212": 4e9, "Po-212": 7e9, "Po-214": 1.5e10}
TIES = [{"Bi-212": 35.94, "Po-212": 64.06}]
TAIL = (0.08, 22.0)
BACKGROUND = 4e8


def modelled(tail=TAIL, free=("scale", "fwhm", "tails"), **options):
    return LineModel(GRIDS, list(COUNTS), fwhm_kev=38, tails=[tail], ties=TIES, free=free, **options)


def parameters(model, counts, background):
    start = model.parameters(model.start)
    return replace(start, counts=np.array(counts), background=np.full_like(start.background, background))


def expected(changed=(), factor=1.0):
    """The expected spectra if the fraction of the tail of the nuclides `changed` has this factor."""
    parts = []
    for others, fraction in ((True, TAIL[0]), (False, factor * TAIL[0])):
        model = modelled((fraction, TAIL[1]))
        counts = [n if (name not in changed) == others else 0.0 for name, n in COUNTS.items()]
        parts.append(model.expected(parameters(model, counts, BACKGROUND if others else 0.0)))
    return [a + b for a, b in zip(*parts, strict=True)]


@pytest.mark.parametrize(("group", "changed"), [(0, ["Po-210"]), (1, ["Bi-212", "Po-212"]), (2, ["Po-214"])])
def test_a_tail_that_differs_moves_the_fitted_counts_as_calculated(group, changed):
    model = modelled()
    common = fit(model, expected())
    change = 0.02
    moved = fit(model, expected(changed, 1 + change)).values.counts - common.values.counts
    assert shifts(model, common)[:, group] * change == pytest.approx(moved, abs=0.03 * np.abs(moved).max())


def test_errors_are_the_largest_difference_and_the_tails_in_quadrature():
    """Two nuclides and two alternative fits. Without its own counts, a nuclide has the errors that the other causes."""
    of_fits, from_others = np.array([[3.0, -1.0], [-2.0, -8.0]]), np.array([[1.0, 0.0], [-2.0, 4.0]])
    of = ShapeErrors(of_fits, from_others, from_tails=np.array([[4.0, 1.5], [-6.0, 5.0]]), own_group=np.array([0, 1]))
    assert of.errors == pytest.approx([np.hypot(3, np.hypot(4, 1.5)), np.hypot(8, np.hypot(6, 5))])
    assert of.without == pytest.approx([np.hypot(2, 1.5), np.hypot(4, 6)])
    assert of.of_sum([0, 1]) == pytest.approx(np.hypot(10, np.hypot(-2, 6.5)))
    assert of.of_sum([0]) == pytest.approx(of.errors[0])


def test_without_tails_there_is_no_error():
    model = LineModel(GRIDS, list(COUNTS), fwhm_kev=38, ties=TIES, free=("scale", "fwhm", "tails"))
    assert shifts(model, fit(model, expected())) == pytest.approx(np.zeros((4, 3)))
