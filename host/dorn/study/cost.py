"""CPU time and memory of commands."""

from __future__ import annotations

import subprocess
import sys
from dataclasses import dataclass

# A process starts with the peak memory of the one it was forked from, so a small one starts the command.
_MEASURE = """
import resource, subprocess, sys
subprocess.run(sys.argv[1:], stdout=subprocess.DEVNULL, check=True)
usage = resource.getrusage(resource.RUSAGE_CHILDREN)
print(usage.ru_utime + usage.ru_stime, usage.ru_maxrss / 1024)
"""


@dataclass(frozen=True)
class Cost:
    """What a process has used."""

    seconds: float  # CPU time
    mib: float  # peak memory


def cost(command: list[str]) -> Cost:
    """Run a command. Raises CalledProcessError if it fails."""
    done = subprocess.run([sys.executable, "-c", _MEASURE, *command], stdout=subprocess.PIPE, check=True)
    return Cost(*map(float, done.stdout.split()))
