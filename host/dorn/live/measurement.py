"""What the page shows of an archive, in bounded memory regardless of the archive's length."""

from __future__ import annotations

from collections import deque
from typing import NamedTuple

import numpy as np

from dorn.dictionary import Dictionary, Packet
from dorn.link.archive import Part
from dorn.live.history import History
from dorn.products.accumulator import Accumulator
from dorn.products.phases import ACQUIRING
from dorn.products.slices import CHANNELS, DETECTORS, Slice
from dorn.products.spectra import Spectrum
from dorn.products.tables import reports

SHORTEST_S = 10.0  # shortest slice
_SLICES = 512  # if there are more, slices become twice as long
_REPORTS, _MARKS = 200, 500  # number of latest ones held
BINS = 256  # energy bins of the waterfall
# event -> kind of mark in the plot of rates
_MARKED = {
    "booted": "reset",
    "mode_changed": "mode",
    "storm_begin": "storm",
    "storm_end": "storm",
    "bias_tripped": "bias",
    "detector_off": "detector",
}


class Report(NamedTuple):
    """An event report or a verification report."""

    time_s: float
    severity: str  # "info", "low", "medium", "high", or "" for verification
    name: str
    text: str


class Mark(NamedTuple):
    """Something that happened to the instrument. kind: a value of _MARKED."""

    time_s: float
    kind: str
    text: str


class Measurement:
    """Accumulates parts of archives. version: increases with each part.

    origin: that of the packets received last. history, marks and the waterfall belong to this origin; spectra are sums
    over all origins. housekeeping: fields of the latest packet, None before the first; housekeeping_s: its time.
    """

    def __init__(self, dictionary: Dictionary, slice_s: float = SHORTEST_S):
        """slice_s: initial length of slices."""
        self.dictionary = dictionary
        self.version = 0
        self.origin = 0
        self.origins: set[int] = set()
        self.time_s = 0.0
        self.housekeeping: dict | None = None
        self.housekeeping_s = 0.0
        self.reports: deque[Report] = deque(maxlen=_REPORTS)
        self.marks: deque[Mark] = deque(maxlen=_MARKS)
        self.history = History()
        self._accumulator = Accumulator(dictionary, slice_s)
        self._rows: dict[tuple[int, int], np.ndarray] = {}  # rows of the waterfall: counts[front and back, BINS]
        self._housekeeping = dictionary.telemetry["housekeeping"].kind
        self._modes = dictionary.texts["mode"]

    def add(self, part: Part) -> None:
        """Add packets, sorted by origin and time."""
        self.version += 1
        self._accumulator.add(part)
        rates, said = self._accumulator.new_rates(), list(reports(part, self.dictionary))
        for origin in dict.fromkeys(part.index["origin"].tolist()):
            self._begin(origin)
            for some in rates:
                of = some.origin == origin
                self.history.add(type(some)(*(column[of] for column in vars(some).values())))
            for report in (report for report in said if report[0] == origin):
                self._report(*report[1:])
        at = np.flatnonzero(part.index["kind"] == self._housekeeping)
        if len(at):
            packet = self.dictionary.decode(part.data[part.starts[at[-1]] : part.ends[at[-1]]])
            self.housekeeping, self.housekeeping_s = packet.fields, packet.time_s
        if len(part.index):
            self.time_s = (int(part.index["stamp"][-1]) >> 16) / 65536
        slices = self._accumulator.slices
        while len(slices) > _SLICES:
            slices.double()
            self._rows = {}

    @property
    def is_acquiring(self) -> bool:
        """According to the latest housekeeping."""
        mode = self.housekeeping and self.dictionary.texts["mode"].get(self.housekeeping["mode"])
        return mode in ACQUIRING

    def _begin(self, origin: int) -> None:
        """Another instrument, or one that has lost its boot record, has a clock of its own."""
        if origin and origin != self.origin:
            if self.origin:
                self.history = History()
                self.marks.clear()
            self.origin = origin
            self.origins.add(origin)

    def _report(self, time_s: float, packet: Packet, name: str, text: str) -> None:
        is_event = packet.name.startswith("event_")
        severity = packet.name.removeprefix("event_") if is_event else ""
        self.reports.append(Report(time_s, severity, name if is_event else packet.name, text))
        if is_event and name in _MARKED:
            text = self._modes.get(packet.fields["b"], "") if name == "mode_changed" else f"{name} {text}"
            self.marks.append(Mark(time_s, _MARKED[name], text))

    def spectra(self) -> dict[int, Spectrum]:
        """Number -> sum over all integrations received; 0 to 15: detectors, 16 to 23: units."""
        return {n + (DETECTORS if name == "front_back" else 0): one for (name, n), one in self.named_spectra().items()}

    def named_spectra(self) -> dict[tuple[str, int], Spectrum]:
        """The same spectra by class and number of detector or unit."""
        return self._accumulator.spectra_so_far()

    def running(self) -> dict[int, Spectrum]:
        """Number -> copy of a spectrum whose integration continues; `spectra` has its counts only once the integration
        has closed."""
        copies = self._accumulator.running.items()
        return {number: Spectrum(one.counts, one.real_us, one.live_us) for number, one in copies}

    def waterfall(self) -> tuple[np.ndarray, float, float]:
        """Counts of front and back detectors over time: float[slices, 2, BINS], NaN where nothing was measured; start
        of the first slice, and length of a slice, in s."""
        slices = self._accumulator.slices
        for start in slices.changed:
            self._rows[start] = _row(slices.at(start))
        slices.changed.clear()
        length_s = slices.length_us / 1e6
        starts = sorted(start_us for origin, start_us in self._rows if origin == self.origin)
        if not starts:
            return np.full((0, 2, BINS), np.nan), 0.0, length_s
        n = (starts[-1] - starts[0]) // slices.length_us + 1
        rows = np.full((min(n, 2 * _SLICES), 2, BINS), np.nan)
        first = starts[-1] - (len(rows) - 1) * slices.length_us  # setting the clock may leave years between slices
        for start_us in starts:
            if start_us >= first:
                rows[(start_us - first) // slices.length_us] = self._rows[self.origin, start_us]
        return rows, first / 1e6, length_s

    def slices_between(self, begin_s: float, end_s: float) -> tuple[dict[int, Spectrum], float, float]:
        """Spectra, like `spectra`, of the slices of this origin that overlap a period; start of the first slice,
        and end of the last one."""
        slices = self._accumulator.slices
        after_us, before_us = 1e6 * begin_s - slices.length_us, 1e6 * end_s
        starts = [s for s in slices.starts() if s[0] == self.origin and after_us < s[1] < before_us]
        found: dict[int, Spectrum] = {}
        for start in starts:
            one = slices.at(start)
            for number in np.flatnonzero(one.real_us).tolist():
                counts = one.counts[number] if number < DETECTORS else one.coincidences[number - DETECTORS]
                into = found.setdefault(number, Spectrum(np.zeros(len(counts), np.int64)))
                into.add(counts, int(one.real_us[number]), int(one.live_us[number]))
        bounds = [start_us / 1e6 for _, start_us in starts] or [begin_s, begin_s]
        return found, bounds[0], bounds[-1] + (slices.length_us / 1e6 if starts else 0.0)


def _row(one: Slice) -> np.ndarray:
    binned = one.counts.reshape(DETECTORS, BINS, CHANNELS // BINS).sum(2)
    return np.stack([binned[0::2].sum(0), binned[1::2].sum(0)]).astype(float)
