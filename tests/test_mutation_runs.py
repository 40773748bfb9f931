"""The mutation tests (tests/mutation): trials on a project of one file with one function and its test."""

import os
import shutil
import signal
import subprocess
import sys
import time
from pathlib import Path
from types import SimpleNamespace

import pytest

FOLDER = Path(__file__).parent / "mutation"
CHANGED = "def value():\n    pass\n"
SOURCE = "def value():\n    return 1\n"
TEST = """
import os, signal, subprocess, tempfile
from pathlib import Path

def test_value():
    names = {{}}
    exec(Path("firmware/fsw/{name}.py").read_text(), names)
    if names["value"]() is None:
        {on_a_mutant}
"""
KILLS, SURVIVES, ENDS_PYTEST = "assert False", "pass", "os.kill(os.getpid(), signal.SIGKILL)"
HANGS = """
        tempfile.mkdtemp()
        child = subprocess.Popen(["sleep", "100"])
        Path({path!r}).write_text(str(child.pid))
        child.wait()
"""


class Project:
    """A project with its own copy of the mutation tests."""

    def __init__(self, root):
        self.root = root
        self.hanging = root / "hanging"  # contains the process id of a child of the tests
        self.temporary = root / "temporary"
        for name in ("firmware/fsw", "tests/firmware", "boards", "host", "hil", "temporary"):
            (root / name).mkdir(parents=True)
        for name in ("pyproject.toml", "LICENSE", "README.md"):
            (root / name).touch()
        shutil.copytree(FOLDER, root / "tests" / "mutation", ignore=shutil.ignore_patterns("__pycache__"))

    def add(self, on_a_mutant, name="part"):
        """Add a file of the firmware and its test."""
        (self.root / "firmware" / "fsw" / f"{name}.py").write_text(SOURCE)
        text = TEST.format(name=name, on_a_mutant=on_a_mutant.format(path=str(self.hanging)))
        (self.root / "tests" / "firmware" / f"test_{name}.py").write_text(text)

    def start(self, *arguments, before=("tests/mutation",)):
        return subprocess.Popen(
            [sys.executable, *before, "--remove", *arguments],
            cwd=self.root,
            env=os.environ | {"TMPDIR": str(self.temporary)},
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            text=True,
            preexec_fn=_restore_ctrl_c,
        )

    def run(self, *arguments, **options):
        """Run with --remove. Returns (exit status, standard output, standard error)."""
        process = self.start(*arguments, **options)
        output = process.communicate(timeout=100)
        assert list(self.temporary.iterdir()) == []  # no copy is left
        return process.returncode, *output

    def child_ends(self):
        """Whether the child of the hanging tests ends soon. It may remain a zombie until init reaps it."""
        stat = Path("/proc", self.hanging.read_text(), "stat")
        return _soon(lambda: not stat.exists() or stat.read_text().rpartition(")")[2].split()[0] == "Z")


def _restore_ctrl_c():
    """A shell makes its background processes ignore Ctrl-C, and children inherit that."""
    signal.signal(signal.SIGINT, signal.SIG_DFL)


def _soon(true):
    end = time.monotonic() + 30
    while not true() and time.monotonic() < end:
        time.sleep(0.05)
    return true()


@pytest.fixture
def project(tmp_path, monkeypatch):
    monkeypatch.setenv("PYTEST_DISABLE_PLUGIN_AUTOLOAD", "1")  # not needed here, and slow to load
    return Project(tmp_path / "project")


@pytest.fixture
def tool(monkeypatch):
    """Modules of the mutation tests."""
    monkeypatch.syspath_prepend(FOLDER)
    import mutants
    import results
    import runs
    import trial

    yield SimpleNamespace(mutants=mutants, results=results, runs=runs, trial=trial)
    for name in ("mutants", "results", "runs", "trial"):
        del sys.modules[name]


def row(output):
    """Totals in the table, without the percentage: mutants, equivalent, own, others, timed out, survived, error."""
    return [int(cell) for cell in output.partition("| all |")[2].splitlines()[0].split("|")[:7]]


# -- outcomes ----------------------------------------------------------------------------------------------------------


