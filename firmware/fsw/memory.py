# The longest arrays of all, made by main.py before the code is imported: behind it no gap of the heap is as long.
from array import array

from fsw import icd
from micropython import const

_LISTED = const(512)  # of four classes, PART of the kernel each

singles = array("H", bytes(2 * icd.DETECTORS * icd.CHANNELS))  # spectra of the detectors
pairs = array("H", bytes(2 * icd.UNITS * icd.COINCIDENCE_CHANNELS))  # coincidence spectra
stored = bytearray(4096)  # packets on their way to flash
closed = array("H", bytes(2 * icd.CHANNELS))  # the spectrum that is sent
listed = array("H", bytes(2 * _LISTED))  # the event list
