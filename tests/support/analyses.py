"""Runs and spectra for `dorn analyse`."""

import numpy as np
from dorn.analysis.line_shape import Shape
from dorn.cli import main
from dorn.nuclides import lines

from support.runs import run

SCENARIO = """
duration_s = 130

[[source]]
nuclide = "Po-209"
activity_bq = 160

[[source]]
nuclide = "Po-210"
activity_bq = 80
detectors = "back"
tail_fraction = 0.07
tail_kev = 20

[[source]]
nuclide = "Po-214"
activity_bq_per_cm2 = 0.3
area_cm2 = 6
half_angle_deg = 60

[head]
noise_kev = 35
gain = [1.0, 1.006, 0.994, 1.011, 0.99, 1.002, 1.013, 0.987, 1.004, 0.997, 1.009, 0.992, 1.0, 1.007, 0.985, 1.003]
"""
NAMES = "Po-209,Po-210,Po-214"
RADON = """
duration_s = 60

[[source]]
nuclide = "Po-209"
activity_bq = 160

[[source]]
nuclide = "Rn-222"
activity_bq_per_cm2 = 0.3
area_cm2 = 6
half_angle_deg = 60

[head]
noise_kev = 35
"""
GEOMETRY = "kind = 'plane'\narea_cm2 = 6\narea_error_cm2 = 0.1\nhalf_angle_deg = 60\nhalf_angle_error_deg = 1\n"
DISCS = """\
kind = "discs"
source_cm = 0.5
source_error_cm = 0.01
detector_cm = 1.0
detector_error_cm = 0.01
distance_cm = 4.0
distance_error_cm = 0.05
"""


def record(folder):
    """Write a run, and the files that the options name, into the folder."""
    (folder / "three.toml").write_text(SCENARIO)
    (folder / "plane.toml").write_text(GEOMETRY)
    (folder / "wide.toml").write_text(GEOMETRY.replace("60", "91"))
    (folder / "vague.toml").write_text(GEOMETRY.replace("area_error_cm2 = 0.1", "area_error_cm2 = 60"))
    (folder / "discs.toml").write_text(DISCS)
    (folder / "cube.toml").write_text("kind = 'cube'")
    (folder / "nothing.ccsds").write_bytes(b"")
    (folder / "more.toml").write_text(GEOMETRY + "high = 1\n")
    assert run(folder / "three.toml", "--out", folder / "run") == 0


def analyse(*arguments):
    return main(["analyse", *map(str, arguments)])


def table_spectrum(path, seed=3, counts=3000, names=("Po-210",)):
    """A CSV spectrum of nuclides with this true number of counts each."""
    edges_kev = np.arange(4000, 6500, 8.0)
    mean = np.full(len(edges_kev) - 1, 0.2)
    for name in names:
        energies_kev, shares = np.array(lines(name)).T
        mean += counts * (shares / shares.sum()) @ Shape(30, ((0.06, 20.0),)).integrals(edges_kev, energies_kev)
    seen = np.random.default_rng(seed).poisson(mean)
    rows = [f"{e:.1f},{n}" for e, n in zip((edges_kev[1:] + edges_kev[:-1]) / 2, seen, strict=True)]
    path.write_text("energy_kev,counts\n" + "\n".join(rows) + "\n")
    return path
