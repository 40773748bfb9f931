"""Decoding of large archives: CPU time and memory of `dorn decode`, side by side with ccsdspy and libaec.

The archives are those of `dorn.study.archives`.
"""

from __future__ import annotations

import sys
import tempfile
from dataclasses import dataclass, replace
from pathlib import Path
from statistics import median

from dorn.link import archive
from dorn.study import Report
from dorn.study.archives import repeat, run
from dorn.study.cost import Cost, cost

_PAIRS = 5  # pairs of measurements per archive, in the long form
_MARGIN = 1.3  # for a ratio measured once, in the short form, on a machine that may be busy


@dataclass(frozen=True)
class Case:
    """An archive, and the limits for its decoding."""

    name: str
    megabytes: float
    rate_cps: float
    duration_s: float  # of the run that is repeated
    integration_s: int
    quota: int = 0  # listed events per second and class; none in the comparison
    ratio: float | None = None  # CPU time over the peer's
    seconds: float | None = None  # CPU time
    mib: float | None = None  # peak memory


CASES = (
    Case("100 cps", 50, 100, 600, 60, ratio=0.70, mib=150),
    Case("4 kcps", 20, 4000, 60, 20, ratio=0.70),
    Case("100 cps, short", 1.5, 100, 600, 60, seconds=1.4),
    Case("many events listed", 14, 100, 600, 60, quota=50, seconds=2.5),
    Case("100 cps, long", 500, 100, 600, 60),
)
# only the comparisons, with smaller archives; the larger share of start-up time is within the margin
SHORT = tuple(replace(case, megabytes=case.megabytes * 0.6) for case in CASES if case.ratio)
_GROWTH = 0.5  # MiB per MB, from the first case to the last


def study(report: Report, short: bool) -> None:
    cases = SHORT if short else CASES
    memory = {}  # peak memory of decode, by size of the archive
    rows = []
    with tempfile.TemporaryDirectory(prefix="dorn-study-") as folder:
        runs: dict[tuple, bytes] = {}
        path = Path(folder) / archive.NAME
        for case in cases:
            source = case.rate_cps, case.duration_s, case.integration_s, case.quota
            if source not in runs:
                runs[source] = run(Path(folder) / "run.ccsds", *source)
            repeat(runs[source], case.duration_s, path, round(case.megabytes * 1e6))
            pairs = [_pair(path, folder) for _ in range(1 if short else _PAIRS)] if case.ratio else []
            costs = [cost for cost, _ in pairs] or [_ours(path, folder)]
            ours = min(costs, key=lambda cost: cost.seconds)
            memory[case.megabytes] = max(cost.mib for cost in costs)
            ratios = sorted(mine.seconds / other.seconds for mine, other in pairs)
            what = f"{case.megabytes:g} MB, {case.name}"
            rows.append((what, f"{ours.seconds:.2f}", f"{memory[case.megabytes]:.0f}", *_compared(pairs, ratios)))
            _judge(report, case, ours, memory[case.megabytes], ratios, short)
    columns = ("archive", "decode, CPU s", "MiB", "peer, CPU s", "MiB", "ratio")
    report.table("dorn decode, all products; the peer: ccsdspy and libaec, fields only, no CRC", columns, rows)
    if not short:
        first, last = CASES[0].megabytes, CASES[-1].megabytes
        growth = (memory[last] - memory[first]) / (last - first)
        report.bound("memory", f"{growth:.2f} MiB per MB", f"<= {_GROWTH}", growth <= _GROWTH)


def _compared(pairs: list[tuple[Cost, Cost]], ratios: list[float]) -> tuple[str, str, str]:
    """Cells of the table: the peer's time and memory, and the ratio of the times."""
    if not pairs:
        return "", "", ""
    peer = min((other for _, other in pairs), key=lambda cost: cost.seconds)
    spread = f" ({ratios[0]:.2f} to {ratios[-1]:.2f})" if len(ratios) > 1 else ""
    return f"{peer.seconds:.2f}", f"{peer.mib:.0f}", f"{median(ratios):.2f}{spread}"


def _judge(report: Report, case: Case, ours: Cost, mib: float, ratios: list[float], short: bool) -> None:
    if case.ratio:
        limit = case.ratio * (_MARGIN if short else 1)
        ratio = median(ratios)
        report.bound(f"{case.name}: time / peer's", f"{ratio:.2f}", f"<= {limit:.2f}", ratio <= limit)
    if case.seconds:
        kept = ours.seconds <= case.seconds
        report.bound(f"{case.name}: CPU time", f"{ours.seconds:.2f} s", f"<= {case.seconds} s", kept)
    if case.mib:
        report.bound(f"{case.name}: memory", f"{mib:.0f} MiB", f"<= {case.mib:g} MiB", mib <= case.mib)


def _ours(path: Path, folder: str) -> Cost:
    return cost([sys.executable, "-m", "dorn.cli", "decode", str(path), "--out", str(Path(folder) / "products")])


def _pair(path: Path, folder: str) -> tuple[Cost, Cost]:
    return _ours(path, folder), cost([sys.executable, "-m", "dorn.study.decoding_peer", str(path)])
