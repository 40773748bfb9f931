"""The base of all sources of particles."""

import math
from collections.abc import Iterator
from pathlib import Path

import numpy as np

from dorn.errors import UserError
from dorn.util.checks import SourceError

from .arrivals import MAX_DURATION_S, MAX_RATE_CPS, arrivals, before
from .mixture import COLUMNS, Mixture
from .stream import Pulses


def check(field, value):
    """Raise UserError for an impossible value of rate_cps or duration_s."""
    most = {"rate_cps": MAX_RATE_CPS, "duration_s": MAX_DURATION_S}[field]
    if not math.isfinite(value) or value <= 0 or value > most:
        raise UserError(f"{field}: must be above 0 and at most {most:g} ({value:g})")


class Source:
    """Base of all sources. `rate_cps` and `duration_s` are those of the file, None if the file does not state them."""

    kind = ""
    rate_cps = None
    duration_s = None
    lines: tuple[str, ...] = ()  # nuclides that the file names, in order of energy; a measured spectrum names none
    at_centres = False  # whether a replay plays the centres of the channels
    mixture: Mixture  # what particles are drawn from

    def __init__(self, path):
        self.path = path
        self.name = Path(path).stem
        self.head = {}  # settings of the simulated head (noise_kev, gain, ...), checked by it
        self.notes = ()  # what should be known about the file
        self.untimed = ""  # why the file's times cannot be read

    def plan(self, rate_cps=None, duration_s=None, replay=False) -> tuple:
        """(rate_cps, duration_s) of a run: as requested, else those of the source. Raises UserError if neither gives
        one of them, or if one is impossible."""
        if replay:
            raise UserError(f"replay: only a measured spectrum has counts to replay ({self.path})")
        rate_cps = self.rate_cps if rate_cps is None else rate_cps
        duration_s = self.duration_s if duration_s is None else duration_s
        for field, value in (("rate_cps", rate_cps), ("duration_s", duration_s)):
            if value is None:
                why = f" ({self.untimed})" if self.untimed else ""
                raise SourceError.at(self.path, field, f"not in the file{why}; give --{field.split('_')[0]}")
            check(field, value)
        return rate_cps, duration_s

    def particles(self, rate_cps=None, duration_s=None, seed=0, spacing="poisson", replay=False):
        """Iterator of (time_ns, detector, energy_kev), with times from 0 that never decrease; the same for the
        same seed.

        `rate_cps` counts particles: one that crosses two detectors gives two pulses at the same time.
        """
        self.plan(rate_cps, duration_s, replay)
        return rows(self.pulses(rate_cps, duration_s, seed, spacing))

    def pulses(self, rate_cps=None, duration_s=None, seed=0, spacing="poisson") -> Iterator[Pulses]:
        """The same particles as arrays, in chunks (times_ns, detectors, energies_kev)."""
        rate_cps, duration_s = self.plan(rate_cps, duration_s)
        return self.mixture.draw(before(duration_s, arrivals(rate_cps, seed, spacing, COLUMNS)))


def rows(chunks):
    """The pulses of chunks, one by one."""
    for times_ns, detectors, energies_kev in chunks:
        times_ns = times_ns.astype(np.int64)
        yield from zip(times_ns.tolist(), detectors.tolist(), energies_kev.tolist(), strict=True)
