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
TAIL_COLUMNS = 5  # with one that decides on the tail, and on the energy lost in it


@dataclass(frozen=True)
class Component:
    """Energies from low to high: uniform, or with a density that falls as energy to the power of -`power`.

    through: the particle crosses the whole detection unit and gives a pulse in its front and in its back. tail: (mean,
    fraction), this fraction loses energy, distributed exponentially with this mean. name: its key in `per_detector`.
    beta: an electron, not an alpha.
    """

    weight: float  # any unit; only the ratios matter
    low_kev: float
    high_kev: float
    detectors: Sequence[int] = GROUPS["all"]
    through: bool = False
    name: str = ""
    tail_kev: float = 0.0
    tail_fraction: float = 0.0
    power: float = 0.0
    beta: bool = False


@dataclass
class Mixture:
    """The components; all must be added before the first draw."""

    components: list[Component] = field(default_factory=list)

    def add(self, weight, low_kev, high_kev, detectors: Sequence[int] = GROUPS["all"], through=False, **others):
        """Add a component with energies from low to high, spread evenly over `detectors`; see Component."""
        self.components.append(Component(weight, low_kev, high_kev, detectors, through, **others))

    @property
    def total(self) -> float:
        """Sum of the weights."""
        return sum(component.weight for component in self.components)

    def per_detector(self) -> dict[str, np.ndarray]:
        """Name of the components -> weight in each detector, float64[16]. A particle through a unit counts in both."""
        found: dict[str, np.ndarray] = {}
        for component in self.components:
            weights = found.setdefault(component.name, np.zeros(DETECTORS))
            for detector in component.detectors:
                for hit in (detector, detector ^ 1) if component.through else (detector,):
                    weights[hit] += component.weight / len(component.detectors)
        return found

    def draw(self, chunks):
        """Draw pulses (times_ns, detectors, energies_kev), as arrays, for chunks of (times_ns, uniforms[n, COLUMNS]).

        With TAIL_COLUMNS columns energies include the tails. An energy below 0 gives a pulse of height 0, as a
        comparator would see it.
        """
        sampler = Sampler(self)
        for times_ns, uniforms in chunks:
            kind, detector, energy_kev = sampler.sample(uniforms)
            crossed = np.flatnonzero(sampler.through[kind])
            if len(crossed):  # the pulse of the other side, at the same time, has its own energy
                other_kev = sampler.energies_kev(kind[crossed], uniforms[crossed, 3])
                times_ns = np.insert(times_ns, crossed + 1, times_ns[crossed])
                detector = np.insert(detector, crossed + 1, detector[crossed] ^ 1)
                energy_kev = np.insert(energy_kev, crossed + 1, other_kev)
            yield times_ns, detector, energy_kev


class Sampler:
    """The components of a mixture as arrays, for drawing."""

    def __init__(self, mixture: Mixture):
        components = mixture.components
        weights = [component.weight for component in components]
        self._share = np.cumsum(weights) / np.sum(weights)
        self._share[-1] = 1.0  # despite rounding of the sum: no uniform number may fall beyond the last component
        self._low = np.array([component.low_kev for component in components], float)
        self._high = np.array([component.high_kev for component in components], float)
        self._many = np.array([len(component.detectors) for component in components])
        self._first = np.cumsum(self._many) - self._many
        self._members = np.concatenate([list(component.detectors) for component in components])
        self._tail_kev = np.array([component.tail_kev for component in components], float)
        self._tail = np.array([component.tail_fraction for component in components], float)
        self._power = np.array([component.power for component in components], float)
        self.through = np.array([component.through for component in components])
        self.beta = np.array([component.beta for component in components])

    def sample(self, uniforms):
        """(component, detector, energy_kev) of each row of uniform numbers."""
        kind = np.searchsorted(self._share, uniforms[:, 0], side="right")
        detector = self._members[self._first[kind] + (uniforms[:, 1] * self._many[kind]).astype(int)]
        tails = uniforms[:, 4] if uniforms.shape[1] >= TAIL_COLUMNS else None
        return kind, detector, self.energies_kev(kind, uniforms[:, 2], tails)

    def energies_kev(self, kind, uniform, tails=None):
        """Energies for uniform numbers; `tails`: others, which lower the energy if below the fraction of the tail."""
        low, high = self._low[kind], self._high[kind]
        energy_kev = low + uniform * (high - low)
        if self._power.any():
            falling = np.flatnonzero(self._power[kind])
            energy_kev[falling] = self._falling_kev(kind[falling], uniform[falling])
        if tails is not None and self._tail.any():
            fraction = self._tail[kind]
            lost = np.flatnonzero(tails < fraction)
            # below the fraction, tails / fraction is again uniform
            energy_kev[lost] += self._tail_kev[kind[lost]] * np.log1p(-tails[lost] / fraction[lost])
        return np.maximum(energy_kev, 0.0)

    def _falling_kev(self, kind, uniform):
        """Energies whose density falls as a power: the inverse of its integral from low to high."""
        low, order = self._low[kind], 1 - self._power[kind]
        ratio = self._high[kind] / low
        logarithmic = np.abs(order) < 1e-9
        order = np.where(logarithmic, 1, order)
        powers = (1 + uniform * (ratio**order - 1)) ** (1 / order)
        return low * np.where(logarithmic, ratio**uniform, powers)
