# The pipe to the host's unix target (host/dorn/targets/unix.py), which owns time and detector head. One message
# each way whenever the firmware waits:
#
#   to the host    kind, now_us, argument, n, n bytes   "W": wait until `argument`, with the bytes written to the link;
#                                                       "H": the same, but send no bytes, as some are unread
#                                                       "S", "E", "X": event builder start, enable, stop; argument: mask
#                                                       "L": the lines of the detectors
#                                                       "K": scratch register argument >> 32 is set; no answer
#                                                       "I": I2C transfer; argument: wanted << 8 | address; it writes
#                                                       the n bytes, or reads `wanted`, and ends at now_us
#   from the host  wake_us, n_link, n_events, bytes      answers "W", "H": what arrived, and what the event builder did
#                  conversions since start (u32)         answers "X"
#                  lines (u32)                           answers "L"
#                  errno or 0, n_events (u32), events,   answers "I": what the event builder did meanwhile, as DMA
#                  and the bytes                         also fills the rings in a transfer
import struct
import sys

_TO_HOST = "<BQQI"


class Pipe:
    """now_us: target time, which advances only while the firmware waits."""

    def __init__(self):
        self.now_us = 0
        self._in = sys.stdin.buffer
        self._out = sys.stdout.buffer

    def ask(self, kind, argument, data: bytes | bytearray = b""):
        """Send a message."""
        self._out.write(struct.pack(_TO_HOST, ord(kind), self.now_us, argument, len(data)))
        if data:
            self._out.write(data)

    def get(self, n):
        """Return n bytes of the answer; the process ends if the target has closed the pipe."""
        data = self._in.read(n)
        if len(data) != n:
            sys.exit(0)
        return data

    def numbers(self, form):
        """Return the next bytes of the answer, decoded with a struct format."""
        return struct.unpack(form, self.get(struct.calcsize(form)))
