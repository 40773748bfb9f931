"""Rates of sources that decay, with or without the progeny that grows in."""

from functools import cache

import numpy as np

from dorn import nuclides
from dorn.nuclides import chains

from .arrivals import MAX_DURATION_S
from .profile import Rate

_RATIO = 1.02  # ratio of consecutive times: linear interpolation is within 3e-5 of the maximum of every exponential
_FIRST = 1e-3  # first time, in shortest half-lives: until then activities are linear in time


@cache
def rates(name: str, chain: bool) -> dict[str, Rate]:
    """Decays per second of a nuclide with 1 Bq at time 0, and with `chain` also of its progeny, with 0 Bq at time 0.

    The rates are those of `chains.activities`, interpolated linearly between times that are denser at the start.
    """
    members = chains.members([name]) if chain else {name: nuclides.nuclide(name)}
    first_s = _FIRST * min(member.half_life_s for member in members.values())
    n = max(2, int(np.log(MAX_DURATION_S / first_s) / np.log(_RATIO)))
    times_s = np.append(0.0, np.geomspace(min(first_s, MAX_DURATION_S / 2), MAX_DURATION_S, n))
    if not chain:
        return {name: Rate(times_s, 0.5 ** (times_s / members[name].half_life_s))}
    return {member: Rate(times_s, bq) for member, bq in chains.activities({name: 1.0}, times_s).items()}
