"""Pairs as a bench may be: a ladder that is not ideal, and a stimulus board with a clock of its own.

Importing it, or `pytest -p support.off_nominal`, changes every `PairTarget` of the process.
"""

from functools import partialmethod

from dorn.targets.ladder import LEVELS, Ladder
from dorn.targets.pair import PairTarget

GAIN, OFFSET_CODES = 1.03, 7.0  # the top levels are over range
HIGHEST_BIT = 126.5  # in steps, of 128: level 128 is below 127


def _code(level: int) -> int:
    steps = (level & 127) + HIGHEST_BIT * (level >> 7)
    return min(4095, round(OFFSET_CODES + GAIN * 16 * steps))


OFF_NOMINAL = Ladder(tuple(float(_code(level)) for level in range(LEVELS)))
PairTarget.__init__ = partialmethod(PairTarget.__init__, ladder=OFF_NOMINAL)
