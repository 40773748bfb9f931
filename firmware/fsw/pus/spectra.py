# ST[128] spectra: closes one spectrum at a time and sends the range of its channels that has counts. Spectra of a
# checkpoint from before a reset come first, and copies of running spectra, sent on request, last.
from fsw import icd, memory
from fsw.health.faults import Refused
from fsw.link import compression
from micropython import const

_RAW = const(256)  # maximum channels in an uncoded packet; a coded one is never longer
_ALL = const(0xFFFFFF)  # mask of the 24 spectra
_TIMEOUT_US = const(5_000_000)  # wait for link and packet store; then whichever has room gets the packet


class Spectra:
    """compression: 1: data are coded where this makes the packet shorter (icd.toml, [about.coding]); 0: never"""

    def __init__(self, acquisition, checkpoint, modes, parameters, telemetry, link):
        self._acquisition = acquisition
        self._checkpoint = checkpoint
        self._modes = modes
        self._requested = 0  # mask of the spectra to be sent in their current state
        self._since_us = 0  # last time with room, or with nothing to send
        self._telemetry = telemetry
        self._link = link
        self._copy = memory.closed
        self._spectrum = None  # number of the spectrum in the copy
        self._next = self._last = 0  # channels still to be sent
        self._coded = bytearray(2 * _RAW + 2)  # compression leaves the last two unused
        self._cleared = 0
        self.compression = 1
        parameters.bind(icd.P_COMPRESSION, 1, self, "compression", 1)

    def check(self, subtype, spectra):
        if not 0 < spectra <= _ALL:
            raise Refused(icd.FAILURE_OUT_OF_RANGE, spectra)
        if not self._acquisition.running:
            raise Refused(icd.FAILURE_WRONG_MODE, self._modes.mode)

    def execute(self, subtype, spectra):
        self._requested |= spectra

    def wanted(self):
        """Return true if a spectrum is to be closed, or a packet can be sent. Must not allocate: polled while idle."""
        if self._spectrum is None:
            return self._acquisition.to_close() is not None
        return self._room()

    def _room(self):
        return self._link.room() and self._telemetry.store.room()

    def closing(self):
        """Return whether closed spectra are still to be sent."""
        return self._spectrum is not None or self._checkpoint.to_send or self._acquisition.to_close() is not None

    def step(self, now):
        """Send at most one packet; return true if there is more to send and room for it."""
        s = self._spectrum
        if self._cleared != self._acquisition.cleared:  # the copy predates the clear
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
                elif self._requested and self._acquisition.running:
                    s = 0
                    while not self._requested >> s & 1:
                        s += 1
                    self._requested &= ~(1 << s)
                    about = self._acquisition.copy(s, self._copy)
            if s is None:
                self._requested = 0
                return False
            self._about, self._next, self._last = about
            if self._next > self._last:  # empty: send one packet without channels
                self._next, self._last = 0, -1
            else:  # whole blocks; channels outside the range are zero
                self._next, self._last = self._next & -compression.BLOCK, self._last | compression.BLOCK - 1
            self._spectrum = s
            return self._room()  # closing and sending in one step would delay emptying the rings
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
        self._telemetry.end(closed_by != icd.CLOSED_BY_RUNNING)
        self._next += count
        if self._next > self._last:
            self._spectrum = None
        return True

    def _encode(self, count):
        """Encode as many of the next `count` channels as fit into a packet; return (channels, coding, octets)."""
        if count and self.compression:
            coded, octets = compression.encode(self._copy, self._next, count, 16, self._coded)
            if octets < 2 * coded:
                return coded, icd.CODING_CCSDS121, octets
        count = min(count, _RAW)
        return count, icd.CODING_RAW, 2 * count
