"""An emulated Pico on a pseudo-terminal, like a real board, for `dorn flash`."""

import queue
import threading
from contextlib import contextmanager

from dorn import cli
from dorn.session import Session
from dorn.targets import emulate
from dorn.targets.serial import SerialTarget

from support import chip


class Desk:
    """name: the board's port. target: its emulation, which runs in its own thread: use it in `do` only."""

    def __init__(self, files):
        self.target = chip.open_chip(files=files)
        self._wanted = queue.Queue()
        self.plug()

    def plug(self):
        self._unplugged = threading.Event()
        self._port = emulate.PseudoTerminal()
        self.name = self._port.name
        self._thread = threading.Thread(target=emulate.serve, args=(self.target, {"usb": self._port}, self._stopped))
        self._thread.start()

    def unplug(self):
        """Remove the port and halt the board."""
        self._unplugged.set()
        self._thread.join()
        self._port.close()

    def _stopped(self):
        while not self._wanted.empty():
            self._wanted.get()()
        return self._unplugged.is_set()

    def do(self, action):
        """Run `action` between two steps of the emulation; wait for it unless called from the emulation's thread."""
        done = threading.Event()
        self._wanted.put(lambda: (action(), done.set()))
        if threading.current_thread() is not self._thread:
            assert done.wait(60)

    def power_cycle(self):
        self.do(self.target.power_cycle)

    def flash(self, *options, port=None):
        """-> exit status of `dorn flash`"""
        return cli.main(["flash", "--board", "pico", "--port", port or self.name, *options])

    def housekeeping(self, starting=False):
        """Fields of the next housekeeping packet, which is sent immediately when its interval is set.

        starting: wait for the firmware to run first, as a telecommand could contain a Ctrl-C.
        """
        with SerialTarget(self.name) as target:
            session = Session(target)
            if starting:
                session.wait_for(lambda packet: True, 60)
            ask = lambda: session.command("set_parameter", parameter="housekeeping_period", value=10)  # noqa: E731
            return session.wait_for(lambda packet: packet.name == "housekeeping", 60, begin=ask).fields

    def close(self):
        if not self._unplugged.is_set():
            self.unplug()
        self.target.close()


@contextmanager
def desk(files):
    """A board flashed with these files."""
    board = Desk(files)
    try:
        yield board
    finally:
        board.close()
