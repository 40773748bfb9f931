"""Geometries from files: errors of dimensions, Monte Carlo against the integral, and fields that are wrong."""

import math

import pytest
from dorn.analysis import geometry, geometry_file
from dorn.errors import UserError

FACETS = """
kind = "facets"
pairs = 200000
half_angle_deg = 90

[source]
radius_cm = 0.5
radius_error_cm = 0.01
centre_cm = [0, 0, 0]
centre_error_cm = [0, 0, 0]
normal = [0, 0, 1]

[detector]
radius_cm = 1.0
radius_error_cm = 0.02
centre_cm = [0, 0, 3]
centre_error_cm = [0, 0, 0.1]
normal = [0, 0, -1]
"""
DISCS = """
kind = "discs"
source_cm = 0.5
source_error_cm = 0.01
detector_cm = 1.0
detector_error_cm = 0.02
distance_cm = 3
distance_error_cm = 0.1
"""


def read(tmp_path, text):
    path = tmp_path / "geometry.toml"
    path.write_text(text)
    return geometry_file.read(path)


def test_facets_by_monte_carlo_are_discs_by_the_integral(tmp_path):
    found, of_plane = read(tmp_path, FACETS)
    expected, _ = read(tmp_path, DISCS)
    statistics = geometry.monte_carlo(
        geometry.Disc(0.5), geometry.Disc(1.0, centre_cm=(0, 0, 3), normal=(0, 0, -1)), 200_000, 1
    ).error
    assert not of_plane and abs(found.value - expected.value) < 4 * statistics
    assert found.error == pytest.approx(math.hypot(expected.error, statistics), rel=0.02)
    assert "Monte Carlo, 200000 pairs" in found.how and "+-" in found.how


def test_a_rectangle_beside_the_axis_is_seen_less(tmp_path):
    square = "width_cm = 1\nwidth_error_cm = 0\nheight_cm = 1\nheight_error_cm = 0\n"
    text = FACETS.replace("radius_cm = 1.0\nradius_error_cm = 0.02\n", square)
    there, _ = read(tmp_path, text)
    # a small square far away: area / (4 pi distance^2), reduced by two cosines if it is beside the axis
    far, _ = read(tmp_path, text.replace("[0, 0, 3]", "[0, 0, 30]"))
    beside, _ = read(tmp_path, text.replace("[0, 0, 3]", "[30, 0, 30]"))
    assert far.value == pytest.approx(1 / (4 * math.pi * 900), rel=2e-3)
    assert beside.value == pytest.approx(1 / (4 * math.pi * 1800) * math.cos(math.pi / 4), rel=2e-3)
    assert there.value > 50 * far.value


@pytest.mark.parametrize(
    ("old", "new", "message"),
    [
        ("pairs = 200000", "pairs = 1", "geometry: n: too small or not finite (1)"),
        ("pairs = 200000\n", "", "pairs: is missing"),
        ("radius_error_cm = 0.02", "radius_error_cm = 1.5", "detector.radius_error_cm: not below radius_cm (1.5)"),
        ("normal = [0, 0, -1]", "normal = [0, 0, 0]", "facet: centre or normal not finite"),
        ("[0, 0, 3]", "[0, 3]", "detector.centre_cm: 2 entries, expected 3"),
        ("[0, 0, 3]", '[0, 0, "a"]', "detector.centre_cm[2]: "),
        ("[0, 0, 0.1]", "[0, 0, -0.1]", "detector.centre_error_cm[2]: "),
        ("[source]", "tilt = 1\n[source]", "tilt: unknown key (1)"),
        ('"facets"', '"sphere"', "kind: not one of plane, discs, point, facets (sphere)"),
    ],
)
def test_wrong_fields_are_named(tmp_path, old, new, message):
    with pytest.raises(UserError) as error:
        read(tmp_path, FACETS.replace(old, new))
    assert "geometry.toml" in str(error.value) and message in str(error.value)
