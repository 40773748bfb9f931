"""Arrival times of particles, with the random numbers that determine each particle.

Every particle has its own row of uniform random numbers, drawn row by row from one PCG64 generator. A stream
thus depends on its seed alone, not on the number of rows drawn at a time, and memory stays bounded for any
duration.
"""

import numpy as np

from dorn.errors import UserError

from .profile import Rate

CHUNK = 16384  # particles drawn at a time
MAX_RATE_CPS = 1e7  # 100 ns between particles: above this, rounding to nanoseconds would be noticeable
MAX_DURATION_S = 2**53 / 1e9  # 104 days: up to here whole nanoseconds are exact in a float
SPACINGS = ("poisson", "regular")


def arrivals(rate_cps, seed, spacing, columns):
    """Endless chunks of (times_ns, uniforms): float64[n], whole, ascending; float64[n, columns] in [0, 1).

    "poisson": exponential gaps, the first starting at time 0. "regular": evenly spaced, at the middle of
    each period, so that rate x duration particles arrive before `duration`.
    """
    _check(spacing)
    generator = np.random.Generator(np.random.PCG64(seed))
    period_ns = 1e9 / rate_cps
    last_ns, drawn = 0.0, 0
    while True:
        rows = generator.random((CHUNK, columns + 1))
        if spacing == "poisson":
            # whole nanoseconds as floats: sums are exact, independent of CHUNK, and cannot overflow
            times_ns = last_ns + np.cumsum(np.rint(-np.log1p(-rows[:, 0]) * period_ns))
        else:
            times_ns = np.rint((np.arange(drawn, drawn + CHUNK) + 0.5) * period_ns)
        yield times_ns, rows[:, 1:]
        last_ns, drawn = times_ns[-1], drawn + CHUNK


def varying(rate: Rate, seed, spacing, columns):
    """Chunks like those of `arrivals`, for a rate that changes with time, until its last time.

    The n-th particle arrives when the integral of the rate reaches the sum of n exponential gaps of mean 1, or n - 1/2
    if the spacing is "regular": evenly spaced in expected counts.
    """
    _check(spacing)
    generator = np.random.Generator(np.random.PCG64(seed))
    reached, drawn = 0.0, 0
    while reached < rate.total:
        rows = generator.random((CHUNK, columns + 1))
        if spacing == "poisson":
            # one sum from the first particle on, so that its rounding does not depend on CHUNK
            counts = np.cumsum(np.append(reached, -np.log1p(-rows[:, 0])))[1:]
        else:
            counts = np.arange(drawn, drawn + CHUNK) + 0.5
        reached, drawn = counts[-1], drawn + CHUNK
        kept = int(np.searchsorted(counts, rate.total))
        yield np.rint(rate.when(counts[:kept]) * 1e9), rows[:kept, 1:]


def before(duration_s, chunks):
    """The chunks of (times_ns, *others), cut at `duration_s`."""
    end_ns = duration_s * 1e9
    for times_ns, *others in chunks:
        kept = int(np.searchsorted(times_ns, end_ns))
        yield times_ns[:kept], *(other[:kept] for other in others)
        if kept < len(times_ns):
            return


def _check(spacing):
    if spacing not in SPACINGS:
        raise UserError(f"spacing: neither {' nor '.join(SPACINGS)} ({spacing})")
