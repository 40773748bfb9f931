"""The live page: time to the first picture, memory over 24 h of target time, processor load, and a screenshot."""

from __future__ import annotations

import contextlib
import os
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from pathlib import Path

from dorn.errors import UserError
from dorn.link import archive
from dorn.study import Report, browser
from dorn.study.archives import repeat, run

_RATE_CPS, _INTEGRATION_S, _RUN_S = 100, 60, 3600.0
_DAY_H, _MISSION_H = 24, 176
_MIB, _GROWTH_MIB = 200, 20  # limits
_LOAD_PERCENT, _UPDATES_PER_S = 5.0, 2
_FIRST_S, _MISSION_FIRST_S = 3.0, 5.0
_PIECES = 60  # per hour of telemetry, appended one by one
_SMALLER = 20  # parts of such a piece when the load is measured: all 24 spectra then arrive every 10 s
_WINDOW = {"width": 1280, "height": 800}


def study(report: Report, short: bool) -> None:
    """short: two hours instead of 24, and no mission."""
    if not Path("/proc/self/stat").exists():
        raise UserError("study live: memory and load of a process are read from /proc, which this system does not have")
    hours, seconds = (2, 5) if short else (_DAY_H, 60)
    with tempfile.TemporaryDirectory(prefix="dorn-study-") as folder:
        hour = Path(folder) / "demo" / archive.NAME  # the page is named after the folder
        once = run(hour, _RATE_CPS, _RUN_S, _INTEGRATION_S)
        mission = Path(folder) / "mission.ccsds"
        repeat(once, _RUN_S, mission, len(once) * (hours if short else _MISSION_H))
        _grow(report, Path(folder), mission.read_bytes()[: len(once) * hours], hours, seconds)
        with browser.opened() as chromium:
            if chromium is None:
                report.say("\nfirst picture and screenshot left out: they need playwright, and Chromium on PATH")
                return
            _first(report, chromium, hour, "1 h", _FIRST_S)
            if not short:
                _first(report, chromium, mission, f"{_MISSION_H} h", _MISSION_FIRST_S)
            _screenshot(report, chromium, hour)


@contextlib.contextmanager
def _page(path: Path) -> Iterator[tuple[subprocess.Popen, str]]:
    """`dorn live` of an archive, and its URL."""
    command = [sys.executable, "-m", "dorn.cli", "live", str(path), "--port", "0"]
    with subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, text=True) as process:
        try:
            line = process.stdout.readline() if process.stdout else ""
            yield process, line.split(" on ")[1].split(",")[0]
        finally:
            process.terminate()


def _grow(report: Report, folder: Path, data: bytes, hours: int, seconds: int) -> None:
    """Append to an archive as fast as the page can follow, then every half second at six times real time."""
    from bokeh.client import pull_session

    path = folder / archive.NAME
    octets = len(data) // hours // _PIECES
    last = len(data) - seconds * _UPDATES_PER_S * (octets // _SMALLER)
    pieces = [data[at : min(at + octets, last)] for at in range(0, last, octets)]
    updates = [data[at : at + octets // _SMALLER] for at in range(last, len(data), octets // _SMALLER)]
    path.write_bytes(pieces[0])
    mib = []
    with _page(path) as (process, url), contextlib.closing(pull_session(url=url)), path.open("ab", 0) as file:
        for n, piece in enumerate(pieces[1:]):
            file.write(piece)
            time.sleep(0.05)  # not part of a measurement
            if n % _PIECES == 0:
                mib.append(_mib(process))
        time.sleep(2.0)
        mib.append(_mib(process))
        before_s, begin_s = _cpu_s(process), time.monotonic()
        for piece in updates:
            file.write(piece)
            time.sleep(1 / _UPDATES_PER_S)
        load_percent = 100 * (_cpu_s(process) - before_s) / (time.monotonic() - begin_s)
    growth = mib[-1] - mib[len(mib) // 4]
    rows = [(f"{_UPDATES_PER_S} updates per second, one browser", f"{load_percent:.1f} % of a core")]
    rows += [(f"memory after {h} h", f"{one:.0f} MiB") for h, one in list(enumerate(mib))[:: max(1, len(mib) // 6)]]
    rows.append(("at the end", f"{mib[-1]:.0f} MiB"))
    report.table(f"an archive that grows to {hours} h at {_RATE_CPS} cps", ("", ""), rows)
    report.bound("memory", f"{max(mib):.0f} MiB", f"<= {_MIB}", max(mib) <= _MIB)
    kept = growth <= _GROWTH_MIB
    report.bound("growth of memory over the last three quarters", f"{growth:.0f} MiB", f"<= {_GROWTH_MIB}", kept)
    kept = load_percent <= _LOAD_PERCENT
    report.bound("load at 2 updates per second", f"{load_percent:.1f} %", f"<= {_LOAD_PERCENT:g}", kept)


def _mib(process: subprocess.Popen) -> float:
    """Resident memory of a process."""
    (line,) = (one for one in Path(f"/proc/{process.pid}/status").read_text().splitlines() if one.startswith("VmRSS"))
    return int(line.split()[1]) / 1024


def _cpu_s(process: subprocess.Popen) -> float:
    """CPU time used by a process."""
    fields = Path(f"/proc/{process.pid}/stat").read_text().rpartition(")")[2].split()
    return (int(fields[11]) + int(fields[12])) / os.sysconf("SC_CLK_TCK")


def _first(report: Report, chromium, path: Path, what: str, limit_s: float) -> None:
    """Wall time from the start of the command to the first spectrum in the browser, the best of three."""
    took_s = []
    for _ in range(3):
        begin_s = time.monotonic()
        with _page(path) as (_, url), chromium.new_page(viewport=_WINDOW) as page:
            page.goto(url)
            page.locator("td", has_text="front detectors").first.wait_for()
            took_s.append(time.monotonic() - begin_s)
    report.say(f"first picture of an archive of {what}: {', '.join(f'{one:.1f}' for one in took_s)} s")
    kept = min(took_s) <= limit_s
    report.bound(f"first picture of {what}, best of 3, wall time", f"{min(took_s):.1f} s", f"<= {limit_s:g}", kept)


def _screenshot(report: Report, chromium, path: Path) -> None:
    """live.png: a spectrum with a region, rates and health."""
    with _page(path) as (_, url), chromium.new_page(viewport=_WINDOW) as page:
        page.goto(url)
        page.locator("td", has_text="front detectors").first.wait_for()
        browser.mark(page, 7.45, 7.85)
        page.get_by_text("net/s").first.wait_for()
        page.mouse.move(700, 20)
        page.wait_for_timeout(500)  # until it is drawn
        page.screenshot(path=report.out / "live.png")
    report.say("a screenshot of 1 h: live.png")
