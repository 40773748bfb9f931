"""Fits of spectra with known counts; `dorn study fits` does the same at length, and compares with other programs."""

from dataclasses import replace

import lmfit
import numpy as np
import pytest
from dorn.analysis.line_choice import choose
from dorn.analysis.line_fit import expected_errors, fit
from dorn.analysis.line_model import Emitter, Grid, LineModel, Parameters
from dorn.errors import UserError
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy.special import xlogy

EDGES = np.arange(1400.0, 3150, 4)
NUCLIDES = ("Po-210", "Po-218", "Po-214")
GRID = Grid(EDGES, 3.0, 50.0)


def truth(model, counts, scale=1.0, fwhm_kev=40.0, background=200.0):
    """Parameters that differ from the model's start."""
    start = model.parameters(model.start)
    return replace(
        start,
        counts=np.array(counts, float),
        kev_per_unit=scale * start.kev_per_unit,
        fwhm_kev=np.full_like(start.fwhm_kev, fwhm_kev),
        background=np.full_like(start.background, background),
    )


def drawn(model, parameters, seed=1):
    return [np.random.default_rng(seed).poisson(mean) for mean in model.expected(parameters)]


def pull(fitted: Parameters, true: Parameters, errors: Parameters, field):
    return (getattr(fitted, field) - getattr(true, field)) / getattr(errors, field)


def test_expected_counts_are_fitted_exactly():
    model = LineModel([GRID], NUCLIDES, fwhm_kev=30, tails=[(0.05, 15.0)], free=["scale", "zero", "fwhm", "tails"])
    true = truth(model, [1e6, 2e6, 5e5], scale=1.005)
    true = replace(true, tails=np.array([[0.08, 25.0]]), zero=np.array([48.0]))
    found = fit(model, model.expected(true))
    assert found.valid and found.deviance < 1e-3
    for field in vars(true):
        assert getattr(found.values, field) == pytest.approx(getattr(true, field), rel=1e-4), field
    assert found.of("Po-218") == pytest.approx((2e6, 2e6**0.5), rel=0.05)


def test_pulls_of_every_parameter_are_of_width_1():
    """Two detectors with counts in common, tied nuclides, slope, and free tails."""
    grids = [GRID, Grid(EDGES + 30, 3.02, 40.0, 2.0)]
    model = LineModel(
        grids,
        ["Po-210", "Bi-212", "Po-212", "Po-214"],
        fwhm_kev=35,
        tails=[(0.1, 25.0)],
        ties=[{"Bi-212": 35.94, "Po-212": 64.06}],
        free=["scale", "zero", "fwhm", "tails"],
        slope=True,
    )
    true = truth(model, [4000, 3594, 6406, 8000], scale=1.002)
    errors = expected_errors(model, true)
    pulls = {field: [] for field in vars(true)}
    for seed in range(60):
        found = fit(model, drawn(model, true, seed))
        assert found.valid
        for field, values in pulls.items():
            values.append(np.ravel(pull(found.values, true, errors, field)))
    for field, values in pulls.items():
        mean, width = np.mean(values, axis=0), np.std(values, axis=0)
        assert (abs(mean) < 4 / np.sqrt(60)).all(), field
        assert (abs(width - 1) < 0.4).all(), field
    assert found.errors.counts == pytest.approx(errors.counts, rel=0.1)
    tied = found.counts_covariance[1:3, 1:3]
    assert tied[0, 1] == pytest.approx(np.sqrt(tied[0, 0] * tied[1, 1]))


def test_deviance_and_minimum_are_those_of_lmfit():
    model = LineModel([GRID], NUCLIDES, fwhm_kev=30, tails=[(0.07, 20.0)])
    true = truth(model, [50, 200, 100])
    (counts,) = drawn(model, true)
    found = fit(model, [counts])
    free = np.flatnonzero(model.is_free)

    def residuals(values):
        vector = model.start.copy()
        vector[free] = [value.value for value in values.values()]
        mean = model.parts[0].mean(vector)
        return np.sign(mean - counts) * np.sqrt(np.maximum(0, 2 * (mean - counts + xlogy(counts, counts / mean))))

    parameters = lmfit.Parameters()
    for i, value in zip(free, model.vector(true)[free], strict=True):
        parameters.add(f"p{i}", value, min=model.lower[i], max=model.upper[i])
    other = lmfit.minimize(residuals, parameters, method="least_squares")
    assert found.deviance == pytest.approx(other.chisqr, abs=1e-3)
    errors = np.sqrt(np.diag(found.covariance))[free]
    differences = [value.value for value in other.params.values()] - model.vector(found.values)[free]
    assert abs(differences / errors).max() < 0.01


