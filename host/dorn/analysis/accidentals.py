"""Correction of event classes for accidental coincidences.

A particle that arrives while the event builder waits for the peak of another (the coincidence window) adds a hit to the
same event: two particles in two detection units give one event in several units; one particle in front and one in back
of the same unit look like a single particle through both. The trigger rate, events over live time, is unaffected,
because the second particle arrives in dead time. The rate of each class is affected.

With particle rates f (front alone), b (back alone) and c (through both) in each unit, u = f + b + c, L the sum of u
over all units, and a window w, the classes are Poisson processes with the rates

    front alone     f exp(-(L - f) w)        nothing else in the window; a second hit in the same detector is not seen
    all of a unit   u exp(-(L - u) w)        front alone, back alone, front and back
    several units   sum of u (1 - exp(-(L - u) w))

These are solved for f, b, c and w. The window is thus measured, from the events in several units, and accounts for late
hits that are lost (pulses without time to rise above the threshold). Assumptions: no particle crosses several units,
and few hits are below the digital thresholds. The particle rate of a single detector is f or b, plus c.

L is the sum of the rates of all classes, so for a given w each f, b and u follows from the rate of its own class, and
increases with w towards L.
The correct w is the one at which the u add up to L. With particles in at least two units there is exactly one, however
high the load L w; with a single unit there is none.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from dorn.errors import shown

_ROUNDS = 10  # iterations of Newton's method: full precision at any rate and load


@dataclass
class Particles:
    """Rates in 1/s with their counting errors (one standard deviation), to first order in L w."""

    alone_cps: np.ndarray  # float64[16]: particles that stop in one detector
    alone_error_cps: np.ndarray
    through_cps: np.ndarray  # float64[8]: particles that cross front and back of one detection unit
    through_error_cps: np.ndarray
    window_us: float


def particles(singles, pairs, several: float, live_s: float) -> Particles:
    """The rates of the particles that cause the classes of events.

    singles: int[16], events in one detector alone (sums of the spectra); pairs: int[8], in front and back of one unit
    (sums of the coincidence spectra); several: events in several units. Raises ValueError with a one-line message for
    an invalid argument or if there is no solution.
    """
    singles, pairs = _counts("singles", singles, 16), _counts("pairs", pairs, 8)
    several = float(_counts("several", [several], 1)[0])
    if not 0 < live_s < np.inf:
        raise ValueError(f"live_s: not a time above 0 ({live_s})")
    alone_seen = singles / live_s
    unit_seen = (singles[0::2] + singles[1::2] + pairs) / live_s
    if not unit_seen.any():
        raise ValueError(f"singles, pairs: no counts (several: {several:g})")
    total = unit_seen.sum() + several / live_s
    window_s = _window_s(unit_seen, several / live_s) if several else 0.0
    alone, unit = (_corrected(seen, total, window_s) for seen in (alone_seen, unit_seen))
    through = unit - alone[0::2] - alone[1::2]
    # counting errors; that of the window, from the counts in `several`, is common to all
    window_error_s = window_s / np.sqrt(several) if several else 0.0
    alone_error = np.hypot(
        np.sqrt(singles) / live_s * np.exp((total - alone) * window_s), alone * (total - alone) * window_error_s
    )
    by_chance = (alone[0::2] * (unit - alone[0::2]) + alone[1::2] * (unit - alone[1::2])) * window_error_s
    through_error = np.hypot(
        np.sqrt(pairs) / live_s * np.exp((total - unit) * window_s),
        by_chance + through * (total - unit) * window_error_s,
    )
    return Particles(alone, alone_error, through, through_error, window_s * 1e6)


def _counts(name, values, n):
    """`values` as float64[n]. Raises ValueError unless they are n finite numbers, none negative."""
    counts = np.asarray(values, float)
    if counts.shape != (n,):
        raise ValueError(f"{name}: not {n} counts ({shown(counts.tolist())})")
    wrong = counts[~((counts >= 0) & np.isfinite(counts))]
    if len(wrong):
        raise ValueError(f"{name}: negative or not finite ({wrong[0]:g})")
    return counts


def _corrected(seen, total, window_s):
    """Solve x exp(-(total - x) w) = seen for x: with s = ln(x w), exp(s) + s = z = ln(seen w) + total w."""
    x = np.zeros_like(seen)
    if window_s == 0:
        return seen
    z = np.log(seen[seen > 0] * window_s) + total * window_s
    s = np.where(z > 1, np.log(np.maximum(z, 1)), z)  # above the solution: Newton's method then only descends
    for _ in range(_ROUNDS):
        s -= (np.exp(s) + s - z) / (np.exp(s) + 1)
    x[seen > 0] = np.exp(s) / window_s
    return x


def _window_s(unit_seen, several_seen):
    """The window at which the corrected rates of all units add up to the total."""
    active = np.flatnonzero(unit_seen)
    if len(active) < 2:
        raise ValueError(f"several: not 0, but only unit {active[0]} has counts: no window explains that")
    total = unit_seen.sum() + several_seen
    # for w >= 2 / L ln(L / (2 seen)), x >= L / 2 in the two busiest units, which add up to at least L; doubled to allow
    # for rounding
    low, high = 0.0, 4 / total * np.log(total / (2 * np.sort(unit_seen)[-2]))
    while low < (middle := (low + high) / 2) < high:  # until no float lies between them
        if _corrected(unit_seen, total, middle).sum() < total:
            low = middle
        else:
            high = middle
    return high
