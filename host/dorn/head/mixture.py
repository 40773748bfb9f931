"""Properties of particles: a mixture of components, each with a weight, a range of energies, and detectors.

A scenario is a mixture (one component per line of a nuclide), and so is a measured spectrum (one component per
channel).
"""

from collections.abc import Sequence
from dataclasses import dataclass, field

import numpy as np

DETECTORS = 16
GROUPS = {"all": range(DETECTORS), "front": range(0, DETECTORS, 2), "back": range(1, DETECTORS, 2)}
COLUMNS = 4  # uniform random numbers per particle


@dataclass
class Mixture:
    """The components; all must be added before the first draw."""

    weights: list = field(default_factory=list)  # any unit; only the ratios matter
    low_kev: list = field(default_factory=list)
    high_kev: list = field(default_factory=list)
    detectors: list = field(default_factory=list)
    through: list = field(default_factory=list)

    def add(self, weight, low_kev, high_kev, detectors: Sequence[int] = GROUPS["all"], through=False):
        """Add a component with energies uniform from low to high, spread evenly over `detectors`.

        `through`: the particle crosses the whole detection unit and gives a pulse in its front and in its back.
        """
        self.weights.append(weight)
        self.low_kev.append(low_kev)
        self.high_kev.append(high_kev)
        self.detectors.append(list(detectors))
        self.through.append(through)

    def draw(self, chunks):
        """Draw pulses (times_ns, detectors, energies_kev), as arrays, for chunks of (times_ns, uniforms[n, COLUMNS]).

        An energy below 0 gives a pulse of height 0, as a comparator would see it.
        """
        share = np.cumsum(self.weights) / np.sum(self.weights)
        share[-1] = 1.0  # despite rounding of the sum: no uniform number may fall beyond the last component
        low, width = np.array(self.low_kev, float), np.subtract(self.high_kev, self.low_kev)
        many = np.array([len(group) for group in self.detectors])
        first = np.cumsum(many) - many
        members = np.concatenate(self.detectors)
        through = np.array(self.through)
        for times_ns, uniforms in chunks:
            kind = np.searchsorted(share, uniforms[:, 0], side="right")
            detector = members[first[kind] + (uniforms[:, 1] * many[kind]).astype(int)]
            energy_kev = np.maximum(low[kind] + uniforms[:, 2] * width[kind], 0.0)
            crossed = np.flatnonzero(through[kind])
            if len(crossed):  # the pulse of the other side, at the same time, has its own energy
                other_kev = np.maximum(low[kind[crossed]] + uniforms[crossed, 3] * width[kind[crossed]], 0.0)
                times_ns = np.insert(times_ns, crossed + 1, times_ns[crossed])
                detector = np.insert(detector, crossed + 1, detector[crossed] ^ 1)
                energy_kev = np.insert(energy_kev, crossed + 1, other_kev)
            yield times_ns, detector, energy_kev