def test_nothing_of_an_absent_nuclide_is_found_and_the_others_are_as_without_it():
    with_it = LineModel([GRID], NUCLIDES, fwhm_kev=30)
    counts = drawn(with_it, truth(with_it, [3000, 0, 3000], background=0.0))
    found = fit(with_it, counts)
    assert found.valid and found.at_bounds == ("counts Po-218", "background 0")
    assert found.of("Po-218")[0] == 0 and found.of("Po-218")[1] > 0
    assert found.dof == len(counts[0]) - 4
    without = fit(LineModel([GRID], ["Po-210", "Po-214"], fwhm_kev=30), counts)
    assert found.deviance == pytest.approx(without.deviance, abs=1e-4)
    assert found.of("Po-214") == pytest.approx(without.of("Po-214"), rel=1e-3)


@pytest.mark.parametrize("error", [-0.05, -0.013, 0.031, 0.05])
def test_a_wrong_energy_scale_is_found_by_search(error):
    model = LineModel([Grid(EDGES, 3.0 * (1 + error), 50.0)], NUCLIDES, fwhm_kev=50)
    true = truth(model, [300, 300, 300], scale=1 / (1 + error))
    found = fit(model, drawn(model, true), search=0.06)
    assert found.valid
    assert abs(pull(found.values, true, expected_errors(model, true), "kev_per_unit")) < 4


def test_own_counts_and_widths_are_fitted_with_tails_in_common():
    model = LineModel(
        [GRID, GRID], NUCLIDES, tails=[(0.05, 20.0)], free=["scale", "fwhm", "tails"], own=["counts", "fwhm"]
    )
    true = truth(model, [[1e5, 2e5, 3e5], [3e5, 2e5, 1e5]])
    true = replace(true, fwhm_kev=np.array([[30.0, 40, 50], [35, 45, 55]]), tails=np.array([[0.1, 30.0]]))
    found = fit(model, model.expected(true))
    assert found.valid and found.counts_covariance.shape == (2, 3, 3)
    for field in vars(true):
        assert getattr(found.values, field) == pytest.approx(getattr(true, field), rel=1e-3), field


def test_a_detector_without_counts_has_infinite_errors_of_its_scale_and_is_no_obstacle():
    model = LineModel([GRID, GRID], NUCLIDES, own=["counts"])
    (counts,) = drawn(LineModel([GRID], NUCLIDES), truth(LineModel([GRID], NUCLIDES), [500, 600, 700]))
    found = fit(model, [counts, np.zeros_like(counts)])
    assert found.valid
    assert (found.values.counts[1] == 0).all() and np.isfinite(found.errors.counts).all()
    assert np.isinf([found.errors.kev_per_unit[1], found.errors.fwhm_kev[1, 0]]).all()
    alone = fit(LineModel([GRID], NUCLIDES), [counts])
    assert found.values.counts[0] == pytest.approx(alone.values.counts, rel=1e-3)
    assert found.errors.kev_per_unit[0] == pytest.approx(alone.errors.kev_per_unit[0], rel=1e-3)


@pytest.mark.parametrize(
    ("counts", "message"),
    [
        ([], "line fit: counts: not for 1 spectra (0)"),
        ([np.zeros(437)], "line fit: counts: all are 0"),
        ([np.ones(436)], "line fit: counts of spectrum 0: not 437 channels ((436,))"),
        ([[*[1] * 436, -1]], "line fit: counts of spectrum 0: negative or not finite (-1.0)"),
        ([[*[1] * 436, np.nan]], "line fit: counts of spectrum 0: negative or not finite (nan)"),
        ([["a"] * 437], "line fit: counts of spectrum 0: not numbers"),
    ],
)
def test_what_is_not_counts_is_refused(counts, message):
    with pytest.raises(UserError) as error:
        fit(LineModel([GRID], NUCLIDES), counts)
    assert str(error.value).startswith(message)


