"""Runs of pytest in a copy of the project. No process outlives its run, whichever way that ends."""

from __future__ import annotations

import contextlib
import os
import signal
import subprocess
import sys
import tempfile
import threading
import time
from dataclasses import dataclass
from pathlib import Path

PASSED, FAILED, TIMED_OUT, ERROR = "passed", "failed", "timed out", "error"
_SHOWN = 30  # lines at the end of what pytest says
_WITHOUT = [f"-pno:{plugin}" for plugin in ("cacheprovider", "xdist", "hypothesispytest")]  # half of what a start takes
# $DORN_PICO_IMAGE would bring in the emulated Pico, $PYTEST_ADDOPTS could leave tests out
_UNSET = ("DORN_PICO_IMAGE", "PYTEST_ADDOPTS")


class Stopped(Exception):
    """The run was ended by stop()."""


@dataclass(frozen=True)
class Run:
    """How the tests ended. ERROR: pytest itself was ended by a signal, found no tests, or could not collect them."""

    outcome: str
    took_s: float
    output: str  # the end of it

    def failures(self) -> list[str]:
        """The tests that its summary names."""
        lines = [line.split() for line in self.output.splitlines() if line.startswith(("FAILED ", "ERROR "))]
        return [words[1] for words in lines]


class Runs:
    """Several at a time, each from a thread of its own."""

    def __init__(self):
        self._lock = threading.Lock()
        self._running = set()
        self._stopped = False

    def run(self, copy: Path, tests: list[Path], limit_s: float) -> Run:
        """Run the tests up to the first that fails. Stopped if stop() was called meanwhile, or before."""
        environment = {name: value for name, value in os.environ.items() if name not in _UNSET}
        environment |= {"PYTHONPATH": str(copy / "host"), "HOME": str(copy)}  # in which no image of the Pico is found
        command = [sys.executable, "-m", "pytest", "-x", "-q", "-rfE", *_WITHOUT, *map(str, tests)]
        # a pipe could be held open by a child of pytest; temporary files of tests that are killed would stay
        with (
            tempfile.TemporaryFile() as output,
            tempfile.TemporaryDirectory(dir=copy, ignore_cleanup_errors=True) as temporary,
        ):
            environment["TMPDIR"] = temporary
            begin = time.monotonic()
            process = self._start(command, cwd=copy, env=environment, stdout=output, stderr=subprocess.STDOUT)
            try:
                process.wait(limit_s)
                outcome = {0: PASSED, 1: FAILED}.get(process.returncode, ERROR)
            except subprocess.TimeoutExpired:
                outcome = TIMED_OUT
            finally:
                self._end(process)
            took_s = time.monotonic() - begin
            output.seek(0)
            lines = output.read().decode(errors="replace").splitlines()[-_SHOWN:]
        if self._stopped:
            raise Stopped
        if outcome == ERROR:
            lines.append(f"pytest ended with {process.returncode}")
        return Run(outcome, took_s, "\n".join(lines))

    def stop(self) -> None:
        """End all runs, and let none begin any more."""
        with self._lock:
            self._stopped = True
            for process in self._running:
                _kill(process)

    def _start(self, command: list[str], **options) -> subprocess.Popen:
        with self._lock:
            if self._stopped:
                raise Stopped
            # a session of its own has all processes in one group, which can be killed
            process = subprocess.Popen(command, stdin=subprocess.DEVNULL, start_new_session=True, **options)
            self._running.add(process)
            return process

    def _end(self, process: subprocess.Popen) -> None:
        with self._lock:
            self._running.discard(process)
        _kill(process)
        process.wait()


def _kill(process: subprocess.Popen) -> None:
    """With all processes of its group, even where it has ended itself."""
    with contextlib.suppress(ProcessLookupError):
        os.killpg(process.pid, signal.SIGKILL)