def test_results_are_reused_until_a_test_changes(project):
    project.add(KILLS)
    arguments = "--results", "found", "--only", "firmware/fsw/part.py"
    status, output, _ = project.run("--own", *arguments)
    assert (status, row(output)) == (0, [1, 0, 1, 0, 0, 0, 0])
    found = project.root / "found"
    found.write_text(found.read_text().replace('"own"', '"timed out"'))
    status, output, _ = project.run("--own", *arguments)
    assert (status, row(output)) == (0, [1, 0, 0, 0, 1, 0, 0])
    project.add(SURVIVES)
    status, output, _ = project.run(*arguments)
    assert (status, row(output)) == (1, [1, 0, 0, 0, 0, 1, 0])
    assert "part.py value\n- return 1\n+ pass" in output


def test_a_pytest_killed_by_a_signal_gives_an_error(project):
    project.add(ENDS_PYTEST)
    project.add(KILLS, "second")
    status, output, _ = project.run("--own", "--results", "found")
    assert (status, row(output)) == (1, [2, 0, 1, 0, 0, 0, 1])
    assert "pytest ended with -9" in output
    assert "part.py" not in (project.root / "found").read_text()


def test_a_mutant_that_hangs_times_out_and_leaves_no_process(project, tool, monkeypatch):
    project.add(HANGS)
    monkeypatch.setattr(tool.trial, "LEAST_S", 1.0)
    with tool.trial.Copies(project.root, 1) as copies:
        (mutant,) = tool.mutants.removals("part.py", SOURCE)
        assert copies.trial(mutant, own=True)[0] == "timed out"
        assert project.child_ends()
        assert (copies.firmware / "part.py").read_text() == SOURCE


def test_the_limit_is_measured_once_on_the_unchanged_firmware(project, tool, monkeypatch):
    asked = []

    def run(_, copy, tests, limit_s):
        changed = (copy / "firmware" / "fsw" / "part.py").read_text() == CHANGED
        asked.append(([test.name for test in tests], changed, limit_s))
        return tool.runs.Run("passed", 100.0, "")

    project.add(KILLS)
    monkeypatch.setattr(tool.runs.Runs, "run", run)
    with tool.trial.Copies(project.root, 1) as copies:
        (mutant,) = tool.mutants.removals("part.py", SOURCE)
        assert [copies.trial(mutant, own=False) for _ in range(2)] == [("survived", "")] * 2
    limit_s = 100 * tool.trial.TIMES
    own = others = ["test_part.py"]
    assert [(tests, limit) for tests, changed, limit in asked if changed] == [(own, limit_s), (others, limit_s)] * 2
    assert [tests for tests, changed, _ in asked if not changed] == [own, ["firmware"]]


def test_the_tests_beside_the_file_run_before_all_others(project, tool):
    for name in ("link/test_a.py", "store/test_b.py", "store/test_c.py", "onboard_d.py"):
        path = project.root / "tests" / "firmware" / name
        path.parent.mkdir(exist_ok=True)
        path.write_text("def test_it():\n    pass\n")
    folder = project.root / "tests" / "firmware"
    (folder / "__pycache__").mkdir()
    for path, first in (
        ("store/file.py", ["store", "onboard_d.py", "link"]),
        ("app.py", ["onboard_d.py", "link", "store"]),
    ):
        assert [place.name for place in tool.trial._nearest_first(folder, path)] == first


def test_changes_of_the_project_during_a_run_have_no_effect(project, tool):
    project.add(KILLS)
    with tool.trial.Copies(project.root, 1) as copies:
        project.add(SURVIVES)
        (project.root / "firmware" / "fsw" / "part.py").write_text("nothing\n")
        texts = tool.mutants.sources(copies.firmware)
        assert texts == {"part.py": SOURCE}
        (mutant,) = tool.mutants.removals("part.py", texts["part.py"])
        assert copies.trial(mutant, own=True)[0] == "own"


