# What the flash refuses. Whoever writes notes its failures here; the storage task reports them, and the packet store
# gives up its oldest records when the flash is full.
from fsw import icd
from micropython import const

ENOSPC = const(28)  # MicroPython has no name for it
_EIO = const(5)
_REPORT_US = const(60_000_000)


class Failures:
    """count: write operations that failed, since boot. errno: of the last. full: one found no room, and none has been made for it yet."""

    def __init__(self):
        self.count = 0
        self.full = False
        self.errno = self._reported = self._report_us = 0

    def note(self, error):
        self.count += 1
        self.errno = errno_of(error)
        if self.errno == ENOSPC:
            self.full = True

    def turn(self, now, report):
        """One event for all failures since the last, once a minute at most."""
        if self.count != self._reported and now >= self._report_us:
            self._report_us = now + _REPORT_US
            report(icd.EVENT_FLASH_FAILED, self.errno, self.count - self._reported)
            self._reported = self.count


def errno_of(error):
    """Error number of any exception; EIO if it has none."""
    return getattr(error, "errno", None) or _EIO
