"""Simulated instruments at pseudo-terminals with fixed paths, which can be unplugged, swapped and reset."""

import os
import threading
import time

from dorn.head.front_end import FrontEnd, Head
from dorn.targets.emulate import PseudoTerminal
from dorn.targets.unix import UnixTarget

_STEP_S = 0.002  # of wall time


class Board:
    """An instrument on the unix target, faster than real time, in a thread of its own."""

    def __init__(self, unique_id, speed=20.0):
        self._target = UnixTarget(Head(FrontEnd()), unique_id=unique_id)
        self._speed = speed
        self._port = None
        self._lock = threading.Lock()
        self._stopped = threading.Event()
        self._thread = threading.Thread(target=self._run, daemon=True)
        self._thread.start()

    def plug(self, path):
        """Connect it to a new pseudo-terminal, to which `path` becomes a link."""
        with self._lock:
            self._port = port = PseudoTerminal()
            link = path.with_name(path.name + ".new")
            link.symlink_to(port.name)
            os.replace(link, path)

    def unplug(self):
        """Disconnect it; the path leads nowhere."""
        with self._lock:
            port, self._port = self._port, None
            if port:
                port.close()

    def do(self, what):
        """Call what(target) between two steps."""
        with self._lock:
            return what(self._target)

    def _run(self):
        while not self._stopped.is_set():
            with self._lock:
                self._target.advance(_STEP_S * self._speed)
                received = self._target.receive()
                if self._port:
                    self._target.send(self._port.exchange(received))
            time.sleep(_STEP_S)

    def close(self):
        self._stopped.set()
        self._thread.join()
        self.unplug()
        self._target.close()
