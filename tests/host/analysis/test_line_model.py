"""The model of spectra: expected counts, against sums of line shapes, and derivatives, against finite differences."""

from dataclasses import replace

import numpy as np
import pytest
from dorn.analysis.line_model import Emitter, Grid, LineModel
from dorn.analysis.line_shape import Shape
from dorn.errors import UserError

EDGES = np.arange(1300.0, 3150, 4)
TAILS = ((0.1, 20.0), (0.05, -40.0))


def parameters(model, counts, background=100.0):
    start = model.parameters(model.start)
    return replace(start, counts=np.array(counts, float), background=np.full_like(start.background, background))


def test_expected_counts_are_those_of_the_lines_by_intensity_and_of_the_background():
    model = LineModel([Grid(EDGES, 3.0, 50.0)], ["Po-210", "Bi-212"], fwhm_kev=40, tails=TAILS)
    (found,) = model.expected(parameters(model, [1000, 500]))
    edges_kev, shape = 3 * (EDGES - 50), Shape(40, TAILS)
    wanted = 100 * np.diff(EDGES) / np.ptp(EDGES)
    for name, counts in (("Po-210", 1000), ("Bi-212", 500)):
        emitter = Emitter.of(name)
        shares = np.array(emitter.shares) / sum(emitter.shares)
        wanted += counts * shares @ shape.integrals(edges_kev, emitter.energies_kev)
    assert found == pytest.approx(wanted, rel=1e-6, abs=1e-4)


def test_counts_in_common_are_shared_as_exposures_are_and_own_ones_are_not():
    grids = [Grid(EDGES, 3.0, 50.0, exposure) for exposure in (1.0, 3.0)]
    model = LineModel(grids, ["Po-210"], fwhm_kev=40)
    one, three = model.expected(parameters(model, [1000], 0.0))
    assert one.sum() == pytest.approx(250, abs=0.01) and three.sum() == pytest.approx(750, abs=0.01)
    model = LineModel(grids, ["Po-210"], fwhm_kev=40, own=["counts"])
    one, three = model.expected(parameters(model, [[400], [600]], 0.0))
    assert one.sum() == pytest.approx(400, abs=0.01) and three.sum() == pytest.approx(600, abs=0.01)


def test_tied_nuclides_have_one_parameter_and_fixed_shares_of_it():
    model = LineModel([Grid(EDGES, 3.0, 50.0)], ["Po-218", "Bi-212", "Po-212"], ties=[{"Bi-212": 1, "Po-212": 3}])
    assert model.names[:2] == ["counts Po-218", "counts Bi-212+Po-212"]
    vector = model.start.copy()
    vector[:2] = 10, 40
    assert model.parameters(vector).counts.tolist() == [10, 10, 30]
    assert model.vector(model.parameters(vector)).tolist() == vector.tolist()


def test_a_background_with_slope_is_a_straight_line():
    model = LineModel([Grid(EDGES, 3.0, 50.0)], ["Po-210"], slope=True)
    (found,) = model.expected(replace(parameters(model, [0]), background=np.array([[10.0, 90.0]])))
    assert found.sum() == pytest.approx(100)
    assert np.diff(found) == pytest.approx(np.full(len(found) - 1, np.diff(found)[0]))
    assert found[-1] / found[0] == pytest.approx(9, rel=0.02)


