"""Frames on the wire: a zero byte, COBS(packet + CRC-32, big-endian), a zero byte, as in `fsw/link/frame.py`."""

import zlib

from cobs import cobs

CRC = 4  # octets


def encode(packet: bytes) -> bytes:
    """Return the frame of a packet, including its zero bytes."""
    return b"\0" + cobs.encode(packet + zlib.crc32(packet).to_bytes(CRC, "big")) + b"\0"


class Deframer:
    """Extracts packets from a byte stream received in pieces of any size.

    good: frames with a packet.
    crc_errors: frames without a packet (damaged, too long, or empty), including the rest of a frame if reception starts
    in its middle. Damage affects no other frame.
    """

    def __init__(self, max_frame: int = 66_000):
        """max_frame: longest frame accepted, octets; the default accepts the longest space packet, 65 542."""
        self.good = 0
        self.crc_errors = 0
        self._max_frame = max_frame
        self._pending = bytearray()

    def feed(self, data: bytes) -> list[bytes]:
        """Return the packets that `data` completes."""
        *complete, rest = bytes(data).split(b"\0")
        packets = []
        for piece in complete:
            self._keep(piece)
            if self._pending:  # consecutive zero bytes are an idle line
                packet = self._decode()
                if packet:
                    self.good += 1
                    packets.append(packet)
                else:
                    self.crc_errors += 1
                self._pending.clear()
        self._keep(rest)
        return packets

    def _keep(self, piece: bytes) -> None:
        # one octet over the limit is enough to know that the frame is too long
        self._pending += piece[: self._max_frame + 1 - len(self._pending)]

    def _decode(self) -> bytes | None:
        if len(self._pending) > self._max_frame:
            return None
        try:
            content = cobs.decode(bytes(self._pending))
        except cobs.DecodeError:
            return None
        packet, crc = content[:-CRC], content[-CRC:]
        return packet if zlib.crc32(packet).to_bytes(CRC, "big") == crc else None
