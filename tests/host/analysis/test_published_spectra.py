"""Fits of published alpha spectra, against figures stated by their authors or instruments."""

import re

import numpy as np
import pytest
from dorn.analysis.line_choice import choose
from dorn.analysis.line_fit import fit
from dorn.analysis.line_model import Grid, LineModel
from dorn.analysis.peaks import line
from dorn.analysis.region import region
from dorn.files import spe
from dorn.nuclides import main_kev
from dorn.study import measured, peaks
from support.data import data

REBIN = 8  # bins of the digitiser per channel, which has 2.3 keV
LISBON = ("1Cal.dat", "2Cal.dat", "Prateleira_4_c_vacuo.dat")


@pytest.mark.parametrize("file", LISBON)
def test_sums_and_centroids_are_those_of_the_analyser(file):
    folder = data("am241-lisbon")
    one = measured.read(folder.parent, "am241-lisbon", file)
    nets = map(int, re.findall(r"Net Integral:\s*(\d+)", (folder / file).read_text()))
    for stated, net, (_, first, last, gross) in zip(one.lines, nets, one.sums, strict=True):
        found = region(one.counts, first, last)
        assert found.gross == gross
        print(f"{file}, channels {first} to {last}: net {found.net / net - 1:+.1%}")
        assert found.net == pytest.approx(net, rel=0.03)
        assert line(one.counts, first, last).centroid == pytest.approx(stated.centroid, abs=0.15)


@pytest.fixture(scope="module")
def strips():
    """Grid, whose initial scale is wrong by 2 %, and counts of each of the 32 strips."""
    found = []
    for strip in measured.strips(data("triple-alpha-leuven").parent, 32):
        kev_per_bin = float(np.mean(measured.TRIPLE_KEV) / np.mean(strip.centroids))
        first, last = (REBIN * round(kev / kev_per_bin / REBIN) for kev in (5000, 6000))
        counts = strip.counts[first:last].reshape(-1, REBIN).sum(axis=1)
        found.append((Grid(np.arange(first, last + 1, REBIN), 1.02 * kev_per_bin), counts))
    return found


def test_joint_fits_describe_the_strips_of_a_detector(strips):
    ratios, residuals_kev, areas = [], [], []
    for grid, counts in strips:
        found = choose([grid], measured.TRIPLE, [counts], fwhm_kev=35, free=["scale", "zero", "fwhm"], search=0.04)
        assert found.valid
        ratios.append(found.deviance / found.dof)
        areas.append(found.values.counts.sum() / counts.sum())
        # each line alone, with the shape common to all
        scale, zero = found.values.kev_per_unit[0], found.values.zero[0]
        for name in measured.TRIPLE:
            near = np.flatnonzero(abs(scale * (grid.edges - zero) - main_kev(name)) < 130)
            alone = LineModel(
                [Grid(grid.edges[near[0] : near[-1] + 1], scale, zero)],
                [name],
                fwhm_kev=found.values.fwhm_kev[0, 0],
                tails=found.values.tails.tolist(),
                free=["zero"],
            )
            shift = fit(alone, [counts[near[0] : near[-1]]]).values.zero[0] - zero
            residuals_kev.append(scale * shift)
    worst_kev, median = max(map(abs, residuals_kev)), np.median(ratios)
    print(
        f"32 strips: worst residual {worst_kev:.2f} keV; deviance / dof: median {median:.2f}, worst {max(ratios):.2f}"
    )
    assert worst_kev < 4
    assert median <= 1.25 and np.count_nonzero(np.array(ratios) <= 1.35) >= 30
    assert (np.array(areas) > 0.9).all() and (np.array(areas) < 1.01).all()


def test_resolutions_are_those_of_the_authors():
    folder, ratios = data("am241-milano").parent, []
    for file in measured.files(folder, "am241-milano"):
        one = measured.read(folder, "am241-milano", file)
        for stated in one.lines:
            if stated.by.startswith("authors"):
                found = peaks.peak(one.counts, stated.first, stated.last, stated.nuclide, stated.centroid)
                ratios.append(found.fwhm / stated.fwhm)
                assert ratios[-1] == pytest.approx(1, rel=0.1), (file, stated.by)
    print(f"{len(ratios)} FWHM over the authors': {min(ratios):.3f} to {max(ratios):.3f}")


def test_a_stored_calibration_that_is_wrong_is_contradicted_by_the_line():
    path = data("po210-kentucky", "datafiles", "spectrum7.Spe")
    counts = spe.read(path).counts[30:]
    stored = float(re.findall(r"\$ENER_FIT:\s+\S+ (\S+)", path.read_text())[0])
    assert stored == pytest.approx(15.414, abs=1e-3)
    grid = Grid(np.arange(30, 31 + len(counts)) - 0.5, stored)
    found = choose([grid], ["Po-210"], [counts], free=["scale", "fwhm"], search=0.25)
    assert found.valid and found.of("Po-210")[0] > 0.9 * counts.sum()
    authors = 5300 / (418.60 - 6.01)  # keV per channel, with their zero of 6.01 channels
    position = main_kev("Po-210") / found.values.kev_per_unit[0]
    assert authors * (position - 6.01) == pytest.approx(main_kev("Po-210"), rel=0.01)
    assert (stored - found.values.kev_per_unit[0]) / found.errors.kev_per_unit[0] > 100
