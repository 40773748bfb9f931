# The largest buffers, allocated by main.py before the code is imported: later no free block is large enough. Also the
# estimate of garbage, after which the executive collects it: whatever allocates much adds to it.
import gc
from array import array

from fsw import icd
from micropython import const

_LISTED = const(512)  # half-words: PART of kernel.py for each of four classes
_PIECE = const(256)
_FILE = const(1_450)  # octets allocated for a file


def zeros(n):
    """Return array("H") of n zeros, a multiple of 256. It grows in place: a temporary buffer of that length might never
    be freed, as the collector takes any number that equals its address for a reference."""
    out, piece = array("H"), array("H", bytes(2 * _PIECE))
    for _ in range(n // _PIECE):
        out.extend(piece)
    return out


singles = zeros(icd.DETECTORS * icd.CHANNELS)  # spectra of the detectors
pairs = zeros(icd.UNITS * icd.COINCIDENCE_CHANNELS)  # coincidence spectra
stored = bytearray(4096)  # packets waiting to be written to flash
closed = zeros(icd.CHANNELS)  # the spectrum being sent
listed = zeros(_LISTED)  # the event list
garbage = array("I", [0])  # allocation estimate since the last collection, octets
order = None  # everything, as nested pairs, in the order in which collect() reaches it (app.py)


def collect():
    """Collect garbage. The collector begins with the names of the module whose function called it: here `order`."""
    gc.collect()
    garbage[0] = 0


def opened(path, mode):
    """Open a file and add what that allocates to the estimate."""
    garbage[0] += _FILE
    return open(path, mode)
