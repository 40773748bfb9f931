"""Energy scales from known lines: simulated spectra with a known scale, and strips of a real detector."""

import numpy as np
import pytest
from dorn.analysis.energy_scale import calibrate, calibrate_unknown, gains
from dorn.analysis.line_model import Grid, LineModel, Parameters
from dorn.errors import UserError
from dorn.nuclides import main_kev, nuclide
from dorn.study import measured
from support.data import data

EDGES = 4 * np.arange(1025) - 0.5
CHAIN = ("Po-209", "Po-210", "Rn-222", "Po-218", "Po-214")


def drawn(generator, nuclides, kev_per_unit, zero, counts=600, fwhm_kev=38.0, tails=(), background=300):
    """A spectrum, int[1024], with these counts in each nuclide."""
    model = LineModel([Grid(EDGES, kev_per_unit, zero)], nuclides, fwhm_kev=fwhm_kev, tails=tails)
    truth = Parameters(
        counts=np.full(len(nuclides), float(counts)),
        kev_per_unit=np.array([kev_per_unit]),
        zero=np.array([zero]),
        fwhm_kev=np.array([[fwhm_kev]]),
        background=np.array([[float(background)]]),
        tails=np.array(tails).reshape(-1, 2),
    )
    return generator.poisson(model.expected(truth)[0])


@pytest.mark.parametrize(("counts", "tails"), [(1000, ()), (10_000, ()), (1000, ((0.08, 25.0),))])
def test_energies_are_right_within_their_errors(counts, tails):
    """Errors are those of counting statistics, as the spectra are drawn with the energies of the table."""
    generator = np.random.default_rng(1)
    pulls = []
    for _ in range(60):
        kev_per_unit, zero = 3 * generator.uniform(0.985, 1.015), generator.uniform(47, 53)
        seen = drawn(generator, CHAIN, kev_per_unit, zero, counts, tails=tails)
        scale = calibrate(seen, EDGES, CHAIN, 3.0, 50.0)
        assert scale.nuclides == CHAIN and scale.missing == ()
        for name in ("Po-210", "Po-214"):
            at = zero + main_kev(name) / kev_per_unit
            pulls.append((scale.energy_kev(at) - main_kev(name)) / scale.error_kev(at, scale.statistical))
            assert scale.error_kev(at) > scale.error_kev(at, scale.statistical)
    # 120 pulls, two from each fit
    assert abs(np.mean(pulls)) < 0.4 and 0.75 < np.std(pulls) < 1.25


@pytest.mark.parametrize("names", [("Po-210",), ("Po-209", "Po-210", "Po-214")])
def test_a_line_is_not_taken_for_another_one(names):
    """Rn-222 is 3.5 % above Po-210, outside the search range; if other nuclides are found, their scale is used."""
    present = ["Po-209", "Rn-222", "Po-214"]
    seen = drawn(np.random.default_rng(6), present, 3.0, 50.0, counts=3000)
    if len(names) == 1:
        with pytest.raises(UserError, match=r"lines: (found none|Po-210 .* beyond the search)"):
            calibrate(seen, EDGES, names, 3.0, 50.0)
    else:
        scale = calibrate(seen, EDGES, names, 3.0, 50.0)
        assert scale.missing == ("Po-210",)
        at = 50 + main_kev("Po-214") / 3
        assert abs(scale.energy_kev(at) - main_kev("Po-214")) < 3 * scale.error_kev(at)
        assert scale.chi2_per_dof > 5, "Rn-222 is not in the model"


def test_a_wider_search_finds_a_gain_that_is_farther_off():
    seen = drawn(np.random.default_rng(7), CHAIN, 3.15, 50.0, counts=1000)
    with pytest.raises(UserError, match="lines: "):
        calibrate(seen, EDGES, CHAIN, 3.0, 50.0)
    assert calibrate(seen, EDGES, CHAIN, 3.0, 50.0, search=0.07).kev_per_unit == pytest.approx(3.15, rel=0.002)


