"""A bench whose ladder is not ideal: `dorn levels` measures it, and the suite judges with the table."""

import os
import re
import subprocess
import sys
from pathlib import Path

import pytest
from dorn.targets import ladder
from support import chip

ROOT = Path(__file__).parents[2]
TESTS = "in_its_channel or sum_of_both"


def run(*command):
    path = os.pathsep.join(filter(None, (str(ROOT / "tests"), os.environ.get("PYTHONPATH"))))
    environment = {**os.environ, "PYTHONPATH": path}
    return subprocess.run([sys.executable, *command], cwd=ROOT, capture_output=True, text=True, env=environment)


@pytest.fixture(scope="module")
def table(tmp_path_factory):
    """Its path, and what `dorn levels` printed."""
    chip.required()
    path = tmp_path_factory.mktemp("bench") / ladder.FILE
    program = "import sys, support.off_nominal; from dorn.cli import main; sys.exit(main())"
    done = run("-c", program, "levels", "--target", "pair", "--pulses", "2", "--out", str(path))
    assert done.returncode == 0, done.stderr
    return path, done.stdout


def known_pulses(tests, *options):
    command = ("-m", "pytest", "-q", "-p", "no:cacheprovider", "-p", "support.off_nominal", "hil/test_known_pulses.py")
    return run(*command, "-k", tests, "--target", "pair", *options)


def test_the_table_recovers_the_levels_of_the_ladder(table):
    script = "from support.off_nominal import OFF_NOMINAL; print(*OFF_NOMINAL.codes)"
    codes = [float(code) for code in run("-c", script).stdout.split()]
    path, printed = table
    found = ladder.read(path)
    assert found.pulses == 2 and found.stimulus["unique_id"] == "5354494d554c5553"
    assert max(abs(a - b) for a, b in zip(found.ladder.codes, codes, strict=True)) <= 2
    over = [n for n, code in enumerate(codes) if code == 4095]
    assert [n for n, code in enumerate(found.ladder.codes) if code == 4095] == over and 250 <= over[0] < 255
    assert f"over range: levels {', '.join(map(str, over))}\n" in printed
    assert re.search(r"level 128 above 127: -\d", printed)


def test_a_table_of_other_boards_ends_the_suite(table, tmp_path):
    path = tmp_path / "other.toml"
    path.write_text(table[0].read_text().replace(ladder.read(table[0]).instrument["unique_id"], f"{1:016x}"))
    done = known_pulses("in_its_channel", "--levels", str(path))
    assert done.returncode == 2
    assert "hil: --levels: " in done.stdout and "instrument.unique_id: the table is of another board" in done.stdout


@pytest.mark.long
def test_known_pulses_pass_with_the_table_and_fail_without_it(table, tmp_path):
    path, _ = table
    done = known_pulses(TESTS, "--levels", str(path), "--report", str(tmp_path))
    assert done.returncode == 0 and "2 passed" in done.stdout, done.stdout
    assert f"2 pulses each ({path})" in (tmp_path / "results.json").read_text()
    done = known_pulses("in_its_channel", "--report", str(tmp_path))
    assert done.returncode == 1 and "1 failed" in done.stdout, done.stdout
    assert "not measured" in (tmp_path / "results.json").read_text()
