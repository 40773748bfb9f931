# The board interface for a process of MicroPython's unix port.
import sys

from micropython import const

from boards.pico import constants
from boards.slow_control import Devices
from boards.unix.event_builder import EventBuilder
from boards.unix.link import Link
from boards.unix.pipe import Pipe

_WATCHDOG_EXIT = const(3)
_RESET_EXIT = const(4)
_MAINTENANCE_EXIT = const(5)
_FROM_HOST = "<QII"
_I2C_BYTE_US = const(90)  # 8 bits and the acknowledge at 100 kHz
_STEP_US = const(1000)  # executing code takes no target time: while bytes wait, time advances in these steps
_FOREVER_US = const(1 << 60)


class Board:
    id = 0
    store_segments = constants.STORE_SEGMENTS
    allocation = constants.ALLOCATION

    def __init__(self):
        # main.py FLASH START. FLASH: folder of the flash. START: reset cause, dead times of events (4), 1 after a reset
        # for maintenance, unique id, 32 random bits, and the scratch registers from 0 on; all in one argument, because
        # MicroPython never frees the memory of arguments.
        self.flash = sys.argv[1]
        self.code = sys.argv[0].rpartition("/")[0]
        start = [int(word) for word in sys.argv[2].split()]
        self.reset_cause = start[0]
        self._maintenance = start[5]
        self.unique_id = start[6]
        self.random = start[7]
        self._pipe = pipe = Pipe()
        self.clock = Clock(pipe)
        self.watchdog = Watchdog(pipe)
        self.link = Link(pipe)
        self.events = EventBuilder(pipe, start[1:5])
        self.scratch = Scratch(pipe, start[8:])
        self.slow_control = Devices(I2C(pipe, self.events), constants)

    def maintenance(self, window_ms, meanwhile):
        while self._maintenance:  # there is no prompt on the pipe: stay silent until the target ends the process
            self.wait(_FOREVER_US, None)
            self.link.read()
        meanwhile()
        self._pipe.now_us += 1000 * window_ms
        return False

    def reset(self, maintenance):
        self.wait(self._pipe.now_us, None)  # sends the link's last bytes
        sys.exit(_MAINTENANCE_EXIT if maintenance else _RESET_EXIT)

    def wait(self, until_us, attention):
        pipe, link = self._pipe, self.link
        until_us = self.watchdog.bitten_us(until_us)
        if link.received:
            until_us = min(until_us, pipe.now_us + _STEP_US)
        pipe.ask("H" if link.received else "W", until_us, link.sent)
        link.sent = bytearray()
        pipe.now_us, n_link, n_events = pipe.numbers(_FROM_HOST)
        if n_link:
            link.received += pipe.get(n_link)
        if n_events:
            self.events.receive(n_events)
        self.watchdog.check()
        return bool(link.received)


class Clock:
    def __init__(self, pipe):
        self._pipe = pipe

    def us(self):
        return self._pipe.now_us


class Watchdog:
    def __init__(self, pipe):
        self._pipe = pipe
        self._timeout_us = _FOREVER_US
        self._fed_us = 0

    def start(self, timeout_ms):
        self._timeout_us = 1000 * timeout_ms
        self.feed()

    def feed(self):
        self._fed_us = self._pipe.now_us

    def bitten_us(self, until_us):
        """Return the earlier of `until_us` and the timeout of the watchdog."""
        return min(until_us, max(self._fed_us + self._timeout_us, self._pipe.now_us))

    def check(self):
        """End the process if the watchdog has expired."""
        if self._pipe.now_us - self._fed_us >= self._timeout_us:
            sys.exit(_WATCHDOG_EXIT)


class I2C:
    """The host simulates the slow control devices; the event builder continues meanwhile."""

    def __init__(self, pipe, events):
        self._pipe = pipe
        self._events = events

    def writeto(self, address, data):
        self._transfer(address, data, 0)
        return len(data)

    def readfrom_into(self, address, buf):
        self._transfer(address, b"", len(buf))
        buf[:] = self._pipe.get(len(buf))

    def _transfer(self, address, data, wanted):
        pipe = self._pipe
        pipe.now_us += _I2C_BYTE_US * (1 + len(data) + wanted)
        pipe.ask("I", wanted << 8 | address, data)
        errno, n_events = pipe.numbers("<II")
        if n_events:
            self._events.receive(n_events)
        if errno:
            raise OSError(errno)


class Scratch:
    """Registers that survive a reset, kept by the host. values: starting with register 0."""

    def __init__(self, pipe, values):
        self._pipe = pipe
        self._values = values

    def get(self, register):
        return self._values[register]

    def set(self, register, value):
        self._values[register] = value
        self._pipe.ask("K", register << 32 | value)
