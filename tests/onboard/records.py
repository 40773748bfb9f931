# Telemetry packets with record numbers, as in the packet store.
from fsw.link import frame

_HEADER, _TIME = 19, 13  # octets before the record number, and before the time
_CRC = 4
_FILL = bytes(14 * n & 0xFF for n in range(128 + 600))  # enough zeros that a frame is 7 octets longer, never 8


def packet(record, time=0, octets=40):
    """time: on-board time, 2^-16 s."""
    data = bytes([7]) * _TIME + time.to_bytes(6, "big") + record.to_bytes(4, "big")
    begin = record & 0x7F
    return data + _FILL[begin : begin + octets - len(data)]


def framed(record, time=0, octets=40):
    data = bytearray(packet(record, time, octets)) + bytes(_CRC)
    out = bytearray(frame.size(octets))
    return bytes(out[: frame.encode(data, octets, out)])


def damaged(record, time=0, octets=40):
    """The frame of the packet, with one wrong octet."""
    data = bytearray(framed(record, time, octets))
    data[-10] ^= 0x40
    return bytes(data)


def record_of(packet):
    return int.from_bytes(packet[_HEADER : _HEADER + 4], "big")


def write(segments, first, frames, count=0):
    """Write a segment and list it as the last one. count: number of records before it."""
    with segments.create(first, count) as file:
        for octets in frames:
            file.write(octets)
    segments.numbers.append(first)
    segments.bytes += segments.size(first)
