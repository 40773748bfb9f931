"""Particles for a stimulus: (time_ns, detector, energy_kev), in time order."""

import random
from dataclasses import dataclass


@dataclass(frozen=True)
class Poisson:
    """Random arrivals. pairs: fraction that pass through both detectors of a unit.

    A stimulus board can make such arrivals by itself, not the same ones, faster than it can be sent a list.
    """

    rate_cps: float
    duration_s: float
    seed: int
    energies: tuple[float, ...] = (3000.0, 5000.0, 8000.0)  # equally probable
    pairs: float = 0.0
    detectors: range | list[int] = range(16)

    def __iter__(self):
        rng = random.Random(self.seed)
        t = 0
        while (t := t + int(rng.expovariate(self.rate_cps) * 1e9)) < self.duration_s * 1e9:
            d = rng.choice(self.detectors)
            yield t, d, rng.choice(self.energies)
            if rng.random() < self.pairs:
                yield t, d ^ 1, rng.choice(self.energies)


@dataclass(frozen=True)
class Regular:
    """n particles, the first after spacing_ns. A stimulus board makes them by itself."""

    n: int
    spacing_ns: int
    detector: int = 0
    energy_kev: float = 5000.0

    def __iter__(self):
        return ((i * self.spacing_ns, self.detector, self.energy_kev) for i in range(1, self.n + 1))


def changing(rates, seed, detectors=range(16), energy_kev=5000.0):
    """Random arrivals at a varying rate; `rates`: consecutive intervals (seconds, cps)."""
    rng = random.Random(seed)
    begin_s = 0.0
    for seconds, cps in rates:
        t_s = begin_s
        while cps > 0 and (t_s := t_s + rng.expovariate(cps)) < begin_s + seconds:
            yield int(t_s * 1e9), rng.choice(detectors), energy_kev
        begin_s += seconds


poisson, regular = Poisson, Regular
