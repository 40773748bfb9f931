"""Rates and activities: values and errors against sums written out here."""

import math

import numpy as np
import pytest
from dorn.analysis.activity import CAUSES, Efficiency, activity, alphas_per_decay, emission_rate
from dorn.analysis.emission import BELOW, FOUND, Emission

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


def test_an_activity_has_the_errors_of_all_causes():
    rate = emission_rate(ONE, 1, 500.0)
    found = activity(rate, "Am-241", Efficiency(0.01, 0.0005, "given"))
    alphas, error = alphas_per_decay("Am-241")
    assert found.value == pytest.approx(20 / 0.01 / alphas)
    assert set(found.errors) == set(CAUSES)
    assert found.errors["efficiency"] == pytest.approx(0.05 * found.value)
    assert found.errors["intensity"] == pytest.approx(error / alphas * found.value)
    relative = [100 / 10_000, 30 / 10_000, 0.05, error / alphas]
    assert found.error == pytest.approx(found.value * math.sqrt(sum(r * r for r in relative)))
    assert found.upper > found.value + 1.645 * 0.05 * found.value


def test_bismuth_has_an_alpha_in_a_third_of_its_decays():
    value, error = alphas_per_decay("Bi-212")
    assert value == pytest.approx(0.3594, rel=0.01) and 0 < error < 0.01


def test_a_plane_gives_what_an_integral_over_it_gives():
    """Against the solid angle of a small detector, summed over rings of the plane."""
    area_cm2, half_angle_deg, height_cm = 6.0, 60.0, 100.0
    radius = np.linspace(0, height_cm * math.tan(math.radians(half_angle_deg)), 200_001)
    middle = (radius[1:] + radius[:-1]) / 2
    distance = np.hypot(middle, height_cm)
    seen = 2 * np.pi * middle * np.diff(radius) * area_cm2 * (height_cm / distance) / (4 * np.pi * distance**2)
    plane = Efficiency.plane(area_cm2, half_angle_deg, 0.1, 1.0)
    assert plane.value == pytest.approx(seen.sum(), rel=1e-6) and plane.of_plane
    by_angle = Efficiency.plane(area_cm2, half_angle_deg + 0.5, 0, 0).value - plane.value
    by_angle += plane.value - Efficiency.plane(area_cm2, half_angle_deg - 0.5, 0, 0).value
    assert plane.error == pytest.approx(math.hypot(plane.value * 0.1 / 6, by_angle), rel=1e-3)
    rate = emission_rate(ONE, 8, 8 * 500.0)
    found = activity(rate, "Po-210", plane, 8)
    assert found.value == pytest.approx(20 / 8 / plane.value / alphas_per_decay("Po-210")[0])
