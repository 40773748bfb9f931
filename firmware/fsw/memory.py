# The longest arrays of all, made by main.py before the code is imported: behind it no gap of the heap is as long.
from array import array

from fsw import icd
from micropython import const

_LISTED = const(512)  # of four classes, PART of the kernel each
_PIECE = const(256)


def zeros(n):
    """array("H") of a multiple of 256. It grows in its place: zeros of the same length beside it might never be freed,
    as the collector takes any number that looks like their address for a reference."""
    out, piece = array("H"), array("H", bytes(2 * _PIECE))
    for _ in range(n // _PIECE):
        out.extend(piece)
    return out


singles = zeros(icd.DETECTORS * icd.CHANNELS)  # spectra of the detectors
pairs = zeros(icd.UNITS * icd.COINCIDENCE_CHANNELS)  # coincidence spectra
stored = bytearray(4096)  # packets on their way to flash
closed = zeros(icd.CHANNELS)  # the spectrum that is sent
listed = zeros(_LISTED)  # the event list
garbage = array("I", [0])  # octets since the last collection, estimated: by the executive, of a write by Parameters
