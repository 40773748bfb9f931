"""Efficiencies against each other, a published integral, and the simulated head."""

import math

import numpy as np
import pytest
from dorn.analysis.geometry import (
    Disc,
    Rectangle,
    disc_to_disc,
    measured,
    monte_carlo,
    plane,
    point_to_disc,
)
from dorn.errors import UserError
from dorn.head import scenario
from scipy.integrate import quad
from scipy.special import j1

PAIRS = 400_000
FACING = (0, 0, -1)


def by_bessel_functions(source, detector, distance):
    """L. Ruby and J. B. Rechen, Nucl. Instrum. Methods 58 (1968) 345."""

    def density(k):
        return math.exp(-k * distance) * j1(k * source) * j1(k * detector) / k

    return detector / source * quad(density, 1e-12, 50 / distance, limit=1000, epsabs=1e-12)[0]


@pytest.mark.parametrize(
    ("source", "detector", "distance"), [(1, 1, 1), (0.3, 2, 0.5), (2, 0.3, 0.5), (1, 1.01, 3), (5, 5, 0.7)]
)
def test_discs_by_three_methods(source, detector, distance):
    found = disc_to_disc(source, detector, distance).value
    assert found == pytest.approx(by_bessel_functions(source, detector, distance), rel=1e-7)
    drawn = monte_carlo(Disc(source), Disc(detector, centre_cm=(0, 0, distance), normal=FACING), PAIRS, seed=2)
    assert drawn.value == pytest.approx(found, abs=3 * drawn.error)
    assert drawn.error < 0.006 * found


def test_known_efficiencies_of_discs():
    assert disc_to_disc(1.5, 1.5, 1.5).value == pytest.approx(0.11611, abs=1e-5)
    assert disc_to_disc(1e-6, 1, 1).value == pytest.approx(point_to_disc(1, 1).value, rel=1e-9)
    assert disc_to_disc(2, 1, 0).value == pytest.approx(0.125)
    assert disc_to_disc(2, 1, 1e-6).value == pytest.approx(0.125, rel=1e-5)
    assert point_to_disc(1, 0).value == 0.5


def test_the_plane_is_that_of_the_head(tmp_path):
    path = tmp_path / "scenario.toml"
    path.write_text(
        'duration_s = 60\n[[source]]\nnuclide = "Po-210"\nactivity_bq_per_cm2 = 0.2\narea_cm2 = 6\n'
        "half_angle_deg = 60\ndetectors = [3]\n"
    )
    mixture, *_ = scenario.read(path)
    per_decay = 1.0000104  # alphas of Po-210, both lines
    assert plane(6, 60).value * 0.2 * per_decay == pytest.approx(mixture.total, rel=1e-4)


@pytest.mark.parametrize("half_angle_deg", [60, 30])
def test_a_disc_as_large_as_the_detector_can_see_is_a_plane(half_angle_deg):
    source = Disc(2.2 * math.tan(math.radians(half_angle_deg)))
    detector = Rectangle(0.1, 0.2, centre_cm=(0, 0, 2), normal=FACING)
    found = monte_carlo(source, detector, PAIRS, 3, half_angle_deg)
    assert found.value == pytest.approx(plane(0.02, half_angle_deg).value / source.area_cm2, abs=3 * found.error)


def test_a_small_inclined_detector_has_the_solid_angle_of_its_projection():
    inclined = Rectangle(1e-3, 2e-3, centre_cm=(3, 0, 4), normal=(0, 0, -1))
    found = monte_carlo(Disc(0), inclined, 100, 1)
    assert found.value == pytest.approx(2e-6 * 0.8 / (4 * math.pi * 25), rel=1e-3)
    assert monte_carlo(Disc(0), inclined, 100, 1, half_angle_deg=36).value == 0


def test_orientation_and_place_do_not_matter():
    """The same two facets, moved and rotated; and exchanged, which changes the efficiency by the ratio of the areas."""
    straight = monte_carlo(Disc(1), Rectangle(2, 1, centre_cm=(0.3, 0, 2), normal=FACING), PAIRS, 4)
    # z becomes x, x becomes y
    turned = monte_carlo(
        Disc(1, centre_cm=(5, 5, 5), normal=(1, 0, 0)),
        Rectangle(1, 2, centre_cm=(7, 5.3, 5), normal=(-1, 0, 0)),
        PAIRS,
        5,
    )
    assert turned.value == pytest.approx(straight.value, abs=4 * straight.error)
    exchanged = monte_carlo(Rectangle(2, 1, centre_cm=(0.3, 0, 2), normal=FACING), Disc(1), PAIRS, 6)
    assert exchanged.value * 2 / math.pi == pytest.approx(straight.value, abs=4 * straight.error)


def test_facets_that_face_away_see_nothing_and_a_point_is_a_source():
    detector = Disc(1, centre_cm=(0, 0, 1), normal=FACING)
    assert monte_carlo(Disc(1, normal=FACING), detector, 100, 1).value == 0
    assert monte_carlo(Disc(1), Disc(1, centre_cm=(0, 0, 1)), 100, 1).value == 0
    point = monte_carlo(Disc(0), detector, PAIRS, 1)
    assert point.value == pytest.approx(point_to_disc(1, 1).value, abs=3 * point.error)
    assert monte_carlo(Disc(1), detector, 5000, 7) == monte_carlo(Disc(1), detector, 5000, 7)


def test_errors_of_the_monte_carlo_are_the_spread_of_its_results():
    detector = Disc(1, centre_cm=(0, 0, 1), normal=FACING)
    found = [monte_carlo(Disc(1), detector, 2000, seed) for seed in range(200)]
    assert np.std([one.value for one in found]) == pytest.approx(found[0].error, rel=0.2)
    assert measured(0.1, 0.004).how == "measured"


@pytest.mark.parametrize(
    ("call", "message"),
    [
        (lambda: plane(0), "geometry: area_cm2: too small or not finite (0)"),
        (lambda: plane(1, 91), "geometry: half_angle_deg: not above 0 and at most 90 (91)"),
        (lambda: disc_to_disc(1, 1, -1), "geometry: distance_cm: too small or not finite (-1)"),
        (lambda: Disc(math.inf), "geometry: radius_cm: too small or not finite (inf)"),
        (lambda: Rectangle(1, 0), "geometry: height_cm: too small or not finite (0)"),
        (lambda: monte_carlo(Disc(1), Disc(0), 10, 1), "geometry: area_cm2: too small or not finite (0.0)"),
        (lambda: monte_carlo(Disc(1), Disc(1), 1, 1), "geometry: n: too small or not finite (1)"),
        (lambda: measured(0, 0.1), "geometry: efficiency: too small or not finite (0)"),
    ],
)
def test_wrong_arguments_are_reported(call, message):
    with pytest.raises(UserError) as error:
        call()
    assert str(error.value) == message


def test_a_facet_without_a_normal_is_reported():
    with pytest.raises(UserError, match="geometry: facet: centre or normal not finite, or normal of length 0"):
        Disc(1, normal=(0, 0, 0))
