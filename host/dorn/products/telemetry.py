"""The public interface to received telemetry: packets, slices, rates and events as numpy arrays."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from functools import cached_property
from pathlib import Path

import numpy as np

from dorn.analysis.calibration import Calibration
from dorn.analysis.event_table import EventTable
from dorn.dictionary import Dictionary, Packet
from dorn.link import archive
from dorn.products.collection import SLICE_S, Collection
from dorn.products.rates import Rates
from dorn.products.slice_arrays import SliceArrays, slice_arrays


class Archive:
    """One archive, or several, of packets in any order (telemetry.ccsds of `dorn run` or `dorn downlink`)."""

    def __init__(self, *paths: Path | str, calibration: Path | str | None = None):
        """calibration: calibration.toml of `dorn calibrate`; without it, energies are those of the default calibration.

        Raises UserError, on the first read, if an archive cannot be read or was made with another dictionary.
        """
        self._paths, self._calibration = paths, calibration
        self._latest: Collection | None = None

    def packets(self) -> Iterator[Packet]:
        """Yield every packet, decoded one by one, sorted by origin and on-board time."""
        with archive.Archive(Dictionary.load(), *self._paths) as found:
            yield from found.packets()

    def slices(self, length_s: float = SLICE_S, cuts_s: Sequence[float] = ()) -> SliceArrays:
        """Spectra and states of the instrument over intervals of on-board time. cuts_s: ascending on-board times at
        which a slice ends and another begins."""
        collected = self._collected if length_s == SLICE_S and not cuts_s else self._collect(length_s, cuts_s)
        return slice_arrays(collected.slices, collected.states, collected.instrument, collected.calibration)

    @property
    def boards(self) -> list[str]:
        """Unique ids of the boards whose packets these are, in hexadecimal, as far as known from housekeeping."""
        return (self._latest or self._collected).boards_seen

    @property
    def faults(self) -> list[str]:
        """What is wrong with the archive, or missing in it, and with the calibration for it, one line each."""
        found = self._latest or self._collected
        missing = found.damage()
        return [*found.faults(), *([f"incomplete telemetry: {', '.join(missing)}"] if missing else [])]

    @cached_property
    def rates(self) -> Rates:
        """Counts between rates packets."""
        return self._collected.rates()

    @cached_property
    def events(self) -> EventTable:
        """Every listed event, and the windows in which events were listed."""
        return self._collected.events

    @cached_property
    def _collected(self) -> Collection:
        return self._collect(SLICE_S)

    def _collect(self, slice_s: float, cuts_s: Sequence[float] = ()) -> Collection:
        dictionary = Dictionary.load()
        calibration = self._calibration and Calibration.load(self._calibration, dictionary.instrument)
        with archive.Archive(dictionary, *self._paths) as found:
            cuts_us = np.array([round(at_s * 1e6) for at_s in cuts_s], np.int64)
            of_origins = dict.fromkeys(np.unique(found.index["origin"]).tolist(), cuts_us)
            self._latest = Collection(found, slice_s=slice_s, calibration=calibration or None, cuts_us=of_origins)
            return self._latest
