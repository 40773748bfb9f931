"""Play particles through the whole instrument, and collect everything it reports about them."""

from __future__ import annotations

import contextlib
import tempfile
from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

from dorn.dictionary import Dictionary
from dorn.head.front_end import DEFAULT_COMPARATOR_MV, FrontEnd, Head
from dorn.head.mixture import Mixture
from dorn.head.sources import ScenarioSource
from dorn.link.archive import NAME, Archive
from dorn.products.collection import Collection
from dorn.products.rates import PER_DETECTOR, SCALARS, Totals
from dorn.session import Session
from dorn.session.acquire import RATES_S, collect
from dorn.targets import open_target
from dorn.targets.rp2040 import Rp2040Target


@dataclass(frozen=True)
class Measurement:
    """Data downlinked by the instrument, and fates counted by the head."""

    singles: np.ndarray  # int64[16, 1024]: the spectra of the detectors
    coincidences: int  # counts in the spectra of the detection units
    counters: dict[str, int]  # counted by the firmware, summed over the detectors
    real_us: int
    live_us: int
    fates: dict[str, int]  # of all pulses, counted by the head

    @property
    def reconciled(self) -> bool:
        """Whether every pulse has exactly one fate, each counted independently."""
        return reconciled(self.fates, sum(self.counters[name] for name in (*PER_DETECTOR, "overrun_hits")))


def reconciled(fates: dict[str, int], hits: int) -> bool:
    """Whether the head's fates add up, and the firmware counted as many hits as the head delivered."""
    accounted = sum(number for name, number in fates.items() if name not in ("injected", "spurious"))
    return fates["injected"] == accounted and fates["delivered"] == hits and fates["spurious"] == 0


def flat(through: float = 0.0) -> ScenarioSource:
    """Particles of 1 to 10 MeV in all detectors; a fraction `through` crosses front and back of a detection unit."""
    mixture = Mixture()
    mixture.add(1 - through, 1000, 10_000)
    if through:
        mixture.add(through, 1000, 10_000, through=True)
    return ScenarioSource("flat", mixture, None, {})


def front_end() -> FrontEnd:
    """The ideal head: no noise, all gains 1."""
    return FrontEnd()


def record(
    target: str,
    particles: Iterable[tuple[int, int, float]],
    comparator_mv: int = DEFAULT_COMPARATOR_MV,
    analogue: FrontEnd | None = None,
    seed: int = 1,
) -> Measurement:
    """Play the particles (time_ns, detector, energy_kev) into an instrument on "unix" or "rp2040".

    comparator_mv: threshold of all comparators, set by telecommand. The thresholds of the firmware are set to 0, so
    that the comparators alone decide. analogue: properties of the head, ideal by default; seed: for its noise.
    """
    dictionary = Dictionary.load()
    head = Head(analogue or front_end(), seed)
    with (
        tempfile.TemporaryDirectory(prefix="dorn-study-") as folder,
        open_target(target, head, unique_id=seed) as powered,
        contextlib.closing(Session(powered)) as session,
    ):
        path = Path(folder) / NAME
        session.connect()
        if isinstance(powered, Rp2040Target):
            powered.flash_takes_time = False  # a stall would overrun the rings, which `dorn study stalls` measures
        detectors = range(dictionary.instrument["detectors"])
        thresholds: dict[str, Any] = {f"threshold_{d}": 0 for d in detectors}
        session.set_parameters(comparator_front=comparator_mv, comparator_back=comparator_mv, **thresholds)
        session.command("function", function="clear")
        session.record(path)
        since = session.archived
        session.command("function", function="start")
        powered.inject(particles)
        while not head.dry:
            session.advance(0.1)
        session.advance(0.001)  # lets the last event end
        collect(session, lambda session: session.command("function", function="stop"))
        session.wait_for(lambda packet: packet.name == "rates", RATES_S)
        with Archive(dictionary, path, since=since) as recorded:
            collection = Collection(recorded)
    spectra = collection.all_spectra()
    singles = np.zeros((len(detectors), dictionary.instrument["channels"]), np.int64)
    for (event_class, d), spectrum in spectra.items():
        if event_class != "front_back":
            singles[d] += spectrum.counts
    coincidences = sum(int(s.counts.sum()) for (event_class, _), s in spectra.items() if event_class == "front_back")
    totals = collection.totals() or Totals()
    counters = {name: totals.count(name) for name in (*SCALARS, *PER_DETECTOR)}
    return Measurement(singles, coincidences, counters, totals.real_us, totals.live_us, vars(head.fates).copy())
