"""Run firmware under real MicroPython (its unix port) with a small heap, as on the chip."""

import contextlib
import os
import subprocess
from pathlib import Path

from dorn.targets.unix import micropython
from dorn.util.paths import onboard_root

_ANSWERING = """
import sys
for line in sys.stdin:
    print(answer(line[:-1]))
"""


def _command(heap_kb: int) -> list[str]:
    return [micropython(), "-X", f"heapsize={heap_kb}k"]


def _environment(path: list[Path]) -> dict[str, str]:
    folders = [onboard_root() / "firmware", *path]
    return os.environ | {"MICROPYPATH": ":".join(str(folder) for folder in folders)}


def run(script: str, *, heap_kb: int = 192, path: list[Path] = (), stdin: str = "", limit_s: int = 600) -> str:
    """Run `script` with `firmware/` and `path` on its module path; return its output.

    heap_kb: the heap in KiB; objects are twice as large as on the chip. limit_s: limit of real time.
    Raises AssertionError with the script's own message.
    """
    done = subprocess.run(
        [*_command(heap_kb), "-c", script],
        env=_environment(path),
        input=stdin,
        capture_output=True,
        text=True,
        timeout=limit_s,  # a hang must not stall the tests
    )
    if done.returncode:
        output = done.stdout[-2000:] + done.stderr
        why = output.strip().rpartition("\n")[2]  # the exception goes first: pytest's summary shows only the first line
        raise AssertionError(f"micropython failed: {why}\n{output}")
    return done.stdout


class Child:
    """A MicroPython process that answers line by line, so that many cases share one start.

    `script` defines `answer(line)`, which returns the text of one line. Use as a context manager.
    """

    def __init__(self, script: str, *, heap_kb: int = 192, path: list[Path] = ()):
        self._process = subprocess.Popen(
            [*_command(heap_kb), "-c", script + _ANSWERING],
            env=_environment(path),
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
        )

    def ask(self, line: str) -> str:
        """Send one line and return the answer. Raises AssertionError with MicroPython's message if it stopped."""
        with contextlib.suppress(BrokenPipeError):  # its last output is more informative
            self._process.stdin.write(line + "\n")
            self._process.stdin.flush()
        answer = self._process.stdout.readline()
        if not answer.endswith("\n") or answer.startswith("Traceback"):
            raise AssertionError(f"micropython stopped at {line[:200]!r}:\n{answer}{self._process.stdout.read()}")
        return answer[:-1]

    def __enter__(self):
        return self

    def __exit__(self, *_):
        with contextlib.suppress(BrokenPipeError):
            self._process.stdin.close()
        self._process.wait()
        self._process.stdout.close()
