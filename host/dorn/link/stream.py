"""Packets back to back on a live connection, such as TCP: cut from octets received in pieces of any size."""

from __future__ import annotations

from collections.abc import Iterator

from dorn.dictionary.codec import crc16
from dorn.dictionary.headers import PRIMARY_HEADER, size


class PacketStream:
    """Cuts out the intact packets that begin with the same two octets.

    skipped: number of runs of other octets that were skipped, each up to a possible header. offset: position in the
    stream of the first octet kept.
    """

    def __init__(self, header: bytes, longest: int):
        """header: the first two octets of every packet; longest: octets of the longest packet."""
        self.skipped = self.offset = 0
        self._header = header
        self._longest = longest
        self._kept = bytearray()

    @property
    def kept(self) -> int:
        """Number of octets kept of an incomplete packet."""
        return len(self._kept)

    def feed(self, data: bytes) -> Iterator[bytes]:
        """Yield the packets that `data` completes."""
        kept = self._kept
        kept += data
        while len(kept) >= PRIMARY_HEADER:
            octets = size(kept)
            begins = kept[:2] == self._header and octets <= self._longest
            if begins and len(kept) < octets:
                return
            if begins and not crc16(kept[:octets]):
                packet = bytes(kept[:octets])
                self._drop(octets)
                yield packet
                continue
            self.skipped += 1
            at = kept.find(self._header, 1)
            self._drop(at if at > 0 else len(kept) - 1)  # the last octet may begin a header

    def clear(self) -> None:
        """Drop an incomplete packet."""
        self._drop(len(self._kept))

    def _drop(self, octets: int) -> None:
        del self._kept[:octets]
        self.offset += octets
