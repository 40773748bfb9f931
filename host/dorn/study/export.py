"""Export of a whole mission in all formats, and its report: time, memory and size."""

from __future__ import annotations

import sys
import tempfile
from pathlib import Path

from dorn.link import archive
from dorn.products.export import FORMATS
from dorn.study import Report
from dorn.study.archives import repeat, run
from dorn.study.cost import cost
from dorn.study.mission import MISSION_H

_EXPORT_S, _REPORT_MB = 60.0, 10.0  # limits
_RATE_CPS, _QUOTA_CPS = 100.0, 3  # of the source; of the event list, per class
_INTEGRATION_S, _RUN_S = 600, 3600.0


def study(report: Report, short: bool) -> None:
    """short: only part of the mission."""
    hours = 4 if short else MISSION_H
    with tempfile.TemporaryDirectory(prefix="dorn-study-") as folder:
        path, out, page = (Path(folder) / name for name in (archive.NAME, "exported", "report.html"))
        once = run(Path(folder) / "run.ccsds", _RATE_CPS, _RUN_S, _INTEGRATION_S, _QUOTA_CPS)
        repeat(once, _RUN_S, path, round(len(once) * hours * 3600 / _RUN_S))
        dorn = [sys.executable, "-m", "dorn.cli"]
        rows = []
        for name in (",".join(FORMATS),) if short else (*FORMATS, ",".join(FORMATS)):
            used = cost([*dorn, "export", str(path), "--format", name, "--force", "--out", str(out)])
            rows.append(("all" if "," in name else name, f"{used.seconds:.1f}", f"{used.mib:.0f}"))
        exported = used.seconds
        used = cost([*dorn, "report", str(path), "--out", str(page)])
        rows.append(("report", f"{used.seconds:.1f}", f"{used.mib:.0f}"))
        megabytes = page.stat().st_size / 1e6
        size = f"{path.stat().st_size / 1e6:.0f} MB"
    title = f"{hours} h at {_RATE_CPS:g} cps in integrations of {_INTEGRATION_S} s, {size}"
    report.table(title, ("format", "CPU s", "memory, MiB"), rows)
    report.bound("all formats", f"{exported:.1f} s", f"<= {_EXPORT_S:g}", exported <= _EXPORT_S)
    report.bound("size of the report", f"{megabytes:.2f} MB", f"<= {_REPORT_MB:g}", megabytes <= _REPORT_MB)
