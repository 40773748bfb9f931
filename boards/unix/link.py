# The link, as on a chip: what is written takes its time on the line, and telecommands wait until they are read.
from micropython import const

from boards.pico import constants

# the host gives at most constants.UART_READ octets at a time
_BITS = const(10)  # of an octet, with start and stop
_OUT = const(4096)  # octets that wait to be sent
_LONGEST = const(640)  # octets of the longest frame, and more


class Link:
    """sent: what was written since the last wait; received: what came and was not read. lost: nothing ever, as the host
    has what it sends wait."""

    lost = 0

    def __init__(self, pipe):
        self._pipe = pipe
        self.sent = bytearray()
        self.received = b""
        self._until_us = 0  # what was written is on the line

    def read(self):
        data, self.received = self.received, b""
        return data or None

    def _used(self):
        """Octets that were written and are not gone yet."""
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
