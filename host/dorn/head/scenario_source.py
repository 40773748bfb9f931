"""A scenario as a source of particles, and the truth about it."""

from __future__ import annotations

from pathlib import Path

import numpy as np

from dorn import nuclides
from dorn.util.checks import SourceError

from . import scenario
from .arrivals import arrivals, before
from .mixture import COLUMNS, Mixture
from .profile import mean_cps
from .source import Source
from .stream import Stream, merge


class ScenarioSource(Source):
    """Nuclides, background and head settings of a scenario file; a requested rate scales all of them.

    mixture: the constant part; its weights are particles per second. streams: everything else. `rate_cps` is the mean
    over the duration of the file.
    """

    kind = "scenario"

    def __init__(self, path, mixture: Mixture, duration_s, head: dict, streams: tuple[Stream, ...] = ()):
        super().__init__(path)
        self.mixture, self.duration_s, self.head, self.streams = mixture, duration_s, head, streams
        self._constant_cps = mixture.total
        self.rate_cps = self._constant_cps
        self.lines = _lines(mixture, streams)
        if streams:
            self.rate_cps += mean_cps((stream.rate for stream in streams), duration_s)

    @classmethod
    def load(cls, path: Path | str) -> ScenarioSource:
        """The scenario in the file `path`. Raises SourceError if it is invalid."""
        source = cls(path, *scenario.read(path))
        if not source.rate_cps:
            raise SourceError.at(path, "source", "no particles within duration_s", source.duration_s)
        return source

    def pulses(self, rate_cps=None, duration_s=None, seed=0, spacing="poisson"):
        """As for every source. For a given seed, the constant part and each stream do not depend on the others."""
        rate_cps, duration_s = self.plan(rate_cps, duration_s)
        factor = rate_cps / self.rate_cps
        parts = [stream.draw(factor, [seed, 2, i], spacing) for i, stream in enumerate(self.streams)]
        if self._constant_cps:
            constant_cps = rate_cps * (self._constant_cps / self.rate_cps)  # exactly rate_cps without streams
            parts.insert(0, self.mixture.draw(arrivals(constant_cps, seed, spacing, COLUMNS)))
        return before(duration_s, merge(parts))

    def expected(self, begin_s: float, end_s: float) -> dict[str, np.ndarray]:
        """Expected pulses in each detector from begin_s to end_s, at the rate of the file: name -> float64[16].

        The names are those of the nuclides for their alphas, "Bi-214 beta" for electrons, and "background" (or
        "background[1]" and so on). A particle that crosses a detection unit counts in both of its detectors.
        """
        parts = [{name: (end_s - begin_s) * cps for name, cps in self.mixture.per_detector().items()}]
        parts += [stream.expected(begin_s, end_s) for stream in self.streams]
        found: dict[str, np.ndarray] = {}
        for pulses in parts:
            for name, counts in pulses.items():
                found[name] = found.get(name, 0) + counts
        return found


def _lines(mixture: Mixture, streams) -> tuple[str, ...]:
    """The alpha emitters among the components, sorted by energy."""
    mixtures = (mixture, *(stream.mixture for stream in streams))
    named = {component.name for one in mixtures for component in one.components}
    named |= {stream.follower.name for stream in streams if stream.follower}
    return tuple(sorted((n for n in nuclides.names() if n in named and nuclides.lines(n)), key=nuclides.main_kev))