def test_the_environment_enables_neither_the_emulated_pico_nor_options_of_pytest(tmp_path, tool, monkeypatch):
    monkeypatch.setenv("DORN_PICO_IMAGE", "image")
    monkeypatch.setenv("PYTEST_ADDOPTS", "-k nothing")
    test = tmp_path / "test_it.py"
    test.write_text("import os\n\n\ndef test_it():\n    assert 'DORN_PICO_IMAGE' not in os.environ\n")
    assert tool.runs.Runs().run(tmp_path, [test], 60).outcome == "passed"


# -- errors and signals ------------------------------------------------------------------------------------------------


def test_tests_that_fail_on_the_unchanged_firmware_are_named(project):
    project.add(KILLS)
    (project.root / "tests" / "firmware" / "test_broken.py").write_text("def test_it():\n    assert 1 == 2\n")
    status, _, error = project.run()
    assert status == 2 and "on the unchanged firmware: tests/firmware/test_broken.py::test_it\n" in error
    assert "assert 1 == 2" in error and "Traceback" not in error
    assert project.run("--own")[0] == 0  # that test does not belong to the file


@pytest.mark.parametrize("number, status", [(signal.SIGTERM, 143), (signal.SIGINT, 130)])
def test_a_signal_ends_all_processes_and_leaves_no_copy(project, number, status):
    project.add(HANGS)
    process = project.start("--own")
    assert _soon(lambda: project.hanging.exists() and project.hanging.read_text())
    process.send_signal(number)
    output, error = process.communicate(timeout=60)
    assert (process.returncode, "Traceback" in error) == (status, False)
    assert ("| all | 0 |" in output) == (number == signal.SIGINT)  # the results so far
    assert list(project.temporary.iterdir()) == [] and project.child_ends()


@pytest.mark.parametrize(
    "arguments",
    ["--jobs 0", "--sample 0", "--sample -3", "--allow nan", "--allow 101", "--only part nix", "--results no/file"],
)
def test_an_invalid_argument_is_reported(project, arguments):
    project.add(KILLS)
    option, *_, value = arguments.split()
    status, _, error = project.run("--own", *arguments.split())
    assert status == 2 and option in error and value in error.splitlines()[-1]


def test_a_missing_micropython_is_reported(project, monkeypatch):
    project.add(KILLS)
    monkeypatch.setenv("PATH", "")
    script = "import runpy, sys; sys.executable = '/python'; runpy.run_path('tests/mutation', run_name='__main__')"
    status, _, error = project.run("--own", before=("-c", script))
    assert status == 2 and "no micropython found" in error


# -- the file of results -----------------------------------------------------------------------------------------------


def test_an_incomplete_last_line_is_removed(tmp_path, tool):
    path = tmp_path / "found"
    for key in (("a.py", 1), ("a.py", 2)):
        tool.results.Results(path).put(key, "own")
    whole = path.read_bytes()
    for end in range(len(whole)):
        path.write_bytes(whole[:end])
        found = tool.results.Results(path)
        assert (found.get(("a.py", 1)), found.get(("a.py", 2))) == (
            "own" if whole[:end].count(b"\n") > 1 else None,
            None,
        )
        found.put(("a.py", 1), "own")
        found.put(("a.py", 2), "own")
        assert set(path.read_bytes().splitlines()) == set(whole.splitlines())


def test_an_outcome_that_is_known_is_not_appended_again(tool, tmp_path):
    path, key = tmp_path / "found", ("part.py", "digest", "tests", "operator", 1)
    for outcome in ("own", "own", "timed out"):
        tool.results.Results(path).put(key, outcome)
    assert len(path.read_text().splitlines()) == 1 + 2  # a title, and one line per change
    assert tool.results.Results(path).get(key) == "timed out"


@pytest.mark.parametrize(
    "content", [b"a text\n", b"a text", b'{"a": 1}', b"\xff\xfe", b"TITLE\n5\n", b"TITLE\n[[], 1]\n"]
)
def test_another_file_is_not_changed(tmp_path, tool, content):
    path = tmp_path / "found"
    content = content.replace(b"TITLE", tool.results._TITLE.encode())
    path.write_bytes(content)
    with pytest.raises(tool.results.UserError, match=f"--results {path}"):
        tool.results.Results(path)
    assert path.read_bytes() == content
