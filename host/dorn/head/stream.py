"""Streams of particles: a source whose rate changes with time, and the merging of several of them in time."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass

import numpy as np

from .arrivals import varying
from .mixture import TAIL_COLUMNS, Mixture, Sampler
from .profile import Rate

Pulses = tuple[np.ndarray, np.ndarray, np.ndarray]  # times_ns, detectors, energies_kev, in time order


@dataclass
class Follower:
    """The alpha of a daughter in the detector of the first particle, after an exponential delay.

    fraction: the part of the source's alphas, or if `after_beta` of its electrons, that are followed. The
    detectors of the mixture are not used.
    """

    name: str
    mixture: Mixture
    fraction: float
    mean_s: float  # mean delay
    after_beta: bool


@dataclass
class Stream:
    """Particles of a mixture, with its own rate: particles per second over all detectors."""

    mixture: Mixture
    rate: Rate
    follower: Follower | None = None

    def draw(self, factor: float, seed: list[int], spacing: str) -> Iterator[Pulses]:
        """Chunks of pulses, at the rate times `factor`."""
        chunks = varying(self.rate.scaled(factor), seed, spacing, TAIL_COLUMNS)
        if self.follower is None:
            return self.mixture.draw(chunks)
        return self._followed(self.follower, chunks, np.random.Generator(np.random.PCG64([*seed, 1])))

    def _followed(self, follower, chunks, generator) -> Iterator[Pulses]:
        """Chunks with their followers; a follower later than the last particle of a chunk is held for a later chunk."""
        parents, followers = Sampler(self.mixture), Sampler(follower.mixture)
        end_ns = self.rate.times_s[-1] * 1e9
        waiting = (np.empty(0), np.empty(0, int), np.empty(0))
        for times_ns, uniforms in chunks:
            kind, detectors, energies_kev = parents.sample(uniforms)
            rows = generator.random((len(times_ns), 2 + TAIL_COLUMNS))
            chosen = (rows[:, 0] < follower.fraction) & (parents.beta[kind] == follower.after_beta)
            delays_ns = np.rint(-np.log1p(-rows[chosen, 1]) * follower.mean_s * 1e9)
            later = (times_ns[chosen] + delays_ns, detectors[chosen], followers.sample(rows[chosen, 2:])[2])
            pulses = _in_order([(times_ns, detectors, energies_kev), waiting, later])
            ready = int(np.searchsorted(pulses[0], times_ns[-1], side="right")) if len(times_ns) else 0
            yield _cut(pulses, 0, ready)
            waiting = _cut(pulses, ready, None)
        yield _cut(waiting, 0, int(np.searchsorted(waiting[0], end_ns)))  # the followers up to the end of the source

    def expected(self, begin_s: float, end_s: float) -> dict[str, np.ndarray]:
        """Expected pulses in each detector from begin_s to end_s: name -> float64[16]."""
        counts = float(self.rate.counts(end_s) - self.rate.counts(begin_s)) / self.mixture.total
        found = {name: counts * weights for name, weights in self.mixture.per_detector().items()}
        if follower := self.follower:
            late_s, soon_s = (min(time_s, self.rate.times_s[-1]) for time_s in (end_s, begin_s))
            due = self.rate.waiting(follower.mean_s, late_s) - self.rate.waiting(follower.mean_s, soon_s)
            kinds = [component for component in self.mixture.components if component.beta == follower.after_beta]
            followed = np.sum([*Mixture(kinds).per_detector().values()], axis=0)
            found[follower.name] = follower.fraction * (counts - due / self.mixture.total) * followed
        return found


def merge(streams: Iterable[Iterator[Pulses]]) -> Iterator[Pulses]:
    """The pulses of all streams in time order; one chunk of each stream is held."""
    waiting = [(stream, chunk) for stream in streams if (chunk := _next(stream)) is not None]
    while waiting:
        limit_ns = min(chunk[0][-1] for _, chunk in waiting)
        ready, later = [], []
        for stream, chunk in waiting:
            kept = int(np.searchsorted(chunk[0], limit_ns, side="right"))
            ready.append(_cut(chunk, 0, kept))
            chunk = _cut(chunk, kept, None) if kept < len(chunk[0]) else _next(stream)
            if chunk is not None:
                later.append((stream, chunk))
        yield _in_order(ready)
        waiting = later


def _next(stream: Iterator[Pulses]) -> Pulses | None:
    """The next chunk that is not empty."""
    return next((chunk for chunk in stream if len(chunk[0])), None)


def _cut(pulses: Pulses, begin: int, end: int | None) -> Pulses:
    """Pulses `begin` to `end` - 1."""
    return pulses[0][begin:end], pulses[1][begin:end], pulses[2][begin:end]


def _in_order(pieces: list[Pulses]) -> Pulses:
    """All pulses in time order; those at the same time, in the order of the pieces."""
    if len(pieces) == 1:
        return pieces[0]
    times_ns, detectors, energies_kev = (np.concatenate(columns) for columns in zip(*pieces, strict=True))
    order = np.argsort(times_ns, kind="stable")
    return times_ns[order], detectors[order], energies_kev[order]
