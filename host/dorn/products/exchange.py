"""Content of an archive for export to other programs: spectra by phase or slice and in total, with their dates."""

from __future__ import annotations

import functools
from dataclasses import dataclass
from datetime import datetime, timedelta
from pathlib import Path

import numpy as np

from dorn.errors import UserError
from dorn.files.mca import McaFile
from dorn.files.n42 import Measurement
from dorn.link.archive import Archive
from dorn.products import run_file
from dorn.products.phases import Phase, phase_of
from dorn.products.products import Products
from dorn.products.slice_arrays import scales
from dorn.products.slices import DETECTORS, UNITS, Slice
from dorn.util.dates import utc_text

UNKNOWN = "UTC unknown: dates count on-board time from 1970-01-01"
NAMES = [f"{('front', 'back')[d % 2]}_{d}" for d in range(DETECTORS)] + [f"front_back_{u}" for u in range(UNITS)]
_SINCE_1970 = datetime(1970, 1, 1)


@dataclass(frozen=True)
class Interval:
    """A phase or a slice with spectra."""

    slice: Slice
    phase: Phase | None

    @property
    def name(self) -> str:
        """The name of the phase."""
        return self.phase.name if self.phase else "acquisition"


class Exchange:
    """The content of an archive for other programs. The archive must be open."""

    def __init__(self, products: Products, phases: list[Phase], run: dict | None, epoch: datetime | None = None):
        """products: cut at the ends of these phases. run: content of run.json. epoch: UTC of on-board time 0; None: by
        the time correlation in `run`, if there is one. Raises UserError if there are no spectra."""
        self.products, self.run, self._epoch = products, run or {}, epoch
        self.summary = products.summary(run)
        self.phases = phases
        if not len(products.slices):
            raise UserError("archive: spectra: none received, nothing to export")

    @property
    def archive(self) -> Archive:
        return self.products.archive

    @functools.cached_property
    def intervals(self) -> list[Interval]:
        """All phases or slices with spectra, sorted by origin and time."""
        found = []
        for one in self.products.slices:
            found.append(Interval(one, phase_of(self.phases, one.origin, int(one.times_us[0]))))
        return found

    def utc(self, origin: int, time_us: int) -> datetime | None:
        """UTC of an on-board time; None if unknown, as for times before the clock was set."""
        if time_us < self._set_us.get(origin, 0):
            return None
        epoch = self._epoch or run_file.epoch_of(self.run, origin)
        return epoch and epoch + timedelta(microseconds=int(time_us))

    @functools.cached_property
    def _set_us(self) -> dict[int, int]:
        """Origin -> on-board time to which its clock was last set."""
        pairs = zip(self.phases, self.phases[1:], strict=False)
        return {b.origin: b.begin_us for a, b in pairs if a.origin == b.origin and a.end_us != b.begin_us}

    def date(self, origin: int, time_us: int) -> datetime:
        """UTC; if it is unknown, on-board time counted from 1970, without a time zone."""
        return self.utc(origin, time_us) or _SINCE_1970 + timedelta(microseconds=int(time_us))

    @property
    def dates_unknown(self) -> bool:
        """Whether the date of any spectrum is not UTC."""
        return any(self.utc(one.origin, int(one.times_us[0])) is None for one in self.products.slices)

    def when(self, origin: int, first_us: int, last_us: int) -> list[str]:
        """Start and stop times as lines of text."""
        lines = [f"origin {origin}, on-board time: start {first_us / 1e6:.6f} s, stop {last_us / 1e6:.6f} s"]
        start, stop = (self.utc(origin, at_us) for at_us in (first_us, last_us))
        if start is None or stop is None:
            return [*lines, UNKNOWN]
        return [f"start {utc_text(start)}, stop {utc_text(stop)}", *lines]

    @functools.cached_property
    def about(self) -> dict[str, str]:
        """Provenance of the data."""
        run, summary = self.run, self.summary
        found = {
            "instrument": self.products.dictionary.mission["name"],
            "board": ", ".join(self.products.boards_seen) or "unknown",
            "firmware": summary["firmware_version"] or "unknown",
            "dictionary": f"{self.products.dictionary.hash:08x}",
            "target": summary["target"] or "unknown",
            "source": run.get("source") or "unknown",
            "command": run.get("command") or "unknown",
            "calibration": Path(self.products.calibration.source).name or "default",
        }
        return {name: str(value) for name, value in found.items()}

    @property
    def remarks(self) -> tuple[str, ...]:
        return tuple(f"{name}: {value}" for name, value in self.about.items())

    @functools.cached_property
    def coefficients(self) -> list[tuple[float, float, float]]:
        """For each spectrum, the terms c0, c1, c2 of the energy at a channel's midpoint."""
        found = []
        instrument = self.products.instrument
        for of_units, codes in ((False, "codes_per_channel"), (True, "codes_per_coincidence_channel")):
            wide = instrument[codes]
            scale = zip(*(s.tolist() for s in scales(self.products.calibration, instrument, of_units)), strict=True)
            found += [(kev * ((wide - 1) / 2 - zero), kev * wide, 0.0) for kev, zero in scale]
        return found

    def spectra(self, one: Slice, start: datetime, remarks: tuple[str, ...] = ()) -> list[McaFile]:
        """The spectra of a slice that were received, of detectors and units."""
        found = []
        for n, (name, terms) in enumerate(zip(NAMES, self.coefficients, strict=True)):
            if one.real_us[n]:
                counts = one.counts[n] if n < DETECTORS else one.coincidences[n - DETECTORS]
                live_s, real_s = float(one.live_us[n] / 1e6), float(one.real_us[n] / 1e6)
                found.append(McaFile(counts.astype(np.int64), 0, live_s, real_s, terms, "", name, start, remarks))
        return found

    def total(self) -> list[McaFile]:
        """The sums over the whole archive."""
        whole, spans = Slice(0, 0), {}
        whole.counts, whole.coincidences = whole.counts.astype(np.int64), whole.coincidences.astype(np.int64)
        for one in self.products.slices:
            whole.counts += one.counts
            whole.coincidences += one.coincidences
            whole.real_us += one.real_us
            whole.live_us += one.live_us
            first_us, last_us = one.times_us.tolist()
            begin_us, end_us = spans.get(one.origin, (first_us, last_us))
            spans[one.origin] = min(begin_us, first_us), max(end_us, last_us)
        when = [line for origin, span in spans.items() for line in self.when(origin, *span)]
        starts = [self.date(origin, first_us) for origin, (first_us, _) in spans.items()]
        start = min(starts, key=lambda start: start.replace(tzinfo=None))
        return self.spectra(whole, start, (*when, *self.remarks, "energies are those of the midpoint of a channel"))

    def measurements(self) -> list[Measurement]:
        """One measurement for each phase or slice."""
        found = []
        for n, interval in enumerate(self.intervals, 1):
            one = interval.slice
            first_us, last_us = one.times_us.tolist()
            start = self.date(one.origin, first_us)
            spectra = self.spectra(one, start)
            remarks = (f"phase: {interval.name}", *self.when(one.origin, first_us, last_us))
            name = f"m{n}_{interval.name.replace(' ', '_')}"
            real_s = max(spectrum.real_s or 0.0 for spectrum in spectra)
            calibrates = bool(interval.phase and interval.phase.mode == "calibration")
            found.append(Measurement(name, start, real_s, spectra, calibrates, remarks))
        return found