@settings(max_examples=60, deadline=None)
@given(st.data())
def test_any_counts_have_finite_results(data):
    channels = data.draw(st.integers(5, 60))
    counts = data.draw(st.lists(st.integers(0, 10**6), min_size=channels, max_size=channels))
    grid = Grid(np.linspace(0, 300, channels + 1), 1.0)
    model = LineModel([grid], [Emitter("a", (100.0,)), Emitter("b", (160.0, 200.0), (1.0, 2.0))], fwhm_kev=20)
    if not any(counts):
        return
    found = fit(model, [counts])
    assert all(np.isfinite(values).all() for values in vars(found.values).values())
    assert np.isfinite(found.deviance)
    assert (found.values.counts >= 0).all() and (found.values.background >= 0).all()


# ---- choice of the shape ---------------------------------------------------------------------------------------------

SHAPES = {"one tail": [(0.08, 20.0)], "two tails": [(0.08, 20.0), (0.05, 150.0)], "right": [(0.08, 20.0), (0.1, -30.0)]}


@pytest.mark.parametrize("name", SHAPES)
def test_the_shape_that_the_counts_ask_for_is_chosen_and_areas_are_right(name):
    model = LineModel([GRID], NUCLIDES, fwhm_kev=40, tails=SHAPES[name])
    true = truth(model, [8000, 8000, 8000])
    found = choose([GRID], NUCLIDES, drawn(model, true), fwhm_kev=30)
    tails = found.values.tails
    assert found.valid and len(tails) == len(SHAPES[name])
    assert (tails[:, 1] < 0).any() == (name == "right")
    assert abs((found.values.counts - true.counts) / found.errors.counts).max() < 4


def test_few_counts_get_no_tail_and_widths_are_separate_only_where_they_differ():
    model = LineModel([GRID], NUCLIDES, fwhm_kev=40, own=["fwhm"])
    true = truth(model, [100, 100, 100])
    assert not choose([GRID], NUCLIDES, drawn(model, true), fwhm_kev=30).values.tails.size
    true = replace(true, counts=np.array([3e4, 3e4, 3e4]))
    assert choose([GRID], NUCLIDES, drawn(model, true), fwhm_kev=30).values.fwhm_kev.shape == (1, 1)
    true = replace(true, fwhm_kev=np.array([[36.0, 40, 44]]))
    found = choose([GRID], NUCLIDES, drawn(model, true), fwhm_kev=30)
    assert found.values.fwhm_kev == pytest.approx(true.fwhm_kev, rel=0.03)


def test_a_fit_with_fixed_counts_is_the_best_for_them_and_may_begin_with_another_fit():
    model = LineModel([GRID], NUCLIDES, fwhm_kev=30)
    counts = drawn(model, truth(model, [500, 40, 300]))
    found = fit(model, counts)
    fixed = model.with_counts("Po-218", 60.0)
    result, again = fit(fixed, counts), fit(fixed, counts, begin=found.values)
    assert result.of("Po-218") == again.of("Po-218") == (60.0, 0.0)
    assert result.valid and again.valid and result.dof == found.dof + 1
    assert result.deviance == pytest.approx(again.deviance, abs=1e-3)
    assert result.deviance > found.deviance
    # the fit with free counts has the smallest deviance of all fits with fixed counts
    assert fit(model.with_counts("Po-218", found.of("Po-218")[0]), counts).deviance == pytest.approx(
        found.deviance, abs=1e-3
    )
    assert model.is_free[model.places["counts"]].all()


@pytest.mark.parametrize(
    ("own", "name", "value", "message"),
    [
        ((), "Po-212", 3.0, "line model: nuclides: no counts common to the spectra (Po-212)"),
        (("counts",), "Po-218", 3.0, "line model: nuclides: no counts common to the spectra (Po-218)"),
        ((), "Po-218", -1.0, "line model: counts of Po-218: negative or not finite (-1.0)"),
    ],
)
def test_counts_that_cannot_be_fixed_are_reported(own, name, value, message):
    with pytest.raises(UserError) as error:
        LineModel([GRID], NUCLIDES, own=own).with_counts(name, value)
    assert str(error.value) == message
