# The link, as on a chip: sending takes as long as on the line, and telecommands wait until they are read.
from micropython import const

from boards.pico import constants

# the host sends at most constants.UART_READ octets at a time
_BITS = const(10)  # per octet, with start and stop bit
_OUT = const(4096)  # octets that may wait to be sent
_LONGEST = const(640)  # octets: more than the longest frame


class Link:
    """sent: bytes written since the last wait; received: bytes not read yet. lost: always 0, as the host waits until
    its bytes are read."""

    lost = 0

    def __init__(self, pipe):
        self._pipe = pipe
        self.sent = bytearray()
        self.received = b""
        self._until_us = 0  # when the line has sent all written bytes

    def read(self):
        data, self.received = self.received, b""
        return data or None

    def _used(self):
        """Return the number of octets written but not sent yet."""
        return max(self._until_us - self._pipe.now_us, 0) * constants.UART_BAUD // (_BITS * 1_000_000)

    def write(self, frame):
        if self._used() + len(frame) > _OUT:
            return False
        self.sent.extend(frame)
        begin_us = max(self._until_us, self._pipe.now_us)
        self._until_us = begin_us + len(frame) * _BITS * 1_000_000 // constants.UART_BAUD
        return True

    def room(self):
        return self._used() <= _OUT - _LONGEST

    def restart(self):
        pass
