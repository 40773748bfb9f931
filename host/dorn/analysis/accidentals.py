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
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

_ROUNDS = 200


@dataclass
class Particles:
    """Rates in 1/s, each with the statistical error (one standard deviation) of counting."""

    alone_cps: np.ndarray  # float64[16]: of particles that stop in one detector
    alone_error_cps: np.ndarray
    through_cps: np.ndarray  # float64[8]: of particles that cross front and back of one detection unit
    through_error_cps: np.ndarray
    window_us: float


def particles(singles, pairs, several: int, live_s: float) -> Particles:
    """The particles behind the classes of events.

    singles: int[16], events in one detector alone (sums of the spectra); pairs: int[8], in front and back of one unit
    (sums of the coincidence spectra); several: events in several units. ValueError where there is nothing to solve for.
    """
    singles, pairs = np.asarray(singles, float), np.asarray(pairs, float)
    if singles.shape != (16,) or pairs.shape != (8,) or live_s <= 0 or singles.sum() + pairs.sum() == 0:
        raise ValueError(f"16 singles, 8 pairs, not all 0, and a live time: {singles}, {pairs}, {live_s}")
    alone_seen = singles / live_s
    unit_seen = (singles[0::2] + singles[1::2] + pairs) / live_s
    several_seen = several / live_s
    total = unit_seen.sum() + several_seen
    alone, unit, window_s = alone_seen, unit_seen, 0.0
    # of one unit alone nothing tells the window: then there are no others to coincide with
    others = unit * (total - unit)
    if several and others.any():
        window_s = several_seen / others.sum()
        for _ in range(_ROUNDS):  # each correction is small against what it corrects: this converges
            alone = alone_seen * np.exp((total - alone) * window_s)
            unit = unit_seen * np.exp((total - unit) * window_s)
            window_s *= several_seen / (unit * -np.expm1(-(total - unit) * window_s)).sum()
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
