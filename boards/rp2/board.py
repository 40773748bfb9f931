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
_CHIP_RESET = const(0x40064008)  # data sheet, 2.12.7
_WATCHDOG_REASON = const(0x40058008)  # 4.7.6
_MAINTENANCE_MARK = const(0x4005800C)  # SCRATCH0: survives resets but power-on and the pin; read by `dorn flash`
_PIECE = const(64)  # octets of a full-speed USB packet
_PIECES = const(32)
_READ = const(32)  # octets
_LONGEST = const(10)  # pieces of the longest frame
_POLL_MS = const(2)  # the longest the link and the rings go unlooked at while idle
_LONGEST_WAIT_US = const(1 << 28)  # of ticks_us, which wraps at 2**30
_POWER_ON = const(1)
_WATCHDOG = const(2)
_COMMANDED = const(3)
_RESET_PIN = const(4)
_TIMER = const(1)  # _WATCHDOG_REASON: it was not fed; else it was told to
_HAD_RUN = const(1 << 16)  # _CHIP_RESET
_MAINTENANCE = const(0x444F524E)  # in _MAINTENANCE_MARK: "DORN"
_DRAIN_MS = const(1000)
_PORT_MS = const(50)  # what is in the port's own FIFO is gone by then: a packet in each frame of 1 ms
_WDT_MAX_MS = const(8388)
_IDLE = bytes(64)


class Clock:
    def us(self):
        while True:
            high = mem32[_TIMERAWH]
            low = mem32[_TIMERAWL]
            if high == mem32[_TIMERAWH]:
                return high << 32 | low


class UsbLink:
    """The bench link: the USB serial port that is also the REPL's.

    MicroPython waits up to half a second when a write does not fit into the port's FIFO. So everything goes out in
    pieces of the USB packet's size, frames filled up with zeros, which are an idle line: then a FIFO with any room at
    all has room for a piece. Without a host that opened the port, what is written is gone, and nothing tells so.
    """

    def __init__(self):
        self._in = sys.stdin.buffer
        self._out = sys.stdout.buffer
        self._reading = select.poll()
        self._reading.register(sys.stdin, select.POLLIN)
        self._writing = select.poll()
        self._writing.register(sys.stdout, select.POLLOUT)
        self._received, self._byte = bytearray(_READ), bytearray(1)
        self._ring = memoryview(bytearray(_PIECE * _PIECES))
        self._first = self._used = 0  # pieces

    def ready(self):
        for _ in self._reading.ipoll(0):
            return True
        return False

    def read(self):
        """A few bytes, so that no flood of them holds up the instrument: each takes 0.25 ms."""
        n = 0
        while n < _READ and self.ready():
            self._in.readinto(self._byte)  # read(1) would leave a new object for each
            self._received[n] = self._byte[0]
            n += 1
        return memoryview(self._received)[:n] if n else None

    def pump(self):
        """Hand to the port what it takes without waiting."""
        while self._used:
            for _ in self._writing.ipoll(0):
                break
            else:
                return
            at = self._first * _PIECE
            self._out.write(self._ring[at : at + _PIECE])
            self._first = (self._first + 1) % _PIECES
            self._used -= 1

    def drain(self, limit_ms):
        start = time.ticks_ms()
        while self._used and time.ticks_diff(time.ticks_ms(), start) < limit_ms:
            self.pump()
            time.sleep_ms(1)
        time.sleep_ms(_PORT_MS)

    def room(self):
        self.pump()
        return self._used <= _PIECES - _LONGEST

    def write(self, frame):
        n = len(frame)
        pieces = (n + _PIECE - 1) // _PIECE
        self.pump()
        if self._used + pieces > _PIECES:
            return False
        for i in range(pieces):
            at = (self._first + self._used) % _PIECES * _PIECE
            part = frame[i * _PIECE : (i + 1) * _PIECE]
            self._ring[at : at + len(part)] = part
            self._ring[at + len(part) : at + _PIECE] = _IDLE[len(part) :]
            self._used += 1
        self.pump()
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
        self.reset_cause = reset_cause()
        self.clock = Clock()
        self.link = UsbLink()
        self.watchdog = Watchdog()
        self.events = EventBuilder(constants)
        self.slow_control = SlowControl(constants)

    def maintenance(self, window_ms):
        if mem32[_MAINTENANCE_MARK] == _MAINTENANCE:
            mem32[_MAINTENANCE_MARK] = 0  # once
            return True
        try:
            time.sleep_ms(window_ms)
        except KeyboardInterrupt:
            return True
        micropython.kbd_intr(-1)
        return False

    def reset(self, maintenance):
        self.link.drain(_DRAIN_MS)
        mem32[_MAINTENANCE_MARK] = _MAINTENANCE if maintenance else 0
        machine.reset()

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
            self.link.pump()
            time.sleep_ms(_POLL_MS)


def reset_cause():
    """Number of the enum `reset_cause`. The pin and power clear the watchdog's reason; the watchdog leaves theirs."""
    reason = mem32[_WATCHDOG_REASON]
    if reason:
        return _WATCHDOG if reason & _TIMER else _COMMANDED
    return _RESET_PIN if mem32[_CHIP_RESET] & _HAD_RUN else _POWER_ON