def test_derivatives_are_those_of_finite_differences():
    grids = [Grid(EDGES, 3.0, 50.0), Grid(EDGES + 0.3 * np.sin(EDGES), 2.9, 40.0, 2.0)]  # one with uneven channels
    nuclides, ties = ["Po-210", "Bi-212", "Po-212"], [{"Bi-212": 36, "Po-212": 64}]
    options = {"fwhm_kev": 40, "tails": TAILS, "free": ["scale", "zero", "fwhm", "tails"], "ties": ties, "slope": True}
    for own in ([], ["fwhm"], ["counts"], ["counts", "fwhm"]):
        model = LineModel(grids, nuclides, own=own, **options)
        vector = model.start.copy()
        vector[model.places["counts"]] = 100, 200
        vector[model.places["background"]] = (10, 20), (5, 3)
        for part in model.parts:
            _, derivatives = part.evaluate(vector)
            for place, found in zip(part.rows, derivatives, strict=True):
                step = np.zeros_like(vector)
                step[place] = 1e-6 * max(1.0, abs(vector[place]))
                wanted = (part.mean(vector + step) - part.mean(vector - step)) / (2 * step[place])
                # a tail of 40 keV is cut at 16 tau: 1e-7 of its counts
                assert found == pytest.approx(wanted, abs=1e-5 * abs(wanted).max()), model.names[place]


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"nuclides": ["Po-2100"]}, "unknown nuclide (Po-2100)"),
        ({"nuclides": []}, "line model: nuclides: none"),
        ({"nuclides": ["Pb-214"]}, "line model: nuclides: no alpha line (Pb-214)"),
        ({"nuclides": ["Po-210", "Po-210"]}, "line model: nuclides: a name twice (Po-210, Po-210)"),
        ({"nuclides": ["Po-210", "Gd-148"]}, "line model: nuclides: no line within the edges (Gd-148)"),
        ({"grids": []}, "line model: grids: none"),
        ({"fwhm_kev": -1}, "line model: fwhm_kev: not above 0 (-1)"),
        ({"free": ["gain"]}, "line model: free: not one of scale, zero, fwhm, tails (gain)"),
        (
            {"nuclides": ["Po-212"], "free": ["scale", "zero"]},
            "line model: free: scale and zero cannot both be free (one line)",
        ),
        ({"own": ["tails"]}, "line model: own: not one of counts, fwhm (tails)"),
        ({"tails": [(2, 20)]}, "line shape: tails: fraction not from 0 to 1 (2)"),
        ({"ties": [{"Bi-212": 1}]}, "line model: ties: not one of the nuclides (Bi-212)"),
        ({"ties": [{"Po-210": 0}]}, "line model: ties: not above 0 (0)"),
        ({"ties": [{"Po-210": 1}, {"Po-210": 1}]}, "line model: ties: a nuclide in two ties (Po-210)"),
    ],
)
def test_what_is_not_a_model_is_refused(change, message):
    arguments = {"grids": [Grid(EDGES, 3.0, 50.0)], "nuclides": ["Po-210", "Po-214"]} | change
    with pytest.raises(UserError) as error:
        LineModel(arguments.pop("grids"), arguments.pop("nuclides"), **arguments)
    assert str(error.value).startswith(message)


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (("pulser", ()), "pulser: energies_kev: none, or not finite (())"),
        (("pulser", (np.nan,)), "pulser: energies_kev: none, or not finite ((nan,))"),
        (("pulser", (5000.0, 6000.0)), "pulser: shares: not a number above 0 for each energy ((1.0,))"),
        (("pulser", (5000.0,), (-1.0,)), "pulser: shares: not a number above 0 for each energy ((-1.0,))"),
    ],
)
def test_what_emits_no_lines_is_refused(arguments, message):
    with pytest.raises(UserError) as error:
        Emitter(*arguments)
    assert str(error.value) == message


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (([0, 1, 1], 3.0), "grid: edges: not an ascending sequence of finite numbers ([0, 1, 1])"),
        (([0, np.nan], 3.0), "grid: edges: not an ascending sequence"),
        (([0], 3.0), "grid: edges: not an ascending sequence"),
        (([0, 1], 0.0), "grid: kev_per_unit: not above 0 (0.0)"),
        (([0, 1], 3.0, np.inf), "grid: zero: not a finite number (inf)"),
        (([0, 1], 3.0, 0.0, -1.0), "grid: exposure: not above 0 (-1.0)"),
    ],
)
def test_what_is_not_a_grid_is_refused(arguments, message):
    with pytest.raises(UserError) as error:
        Grid(*arguments)
    assert str(error.value).startswith(message)


def test_parameters_of_another_model_are_refused():
    model = LineModel([Grid(EDGES, 3.0, 50.0)], ["Po-210"])
    with pytest.raises(UserError, match=r"parameters: background: not of shape \(1, 1\) \(\(1, 2\)\)"):
        model.vector(replace(parameters(model, [1]), background=np.ones((1, 2))))
