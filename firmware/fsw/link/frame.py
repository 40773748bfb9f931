# Frames on the wire: a zero byte, COBS(packet + CRC-32, big-endian), a zero byte. Zero bytes occur nowhere else, so
# damage costs only the frame it hits, and stray bytes between frames cost none. COBS: Cheshire and Baker, 1999, as in
# the PyPI package `cobs`.
from binascii import crc32

import micropython
from micropython import const

CRC = const(4)  # octets


def size(n):
    """Return the maximum length of the frame of an n-octet packet, octets."""
    n += CRC
    return n + n // 254 + 3


def encode(packet, n, out):
    """Write the frame of packet[:n] to `out` and return its length; packet[n:n+4] is overwritten with the CRC."""
    packet[n : n + CRC] = crc32(memoryview(packet)[:n]).to_bytes(CRC, "big")
    return _stuff(packet, n + CRC, out)


class Deframer:
    """Extracts packets of up to `capacity` octets from a byte stream. bad: number of invalid frames."""

    def __init__(self, capacity):
        self.bad = 0
        self._capacity = capacity
        self._buf = bytearray(size(capacity) - 2)  # a frame without its zero bytes
        self._fill = 0  # greater than the length of the buffer if the frame is too long

    def feed(self, data):
        """Yield each packet that `data` completes, as a view valid until the next one."""
        buf = self._buf
        i, n = 0, len(data)
        while True:
            if self._fill == 0:  # consecutive zero bytes are an idle line
                i = _idle(data, i, n)
            end = _take(data, i, n, buf, self._fill, len(buf))
            self._fill = min(self._fill + end - i, len(buf) + 1)
            if end == n:
                return
            i = end + 1
            fill, self._fill = self._fill, 0
            n_packet = (_unstuff(buf, fill) if fill <= len(buf) else 0) - CRC
            view = memoryview(buf)
            if 0 < n_packet <= self._capacity and crc32(view[:n_packet]) == int.from_bytes(
                view[n_packet : n_packet + CRC], "big"
            ):
                yield view[:n_packet]
            else:
                self.bad += 1


@micropython.viper
def _stuff(src: ptr8, n: int, out: ptr8) -> int:
    out[0] = 0
    at = 1  # index of the code byte of the current block
    o = 2
    i = 0
    while i < n:
        if o - at == 255:  # a full block ends without a zero, and only if more follows
            out[at] = 255
            at = o
            o += 1
        b = src[i]
        if b:
            out[o] = b
        else:
            out[at] = o - at
            at = o
        o += 1
        i += 1
    out[at] = o - at
    out[o] = 0
    return o + 1


@micropython.viper
def _unstuff(buf: ptr8, n: int) -> int:
    # in place; returns -1 if a block extends beyond the end
    i = 0
    o = 0
    while i < n:
        code = buf[i]
        end = i + code
        i += 1
        if end > n:
            return -1
        while i < end:
            buf[o] = buf[i]
            o += 1
            i += 1
        if code != 255 and i < n:
            buf[o] = 0
            o += 1
    return o


@micropython.viper
def _idle(data: ptr8, i: int, n: int) -> int:
    while i < n and data[i] == 0:
        i += 1
    return i


@micropython.viper
def _take(data: ptr8, i: int, n: int, buf: ptr8, fill: int, capacity: int) -> int:
    # copies to buf[fill:] up to the zero byte; returns its index or that of the end of data
    while i < n:
        b = data[i]
        if b == 0:
            break
        if fill < capacity:
            buf[fill] = b
            fill += 1
        i += 1
    return i
