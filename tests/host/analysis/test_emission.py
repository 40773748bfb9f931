"""Counts of nuclides in several spectra: unbiased with tails, and limits where they are not determined."""

import numpy as np
import pytest
from dorn.analysis.emission import BELOW, FOUND, NOT_SEPARATED, Direction, emissions, with_lines_of
from dorn.analysis.line_shape import Shape
from dorn.errors import UserError
from dorn.nuclides import lines

EDGES_KEV = np.arange(4000, 9400, 12.0)
SCALES = (1.0, 1.008, 0.993)
LIVE_S = np.array([1000.0, 2000.0, 500.0])
NAMES = ["Po-209", "Po-210", "Rn-222", "Po-214"]


def spectra(counts, seed=1, fwhm_kev=38, tails=((0.08, 22.0),), scales=SCALES, background=60):
    """Counts of detectors with these scales, which share the counts of nuclides in proportion to live times."""
    generator = np.random.default_rng(seed)
    shape, found = Shape(fwhm_kev, tails), []
    for scale, live_s in zip(scales, LIVE_S, strict=True):
        mean = np.full(len(EDGES_KEV) - 1, background / len(EDGES_KEV))
        for name, n in counts.items():
            energies_kev, shares = np.array(lines(name)).T
            parts = shape.integrals(EDGES_KEV * scale, energies_kev)
            mean += n * live_s / LIVE_S.sum() * (shares / shares.sum()) @ parts
        found.append(generator.poisson(mean))
    return found


def direction(counts, **options):
    return Direction("front", [EDGES_KEV] * 3, spectra(counts, **options), LIVE_S, ("a", "b", "c"))


def test_counts_are_unbiased_and_scales_are_found():
    true = {"Po-209": 4000, "Po-210": 900, "Rn-222": 600, "Po-214": 2500}
    pulls = []
    for seed in range(6):
        found = emissions(direction(true, seed=seed), NAMES)
        np.testing.assert_allclose(found.fit.values.kev_per_unit, SCALES, atol=0.001)
        assert len(found.fit.values.tails) >= 1
        assert all(one.status == FOUND and one.shape > 0 for one in found.emissions)
        pulls += [(found.of(name).counts - n) / found.of(name).error for name, n in true.items()]
    assert abs(np.mean(pulls)) < 4 / len(pulls) ** 0.5 and np.max(np.abs(pulls)) < 4


def test_an_absent_nuclide_has_a_limit_that_covers():
    covered = detected = 0
    for seed in range(30):
        found = emissions(direction({"Po-209": 3000, "Po-210": 12}, seed=seed, tails=()), NAMES[:3], quick=True)
        assert found.of("Po-209").status == FOUND
        covered += found.of("Po-210").upper >= 12
        detected += found.of("Rn-222").status == FOUND
    assert covered >= 25, "of 30, with 95 %"
    assert detected <= 5, "of 30, with 5 %"


def test_a_nuclide_is_not_found_in_tails_that_the_model_does_not_have():
    """Of three tails, the longest reaches the lines of Pu-239."""
    tails = ((0.1, 15.0), (0.03, 60.0), (0.01, 200.0))
    edges_kev = np.arange(4000, 6500, 4.0)
    energies_kev, shares = np.array(lines("Am-241")).T
    with_two, third = (Shape(30, some).integrals(edges_kev, energies_kev) for some in (tails[:2], [(1.0, tails[2][1])]))
    for seed in range(4):
        mean = 3e5 * shares / shares.sum() @ ((1 - tails[2][0]) * with_two + tails[2][0] * third) + 2
        counts = np.random.default_rng(seed).poisson(mean)
        found = emissions(Direction("x", [edges_kev], [counts], np.array([1000.0])), ["Am-241", "Pu-239"])
        one = found.of("Pu-239")
        assert one.status == BELOW and one.detection_limit > one.threshold > one.shape_without > 0
        assert found.of("Am-241").status == FOUND


def test_spectra_without_counts_are_named():
    spectrum = direction({"Po-209": 4000})
    spectrum.counts[1][:] = 0
    assert list(emissions(spectrum, ["Po-209"], quick=True).direction.left_out) == ["b"]


def test_lines_that_cannot_be_told_apart_are_limits_and_a_sum():
    true = {"Po-218": 900, "Bi-212": 500}
    found = emissions(direction(true, fwhm_kev=330, tails=()), list(true), quick=True)
    for name, other in (("Po-218", "Bi-212"), ("Bi-212", "Po-218")):
        assert found.of(name).status == NOT_SEPARATED and found.of(name).mixed_with == (other,)
        assert found.of(name).upper > true[name]
    ((names, counts, error),) = found.sums
    assert names == tuple(true) and abs(counts - 1400) < 3 * error and 37 < error < 150
    # the correlation is not always so close to -1
    wide = emissions(direction(true, fwhm_kev=100, tails=(), background=300), list(true), quick=True)
    covariance = wide.fit.counts_covariance
    correlation = covariance[0, 1] / np.sqrt(covariance[0, 0] * covariance[1, 1])
    assert -0.99 < correlation < -0.9 and wide.of("Po-218").status == NOT_SEPARATED
    apart = emissions(direction(true, fwhm_kev=38, tails=()), list(true), quick=True)
    assert apart.sums == [] and apart.of("Bi-212").status == FOUND


def test_another_measurement_has_the_lines_of_the_first():
    known = emissions(direction({"Po-209": 4000, "Po-210": 900}), NAMES[:2])
    other = with_lines_of(known, direction({"Po-210": 40}, seed=5))
    assert (other.fit.values.kev_per_unit == known.fit.values.kev_per_unit).all()
    assert other.of("Po-209").status == BELOW and abs(other.of("Po-210").counts - 40) < 25
    nothing = Direction("front", [EDGES_KEV] * 3, [np.zeros(len(EDGES_KEV) - 1, int)] * 3, LIVE_S, ("a", "b", "c"))
    with pytest.raises(UserError, match="counts"):
        with_lines_of(known, nothing)
    with pytest.raises(UserError, match="not those of the other measurement"):
        with_lines_of(known, Direction("front", [EDGES_KEV], [EDGES_KEV[1:]], LIVE_S[:1], ("x",)))


def test_a_detector_without_counts_is_left_out():
    given = direction({"Po-209": 3000})
    silent = Direction(
        "front", [EDGES_KEV] * 4, [*given.counts, np.zeros_like(given.counts[0])], np.append(LIVE_S, 900.0), "abcd"
    )
    found = emissions(silent, ["Po-209"])
    assert found.direction.labels == ["a", "b", "c"] and found.direction.total_live_s == LIVE_S.sum()
    off = Direction("front", [EDGES_KEV] * 3, given.counts, np.array([1000.0, 2000.0, 0.0]), "abc")
    assert emissions(off, ["Po-209"]).direction.labels == ["a", "b"]
    with pytest.raises(UserError, match="front: counts: none"):
        emissions(Direction("front", [EDGES_KEV], [0 * given.counts[0]]), ["Po-209"])
