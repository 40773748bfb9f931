"""The index of an archive: for each packet, its offset and the fields that determine its order.

While the index is made, the dictionary and the boards of the packets are checked.
"""

from __future__ import annotations

import numpy as np

from dorn.dictionary import Dictionary, DictionaryError
from dorn.dictionary.columns import AllColumns, gathered
from dorn.dictionary.headers import CRC, LAST_COUNT, UNSEGMENTED
from dorn.link.boundaries import Chunk
from dorn.link.inputs import ArchiveError

INDEX = np.dtype(
    [
        ("offset", np.int64),  # in the archive
        ("stamp", np.uint64),  # on-board time, 48 bits in 2^-16 s, and sequence count, 16 bits
        ("record", np.uint32),
        ("octets", np.uint16),
        ("kind", np.uint16),  # service and subtype; 0: not defined by the dictionary
        ("origin", np.uint16),
        ("booted", np.bool_),  # the event that is the first packet after a start
    ]
)
_NO_ID = 2**64 - 1  # sent by a board without a unique id
_HEADER = np.dtype(
    {
        "names": ["sequence", "version", "kind", "seconds", "fraction", "record", "origin"],
        "formats": [">u2", "u1", ">u2", ">u4", ">u2", ">u4", ">u2"],
        "offsets": [2, 6, 7, 13, 17, 19, 23],
        "itemsize": 25,
    }
)


class Indexer:
    """unique_ids: origin -> unique id of its board. has_housekeeping: whether the dictionary was checked."""

    def __init__(self, dictionary: Dictionary):
        self.unique_ids: dict[int, int] = {}
        self.has_housekeeping = False
        self._dictionary = dictionary
        self._columns = AllColumns(dictionary.telemetry.values())
        self._events = dictionary.enums["event"]

    def index(self, chunk: Chunk, begin: int) -> np.ndarray:
        """INDEX[n] of the packets of a chunk. begin: offset of its file in the archive.

        Raises ArchiveError if they were made with another dictionary, or by two boards that cannot be told apart.
        """
        starts, ends = np.array(chunk.starts), np.array(chunk.ends)
        octets = np.frombuffer(chunk.data + bytes(_HEADER.itemsize), np.uint8)
        header = gathered(octets, starts, _HEADER)
        kind = header["kind"].astype(np.uint16)
        known = (
            self._columns.defined(kind)
            & (header["sequence"] & UNSEGMENTED == UNSEGMENTED)
            & (header["version"] >> 4 == self._dictionary.mission["pus_version"])
        )
        stored = known & self._columns.stored(kind) & (ends - starts >= _HEADER.itemsize + CRC)
        index = np.zeros(len(starts), INDEX)
        index["offset"] = begin + chunk.offset + starts
        index["stamp"] = (
            header["seconds"].astype(np.uint64) << 32
            | header["fraction"].astype(np.uint64) << 16
            | header["sequence"].astype(np.uint64) & LAST_COUNT
        )
        index["octets"] = ends - starts
        index["kind"] = np.where(known, kind, 0)
        index["record"] = np.where(stored, header["record"], 0)
        index["origin"] = np.where(stored, header["origin"], 0)
        packets = index["kind"], octets, starts, ends
        self._check_dictionary(chunk, *packets)
        at, rows = self._columns.of("event_info", *packets)
        index["booted"][at] = rows["event"] == self._events["booted"]
        named = rows[rows["event"] == self._events["identified"]]
        ids = named["a"].astype(np.uint64) << np.uint64(32) | named["b"]
        self._check_boards(named["origin"].tolist(), ids.tolist())
        return index

    def _check_dictionary(self, chunk: Chunk, kinds, octets, starts, ends) -> None:
        kind = self._dictionary.telemetry["housekeeping"].kind
        at, rows = self._columns.of("housekeeping", kinds, octets, starts, ends)
        ours = at[rows["dictionary"] == self._dictionary.hash]
        for other in np.setdiff1d(np.flatnonzero(kinds == kind), ours).tolist():
            try:
                self._dictionary.check_hash(chunk.data[starts[other] : ends[other]])
            except DictionaryError as error:
                raise ArchiveError(f"offset {chunk.offset + starts[other]}: {error}") from None
        self.has_housekeeping |= len(ours) > 0
        self._check_boards(*(column.tolist() for column in (rows["origin"], rows["unique_id"])))

    def _check_boards(self, origins: list[int], unique_ids: list[int]) -> None:
        for origin, unique_id in set(zip(origins, unique_ids, strict=True)):
            if unique_id != _NO_ID and self.unique_ids.setdefault(origin, unique_id) != unique_id:
                raise ArchiveError(
                    f"origin {origin}: packets of two boards ({self.unique_ids[origin]:016x}, {unique_id:016x}):"
                    " decode their archives separately"
                )
