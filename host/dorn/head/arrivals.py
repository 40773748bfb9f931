"""Arrival times of particles, with the random numbers that determine each particle.

Every particle has its own row of uniform random numbers, drawn row by row from one PCG64 generator. A stream
thus depends on its seed alone, not on the number of rows drawn at a time, and memory stays bounded for any
duration.
"""

import numpy as np

from dorn.errors import UserError

CHUNK = 16384  # particles drawn at a time
MAX_RATE_CPS = 1e7  # 100 ns between particles: above this, rounding to nanoseconds would show
MAX_DURATION_S = 2**53 / 1e9  # 104 days: up to here whole nanoseconds are exact in a float
SPACINGS = ("poisson", "regular")


def arrivals(rate_cps, seed, spacing, columns):
    """Endless chunks of (times_ns, uniforms): float64[n], whole, ascending; float64[n, columns] in [0, 1).

    "poisson": exponential gaps, the first counted from time 0. "regular": evenly spaced, at the middle of
    each period, so that rate x duration particles arrive before `duration`.
    """
    if spacing not in SPACINGS:
        raise UserError(f"spacing: neither {' nor '.join(SPACINGS)} ({spacing})")
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


def before(duration_s, chunks):
    """The chunks of `arrivals`, cut at `duration_s`."""
    end_ns = duration_s * 1e9
    for times_ns, uniforms in chunks:
        kept = int(np.searchsorted(times_ns, end_ns))
        yield times_ns[:kept], uniforms[:kept]
        if kept < len(times_ns):
            return
