"""What packets contain: spectra summed over integrations, counts between rates packets, the last housekeeping."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Mapping

import numpy as np

from dorn.dictionary import Dictionary, PacketError
from dorn.dictionary.columns import AllColumns
from dorn.link.archive import Part
from dorn.products import events
from dorn.products.rates import Counts, Rates, Totals
from dorn.products.running import Running
from dorn.products.slices import Slices, States
from dorn.products.spectra import LAYOUTS, Spectra, Spectrum

SLICE_S = 600.0


class Accumulator:
    """Decodes the packets of parts of archives, by columns.

    not_understood: fault (of the first such packet of a layout) -> number of intact packets that the dictionary does
    not define, or whose values it does not allow; only the tables of packets include them. housekeeping: fields of the
    latest packet, None without one. slices: see dorn.products.slices.
    """

    def __init__(
        self,
        dictionary: Dictionary,
        slice_s: float = SLICE_S,
        states: States | None = None,
        listed: events.Events | None = None,
        cuts_us: Mapping[int, np.ndarray] | None = None,
    ):
        """slice_s, cuts_us: as for Slices. states, listed: take readings and event lists; None: they are left out."""
        self.dictionary = dictionary
        self.instrument = dictionary.instrument
        self.boards = dictionary.texts["board"]
        self.housekeeping: dict | None = None
        self.not_understood: Counter[str] = Counter()
        self._faults: dict[int, str] = {}  # kind -> fault of its first packet
        self._latest = -1  # time stamp of the housekeeping
        self._events = dictionary.enums["event"]
        self._columns = AllColumns(dictionary.telemetry.values())
        self.slices = Slices(slice_s, cuts_us)
        self._states = states
        self._spectra = Spectra(dictionary, self.slices)
        self._counts = Counts()
        self._listed = listed

    def add(self, part: Part) -> None:
        """Add packets, sorted by origin and time."""
        octets = np.frombuffer(part.data, np.uint8)
        understood = np.zeros(len(part.index), bool)
        found = {}
        for name, (of, rows) in self._columns.all(part.index["kind"], octets, part.starts, part.ends).items():
            valid = np.ones(len(of), bool)
            if name in LAYOUTS:
                valid = self._spectra.add(name, rows, part.index["origin"][of], part.data, part.ends[of])
            elif name == events.LAYOUT and self._listed:
                valid = self._listed.add(rows, part.index["origin"][of], part.data, part.ends[of])
            found[name] = of[valid], rows[valid]
            understood[of[valid]] = True
        nothing = np.zeros(0, np.int64), None
        of, rows = found.get("rates", nothing)
        self._counts.add(part.index, self._marks(found), of, rows)
        of, rows = found.get("housekeeping", nothing)
        if len(of):
            self._take_housekeeping(part, of)
        if len(of) and self._states:
            self._states.add_housekeeping(part.index[of], rows)
        of, rows = found.get("line_rates", nothing)
        if len(of) and self._states:
            self._states.add_line_rates(part.index[of], rows)
        of, rows = found.get("event_info", nothing)
        if len(of) and self._states:
            loaded = rows["event"] == self._events["table_loaded"]
            self._states.add_table(part.index[of[loaded]], rows["a"][loaded])
        for at in np.flatnonzero(~understood).tolist():
            self._note(part, at)

    def _marks(self, found: dict) -> list[tuple[int, int, bool]]:
        """(position, boot count or -1, whether the counters restart here) of the packets that report this, in order."""
        marks = []
        if "housekeeping" in found:
            of, rows = found["housekeeping"]
            marks = [(at, count, False) for at, count in zip(of.tolist(), rows["boot_count"].tolist(), strict=True)]
        if "event_info" in found:
            of, rows = found["event_info"]
            columns = (column.tolist() for column in (of, rows["event"], rows["a"]))
            for at, event, a in zip(*columns, strict=True):
                if event in (self._events["booted"], self._events["cleared"]):
                    marks.append((at, a if event == self._events["booted"] else -1, True))
        return sorted(marks)

    def _take_housekeeping(self, part: Part, of: np.ndarray) -> None:
        stamps = part.index["stamp"][of]
        at = int(of[np.argmax(stamps)])
        if int(stamps.max()) > self._latest:
            self._latest = int(stamps.max())
            self.housekeeping = self.dictionary.decode(part.data[part.starts[at] : part.ends[at]]).fields

    def _note(self, part: Part, at: int) -> None:
        """Count a packet that is not understood."""
        octets = part.data[part.starts[at] : part.ends[at]]
        kind = int.from_bytes(octets[7:9], "big")
        if kind not in self._faults:
            try:
                packet = self.dictionary.decode(octets)
                self._faults[kind] = f"{packet.name}: values not valid for this instrument"
            except PacketError as error:
                self._faults[kind] = str(error)
        self.not_understood[self._faults[kind]] += 1

    @property
    def running(self) -> dict[int, Running]:
        """Spectrum number, as in dorn.products.slices -> latest copy of its integration, if that continues."""
        return self._spectra.running.all()

    @property
    def resets(self) -> int:
        """Resets of the instruments while they sent these packets."""
        return self._counts.resets

    @property
    def incomplete_spectra(self) -> int:
        """Integrations, counted per spectrum, in which channels with counts are missing."""
        return self._spectra.incomplete

    def all_spectra(self) -> dict[tuple[str, int], Spectrum]:
        """(class, detector or unit) -> Spectrum, including incomplete integrations as far as received."""
        return self._spectra.all()

    def spectra_so_far(self) -> dict[tuple[str, int], Spectrum]:
        """The same, while packets may still follow."""
        return self._spectra.so_far()

    def rates(self) -> Rates:
        """Counts from one rates packet to the next, sorted by origin and time."""
        return self._counts.rates()

    def rates_in_parts(self) -> Iterator[Rates]:
        """The same as `rates`, a few intervals at a time."""
        return self._counts.parts()

    def new_rates(self) -> list[Rates]:
        """The counts added since the last call, which are not kept: the three methods around no longer have them."""
        return self._counts.take()

    def totals(self) -> Totals | None:
        """Counts of all intervals combined; None without a rates packet."""
        return self._counts.totals()
