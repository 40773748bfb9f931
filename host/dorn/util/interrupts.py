"""Deferred Ctrl-C, so that an exchange in progress on a link is completed."""

import signal


class Interrupts:
    """A context in which the first Ctrl-C only sets `heard`; the next one raises KeyboardInterrupt at once."""

    heard = False

    def __enter__(self):
        self._before = signal.signal(signal.SIGINT, self._hear)
        return self

    def __exit__(self, *exc_info):
        signal.signal(signal.SIGINT, self._before)

    def _hear(self, *_):
        if self.heard:
            raise KeyboardInterrupt
        self.heard = True
