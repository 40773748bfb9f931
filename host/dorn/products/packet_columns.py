"""All packets of an archive as columns, for array formats."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass

import numpy as np

from dorn.dictionary import Layout
from dorn.dictionary.columns import AllColumns
from dorn.dictionary.headers import LAST_COUNT
from dorn.link.archive import Archive


@dataclass(frozen=True, eq=False)
class PacketColumns:
    """The n packets of a layout that have the length it requires, sorted by origin and on-board time."""

    layout: Layout
    origin: np.ndarray  # uint16[n]
    time_s: np.ndarray  # float64[n], on-board time of the packets
    sequence: np.ndarray  # uint16[n]
    fields: dict[str, np.ndarray]  # field -> its values, [n] or [n, length]; without arrays of variable length


def packet_columns(archive: Archive, names: Iterable[str] | None = None) -> dict[str, PacketColumns]:
    """Layout -> its packets. names: only these layouts."""
    layouts = archive.dictionary.telemetry
    if names is not None:
        layouts = {name: layouts[name] for name in names}
    columns = AllColumns(layouts.values())
    parts: dict[str, list[tuple[np.ndarray, np.ndarray]]] = {}
    for part in archive.parts(None if names is None else {layout.kind for layout in layouts.values()}):
        octets = np.frombuffer(part.data, np.uint8)
        for name, (of, rows) in columns.all(part.index["kind"], octets, part.starts, part.ends).items():
            parts.setdefault(name, []).append((part.index[["origin", "stamp"]][of], rows))
    found = {}
    for name in sorted(parts):
        index, rows = (np.concatenate(pieces) for pieces in zip(*parts[name], strict=True))
        native = {field: rows[field].astype(rows[field].dtype.newbyteorder("=")) for field in rows.dtype.names or ()}
        times_s = (index["stamp"] >> np.uint64(16)) / 65536
        sequence = (index["stamp"].astype(np.int64) & LAST_COUNT).astype(np.uint16)
        found[name] = PacketColumns(layouts[name], index["origin"].copy(), times_s, sequence, native)
    return found
