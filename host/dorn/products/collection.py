"""What an archive contains: all of its packets, decoded."""

from __future__ import annotations

from collections.abc import Mapping

import numpy as np

from dorn.analysis.calibration import Calibration
from dorn.link.archive import Archive
from dorn.products.accumulator import SLICE_S, Accumulator
from dorn.products.events import Events
from dorn.products.slices import States


class Collection(Accumulator):
    """All packets of an archive.

    packets: number of packets understood. states: see dorn.products.slices. events: EventTable of all events and
    windows listed.
    """

    def __init__(
        self,
        archive: Archive,
        housekeeping: dict | None = None,
        slice_s: float = SLICE_S,
        calibration: Calibration | None = None,
        cuts_us: Mapping[int, np.ndarray] | None = None,
    ):
        """housekeeping: fields of a packet received before, used if the archive has none. slice_s, cuts_us: as for
        Slices. calibration: defines the energies; None: the default."""
        self.archive = archive
        self.calibration = calibration or Calibration.default(archive.dictionary.instrument)
        listed = Events(self.calibration)
        self.states = States()
        super().__init__(archive.dictionary, slice_s, self.states, listed, cuts_us)
        self.housekeeping = housekeeping
        for part in archive.parts():
            self.add(part)
        self._spectra.finish()
        self.events = listed.table()
        self.packets = len(archive) - self.not_understood.total()

    @property
    def boards_seen(self) -> list[str]:
        """Unique ids of the boards that sent these packets, in hexadecimal, as far as they are known."""
        return sorted({f"{unique_id:016x}" for unique_id in self.archive.unique_ids.values()})

    def faults(self) -> list[str]:
        """What is wrong with the archive, and with the calibration for it, one line each."""
        found, calibration, lines = self.archive, self.calibration, []
        if calibration.boards and not set(calibration.boards) & set(self.boards_seen):
            seen = ", ".join(self.boards_seen) or "known here"
            lines.append(f"{calibration.source}: made for board {', '.join(calibration.boards)}, not {seen}")
        lines += [f"not understood: {packets} packets: {fault}" for fault, packets in self.not_understood.items()]
        for apid, packets in sorted(found.skipped.foreign.items()):
            lines.append(f"not of this instrument: {packets} packets of APID {apid}")
        if not found.has_housekeeping:
            lines.append("the dictionary was not checked: there is no housekeeping")
        if found.conflicts:
            lines.append(f"{found.conflicts} record numbers have two different packets")
        return lines

    def damage(self) -> list[str]:
        """What is missing, with its number, as far as the packets themselves show it."""
        numbers = {
            "damaged packets": self.archive.skipped.damaged,
            "gaps in the sequence": self.archive.sequence_gaps,
            "incomplete spectra": self.incomplete_spectra,
        }
        return [f"{n} {what}" for what, n in numbers.items() if n]
