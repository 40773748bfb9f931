# Checkpoints: save the spectra of the running integration to flash, one spectrum per step. After a reset they are
# closed from there, as parts of an integration ended by the reset; counts since the checkpoint are lost.
import os
from binascii import crc32
from struct import calcsize, pack, unpack

from fsw import icd, memory
from fsw.spectra.channels import clear
from micropython import const

_HEADER = ">BIQQQIHH"  # spectrum, integration, began, real time, live time, total, first and last channel with counts
_CRC = const(4)  # octets; covers header and counts, the latter in the byte order of the processor
_SPECTRA = const(24)
_IDLE = const(25)
_RETRY_US = const(60_000_000)


class Checkpoint:
    """period_us: interval between checkpoints; 0: none. to_send: spectra from before the reset are still to be closed.
    there: a checkpoint is on flash.
    """

    def __init__(self, folder, acquisition, report, time, failures):
        """time: OnBoardTime; report(event, a, b): sends an event report"""
        self.period_us = 0
        self._report = report
        self._time = time
        self._failures = failures
        self._closed = self._latest_us = 0
        self._path = folder + "/checkpoint"
        self._acquisition = acquisition
        self._file = None  # being read, or written
        self._next = _IDLE  # next spectrum to be written; _SPECTRA: all are written
        self._since_us = 0  # start of the last checkpoint, or last time without acquisition: the period starts here
        self._integration = 0
        self.there = self.to_send = _is_file(self._path)

    # -- after a reset -----------------------------------------------------------------------------

    def close(self, copy):
        """Read the next spectrum into `copy`, array("H"), zero outside its range.

        Return (spectrum, result as from Acquisition.close()); (None, None) at the end or at the first damaged spectrum.
        """
        file = self._file
        try:
            if not file:
                file = self._file = memory.opened(self._path, "rb")
            header = file.read(calcsize(_HEADER))
            if len(header) == calcsize(_HEADER):
                s, integration, began_us, real_us, live_us, total, first, last = unpack(_HEADER, header)
                if s < _SPECTRA and last < icd.CHANNELS:
                    clear(copy, len(copy) // 2)
                    view = memoryview(copy)[first : last + 1]
                    file.readinto(view)
                    if file.read(_CRC) == _crc(header, view):
                        self._closed += 1
                        self._latest_us = max(self._latest_us, began_us + real_us)
                        return s, ((icd.CLOSED_BY_RESET, integration, began_us, real_us, live_us, total), first, last)
        except OSError:
            pass
        self._leave()
        self.to_send = False
        missing_s = max(self._time.start_us - self._latest_us, 0) // 1_000_000 + 1
        self._report(icd.EVENT_SPECTRA_RECOVERED, self._closed, missing_s)
        return None, None

    def reached_us(self):
        """Return the on-board time at which the first spectrum ends, 0 if unknown; the others were written later."""
        try:
            with memory.opened(self._path, "rb") as file:
                _, _, began_us, real_us, _, _, _, _ = unpack(_HEADER, file.read(calcsize(_HEADER)))
                return began_us + real_us
        except (OSError, ValueError):
            return 0

    # -- while acquiring ---------------------------------------------------------------------------

    def step(self, now, closing, stored):
        """Write the next spectrum that is due; return true if there is more.

        closing: spectra of a completed integration are still to be sent: discard an unfinished checkpoint.
        stored: no packet waits to be written to flash, so all spectra sent so far are safe.
        """
        try:
            return self._step(now, closing, stored)
        except OSError as error:
            self._discard()
            self._since_us = now + max(_RETRY_US - self.period_us, 0)
            self._failures.note(error)
            return False

    def _step(self, now, closing, stored):
        a = self._acquisition
        if self.to_send:
            return False
        over = a.integration != self._integration  # that of the latest checkpoint
        if closing or not a.running or (over and self._next != _IDLE):
            self._discard()
            self._since_us = now
        if self.there and stored and not closing and (over or not a.running):
            self.there = False
            os.remove(self._path)
            return False
        if self._next == _IDLE:
            if not self.period_us or now - self._since_us < self.period_us:
                return False
            self._since_us = now
            self._integration = a.integration
            self._file = memory.opened(self._path + ".new", "wb")
            self._next = 0
        elif self._next < _SPECTRA:
            self._write(self._next)
            self._next += 1
        elif self._file:
            self._leave()
        else:  # in its own step: littlefs may compact its directory when a file is closed, and when it is renamed
            self._next = _IDLE
            os.rename(self._path + ".new", self._path)
            self.there = True
            return False
        return True

    def write(self):
        """Write a complete checkpoint at once, before a commanded reset."""
        self._leave()
        self._integration = self._acquisition.integration
        self._file = memory.opened(self._path + ".new", "wb")
        for s in range(_SPECTRA):
            self._write(s)
        self._leave()
        os.rename(self._path + ".new", self._path)

    def _discard(self):
        self._next = _IDLE
        try:
            self._leave()
        except OSError:
            pass

    def _write(self, s):
        about, first, last, spectra, at = self._acquisition.snapshot(s)
        if first > last:
            first, last = 1, 0
        header = pack(_HEADER, s, *about, first, last)
        view = memoryview(spectra)[at + first : at + last + 1]
        for part in (header, view, _crc(header, view)):
            self._file.write(part)  # pyright: ignore[reportOptionalMemberAccess] it is open

    def _leave(self):
        if self._file:
            file, self._file = self._file, None
            file.close()


def _crc(header, view):
    return crc32(view, crc32(header)).to_bytes(_CRC, "big")


def _is_file(path):
    try:
        os.stat(path)
    except OSError:
        return False
    return True
