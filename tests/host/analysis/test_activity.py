"""Rates and activities: values and errors against explicit sums."""

import math
from dataclasses import replace

import numpy as np
import pytest
from dorn.analysis import geometry, geometry_file
from dorn.analysis.activity import CAUSES, activity, alphas_per_decay, emission_rate
from dorn.analysis.emission import BELOW, FOUND, Emission
from dorn.nuclides import names, nuclide

ONE = Emission("Am-241", 10_000.0, 100.0, 30.0, 12.0, 10_170.0, FOUND)


def test_a_rate_is_counts_over_live_time_of_each_spectrum():
    rate = emission_rate(ONE, 8, 8 * 500.0)
    assert rate.value == pytest.approx(20.0) and rate.status == FOUND
    assert rate.error == pytest.approx(math.hypot(100, 30) / 500)
    assert rate.errors["counts"] == pytest.approx(0.2) and rate.errors["shape"] == pytest.approx(0.06)


def test_a_background_is_subtracted_with_its_error():
    other = Emission("Am-241", 400.0, 20.0, 0.0, 5.0, 440.0, FOUND)
    rate = emission_rate(ONE, 1, 500.0, (other, 1000.0))
    assert rate.value == pytest.approx(20 - 0.4) and rate.errors["background"] == pytest.approx(0.02)
    same = emission_rate(ONE, 1, 500.0, (ONE, 500.0))
    assert same.value == 0 and same.status == BELOW and same.upper > 1.645 * math.hypot(100, 100) / 500 * 0.9


@pytest.mark.parametrize(
    ("blank", "tau"), [(1, 1.0), (3, 0.25), (10, 1.0), (30, 4.0), pytest.param(300, 1.0, marks=pytest.mark.long)]
)
def test_a_nuclide_that_is_only_in_the_blank_is_detected_in_one_of_twenty_measurements_at_most(blank, tau):
    """blank: expected counts at the live time of the source."""
    draw = np.random.default_rng(1)
    found = 0
    drawn = np.stack([draw.poisson(blank, 4000), draw.poisson(tau * blank, 4000)])
    for (on, off), times in zip(*np.unique(drawn.T, axis=0, return_counts=True), strict=True):
        one, other = (Emission("Am-241", float(n), n**0.5, 0.0, 0.0, 0.0, FOUND) for n in (on, off))
        found += times * (emission_rate(one, 1, 100.0, (other, 100.0 * tau)).status == FOUND)
    assert found / 4000 < 0.05 + 3 * (0.05 * 0.95 / 4000) ** 0.5
    assert blank < 30 or found / 4000 > 0.02


def test_an_activity_has_the_errors_of_all_causes():
    rate = emission_rate(ONE, 1, 500.0)
    found = activity(rate, "Am-241", geometry.measured(0.01, 0.0005))
    alphas, error = alphas_per_decay("Am-241")
    assert found.value == pytest.approx(20 / 0.01 / alphas)
    assert set(found.errors) == set(CAUSES) - {"half_life"}
    assert found.errors["efficiency"] == pytest.approx(0.05 * found.value)
    assert found.errors["intensity"] == pytest.approx(error / alphas * found.value)
    relative = [100 / 10_000, 30 / 10_000, 0.05, error / alphas]
    assert found.error == pytest.approx(found.value * math.sqrt(sum(r * r for r in relative)))
    assert found.upper > found.value + 1.645 * 0.05 * found.value


def test_limits_and_intervals_are_scaled_and_widened():
    one = replace(ONE, detection_limit=40.0, interval=(9804.0, 10_196.0))
    rate = emission_rate(one, 8, 8 * 500.0)
    assert rate.detection_limit == pytest.approx(40 / 500)
    assert rate.interval == pytest.approx((9804 / 500, 10_196 / 500))
    found = activity(rate, "Am-241", geometry.measured(0.01, 0.0005))
    assert found.detection_limit == pytest.approx(40 / 500 / 0.01 / alphas_per_decay("Am-241")[0])
    half = 1.96 * math.hypot(100 / 10_000, 0.05, found.errors["intensity"] / found.value) * found.value
    assert found.interval == pytest.approx((found.value - half, found.value + half), rel=1e-4)
    other = Emission("Am-241", 400.0, 20.0, 0.0, 5.0, 440.0, FOUND)
    net = emission_rate(one, 1, 500.0, (other, 1000.0))
    half = 1.96 * math.hypot(100 / 500, 20 / 1000)
    assert net.interval == pytest.approx((net.value - half, net.value + half), rel=1e-4)
    assert rate.detection_limit < net.detection_limit < 2 * rate.detection_limit + 0.1


def test_bismuth_has_an_alpha_in_a_third_of_its_decays():
    value, error = alphas_per_decay("Bi-212")
    assert value == pytest.approx(0.3594, rel=0.01) and 0 < error < 0.01


def test_a_surface_activity_is_that_seen_by_each_detector():
    plane = geometry.plane(6.0, 60.0)
    found = activity(emission_rate(ONE, 8, 8 * 500.0), "Po-210", plane, 8)
    assert found.value == pytest.approx(20 / 8 / 1.5 / alphas_per_decay("Po-210")[0])


def test_the_errors_of_dimensions_are_propagated(tmp_path):
    path = tmp_path / "plane.toml"
    sizes = "area_cm2 = 6\narea_error_cm2 = 0.1\nhalf_angle_deg = 60\nhalf_angle_error_deg = 1\n"
    path.write_text(f'kind = "plane"\n{sizes}')
    found, of_plane = geometry_file.read(path)
    by_angle = 3 * math.sin(math.radians(60)) * math.radians(1)
    assert of_plane and found.value == pytest.approx(1.5)
    assert found.error == pytest.approx(math.hypot(1.5 * 0.1 / 6, by_angle), rel=1e-3)
    sizes = "detector_cm = 1\ndetector_error_cm = 0\ndistance_cm = 3\ndistance_error_cm = 0.1\n"
    path.write_text(f'kind = "point"\n{sizes}')
    found, of_plane = geometry_file.read(path)
    # d / dh of (1 - h / sqrt(h^2 + r^2)) / 2 is -r^2 / (2 (h^2 + r^2)^(3/2))
    assert not of_plane and found.error == pytest.approx(0.1 / (2 * 10**1.5), rel=1e-3)


def test_no_nuclide_emits_more_than_one_alpha_per_decay():
    emitters = [name for name in names() if nuclide(name).lines]
    assert max(alphas_per_decay(name)[0] for name in emitters) == 1.0
