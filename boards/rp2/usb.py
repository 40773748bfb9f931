# The USB link: the USB serial port, shared with the REPL.
import select
import sys
import time

from micropython import const

_PIECE = const(64)  # octets of a full-speed USB packet
_PIECES = const(32)
_READ = const(32)  # octets
_LONGEST = const(10)  # pieces of the longest frame
_IDLE = bytes(64)
_PORT_MS = const(50)  # time to empty the port's own FIFO: one packet per frame of 1 ms


class UsbLink:
    """Never waits for a reader.

    MicroPython waits up to half a second if a write does not fit into the port's FIFO. Data is therefore
    written in pieces of the USB packet size, with frames zero-padded (an idle line), so that a FIFO with any room has
    room for a piece. While no host has opened the port, written data is lost without notice. Nothing is lost in the
    other direction: MicroPython accepts as much as its buffer holds, and USB makes the host wait.
    """

    lost = 0

    def __init__(self):
        self._in = sys.stdin.buffer
        self._out = sys.stdout.buffer
        self._reading = select.poll()
        self._reading.register(sys.stdin, select.POLLIN)
        self._writing = select.poll()
        self._writing.register(sys.stdout, select.POLLOUT)
        self._received, self._byte = bytearray(_READ), bytearray(1)
        self._ring = memoryview(bytearray(_PIECE * _PIECES))
        self._first = self._used = 0  # pieces

    def ready(self):
        for _ in self._reading.ipoll(0):
            return True
        return False

    def read(self):
        """Return only a few bytes, as each takes 0.25 ms: a flood of bytes must not delay the instrument."""
        n = 0
        while n < _READ and self.ready():
            # read(1) would allocate an object for each byte
            self._in.readinto(self._byte)  # pyright: ignore[reportAttributeAccessIssue]
            self._received[n] = self._byte[0]
            n += 1
        return memoryview(self._received)[:n] if n else None

    def pump(self):
        """Write as much as the port accepts without waiting."""
        while self._used:
            for _ in self._writing.ipoll(0):
                break
            else:
                return
            at = self._first * _PIECE
            self._out.write(self._ring[at : at + _PIECE])
            self._first = (self._first + 1) % _PIECES
            self._used -= 1

    def drain(self, limit_ms):
        """Wait until all written bytes are sent, up to `limit_ms`."""
        start = time.ticks_ms()
        while self._used and time.ticks_diff(time.ticks_ms(), start) < limit_ms:
            self.pump()
            time.sleep_ms(1)
        time.sleep_ms(_PORT_MS)

    def restart(self):
        """Discard the data not sent yet."""
        self._used = 0

    def room(self):
        self.pump()
        return self._used <= _PIECES - _LONGEST

    def write(self, frame):
        n = len(frame)
        pieces = (n + _PIECE - 1) // _PIECE
        self.pump()
        if self._used + pieces > _PIECES:
            return False
        for i in range(pieces):
            at = (self._first + self._used) % _PIECES * _PIECE
            part = frame[i * _PIECE : (i + 1) * _PIECE]
            self._ring[at : at + len(part)] = part
            self._ring[at + len(part) : at + _PIECE] = _IDLE[len(part) :]
            self._used += 1
        self.pump()
        return True
