"""Archives: files of space packets (CCSDS 133.0-B) back to back, as ccsdspy and other tools read them.

An archive is read twice: once to find its packets and to order them by their own fields, and once in that order. So
nothing depends on the order of the packets in the file. The index takes about 30 octets per packet.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Self

import numpy as np

from dorn.dictionary import Dictionary, Packet, PacketError
from dorn.dictionary.headers import PRIMARY_HEADER, size
from dorn.link import order
from dorn.link.boundaries import CHUNK, Boundaries
from dorn.link.index import INDEX, Indexer
from dorn.link.inputs import STDIN, ArchiveError, Inputs

__all__ = ["NAME", "STDIN", "Archive", "ArchiveError", "Part", "read"]

NAME = "telemetry.ccsds"  # in the folder of a run
_SEARCHED = 1 << 24  # octets without a packet after which an input is refused
_PART = 1 << 21  # octets of packets decoded together
_CHANCE = 100  # minimum number of packets per conflict for conflicts to be attributed to chance


def read(path: Path | str) -> Iterator[bytes]:
    """Yield the packets of an intact archive of any mission. Raises ArchiveError naming file and offset."""
    yield from split(Path(path).read_bytes(), str(path))


def split(data: bytes, name: str = "data") -> Iterator[bytes]:
    """Yield intact packets of any mission that are back to back. Raises ArchiveError naming the offset."""
    at = 0
    while at < len(data):
        if data[at] >> 5:
            raise ArchiveError(
                f"{name}: offset {at}: {data[at]:#04x} does not start a space packet (version {data[at] >> 5})"
            )
        if len(data) - at < PRIMARY_HEADER:
            raise ArchiveError(f"{name}: offset {at}: the file ends within a packet header")
        end = at + size(data[at : at + PRIMARY_HEADER])
        if end > len(data):
            raise ArchiveError(f"{name}: offset {at}: a packet of {end - at} octets, the file has {len(data) - at}")
        yield data[at:end]
        at = end


@dataclass
class Part:
    """Some packets of an archive, in order: packet n is data[starts[n]:ends[n]], its row of the index, index[n]."""

    data: bytes
    starts: np.ndarray  # int64[n]
    ends: np.ndarray  # int64[n]
    index: np.ndarray  # INDEX[n]


class Archive:
    """The packets of one instrument, or of several, in one archive or several; a context manager.

    Packets are grouped by origin; within an origin they are sorted by on-board time and sequence count. A packet
    that was sent again, or is in two archives, is identical to the bit and counts once.

    octets: number read. repeated: number of packets that were there before. index: INDEX[packets]. skipped: what is not
    an intact packet of this instrument. sequence_gaps: number of places where the sequence count does not increase by
    one. conflicts: number of record numbers that two different packets have. unique_ids: origin -> unique id of its
    board, where known. has_housekeeping: whether there was housekeeping, with which the dictionary is checked.
    """

    def __init__(
        self,
        dictionary: Dictionary,
        *paths: Path | str,
        since: int = 0,
        most: int | None = None,
        chunk: int = CHUNK,
        progress: Callable[[int], object] | None = None,
    ):
        """paths: archives, STDIN for standard input. since: offset in the first one at which to start. most: maximum
        octets of each to read, approximately; None: all. chunk: octets read at once. progress(octets) is called
        whenever octets are read, here and when `parts` yields all packets.

        Raises ArchiveError if a file cannot be read, was made with another dictionary, or has packets of two boards
        that cannot be told apart.
        """
        self.dictionary = dictionary
        self._progress = progress or (lambda octets: None)
        self._inputs = Inputs()
        self._chunk = chunk
        try:
            self._read(paths, since, most)
        except BaseException:
            self.close()
            raise

    def _read(self, paths: tuple[Path | str, ...], since: int, most: int | None) -> None:
        boundaries = Boundaries(self.dictionary.mission, self._chunk)
        self.skipped = boundaries.skipped
        indexer = Indexer(self.dictionary)
        self.octets = 0
        found = [np.zeros(0, INDEX)]
        begin = 0
        self._inputs.check(paths)
        for path in paths:
            stream = self._inputs.add(path, begin, since)
            n, packets, foreign = 0, len(found), sum(self.skipped.foreign.values())
            for chunk in boundaries.of(stream):
                if chunk.starts:
                    try:
                        found.append(indexer.index(chunk, begin))
                    except ArchiveError as error:
                        raise ArchiveError(f"{path}: {error}") from None
                others = sum(self.skipped.foreign.values()) - foreign
                if chunk.offset > _SEARCHED and len(found) == packets and not others:
                    raise ArchiveError(f"{path}: not an archive: no packet in its first {chunk.offset} octets")
                self._progress(chunk.offset + len(chunk.data) - n)
                n = chunk.offset + len(chunk.data)
                if most is not None and n >= most:
                    break
            self.octets += n
            begin += n + 1  # so that packets of two files never touch
            since = 0
        self.has_housekeeping, self.unique_ids = indexer.has_housekeeping, indexer.unique_ids
        index = np.concatenate(found)
        del found
        n = len(index)
        index = order.with_origins(index, self._octets)
        self.index = order.in_order(index, self._octets)
        self.repeated = n - len(self.index)
        self.sequence_gaps = order.gaps(self.index)
        self.conflicts = self._conflicts()

    def _conflicts(self) -> int:
        """Count the record numbers shared by two packets of an origin. One damaged packet in 65 536 has a valid CRC; an
        instrument whose flash cannot be written may repeat numbers.

        Raises ArchiveError if there are many, unless the packets are known to come from one board: two instruments draw
        the same origin once in 65 535 cases.
        """
        origins, n = np.unique(order.conflicts(self.index), return_counts=True)
        for origin, conflicts in zip(origins.tolist(), n.tolist(), strict=True):
            if origin not in self.unique_ids and _CHANCE * conflicts > (self.index["origin"] == origin).sum():
                raise ArchiveError(
                    f"origin {origin}: {conflicts} record numbers have two different packets, and no packet names the"
                    " board: if these are two instruments, decode their archives separately"
                )
        return int(n.sum())

    def __len__(self) -> int:
        return len(self.index)

    def parts(self, kinds: Iterable[int] | None = None, at_once: int = _PART) -> Iterator[Part]:
        """Yield the packets in order, in parts of `at_once` octets. kinds: only these services and subtypes."""
        chosen = self.index if kinds is None else self.index[np.isin(self.index["kind"], list(kinds))]
        octets = chosen["octets"].astype(np.int64)
        until = np.cumsum(octets)
        at = 0
        while at < len(chosen):
            reached = until[at] - octets[at]
            end = max(int(np.searchsorted(until, reached + at_once, "right")), at + 1)
            index = chosen[at:end]
            if kinds is None:
                self._progress(int(until[end - 1] - reached))
            yield self.part(index)
            at = end

    def part(self, index: np.ndarray) -> Part:
        """The packets of these rows of the index."""
        ends = np.cumsum(index["octets"], dtype=np.int64)
        return Part(self._octets_of(index), ends - index["octets"], ends, index)

    def _octets(self, row: np.void) -> bytes:
        return self._inputs.read(int(row["offset"]), int(row["octets"]))

    def _octets_of(self, index: np.ndarray) -> bytes:
        """The packets of these rows, back to back; packets adjacent in the archive are read at once."""
        begin, end = index["offset"], index["offset"] + index["octets"]
        breaks = np.flatnonzero(begin[1:] != end[:-1]) + 1
        firsts, lasts = [0, *breaks.tolist()], [*(breaks - 1).tolist(), -1]
        runs = zip(begin[firsts].tolist(), end[lasts].tolist(), strict=True)
        return b"".join([self._inputs.read(first, last - first) for first, last in runs])

    def packets(self) -> Iterator[Packet]:
        """Yield the packets that the dictionary defines, decoded one by one, in order."""
        for part in self.parts():
            for start, end in zip(part.starts.tolist(), part.ends.tolist(), strict=True):
                try:
                    yield self.dictionary.decode(part.data[start:end])
                except PacketError:
                    continue

    def close(self) -> None:
        self._inputs.close()

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *exc_info: object) -> None:
        self.close()
