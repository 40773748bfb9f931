"""Packets received from a target, all from one instrument."""

from __future__ import annotations

from collections.abc import Iterator

from dorn.dictionary import Dictionary, Packet, PacketError
from dorn.link import frames
from dorn.link.identity import Identity
from dorn.targets import OtherInstrument, Target

# times of requests after a new connection: the first after the maintenance window of a board that restarts; interval
_FIRST_S, _INTERVAL_S = 8.0, 2.0

Arrived = tuple[bytes, Packet | None]  # octets; decoded packet, None if that is not possible


class Receiver:
    """Deframes and decodes. After a new connection, packets are held until one shows that it is the same instrument."""

    def __init__(self, target: Target, dictionary: Dictionary):
        self._target, self._dictionary = target, dictionary
        self._deframer = frames.Deframer()
        self._identity = Identity(dictionary)
        self._connection = target.connection
        self._held: list[Arrived] | None = None
        self._ask_us = 0

    @property
    def crc_errors(self) -> int:
        """Damaged frames."""
        return self._deframer.crc_errors

    @property
    def good(self) -> int:
        """Number of frames with a packet."""
        return self._deframer.good

    @property
    def recognised(self) -> bool:
        """Whether the instrument is known to be the same as before."""
        return self._held is None

    def asks(self) -> bool:
        """Whether it is time to request housekeeping, which identifies the instrument."""
        asks = self._held is not None and self._target.now_us >= self._ask_us
        if asks:
            self._ask_us = self._target.now_us + round(_INTERVAL_S * 1e6)
        return asks

    def packets(self) -> Iterator[Arrived]:
        """Packets that have arrived. Raises OtherInstrument at the first packet from another instrument, and drops the
        packets held."""
        while True:
            data = self._target.receive()
            if self._target.connection != self._connection:
                self._connection = self._target.connection
                if self._identity.unique_id is not None:
                    self._held = []
                    self._ask_us = self._target.now_us + round(_FIRST_S * 1e6)
            for octets in self._deframer.feed(data):
                yield from self._recognised(octets)
            if self._connection == self._target.connections:
                return

    def _recognised(self, octets: bytes) -> list[Arrived]:
        """The packets now known to come from the instrument: this one, and any held before it."""
        try:
            packet = self._dictionary.decode(octets)
        except PacketError:
            packet = None
        ours = self._identity.matches(packet) if packet else None
        if ours is False:
            self._held = [] if self._held is not None else None
            raise OtherInstrument(
                f"target {self._target.name}: another instrument answers, not board {self._identity.unique_id:016x}"
            )
        if self._held is None:
            return [(octets, packet)]
        self._held.append((octets, packet))
        if not ours:
            return []
        held, self._held = self._held, None
        return held
