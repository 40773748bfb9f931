"""Correction of event classes for accidental coincidences.

A particle that arrives while the event builder waits for the peak of another (the coincidence window) gives a hit of
the same event: of two particles in two detection units comes one event in several units, of a front and a back one in
the same unit one that looks like a particle through both. The trigger rate, events over live time, does not suffer: the
second particle arrives in dead time. Each class does.

With particles of rate f (front alone), b (back alone) and c (through both) in each unit, in all L = sum of u, u = f + b
+ c, and a window w, the classes are Poisson processes with the rates

    front alone     f exp(-(L - f) w)        nothing else in the window; a second one in the same detector does not show
    all of a unit   u exp(-(L - u) w)        front alone, back alone, front and back
    several units   sum of u (1 - exp(-(L - u) w))

and these are solved for f, b, c and w. The window is thus measured, by the events in several units, and so is what
keeps a late hit from being seen (a pulse that had no time to rise over the threshold). It is assumed that there are no
particles that really cross several units, and few hits below the digital thresholds. A single detector is crossed by
its own f or b, and by c.

L is the sum of all classes, so each f, b and u follows from its class by itself, given w: it grows with w, towards L.
The right w is the one at which the u add up to L. With particles in two units or more there is exactly one, however
high the load L w; with one unit alone there is none.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from dorn.errors import shown

_ROUNDS = 10  # of Newton's method: enough for all digits, from any rate at any load


@dataclass
class Particles:
    """Rates in 1/s, each with the statistical error (one standard deviation) of counting, to first order in L w."""

    alone_cps: np.ndarray  # float64[16]: of particles that stop in one detector
    alone_error_cps: np.ndarray
    through_cps: np.ndarray  # float64[8]: of particles that cross front and back of one detection unit
    through_error_cps: np.ndarray
    window_us: float


def particles(singles, pairs, several: float, live_s: float) -> Particles:
    """The particles behind the classes of events.

    singles: int[16], events in one detector alone (sums of the spectra); pairs: int[8], in front and back of one unit
    (sums of the coincidence spectra); several: events in several units. ValueError of one line for a wrong argument,
    and where there is nothing to solve for.
    """
    singles, pairs = _counts("singles", singles, 16), _counts("pairs", pairs, 8)
    several = float(_counts("several", [several], 1)[0])
    if not 0 < live_s < np.inf:
        raise ValueError(f"live_s: not a time above 0 ({live_s})")
    alone_seen = singles / live_s
    unit_seen = (singles[0::2] + singles[1::2] + pairs) / live_s
    if not unit_seen.any():
        raise ValueError(f"singles, pairs: no counts in any (several: {several:g})")
    total = unit_seen.sum() + several / live_s
    window_s = _window_s(unit_seen, several / live_s) if several else 0.0
    alone, unit = (_corrected(seen, total, window_s) for seen in (alone_seen, unit_seen))
    through = unit - alone[0::2] - alone[1::2]
    # counting errors; that of the window, by the number of several, goes into all of them together
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
    """`values` as float64[n]. ValueError if they are not n numbers from 0 up."""
    counts = np.asarray(values, float)
    if counts.shape != (n,):
        raise ValueError(f"{name}: not {n} counts ({shown(counts.tolist())})")
    wrong = counts[~((counts >= 0) & np.isfinite(counts))]
    if len(wrong):
        raise ValueError(f"{name}: not counts from 0 up ({wrong[0]:g})")
    return counts


def _corrected(seen, total, window_s):
    """The x that solve x exp(-(total - x) w) = seen: with s = ln(x w), exp(s) + s = z = ln(seen w) + total w."""
    x = np.zeros_like(seen)
    if window_s == 0:
        return seen
    z = np.log(seen[seen > 0] * window_s) + total * window_s
    s = np.where(z > 1, np.log(np.maximum(z, 1)), z)  # above the solution: from there Newton only goes down, to it
    for _ in range(_ROUNDS):
        s -= (np.exp(s) + s - z) / (np.exp(s) + 1)
    x[seen > 0] = np.exp(s) / window_s
    return x


def _window_s(unit_seen, several_seen):
    """The window at which the corrected rates of all units add up to the total."""
    active = np.flatnonzero(unit_seen)
    if len(active) < 2:
        raise ValueError(f"several: not 0, but only unit {active[0]} has counts of its own: no window explains that")
    total = unit_seen.sum() + several_seen
    # from w = 2 / L ln(L / 2 seen) on, x is at least L / 2: in the two busiest units, at least L. Twice, for rounding
    low, high = 0.0, 4 / total * np.log(total / (2 * np.sort(unit_seen)[-2]))
    while low < (middle := (low + high) / 2) < high:  # until no number is between them
        if _corrected(unit_seen, total, middle).sum() < total:
            low = middle
        else:
            high = middle
    return high
