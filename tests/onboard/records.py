# Telemetry packets with record numbers, as the packet store keeps them.
from fsw.link import frame

_HEADER, _TIME = 19, 13  # octets of a packet before its record number, and before its time
_CRC = 4
_FILL = bytes(14 * n & 0xFF for n in range(128 + 600))  # often enough zero for a frame to be 6 octets longer, never 7


def packet(record, time=0, octets=40):
    """time: on board, 2^-16 s."""
    data = bytes([7]) * _TIME + time.to_bytes(6, "big") + record.to_bytes(4, "big")
    begin = record & 0x7F
    return data + _FILL[begin : begin + octets - len(data)]


def framed(record, time=0, octets=40):
    data = bytearray(packet(record, time, octets)) + bytes(_CRC)
    out = bytearray(frame.size(octets))
    return bytes(out[: frame.encode(data, octets, out)])


def damaged(record, time=0, octets=40):
    """A frame of it with an octet that is wrong."""
    data = bytearray(framed(record, time, octets))
    data[-10] ^= 0x40
    return bytes(data)


def record_of(packet):
    return int.from_bytes(packet[_HEADER : _HEADER + 4], "big")


def write(segments, first, frames, count=0):
    """A segment, listed as the last one. count: of the records before it."""
    with segments.create(first, count) as file:
        for octets in frames:
            file.write(octets)
    segments.numbers.append(first)
    segments.bytes += segments.size(first)
