"""Simulated instruments at pseudo-terminals with fixed paths, which can be unplugged, swapped and reset."""

import os
import threading
import time

from dorn.head.front_end import FrontEnd, Head
from dorn.targets import open_target
from dorn.targets.emulate import PseudoTerminal
from dorn.targets.pace import Pace

_BOOT_S = 5.0
_STEP_S, _MOST_S = 0.002, 0.05  # wall time: pause between steps; longest step


class Board:
    """A simulated instrument in its own thread. speed: of the unix target, relative to real time."""

    def __init__(self, unique_id, speed=20.0, where="unix"):
        self._target = open_target(where, Head(FrontEnd()), unique_id=unique_id)
        self._speed = speed if where == "unix" else 1.0
        self._target.advance(_BOOT_S)  # in the maintenance window, telecommands could prevent its start
        self._port = self._path = None
        self._lock = threading.Lock()
        self._stopped = threading.Event()
        self._thread = threading.Thread(target=self._run, daemon=True)
        self._thread.start()

    def plug(self, path):
        """Connect it to a new pseudo-terminal and make `path` a link to that."""
        with self._lock:
            self._port = port = PseudoTerminal()
            link = path.with_name(path.name + ".new")
            link.symlink_to(port.name)
            os.replace(link, path)
            self._path = path

    def unplug(self):
        """Disconnect it. The path is removed first: the next pseudo-terminal of any program may have the same name."""
        with self._lock:
            port, self._port = self._port, None
            if port:
                self._path.unlink()
                port.close()

    def do(self, what):
        """Call what(target) between two steps."""
        with self._lock:
            return what(self._target)

    def _run(self):
        pace = Pace(self._target, self._speed)
        while not self._stopped.is_set():
            with self._lock:
                self._target.advance(min(pace.due_s(), _MOST_S * self._speed))
                received = self._target.receive()
                if self._port:
                    self._target.send(self._port.exchange(received))
            time.sleep(_STEP_S)

    def close(self):
        self._stopped.set()
        self._thread.join()
        self.unplug()
        self._target.close()
