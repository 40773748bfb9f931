"""Counting trials: the whole instrument on a source that plays before, during and after the acquisition."""

from __future__ import annotations

import math
from dataclasses import dataclass

import numpy as np

from dorn.head.front_end import FrontEnd, Head
from dorn.head.mixture import Mixture
from dorn.head.sources import ScenarioSource
from dorn.products.rates import PER_DETECTOR
from dorn.session import Session
from dorn.session.acquire import collect
from dorn.study.recording import flat, reconciled
from dorn.targets import open_target
from dorn.targets.rp2040 import Rp2040Target

WIDTH_NS = 4000  # of the pulses
# relative rates of particles in the class study: in one detector alone, and through both of each of the 8 units
ALONE = tuple(1 + d % 5 for d in range(16))
THROUGH = tuple(1 + u % 3 for u in range(8))


@dataclass(frozen=True)
class Job:
    target: str
    spacing: str
    rate_cps: float
    seconds: float
    seeds: tuple[int, ...]
    mixed: bool = False  # unequal detectors, and particles through both sides
    stalls: bool = True  # whether writes to flash stall the core of the emulated chip


@dataclass
class Trial:
    """One acquisition."""

    rates: dict  # fields of the rates packet at its end
    fates: dict[str, int]  # of the head's pulses, from the report of the start to the stop command
    singles: np.ndarray  # int64[16]: sums of the spectra, if the study needs them
    pairs: np.ndarray  # int64[8]
    overruns: int  # of the rings
    reconciled: bool  # every pulse has one fate and every conversion one counter, also before and after it


def trials(job: Job) -> list[Trial]:
    """Run one trial for each seed, all on one instrument."""
    source = _mixed() if job.mixed else flat()

    def particles(number):  # distinct random numbers for every rate and target
        seed = (number * 10 + (job.target == "rp2040")) * 1_000_000 + int(job.rate_cps)
        return source.particles(job.rate_cps, job.seconds + 2, seed, job.spacing)

    head = Head(FrontEnd(width_ns=WIDTH_NS))
    with open_target(job.target, head, unique_id=1) as target:
        session = Session(target)
        session.connect()
        if isinstance(target, Rp2040Target) and not job.stalls:
            target.flash_takes_time = False
        # the default if that is long enough: only a first change is written to flash at once, a second one 10 s later
        default_s = session.dictionary.parameters["integration_time"].default
        session.set_parameters(integration_time=max(default_s, math.ceil(job.seconds) + 10), rates_period=1)
        return [_trial(session, head, job, particles(n)) for n in job.seeds]


def _mixed() -> ScenarioSource:
    mixture = Mixture()
    for d, weight in enumerate(ALONE):
        mixture.add(weight, 1000, 10_000, (d,))
    for u, weight in enumerate(THROUGH):
        mixture.add(weight, 1000, 10_000, (2 * u,), through=True)
    return ScenarioSource("mixed", mixture, None, {})


def _trial(session: Session, head: Head, job: Job, particles) -> Trial:
    before = _fates(head)
    singles, pairs = np.zeros(16, np.int64), np.zeros(8, np.int64)
    ring_overrun, overruns = session.dictionary.enums["event"]["ring_overrun"], 0

    def add(packet):
        nonlocal overruns
        overruns += packet.fields.get("event") == ring_overrun
        if packet.name == "spectrum":
            singles[packet.fields["detector"]] += sum(packet.fields["counts"])
        elif packet.name == "coincidence_spectrum":
            pairs[packet.fields["unit"]] += sum(packet.fields["counts"])

    session.command("function", function="clear")
    session.on_packet = add
    session.target.inject(particles)
    session.command("function", function="start")
    started = _fates(head)
    session.advance(job.seconds)
    during = _less(_fates(head), started)
    if job.mixed:
        collect(session, _stop)
    else:
        _stop(session)
    head.cut()
    rates = session.wait_for(lambda packet: packet.name == "rates", 10).fields
    session.on_packet = None
    hits = sum(sum(rates[name]) for name in PER_DETECTOR) + rates["overrun_hits"]
    return Trial(rates, during, singles, pairs, overruns, reconciled(_less(_fates(head), before), hits))


def _fates(head: Head) -> dict[str, int]:
    return {**vars(head.fates), "pending": head.pending}


def _less(fates, before) -> dict[str, int]:
    return {name: value - before[name] for name, value in fates.items()}


def _stop(session: Session) -> None:
    session.command("function", limit_s=20, function="stop")
