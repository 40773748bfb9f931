# ST[128] spectra, downlink: closes one spectrum at a time and sends the range of its channels that has counts. Those
# of a checkpoint, which a reset left behind, come first.
from fsw import icd, memory
from fsw.link import compression
from micropython import const

_RAW = const(256)  # channels in a packet as they are; coded ones take as many octets at most
_TIMEOUT_US = const(5_000_000)  # link and packet store are waited for so long: a packet the one misses the other has


class Spectra:
    """compression: 1: what it makes shorter is coded (icd.toml, [about.coding]); 0: nothing"""

    def __init__(self, acquisition, checkpoint, parameters, telemetry, link):
        self._acquisition = acquisition
        self._checkpoint = checkpoint
        self._since_us = 0  # the link had room, or nothing was to be sent
        self._telemetry = telemetry
        self._link = link
        self._copy = memory.closed
        self._spectrum = None  # what is in the copy
        self._next = self._last = 0  # channels still to be sent
        self._coded = bytearray(2 * _RAW + 2)  # of which compression uses all but two
        self._cleared = 0
        self.compression = 1
        parameters.bind(icd.P_COMPRESSION, 1, self, "compression", 1)

    def wanted(self):
        """Whether a packet can be sent. Allocates nothing: it is asked while idle."""
        return self._spectrum is not None and self._room()

    def _room(self):
        return self._link.room() and self._telemetry.store.room()

    def closing(self):
        """Whether closed spectra are still to be sent."""
        return self._spectrum is not None or self._checkpoint.to_send or self._acquisition.to_close() is not None

    def step(self, now):
        """Send at most one packet. -> true if there is more to send and there is room for it"""
        s = self._spectrum
        if self._cleared != self._acquisition.cleared:  # what is left of the copy is of before
            self._cleared = self._acquisition.cleared
            s = self._spectrum = None
        if s is None:
            self._since_us = now
            if self._checkpoint.to_send:
                s, about = self._checkpoint.close(self._copy)
            else:
                s = self._acquisition.to_close()
                if s is not None:
                    about = self._acquisition.close(s, self._copy)
            if s is None:
                return False
            self._about, self._next, self._last = about
            if self._next > self._last:  # empty: one packet without channels tells so
                self._next, self._last = 0, -1
            else:  # whole blocks; what is around the counts is zero
                self._next, self._last = self._next & -compression.BLOCK, self._last | compression.BLOCK - 1
            self._spectrum = s
            return self._room()  # both at once would keep the rings waiting
        if self._room():
            self._since_us = now
        elif now - self._since_us < _TIMEOUT_US:
            return False
        count, coding, octets = self._encode(self._last - self._next + 1)
        if s < icd.DETECTORS:
            layout, number, event_class = icd.SPECTRUM, s, s & 1  # front, back
        else:
            layout, number, event_class = (
                icd.COINCIDENCE_SPECTRUM,
                s - icd.DETECTORS,
                icd.EVENT_CLASS_FRONT_BACK,
            )
        closed_by, integration, began_us, real_us, live_us, total = self._about
        self._telemetry.begin(
            layout,
            number,
            event_class,
            closed_by,
            integration,
            began_us,
            real_us,
            live_us,
            total,
            self._next,
            count,
            coding,
            octets,
        )
        if coding:
            self._telemetry.octets(memoryview(self._coded)[:octets])
        else:
            self._telemetry.halves(self._copy, self._next, count)
        self._telemetry.end()
        self._next += count
        if self._next > self._last:
            self._spectrum = None
        return True

    def _encode(self, count):
        """What of the next `count` channels goes into a packet. -> (channels, coding, octets)"""
        if count and self.compression:
            coded, octets = compression.encode(self._copy, self._next, count, 16, self._coded)
            if octets < 2 * coded:
                return coded, icd.CODING_CCSDS121, octets
        count = min(count, _RAW)
        return count, icd.CODING_RAW, 2 * count
