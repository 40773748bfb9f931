"""Sources: turn a measured spectrum, a list of events or a scenario into particles (time, detector, energy).

    source = load("spectrum.csv")
    for time_ns, detector, energy_kev in source.particles(rate_cps=100, duration_s=60, seed=1): ...

The same seed gives the same particles.
"""

from pathlib import Path

import numpy as np

from dorn.errors import UserError
from dorn.files import csv_file, spectrum
from dorn.util.checks import SourceError, above_zero, number

from .arrivals import MAX_DURATION_S, arrivals
from .mixture import COLUMNS, DETECTORS, Mixture
from .scenario_source import ScenarioSource
from .source import Source, check, rows

__all__ = ["DEMO", "MAX_DURATION_S", "EventSource", "ScenarioSource", "Source", "SpectrumSource", "check", "load"]

DEMO = Path(__file__).with_name("demo.toml")  # a minute of radon and its progeny
_MAX_REPLAY = 10**8  # counts: their order is held in memory, 4 bytes each


def load(path, calibration=None, name=None):
    """The source in the file `path`: a measured spectrum (dorn.files.KINDS), a list of events (.csv with the columns
    `time_us,detector,energy_kev`) or .toml (a scenario, see scenario.py). Raises SourceError, in one line that names
    file, field and value.

    `calibration`: (offset_kev, kev_per_channel), replaces the one stored in the file: E at the centre of channel c is
    offset + kev_per_channel * c. The stored one is not checked, and many files carry a wrong one. `name`: which of
    several spectra in the file.
    """
    suffix = Path(path).suffix.lower()
    others = {"calibration": calibration and "{:g},{:g}".format(*calibration), "spectrum": name}
    if suffix == ".toml":
        return _without(others, ScenarioSource.load(path))
    if suffix == ".csv":
        events = csv_file.events(path, DETECTORS)
        if events is not None:
            return _without(others, EventSource(path, *events))
    return _spectrum(path, spectrum.one_of(path, spectrum.read(path), name), calibration)


def _without(others, source):
    """The source, to which other settings than a calibration apply."""
    for field, value in others.items():
        if value is not None:
            raise SourceError.at(source.path, field, "only a measured spectrum takes one", value)
    return source


def parse_calibration(text, option="--calibration"):
    """(offset_kev, kev_per_channel) from "OFFSET_KEV,KEV_PER_CHANNEL" of an option. Raises SourceError if it is
    invalid."""
    words = text.split(",")
    if len(words) != 2:
        raise SourceError.at(option, "OFFSET_KEV,KEV_PER_CHANNEL", "two numbers expected", text)
    offset_kev = number(words[0].strip(), option, "OFFSET_KEV")
    return offset_kev, above_zero(words[1].strip(), option, "KEV_PER_CHANNEL")


class SpectrumSource(Source):
    """A measured spectrum: counts and energies of its channels.

    A particle's channel is drawn according to the counts, and its energy uniformly within the channel, which
    undoes the binning without adding width beyond the channel's. Its detector is one of the 16, at random.
    """

    kind = "spectrum"

    def __init__(self, path, energies_kev, low_kev, high_kev, counts, live_s=None, real_s=None):
        super().__init__(path)
        self.energies_kev = energies_kev  # float64, of the centre of each channel
        self.low_kev, self.high_kev = low_kev, high_kev  # float64, of its edges
        self.counts = counts  # int64
        self.total = int(counts.sum())
        if not self.total:
            raise SourceError.at(path, "counts", "all 0")
        self.rate_cps = self.total / live_s if live_s else None
        self.duration_s = real_s
        self.mixture = Mixture()
        for low, high, weight in zip(low_kev.tolist(), high_kev.tolist(), counts.tolist(), strict=True):
            self.mixture.add(weight, low, high)

    def plan(self, rate_cps=None, duration_s=None, replay=False):
        """As for every source; a replay lasts until all counts are played at the rate."""
        if replay and duration_s is not None:
            raise UserError(f"duration_s: a replay lasts until every count has been played ({duration_s:g})")
        if replay and self.total > _MAX_REPLAY:
            raise SourceError.at(self.path, "counts", f"more than {_MAX_REPLAY} to replay", self.total)
        rate_cps = self.rate_cps if rate_cps is None else rate_cps
        if replay and rate_cps:
            duration_s = self.total / abs(rate_cps)
        return super().plan(rate_cps, duration_s)

    def particles(self, rate_cps=None, duration_s=None, seed=0, spacing="poisson", replay=False):
        """As for every source. `replay`: every count exactly once, in random order; its energy is uniform within its
        channel or, with `at_centres`, that of the centre. Channels narrower than the instrument's, at their centres,
        make a comb: some of its channels contain more of the centres than their neighbours."""
        if not replay:
            return super().particles(rate_cps, duration_s, seed, spacing)
        rate_cps, _ = self.plan(rate_cps, duration_s, replay)
        return rows(self._replay(arrivals(rate_cps, seed, spacing, COLUMNS), seed))

    def _replay(self, chunks, seed):
        low_kev, width_kev = self.low_kev, self.high_kev - self.low_kev
        if self.at_centres:
            low_kev, width_kev = self.energies_kev, 0.0 * width_kev
        channels = np.repeat(np.arange(len(self.counts), dtype=np.int32), self.counts)
        np.random.Generator(np.random.PCG64([seed, 1])).shuffle(channels)  # independent of the arrival times
        done = 0
        for times_ns, uniforms in chunks:
            part = channels[done : done + len(times_ns)]
            done += len(part)
            detectors = (uniforms[: len(part), 1] * DETECTORS).astype(int)
            energies_kev = low_kev[part] + uniforms[: len(part), 2] * width_kev[part]
            yield times_ns[: len(part)], detectors, np.maximum(energies_kev, 0.0)
            if done == len(channels):
                return


