"""The report of the HIL suite, made by running a small part of it."""

import json
import subprocess
import sys
import tempfile
from pathlib import Path

import history
import pytest
from dorn.errors import UserError
from hypothesis import given
from hypothesis import strategies as st

ROOT = Path(__file__).parents[2]
INSIDE = "hil/test_boot.py::test_the_instrument_starts_in_standby"
OUTSIDE = "tests/test_structure.py"
NAME = INSIDE.removeprefix("hil/")


def run(*options):
    command = [sys.executable, "-m", "pytest", "-q", "-p", "no:cacheprovider", *options]
    return subprocess.run(command, cwd=ROOT, capture_output=True, text=True)


def write(folder, results, run):
    folder.mkdir(parents=True, exist_ok=True)
    for name, content in ((history.RESULTS, results), (history.RUN, run)):
        (folder / name).write_text(content if isinstance(content, str) else json.dumps(content))
    return folder


def report(folder, began, outcomes, target="unix"):
    results = {
        "about": {"target": target},
        "tests": {name: [{"outcome": one} for one in found] for name, found in outcomes.items()},
    }
    return write(folder, results, {"run": {"began": began}, "durations_s": dict.fromkeys(outcomes, 1.5)})


def test_a_report_has_its_times_and_earlier_reports(tmp_path):
    """Tests outside the suite may run in the same session."""
    old = report(tmp_path / "old", "2026-01-02T03:04:05Z", {NAME: ["failed"], "test_gone.py::test_x": ["passed"]})
    done = run(OUTSIDE, INSIDE, "--report", str(tmp_path / "new"), "--history", str(old))
    assert done.returncode == 0, done.stdout + done.stderr
    found = history.load(tmp_path / "new")
    assert found.tests == {NAME: ["passed"]} and found.run["began"] > "2026-01-02"
    assert found.durations_s.keys() == found.tests.keys() and 0 < found.durations_s[NAME] <= found.run["lasted_s"]
    assert found.run["python"] and found.run["host"] and found.run["micropython"]
    assert "began" not in (tmp_path / "new" / history.RESULTS).read_text()
    page = (tmp_path / "new" / "report.html").read_text()
    table = page.partition("<h2>History</h2>")[2].partition("<h2>")[0]
    assert table.index("2026-01-02T03:04:05Z") < table.index(found.run["began"])
    assert NAME in table and "test_gone.py" not in table


def test_reports_are_ordered_and_only_changed_outcomes_are_listed(tmp_path):
    first = report(
        tmp_path / "b", "2026-01-01T00:00:00Z", {"same": ["passed"], "other": ["passed"], "gone": ["failed"]}
    )
    second = report(tmp_path / "a", "2026-02-01T00:00:00Z", {"same": ["passed"] * 2, "other": ["passed", "failed"]})
    reports = history.in_order([history.load(second), history.load(first)])
    assert [one.run["began"][:7] for one in reports] == ["2026-01", "2026-02"]
    assert history.changes(reports) == {"other": [["passed"], ["passed", "failed"]]}
    assert reports[1].total == "3 passed, 1 failed"


@pytest.mark.parametrize(
    ("options", "message"),
    [
        (["--history", "/none"], "--history: there is no --report to compare"),
        (["--report", "{}", "--history", "/none"], "/none/results.json: --history: No such file or directory"),
    ],
)
def test_a_history_that_cannot_be_read_is_refused_before_any_test_runs(tmp_path, options, message):
    done = run(INSIDE, *(option.format(tmp_path) for option in options))
    assert done.returncode == 4 and message in done.stderr and "passed" not in done.stdout


KEYS = st.sampled_from(["about", "tests", "run", "durations_s", "began", "target", "outcome"])
VALUES = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False) | st.text(max_size=5),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(KEYS | st.text(max_size=3), inner, max_size=4),
    max_leaves=8,
)


@given(VALUES, VALUES)
def test_whatever_a_report_contains_it_is_read_or_refused_with_the_name_of_its_folder(results, run_facts):
    with tempfile.TemporaryDirectory() as folder:
        write(Path(folder), results, run_facts)
        try:
            assert isinstance(history.load(folder).title, str)
        except UserError as error:
            assert folder in str(error) and "--history: " in str(error)
