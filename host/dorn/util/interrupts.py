"""Ctrl-C at a moment of the program's choice: what is under way on a link is finished in order."""

import signal


class Interrupts:
    """A context in which the first Ctrl-C is noted in `heard`, and the next one is a KeyboardInterrupt at once."""

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
