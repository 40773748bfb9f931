# The pipe to the host's unix target (host/dorn/targets/unix.py), which owns the time and the detector head. One message
# each way whenever the firmware waits:
#
#   to the host    kind, now_us, argument, n, n bytes   "W": wait until `argument`, with the bytes written to the link;
#                                                       "H": the same, but bytes of the link wait here: no more of them
#                                                       "S", "E", "X": event builder start, enable, stop; argument: mask
#                                                       "L": the lines of the detectors
#                                                       "K": scratch register argument >> 32 is set; no answer
#                                                       "I": I2C transfer; argument: wanted << 8 | address; it writes
#                                                       the n bytes, or reads `wanted`, and ends at now_us
#   from the host  wake_us, n_link, n_events, bytes      answers "W", "H": what arrived, and what the event builder did
#                  conversions since start (u32)         answers "X"
#                  lines (u32)                           answers "L"
#                  errno or 0, n_events (u32), events,   answers "I": what the event builder did meanwhile, as a ring
#                  and the bytes                         that DMA fills has it
import struct
import sys

_TO_HOST = "<BQQI"


class Pipe:
    """now_us: target time, which goes on while the firmware waits only."""

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
        """n bytes of the answer; if the target is gone, the process ends."""
        data = self._in.read(n)
        if len(data) != n:
            sys.exit(0)
        return data

    def numbers(self, form):
        """The same as numbers, of a struct format."""
        return struct.unpack(form, self.get(struct.calcsize(form)))
