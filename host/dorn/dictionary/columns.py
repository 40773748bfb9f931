"""Telemetry by columns: all packets of one layout in a part of an archive as one numpy array.

The decoder of single packets (`codec`) defines what a packet means; this one yields the same values, thousands at once.
"""

from __future__ import annotations

from collections.abc import Iterable

import numpy as np

from dorn.dictionary.definitions import Layout
from dorn.dictionary.headers import CRC, TM_HEADER

_TYPES = {"u8": "u1", "u16": ">u2", "u32": ">u4", "u64": ">u8"}


def gathered(octets: np.ndarray, starts: np.ndarray, dtype: np.dtype) -> np.ndarray:
    """One record of `dtype` from each start, int64[n], in octets, uint8[...]; its end must be within the octets."""
    if not dtype.itemsize:
        return np.zeros(len(starts), dtype)
    return octets[starts[:, None] + np.arange(dtype.itemsize)].view(dtype)[:, 0]


class Columns:
    """Fields of one layout: scalars and arrays of fixed length; `tails`: arrays whose length is in a scalar."""

    def __init__(self, layout: Layout):
        self.layout = layout
        fixed = [item for item in layout.fields if not isinstance(item.length, str)]
        self.tails = [item for item in layout.fields if isinstance(item.length, str)]
        self.dtype = np.dtype(
            [(item.name, _TYPES[item.type], *([(item.length,)] if item.length else [])) for item in fixed]
        )

    def of(self, octets: np.ndarray, starts: np.ndarray, ends: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
        """Take the fields from packets of this layout. octets: uint8[...]; starts, ends: int64[n], of each packet.

        Returns (rows, bool[n]: whether the packet has the length that its layout and its fields require). There is one
        row for each packet of the right length.
        """
        begin = starts + TM_HEADER
        room = ends - begin - CRC - self.dtype.itemsize
        fits = room >= 0
        rows = gathered(octets, begin[fits], self.dtype)
        wanted = np.zeros(len(rows), np.int64)
        for item in self.tails:
            wanted += rows[item.length].astype(np.int64) * item.size
        right = wanted == room[fits]
        fits[fits] = right
        return rows[right], fits


class AllColumns:
    """Columns of every layout of a dictionary. `kinds`: uint16[n], service and subtype of packets; 0 for others."""

    def __init__(self, layouts: Iterable[Layout]):
        self._by_kind = {layout.kind: Columns(layout) for layout in layouts}
        self._by_name = {columns.layout.name: columns for columns in self._by_kind.values()}
        self._defined = np.zeros(2**16, bool)
        self._stored = np.zeros(2**16, bool)
        for kind, columns in self._by_kind.items():
            self._defined[kind] = True
            self._stored[kind] = columns.layout.store_priority > 0

    def defined(self, kinds: np.ndarray) -> np.ndarray:
        """bool[n]: whether there is a layout of that kind."""
        return self._defined[kinds]

    def stored(self, kinds: np.ndarray) -> np.ndarray:
        """bool[n]: whether such packets carry a record number and an origin."""
        return self._stored[kinds]

    def of(self, name: str, kinds, octets, starts, ends) -> tuple[np.ndarray, np.ndarray]:
        """Positions of the packets of a layout, int64[n], and their columns; packets of a wrong length are left out.

        octets, starts, ends: as for Columns.of.
        """
        columns = self._by_name[name]
        at = np.flatnonzero(kinds == columns.layout.kind)
        rows, fits = columns.of(octets, starts[at], ends[at])
        return at[fits], rows

    def all(self, kinds, octets, starts, ends) -> dict[str, tuple[np.ndarray, np.ndarray]]:
        """Name of a layout -> what `of` returns, for all layouts among the packets."""
        names = [self._by_kind[kind].layout.name for kind in np.unique(kinds).tolist() if kind]
        return {name: self.of(name, kinds, octets, starts, ends) for name in names}
