"""Runs of pytest in a copy of the project. No process outlives its run, however that ends."""

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
_SHOWN = 30  # last lines of the output of pytest
# plugins that are not needed, and take half of the start-up time
_WITHOUT = [f"-pno:{plugin}" for plugin in ("cacheprovider", "xdist", "hypothesispytest")]
# $DORN_PICO_IMAGE would enable the emulated Pico, $PYTEST_ADDOPTS could deselect tests
_UNSET = ("DORN_PICO_IMAGE", "PYTEST_ADDOPTS")


class Stopped(Exception):
    """The run was ended by stop()."""


@dataclass(frozen=True)
class Run:
    """Result of a run. ERROR: pytest was killed by a signal, found no tests, or could not collect them."""

    outcome: str
    took_s: float
    output: str  # the last lines

    def failures(self) -> list[str]:
        """Tests named in the summary of pytest."""
        lines = [line.split() for line in self.output.splitlines() if line.startswith(("FAILED ", "ERROR "))]
        return [words[1] for words in lines]


class Runs:
    """Concurrent runs, each in its own thread."""

    def __init__(self):
        self._lock = threading.Lock()
        self._running = set()
        self._stopped = False

    def run(self, copy: Path, tests: list[Path], limit_s: float) -> Run:
        """Run the tests up to the first that fails. Raises Stopped if stop() was called before or meanwhile."""
        environment = {name: value for name, value in os.environ.items() if name not in _UNSET}
        environment |= {"PYTHONPATH": str(copy / "host"), "HOME": str(copy)}  # a folder without an image of the Pico
        command = [sys.executable, "-m", "pytest", "-x", "-q", "-rfE", *_WITHOUT, *map(str, tests)]
        # a file, not a pipe, which a child of pytest could hold open; a folder for the temporary files of killed tests
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
        """End all runs and prevent new ones."""
        with self._lock:
            self._stopped = True
            for process in self._running:
                _kill(process)

    def _start(self, command: list[str], **options) -> subprocess.Popen:
        with self._lock:
            if self._stopped:
                raise Stopped
            # a new session puts all processes into one group, which can be killed
            process = subprocess.Popen(command, stdin=subprocess.DEVNULL, start_new_session=True, **options)
            self._running.add(process)
            return process

    def _end(self, process: subprocess.Popen) -> None:
        with self._lock:
            self._running.discard(process)
        _kill(process)
        process.wait()


def _kill(process: subprocess.Popen) -> None:
    """Kill all processes of its group, even if the process itself has ended."""
    with contextlib.suppress(ProcessLookupError):
        os.killpg(process.pid, signal.SIGKILL)
