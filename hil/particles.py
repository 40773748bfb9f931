"""Particles for the simulated head: (time_ns, detector, energy_kev), in time order."""

import random


def poisson(rate_cps, duration_s, seed, energies=(3000.0, 5000.0, 8000.0), pairs=0.0, detectors=range(16)):
    """Random arrivals. pairs: fraction that pass through both detectors of a unit."""
    rng = random.Random(seed)
    t = 0
    while (t := t + int(rng.expovariate(rate_cps) * 1e9)) < duration_s * 1e9:
        d = rng.choice(detectors)
        yield t, d, rng.choice(energies)
        if rng.random() < pairs:
            yield t, d ^ 1, rng.choice(energies)


def regular(n, spacing_ns, detector=0, energy_kev=5000.0):
    return ((i * spacing_ns, detector, energy_kev) for i in range(1, n + 1))


def changing(rates, seed, detectors=range(16), energy_kev=5000.0):
    """Random arrivals at a varying rate; `rates`: consecutive intervals (seconds, cps)."""
    rng = random.Random(seed)
    begin_s = 0.0
    for seconds, cps in rates:
        t_s = begin_s
        while cps > 0 and (t_s := t_s + rng.expovariate(cps)) < begin_s + seconds:
            yield int(t_s * 1e9), rng.choice(detectors), energy_kev
        begin_s += seconds
