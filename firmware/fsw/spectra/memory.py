# The longest arrays of all, which main.py makes before the code is imported: behind it no gap of the heap is as long.
from array import array

from fsw import icd

_made = []


def spectra():
    """Of the detectors and of the coincidences, array("H") each, made once."""
    if not _made:
        _made.append(array("H", bytes(2 * icd.DETECTORS * icd.CHANNELS)))
        _made.append(array("H", bytes(2 * icd.UNITS * icd.COINCIDENCE_CHANNELS)))
    return _made
