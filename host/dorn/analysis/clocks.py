"""The clock of one board measured against that of another, by pulses that one plays and the other stamps."""

from __future__ import annotations

from collections.abc import Sequence

SHORTEST_US = 2_000_000  # stamps are whole microseconds: 1 ppm in two seconds
_FARTHEST = 0.25  # periods, from where the pulse is expected


def difference_ppm(stamps_us: Sequence[int], period_us: float) -> float:
    """By how much the clock of the stamps is faster than the clock by which the pulses are `period_us` apart, in ppm.

    stamps_us: of these pulses, in time order; some may be missing. Raises ValueError if they last less than
    SHORTEST_US, or are no such pulses.
    """
    lasted_us = stamps_us[-1] - stamps_us[0] if stamps_us else 0
    if lasted_us < SHORTEST_US:
        raise ValueError(f"the {len(stamps_us)} stamps last {lasted_us} us, less than {SHORTEST_US}")
    played_us = period_us * round(lasted_us / period_us)
    scale = lasted_us / played_us
    for stamp_us in stamps_us:
        periods = (stamp_us - stamps_us[0]) / (period_us * scale)
        if abs(periods - round(periods)) > _FARTHEST:
            raise ValueError(f"the stamp {stamp_us} us is {periods:.2f} periods after the first")
    return 1e6 * (scale - 1)


def rate_cps(played_cps: float, ppm: float) -> float:
    """A rate in the clock of the stimulus as the instrument measures it, whose clock is faster by `ppm`."""
    return played_cps / (1 + ppm / 1e6)
