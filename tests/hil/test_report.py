"""The report of the HIL suite, made by running a small part of it."""

import json
import subprocess
import sys
from pathlib import Path

ROOT = Path(__file__).parents[2]


def test_tests_outside_the_suite_may_run_in_the_same_session(tmp_path):
    inside, outside = "hil/test_boot.py::test_the_instrument_starts_in_standby", "tests/test_structure.py"
    command = [sys.executable, "-m", "pytest", "-q", "-p", "no:cacheprovider", outside, inside]
    done = subprocess.run([*command, "--report", str(tmp_path)], cwd=ROOT, capture_output=True, text=True)
    assert done.returncode == 0, done.stdout + done.stderr
    assert list(json.loads((tmp_path / "results.json").read_text())["tests"]) == [inside.removeprefix("hil/")]
