"""Which instrument is at the other end of a link."""

from __future__ import annotations

from dorn.dictionary import Dictionary, Packet

_NONE = 2**64 - 1  # sent by a board without a unique id


class Identity:
    """The unique id of the board, known from the first packet that carries it, and the origins of its packets."""

    def __init__(self, dictionary: Dictionary):
        self.unique_id: int | None = None
        self._identified = dictionary.enums["event"]["identified"]
        self._origins: set[int] = set()

    def matches(self, packet: Packet) -> bool | None:
        """Whether a packet comes from the known instrument; None if the packet does not identify one. The first packet
        that identifies an instrument makes it the known one."""
        fields = packet.fields
        origin, unique_id = fields.get("origin", 0), fields.get("unique_id")
        if fields.get("event") == self._identified:
            unique_id = fields["a"] << 32 | fields["b"]
        if unique_id in (None, _NONE):
            return origin in self._origins or None
        if self.unique_id is None:
            self.unique_id = unique_id
        if unique_id == self.unique_id and origin:
            self._origins.add(origin)  # a new origin, drawn after the loss of the boot record
        return unique_id == self.unique_id
