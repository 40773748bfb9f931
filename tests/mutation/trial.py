"""Trials: tests run on a mutant, in a copy of the project."""

from __future__ import annotations

import contextlib
import hashlib
import queue
import re
import shutil
import tempfile
import threading
from collections.abc import Callable, Iterable, Iterator
from concurrent.futures import FIRST_COMPLETED, ThreadPoolExecutor, wait
from pathlib import Path
from typing import Any

from mutants import Mutant
from runs import FAILED, PASSED, Run, Runs

OWN, OTHERS, SURVIVED = "own", "others", "survived"
_COPIED = ("firmware", "boards", "host", "hil", "tests", "pyproject.toml", "LICENSE", "README.md")
_DIGESTED = ("host", "hil", "tests")  # a change there may change outcomes
_NOT_DIGESTED = "equivalent.toml"
# time limit of tests on a mutant: TIMES times the time on the unchanged firmware, but at least LEAST_S
TIMES, LEAST_S = 5, 30.0
_UNCHANGED_S = 3600.0


class UnfitTests(Exception):
    """The tests fail on the unchanged firmware, so outcomes would be meaningless."""

    def __init__(self, run: Run):
        named = ", ".join(run.failures()) or run.outcome
        super().__init__(f"the tests fail on the unchanged firmware: {named}\n\n{run.output}")


class Copies:
    """Copies of the project, each for one mutant at a time. A context manager, which ends all runs on exit."""

    def __init__(self, root: Path, n: int):
        self._n = n
        self._temporary = tempfile.TemporaryDirectory(prefix="mutation")
        self._free = queue.SimpleQueue()
        self._runs, self._pool = Runs(), ThreadPoolExecutor(n)
        self._limits, self._measuring = {}, threading.Lock()
        for k in range(n):
            copy = Path(self._temporary.name, str(k))
            copy.mkdir()
            for name in _COPIED:
                if (root / name).is_dir():
                    shutil.copytree(root / name, copy / name, ignore=shutil.ignore_patterns("__pycache__"))
                else:
                    shutil.copy(root / name, copy / name)
            self._free.put(copy)
        self.firmware = copy / "firmware" / "fsw"  # read it before the first trial
        self.digest = _digest(copy)

    def check_others(self) -> None:
        """Raises UnfitTests if the tests of the firmware fail on the unchanged firmware."""
        with self._copy() as copy:
            self._limit_s(copy, [_of_firmware(copy)])

    def each(self, function: Callable[[Mutant], Any], mutants: Iterable[Mutant]) -> Iterator[tuple[Mutant, Any]]:
        """Call the function on each mutant in threads; results in order of completion. Mutants are drawn as needed."""
        running = {}

        def ended() -> Iterator[tuple[Mutant, Any]]:
            for future in wait(running, return_when=FIRST_COMPLETED).done:
                yield running.pop(future), future.result()

        for mutant in mutants:
            running[self._pool.submit(function, mutant)] = mutant
            if len(running) > self._n:
                yield from ended()
        while running:
            yield from ended()

    def trial(self, mutant: Mutant, own: bool) -> tuple[str, str]:
        """Outcome, and the last lines of the output of pytest.

        OWN, OTHERS, SURVIVED: the mutant is detected by the tests of its own file, by other tests of the firmware, or
        by none. TIMED_OUT, ERROR: a run timed out or pytest failed.
        """
        with self._copy() as copy:
            file, folder = copy / "firmware" / "fsw" / mutant.path, _of_firmware(copy)
            tests = tests_of(copy, mutant.path)
            suites = [(OWN, tests, tests)] if tests else []
            if not own:
                suites.append((OTHERS, _nearest_first(folder, mutant.path), [folder]))
            for name, tests, measured in suites:
                limit_s = self._limit_s(copy, measured)
                file.write_text(mutant.changed)
                try:
                    run = self._runs.run(copy, tests, limit_s)
                finally:
                    file.write_text(mutant.source)
                if run.outcome != PASSED:
                    return (name if run.outcome == FAILED else run.outcome), run.output
            return SURVIVED, ""

    def _limit_s(self, copy: Path, tests: list[Path]) -> float:
        """Time limit of these tests on a mutant. Raises UnfitTests if they fail in the unchanged copy."""
        key = tuple(test.relative_to(copy) for test in tests)
        with self._measuring:  # once, while other threads wait
            if key not in self._limits:
                run = self._runs.run(copy, tests, _UNCHANGED_S)
                if run.outcome != PASSED:
                    raise UnfitTests(run)
                self._limits[key] = max(TIMES * run.took_s, LEAST_S)
            return self._limits[key]

    @contextlib.contextmanager
    def _copy(self) -> Iterator[Path]:
        copy = self._free.get()
        try:
            yield copy
        finally:
            self._free.put(copy)

    def __enter__(self) -> Copies:
        return self

    def __exit__(self, *_) -> None:
        self._runs.stop()
        self._pool.shutdown(cancel_futures=True)
        self._temporary.cleanup()


def tests_of(root: Path, path: str) -> list[Path]:
    """Test files for a file of the firmware: slow_control.py may also have onboard_slow_control_answers.py. For a file
    without test files, the test files in its folder that belong to no other file."""
    files = _test_files((_of_firmware(root) / path).parent)

    def of(name: str) -> list[Path]:
        return [file for file in files if re.fullmatch(rf"(onboard|test)_{name}(_.*)?", file.stem)]

    beside = (root / "firmware" / "fsw" / path).parent.glob("*.py")
    of_others = {file for other in beside for file in of(other.stem)}
    return of(Path(path).stem) or [file for file in files if file not in of_others]


def _test_files(folder: Path) -> list[Path]:
    return sorted(file for pattern in ("onboard_*.py", "test_*.py") for file in folder.glob(pattern))


def _nearest_first(folder: Path, path: str) -> list[Path]:
    """Contents of a folder of tests, a file's own folder first: pytest does not keep the order within a folder."""
    folders = sorted(inner for inner in folder.iterdir() if inner.is_dir() and inner.name != "__pycache__")
    return sorted([*_test_files(folder), *folders], key=lambda place: place != (folder / path).parent)


def _of_firmware(root: Path) -> Path:
    return root / "tests" / "firmware"


def _digest(copy: Path) -> str:
    """Hash of all files that affect outcomes."""
    digest = hashlib.sha256()
    for path in sorted(path for name in _DIGESTED for path in (copy / name).rglob("*")):
        if path.is_file() and path.name != _NOT_DIGESTED:
            digest.update(f"{path.relative_to(copy)}\n".encode() + hashlib.sha256(path.read_bytes()).digest())
    return digest.hexdigest()[:12]
