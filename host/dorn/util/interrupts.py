"""Deferred Ctrl-C, so that an exchange in progress on a link is completed."""

import signal

_SIGNALS = signal.SIGINT, signal.SIGTERM


class Interrupts:
    """A context in which the first Ctrl-C or SIGTERM only sets `heard`; the next raises KeyboardInterrupt at once."""

    heard = False

    def __enter__(self):
        self._before = {number: signal.signal(number, self._hear) for number in _SIGNALS}
        return self

    def __exit__(self, *exc_info):
        for number, handler in self._before.items():
            signal.signal(number, handler)

    def _hear(self, *_):
        if self.heard:
            raise KeyboardInterrupt
        self.heard = True
