"""A serial port whose other end belongs to the test."""

import os
import tty


class Line:
    """A pseudo-terminal at a fixed path, where a new one can replace it."""

    def __init__(self, path):
        self.path = path
        self.plug()

    def plug(self):
        self.end, other = os.openpty()
        tty.setraw(other)
        self.path.unlink(missing_ok=True)
        self.path.symlink_to(os.ttyname(other))
        self._other = other  # kept open, so that data written before a client connects are not lost

    def unplug(self):
        """The path is removed first: the next pseudo-terminal of any program may have the same name."""
        self.path.unlink(missing_ok=True)
        os.close(self._other)
        os.close(self.end)
