# Space packets (CCSDS 133.0-B) with PUS-C headers (ECSS-E-ST-70-41C 7.4); layouts in icd.toml.
from struct import calcsize, pack_into, unpack_from

import micropython
from fsw import icd, memory
from fsw.health.faults import Refused
from fsw.link import frame
from micropython import const

_TM_HEADER = const(19)
_TC_HEADER = const(11)
_CRC = const(2)
_PUS_C = const(2)
_ALLOCATION = const(450)  # octets allocated for a packet, besides 1.5 times its length


def parse(packet):
    """Return service, subtype, acknowledgement flags and data of a telecommand; raises Refused if it is invalid."""
    n = len(packet)
    if n < _TC_HEADER + _CRC or (packet[4] << 8 | packet[5]) + 7 != n:
        raise Refused(icd.FAILURE_BAD_LENGTH, n)
    if crc16(packet, n):  # the CRC over a packet that includes it is zero
        raise Refused(icd.FAILURE_BAD_CRC, packet[n - 2] << 8 | packet[n - 1])
    identification, sequence = unpack_from(">HH", packet)
    if identification != 0x1800 | icd.APID or sequence >> 14 != 3 or packet[6] >> 4 != _PUS_C:
        raise Refused(icd.FAILURE_BAD_HEADER, identification)
    return packet[7], packet[8], packet[6] & 15, packet[_TC_HEADER : n - _CRC]


def cuc(seconds, fraction):
    """Convert a CUC time with a fraction in 2^-16 s to microseconds, rounded up so that it is never earlier."""
    return seconds * 1_000_000 + (fraction * 1_000_000 + 0xFFFF >> 16)


class Telemetry:
    """Builds one packet at a time and passes its frame to `link.write(view) -> bool`, which accepts all or nothing.

    `time.us()` is the on-board time in microseconds. A packet the link does not accept is counted in `dropped` and
    leaves a gap in the sequence count that is visible on ground. Packets with a priority also go to `store`, whether
    or not the link accepts them: number(priority) -> record number, or 0 if it is not to be stored; append(frame);
    room(). They carry `origin` (store/boot.py) even when not stored, so that each identifies its instrument.
    """

    def __init__(self, time, link, store, origin):
        self.taken = self.dropped = 0
        self.store = store
        self.time = time
        self._priority = 0  # priority of the current packet; 0: not to be stored
        self._origin = origin
        self._link = link
        self._buf = bytearray(icd.MAX_PACKET + frame.CRC)
        self._frame = bytearray(frame.size(icd.MAX_PACKET))
        self._n = 0
        self._sequence = 0
        self._counts = {}  # service << 8 | subtype -> message count

    def send(self, layout, *values):
        """Send a packet without arrays; False if the link did not accept it."""
        self.begin(layout, *values)
        return self.end()

    def begin(self, layout, *values):
        """Start a packet with the scalars of an icd layout. Raises ValueError if their number is wrong."""
        service, subtype, form, self._priority = layout
        if self._priority:
            values = (0, self._origin) + values  # 0: placeholder for the record number, set by end()
        if len(values) != len(form) - 1:  # MicroPython would pad with zeros
            raise ValueError
        us = self.time.us()
        seconds = us // 1000000
        pack_into(
            ">HHHBBBHHIH",
            self._buf,
            0,
            0x0800 | icd.APID,  # version 0, telemetry, with secondary header
            0xC000 | self._sequence,  # unsegmented
            0,
            _PUS_C << 4,
            service,
            subtype,
            self._counts.get(service << 8 | subtype, 0),
            icd.DESTINATION_ID,
            seconds,
            ((us - seconds * 1000000) << 16) // 1000000,  # CUC fraction, 2^-16 s
        )
        pack_into(form, self._buf, _TM_HEADER, *values)
        self._n = _TM_HEADER + calcsize(form)

    def words(self, array, first, count):
        """Append array('I')[first:first+count] as 32-bit numbers."""
        _words(array, first, count, self._buf, self._room(array, first, count, 4))

    def halves(self, array, first, count):
        """Append array('H')[first:first+count] as 16-bit numbers."""
        _halves(array, first, count, self._buf, self._room(array, first, count, 2))

    def octets(self, data):
        """Append octets."""
        at, n = self._n, len(data)
        if at + n + _CRC > icd.MAX_PACKET:
            raise ValueError
        self._buf[at : at + n] = data
        self._n = at + n

    def end(self, stored=True):
        """Close the packet, frame it and pass it to the link; False if the link did not accept it. stored: false if it
        must not be stored, even if its layout has a priority."""
        buf, n = self._buf, self._n
        key = buf[7] << 8 | buf[8]
        self._counts[key] = (self._counts.get(key, 0) + 1) & 0xFFFF
        self._sequence = (self._sequence + 1) & 0x3FFF
        record = self.store.number(self._priority) if self._priority and stored else 0
        if record:
            pack_into(">I", buf, _TM_HEADER, record)
        pack_into(">H", buf, 4, n + _CRC - 7)
        pack_into(">H", buf, n, crc16(buf, n))
        view = self._framed(n + _CRC)
        if record:
            self.store.append(view)
        return self._write(view)

    def resend(self, packet):
        """Send a complete packet again unchanged; False if the link did not accept it."""
        n = len(packet)
        self._buf[:n] = packet
        return self._write(self._framed(n))

    def _framed(self, n):
        memory.garbage[0] += _ALLOCATION + n + (n >> 1)
        return memoryview(self._frame)[: frame.encode(self._buf, n, self._frame)]

    def _write(self, view):
        if self._link.write(view):
            self.taken += 1
            return True
        self.dropped += 1
        return False

    def _room(self, array, first, count, size):
        # viper does not check bounds, so they are checked here
        at = self._n
        if at + count * size + _CRC > icd.MAX_PACKET or first < 0 or count < 0 or first + count > len(array):
            raise ValueError
        self._n = at + count * size
        return at


@micropython.viper
def crc16(buf: ptr8, n: int) -> int:
    # CRC-16/CCITT-FALSE, a byte at a time without a table
    crc = 0xFFFF
    i = 0
    while i < n:
        x = (crc >> 8) ^ buf[i]
        x ^= x >> 4
        crc = ((crc << 8) ^ (x << 12) ^ (x << 5) ^ x) & 0xFFFF
        i += 1
    return crc


@micropython.viper
def _words(src: ptr32, first: int, count: int, out: ptr8, at: int):
    i = first
    while i < first + count:
        v = src[i]
        out[at] = v >> 24
        out[at + 1] = v >> 16
        out[at + 2] = v >> 8
        out[at + 3] = v
        at += 4
        i += 1


@micropython.viper
def _halves(src: ptr16, first: int, count: int, out: ptr8, at: int):
    i = first
    while i < first + count:
        v = src[i]
        out[at] = v >> 8
        out[at + 1] = v
        at += 2
        i += 1
