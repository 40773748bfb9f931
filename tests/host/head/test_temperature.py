"""A temperature profile through the firmware: what it reports, and the line that drifts."""

import numpy as np
import pytest
from dorn.head import sources
from dorn.head.analogue import FrontEnd
from dorn.products import Archive
from dorn.session.acquire import run_source
from support.products import DICTIONARY

SCENARIO = """duration_s = 360
[[source]]
nuclide = "Po-209"
activity_bq = 480
[head]
noise_kev = 30
gain = [1.0, 0.98, 1.01, 1.0, 1.0, 1.0, 1.0, 1.0, 1.0, 1.0, 1.0, 1.0, 1.0, 1.0, 1.0, 1.03]
gain_per_c = -5e-4
temperature_c = [[0, 21], [150, 21], [150, 41], [360, 41]]
"""


def test_reported_temperature_and_line_follow_the_profile(tmp_path):
    (tmp_path / "warm.toml").write_text(SCENARIO)
    source = sources.load(tmp_path / "warm.toml")
    rate_cps, duration_s = source.plan()
    run_source(source, "unix", rate_cps, duration_s, 4, tmp_path / "out")
    slices = Archive(tmp_path / "out" / "telemetry.ccsds").slices(60)
    front_end = FrontEnd.from_table(source.head, DICTIONARY.instrument)
    mean_kev = sum(kev * part for kev, part in ((4883, 84.6141), (4885, 14.3346))) / (84.6141 + 14.3346)
    near = abs(slices.energy_kev - 4883) < 300
    for slice_, time_s, celsius in ((0, 0, 21), (len(slices.start_s) - 2, 359, 41)):
        assert slices.temperature_k[slice_, 0] - 273.15 == pytest.approx(celsius, abs=0.1)
        for detector in range(16):
            scale = front_end.scale(detector, time_s)
            counts = slices.counts[slice_, detector, near[detector]]
            centroid_kev = counts @ slices.energy_kev[detector, near[detector]] / counts.sum()
            code = centroid_kev / 3 + 50  # the default calibration of the archive
            sigma_kev = 14 / np.sqrt(counts.sum())
            assert scale.kev_per_code * (code - scale.zero_code) == pytest.approx(mean_kev, abs=5 * sigma_kev + 1)