class EventSource(Source):
    """A list of events, played unchanged: seed and spacing have no effect. Rows with the same time are one
    particle in several detectors. A duration ends the list early, or keeps the instrument counting after the
    last event."""

    kind = "events"

    def __init__(self, path, times_ns, detectors, energies_kev):
        super().__init__(path)
        self.times_ns, self.detectors, self.energies_kev = times_ns, detectors, energies_kev
        self.duration_s = (times_ns[-1] + 1) / 1e9

    def plan(self, rate_cps=None, duration_s=None, replay=False) -> tuple:
        """(None, duration_s): a list of events has its own times. Raises UserError if a rate is requested."""
        if rate_cps is not None:
            raise UserError(f"rate_cps: a list of events has its own times ({rate_cps:g})")
        return None, super().plan(1, duration_s, replay)[1]

    def particles(self, rate_cps=None, duration_s=None, seed=0, spacing="poisson", replay=False):
        """As for every source."""
        _, duration_s = self.plan(rate_cps, duration_s, replay)
        kept = int(np.searchsorted(self.times_ns, duration_s * 1e9))
        return zip(self.times_ns[:kept], self.detectors, self.energies_kev, strict=False)

    def pulses(self, rate_cps=None, duration_s=None, seed=0, spacing="poisson"):
        """As for every source."""
        _, duration_s = self.plan(rate_cps, duration_s)
        kept = int(np.searchsorted(self.times_ns, duration_s * 1e9))
        return iter([tuple(np.array(column[:kept]) for column in (self.times_ns, self.detectors, self.energies_kev))])


def endless(source):
    """Repeat a source endlessly, each time with a new seed, as (time_ns, detector, energy_kev)."""
    rate_cps, duration_s = source.plan()
    begin_ns = seed = 0
    while True:
        for time_ns, detector, energy_kev in source.particles(rate_cps, duration_s, seed):
            yield begin_ns + time_ns, detector, energy_kev
        begin_ns += int(duration_s * 1e9)
        seed += 1


def _spectrum(path, one, calibration):
    if one.in_kev:
        if calibration is not None:
            what = "the file has energies; only a spectrum in channels takes one"
            raise SourceError.at(path, "calibration", what, "{:g},{:g}".format(*calibration))
        energies_kev, edges_kev = one.centres, one.edges
    else:
        terms = one.coefficients if calibration is None else calibration
        of = np.polynomial.polynomial.polyval
        energies_kev, edges_kev = (of(at, terms or (0,)) for at in (one.centres, one.edges))
        if not np.isfinite(edges_kev).all() or not (np.diff(edges_kev) > 0).all():
            what = "energies do not increase" if terms else one.uncalibrated()
            what += "; give --calibration OFFSET_KEV,KEV_PER_CHANNEL"
            stored = one.calibration_text
            if stored and not terms and "calibration" not in one.faults:
                stored += " stands for none"
            raise SourceError.at(path, "calibration", what, stored or None)
    source = SpectrumSource(path, energies_kev, edges_kev[:-1], edges_kev[1:], one.counts, one.live_s, one.real_s)
    source.notes, source.untimed = one.notes, one.faults.get("times", "")
    return source
