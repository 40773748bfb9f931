"""Tests run on a mutant, in a copy of the project that is changed."""

from __future__ import annotations

import os
import queue
import shutil
import subprocess
import sys
import tempfile
from pathlib import Path

from mutants import Mutant

SURVIVED = "survived"
_COPIED = ("firmware", "boards", "host", "hil", "tests", "pyproject.toml", "LICENSE", "README.md")
_OWN_S, _ALL_S = 180, 900  # more than it takes: a mutant that hangs is noticed


class Copies:
    """Copies of the project, each for one mutant at a time."""

    def __init__(self, root: Path, n: int):
        self._folder = Path(tempfile.mkdtemp(prefix="mutation"))
        self._free = queue.SimpleQueue()
        for k in range(n):
            copy = self._folder / str(k)
            copy.mkdir()
            for name in _COPIED:
                if (root / name).is_dir():
                    shutil.copytree(root / name, copy / name, ignore=shutil.ignore_patterns("__pycache__"))
                else:
                    shutil.copy(root / name, copy / name)
            self._free.put(copy)

    def check(self, paths: list[str]) -> None:
        """The files' own tests pass without a change: what they notice else would be nothing."""
        copy = self._free.get()
        tests = sorted({test for path in paths for test in tests_of(copy, path)})
        if tests and not _pass(copy, tests, _ALL_S):
            sys.exit("the tests fail without any change: see that they pass first")
        self._free.put(copy)

    def trial(self, mutant: Mutant, own: bool) -> str:
        """Who notices the mutant: the tests of its "own" file, "others" of the firmware's, or none: it "survived"."""
        copy = self._free.get()
        file = copy / "firmware" / "fsw" / mutant.path
        source = file.read_text()
        file.write_text(mutant.text())
        try:
            tests = tests_of(copy, mutant.path)
            if tests and not _pass(copy, tests, _OWN_S):
                return "own"
            folder = copy / "tests" / "firmware"
            if not own and not _pass(copy, [(folder / mutant.path).parent, folder], _ALL_S):  # its neighbours' first
                return "others"
            return SURVIVED
        finally:
            file.write_text(source)
            self._free.put(copy)

    def __enter__(self) -> Copies:
        return self

    def __exit__(self, *_) -> None:
        shutil.rmtree(self._folder)


def tests_of(root: Path, path: str) -> list[Path]:
    """The test files of a file of the firmware: slow_control.py may have onboard_slow_control_answers.py, too. Those of
    its folder if it has none."""
    folder, name = root / "tests" / "firmware" / Path(path).parent, Path(path).stem

    def found(*patterns: str) -> list[Path]:
        return [file for pattern in patterns for file in sorted(folder.glob(pattern))]

    own = found(f"onboard_{name}.py", f"onboard_{name}_*.py", f"test_{name}.py", f"test_{name}_*.py")
    return own or found("onboard_*.py", "test_*.py")


def _pass(copy: Path, tests: list[Path], limit_s: float) -> bool:
    environment = os.environ | {"PYTHONPATH": str(copy / "host"), "HOME": str(copy)}  # there is no image of the Pico
    command = [sys.executable, "-m", "pytest", "-x", "-q", "-p", "no:cacheprovider", *map(str, tests)]
    try:
        done = subprocess.run(command, cwd=copy, env=environment, capture_output=True, timeout=limit_s)
    except subprocess.TimeoutExpired:
        return False
    if done.returncode > 1:  # no test has said anything
        raise RuntimeError(
            f"pytest ended with {done.returncode}:\n{done.stdout.decode()[-2000:]}{done.stderr.decode()}"
        )
    return done.returncode == 0
