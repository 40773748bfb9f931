# Run in place of main.py by `dorn bench`: time in us to code 1024 channels, in as many packets as needed, with the
# slowest data.
import time
from array import array

from fsw.link.compression import encode

CHANNELS = 1024
out = bytearray(514)


def numbers(most):
    """Yield pseudo-random numbers below `most`."""
    state = 12345
    for _ in range(CHANNELS):
        state = (state * 1103515245 + 12345) & 0x3FFFFFFF
        yield (state >> 12) % most


def took(channels):
    at = 0
    begin = time.ticks_us()
    while at < CHANNELS:
        at += encode(channels, at, CHANNELS - at, 16, out)[0]
    return time.ticks_diff(time.ticks_us(), begin)


ends = array("H", [i // 16 % 2 * 65535 for i in range(CHANNELS)])
print("FIGURES", max(took(array("H", numbers(1 << bits))) for bits in range(17)), took(ends))
