"""The products of a whole mission: size of slices.npz, and the time to open it."""

from __future__ import annotations

import sys
import tempfile
from pathlib import Path

from dorn.link import archive
from dorn.study import Report
from dorn.study.archives import repeat, run
from dorn.study.cost import cost

MISSION_H = 176  # duration of DORN's mission to the Moon
_MEGABYTES, _OPEN_S = 50, 2.0  # limits
_RATES_CPS = (100, 2000)
_INTEGRATION_S, _SLICE_S = 600, 600
_RUN_S = 3600.0
_OPEN = """
import sys
from dorn.products.slice_arrays import SliceArrays
print(SliceArrays.load(sys.argv[1]).counts.sum())
"""


def study(report: Report, short: bool) -> None:
    """short: only part of the mission, at the first rate."""
    hours, rates_cps = (4, _RATES_CPS[:1]) if short else (MISSION_H, _RATES_CPS)
    rows = []
    with tempfile.TemporaryDirectory(prefix="dorn-study-") as folder:
        path, out = Path(folder) / archive.NAME, Path(folder) / "products"
        for rate_cps in rates_cps:
            once = run(Path(folder) / "run.ccsds", rate_cps, _RUN_S, _INTEGRATION_S)
            repeat(once, _RUN_S, path, round(len(once) * hours * 3600 / _RUN_S))
            decode = ["-m", "dorn.cli", "decode", str(path), "--slice", str(_SLICE_S), "--out", str(out)]
            decoded = cost([sys.executable, *decode])
            slices = out / "slices.npz"
            opened = cost([sys.executable, "-c", _OPEN, str(slices)])
            megabytes = slices.stat().st_size / 1e6 * MISSION_H / hours
            rows.append(
                (
                    f"{rate_cps} cps",
                    f"{path.stat().st_size / 1e6:.1f}",
                    f"{decoded.seconds:.1f}",
                    f"{megabytes:.1f}",
                    f"{opened.seconds:.2f}",
                )
            )
            report.bound(
                f"{rate_cps} cps: slices.npz", f"{megabytes:.1f} MB", f"<= {_MEGABYTES}", megabytes <= _MEGABYTES
            )
            if not short:
                kept = opened.seconds <= _OPEN_S
                report.bound(f"{rate_cps} cps: open", f"{opened.seconds:.2f} s", f"<= {_OPEN_S:g}", kept)
    columns = ("source", "archive, MB", "decode, CPU s", f"slices.npz of {MISSION_H} h, MB", "open, CPU s")
    report.table(f"{hours} h in integrations and slices of {_SLICE_S} s", columns, rows)
