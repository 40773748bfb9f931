# The board interface (boards/README.md) on the boards with an RP2040.
import select
import sys
import time

import machine
import micropython
from machine import mem32
from micropython import const

from boards.rp2.event_builder import EventBuilder
from boards.rp2.slow_control import SlowControl

_TIMERAWH = const(0x40054024)
_TIMERAWL = const(0x40054028)
_POLL_MS = const(2)  # the longest the link and the rings go unlooked at while idle
_LONGEST_WAIT_US = const(1 << 28)  # of ticks_us, which wraps at 2**30
_POWER_ON = const(1)
_WATCHDOG = const(2)
_WDT_MAX_MS = const(8388)


class Clock:
    def us(self):
        while True:
            high = mem32[_TIMERAWH]
            low = mem32[_TIMERAWL]
            if high == mem32[_TIMERAWH]:
                return high << 32 | low


class UsbLink:
    """The bench link: the USB serial port that is also the REPL's."""

    def __init__(self):
        self._in = sys.stdin.buffer
        self._out = sys.stdout.buffer
        self._reading = select.poll()
        self._reading.register(sys.stdin, select.POLLIN)
        self._writing = select.poll()
        self._writing.register(sys.stdout, select.POLLOUT)

    def ready(self):
        for _ in self._reading.ipoll(0):
            return True
        return False

    def room(self):
        for _ in self._writing.ipoll(0):
            return True
        return False

    def read(self):
        data = None
        while self.ready():
            data = (data or b"") + self._in.read(1)
        return data

    def write(self, frame):
        if not self.room():
            return False
        self._out.write(frame)
        return True


class Watchdog:
    def start(self, timeout_ms):
        self._wdt = machine.WDT(timeout=min(timeout_ms, _WDT_MAX_MS))

    def feed(self):
        self._wdt.feed()


class Board:
    flash = ""

    def __init__(self, constants):
        machine.freq(constants.CLOCK_MHZ * 1_000_000)  # the event builder counts in cycles of this clock
        self.id = constants.BOARD_ID
        self.reset_cause = _WATCHDOG if machine.reset_cause() == machine.WDT_RESET else _POWER_ON
        self.clock = Clock()
        self.link = UsbLink()
        self.watchdog = Watchdog()
        self.events = EventBuilder(constants)
        self.slow_control = SlowControl(constants)

    def maintenance(self, window_ms):
        try:
            time.sleep_ms(window_ms)
        except KeyboardInterrupt:
            return True
        micropython.kbd_intr(-1)
        return False

    def wait(self, until_us, attention):
        # small integers and no allocation: this loop runs some hundred times a second for weeks
        left = until_us - self.clock.us()
        if left <= 0:
            return
        start = time.ticks_us()
        left = min(left, _LONGEST_WAIT_US)
        while not attention() and not self.link.ready():
            if time.ticks_diff(time.ticks_us(), start) >= left:
                break
            time.sleep_ms(_POLL_MS)
