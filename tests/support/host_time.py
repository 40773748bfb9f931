"""The speed of the host as the emulator sees it: it looks at the time, and returns to its caller if much has passed."""

import sys

import pytest


class _Clock:
    def __init__(self, step_s):
        self._now_s, self._step_s = 0.0, step_s

    def monotonic(self):
        self._now_s += self._step_s
        return self._now_s


def both(monkeypatch, run):
    """Results of `run` on a host on which no time passes, and on one on which a second passes at each look."""
    loop = pytest.importorskip("rp2040py.execute_batch").execute_batch
    emulator = sys.modules[loop.__module__]
    results = []
    for step_s in (0.0, 1.0):
        monkeypatch.setattr(emulator, "time", _Clock(step_s))
        results.append(run())
    return results


def sent(target, seconds):
    """(target time in us, octets received) for each twentieth of the next `seconds`."""
    pieces = []
    for _ in range(20):
        target.advance(seconds / 20)
        pieces.append((target.now_us, target.receive()))
    return pieces