def test_the_zero_is_fixed_for_a_single_line_and_the_table_limits_it():
    spectrum = drawn(np.random.default_rng(2), ["Po-209"], 3.03, 50.0, counts=200_000)
    scale = calibrate(spectrum, EDGES, ["Po-209"], 3.0, 50.0)
    assert (scale.zero, scale.zero_is_fixed) == (50.0, True)
    at = scale.position(main_kev("Po-209"))
    stated_kev = max(nuclide("Po-209").lines, key=lambda line: line.intensity).energy_u_kev
    assert scale.error_kev(at) == pytest.approx(stated_kev, rel=0.02)
    far_kev = scale.error_kev(scale.position(8785))
    assert far_kev == pytest.approx(20 * (8785 / 4883 - 1), rel=0.05), "a zero that is off by 20 keV"
    assert scale.kev_per_unit == pytest.approx(3.03, rel=1e-4)


def test_a_nuclide_that_is_absent_is_left_out():
    spectrum = drawn(np.random.default_rng(3), ["Po-209", "Po-214"], 2.97, 48.0)
    scale = calibrate(spectrum, EDGES, ["Po-209", "Po-210", "Po-214"], 3.0, 50.0)
    assert (scale.nuclides, scale.missing) == (("Po-209", "Po-214"), ("Po-210",))
    assert scale.zero == pytest.approx(48, abs=4 * scale.covariance[1, 1] ** 0.5)
    close = calibrate(spectrum, EDGES, ["Po-209", "Po-210"], 3.0, 48.0)
    assert close.nuclides == ("Po-209",) and close.zero_is_fixed, "one line does not determine the zero"
    with pytest.raises(UserError, match="found Po-209 of Po-209, Po-210, Rn-222"):
        calibrate(spectrum, EDGES, ["Po-209", "Po-210", "Rn-222"], 3.0, 48.0)


@pytest.mark.parametrize(
    ("spectrum", "names", "message"),
    [
        (np.zeros(1024, int), ["Po-210"], "no counts near them"),
        (np.full(1024, 3), ["Po-210"], "lines: found none of Po-210"),
        (np.full(1024, 3), ["Pb-210"], "Pb-210"),
        (np.full(1024, 3), ["Po-299"], "unknown nuclide"),
        (np.full(1024, 3), ["Po-210", "Po-210"], "a nuclide twice"),
        (np.full(1023, 3), ["Po-210"], "counts: not 1024 channels"),
    ],
)
def test_errors_name_what_is_wrong(spectrum, names, message):
    with pytest.raises(UserError, match=message):
        calibrate(spectrum, EDGES, names, 3.0, 50.0)


def test_gains_follow_a_drift():
    generator = np.random.default_rng(4)
    scale = calibrate(drawn(generator, CHAIN, 3.0, 50.0, counts=5000), EDGES, CHAIN, 3.0, 50.0)
    true = np.linspace(0.985, 1.015, 40)
    slices = [drawn(generator, CHAIN, 3.0 / gain, 50.0, counts=150, background=50) for gain in true]
    found, errors = gains([*slices, np.zeros(1024, int)], EDGES, scale, "Po-209")
    assert np.isnan(found[-1]) and np.isnan(errors[-1])
    pulls = (found[:-1] - true) / errors[:-1]
    assert abs(pulls.mean()) < 0.6 and 0.7 < pulls.std() < 1.3  # the error of the scale is common to all


def test_a_scale_is_found_without_a_start():
    generator = np.random.default_rng(5)
    for kev_per_unit in (2.0, 5.5):
        spectrum = drawn(generator, ["Pu-239", "Am-241", "Cm-244"], kev_per_unit, 20.0, counts=2000)
        scale = calibrate_unknown(spectrum, EDGES, ["Pu-239", "Am-241", "Cm-244"])
        at = 20 + 5486 / kev_per_unit
        assert scale.energy_kev(at) == pytest.approx(5486, abs=4 * scale.error_kev(at))
    with pytest.raises(UserError, match="not found"):
        calibrate_unknown(spectrum, EDGES, ["Po-209", "Po-212"])


def test_strips_of_a_detector_are_calibrated_without_a_start():
    strips = measured.strips(data("triple-alpha-leuven").parent, 8)
    errors_kev = []
    for strip in strips:
        edges = np.arange(len(strip.counts) + 1.0)
        scale = calibrate_unknown(strip.counts, edges, measured.TRIPLE)
        errors_kev.append(scale.energy_kev(strip.centroids) - measured.TRIPLE_KEV)
    worst_kev = np.abs(errors_kev).max(axis=1)
    assert np.median(worst_kev) < 4 and worst_kev.max() < 8, "reference: Gaussian fits by others, without tails"
