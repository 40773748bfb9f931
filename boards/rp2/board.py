# The board interface (boards/README.md) for boards with an RP2040.
import array
import time
from binascii import crc32
from os import urandom

import machine
import micropython
from machine import I2C, Pin, mem32
from micropython import const

from boards.rp2.event_builder import EventBuilder
from boards.slow_control import Devices

_TIMERAWH = const(0x40054024)
_TIMERAWL = const(0x40054028)
_CHIP_RESET = const(0x40064008)  # data sheet, 2.12.7
_WATCHDOG_REASON = const(0x40058008)  # 4.7.6
_POLL_MS = const(2)  # interval at which link and rings are polled while idle
_LONGEST_WAIT_US = const(1 << 28)  # limit for ticks_us, which wraps at 2**30
_POWER_ON = const(1)
_WATCHDOG = const(2)
_COMMANDED = const(3)
_RESET_PIN = const(4)
_TIMER = const(1)  # bit of _WATCHDOG_REASON: not fed; otherwise reset by software
_HAD_RUN = const(1 << 16)  # bit of _CHIP_RESET
_DRAIN_MS = const(1000)
_WDT_MAX_MS = const(8388)
_I2C_TIMEOUT_US = const(2000)  # for a transfer, which takes at most 0.7 ms: limits the delay if a line is held low


# The watchdog's scratch registers (4.7.6) survive every reset but power-on and the RUN pin. 2 and 3 hold 20 bits and a
# check of 12 bits, so that foreign content is not taken for a value. 4-7 belong to the boot ROM and machine.WDT.
#
#   0  maintenance: the word "DORN" (`dorn flash` clears it)
#   1  reserved: choice of the firmware image, and attempts to start it
#   2  boots not counted on flash, blocks reserved since, consecutive resets, challenge (fsw/store/boot.py)
#   3  the first crash not recorded on flash
_MAINTENANCE = const(0x444F524E)
_VALUE = const(0xFFFFF)
_CHECK = const(0xA53)  # seed of the check over a value and its register number: a register of all zeros is never valid


@micropython.viper
def _read_timer(at: ptr32, out: ptr32):
    high = 0
    while True:
        high = at[0]
        out[0] = at[1]
        if high == at[0]:
            break
    out[1] = high


class Clock:
    def __init__(self):
        self._us = array.array("Q", [0])

    def us(self):
        _read_timer(_TIMERAWH, self._us)  # pyright: ignore[reportArgumentType]
        return self._us[0]


class Scratch:
    def __init__(self, base):
        """base: address of the first register."""
        self._base = base

    def get(self, register):
        """Return the value, 20 bits; 0 if there is none."""
        word = mem32[self._base + 4 * register]
        value = word & _VALUE
        return value if word >> 20 & 0xFFF == _check(register, value) else 0

    def set(self, register, value):
        mem32[self._base + 4 * register] = _check(register, value) << 20 | value

    def maintenance(self):
        """Return whether this start should end at the prompt, and clear the request."""
        asked = mem32[self._base] == _MAINTENANCE
        if asked:
            mem32[self._base] = 0
        return asked

    def end_at_prompt(self, asked):
        mem32[self._base] = _MAINTENANCE if asked else 0


def _check(register, value):
    return (value ^ value >> 7 ^ value >> 13 ^ _CHECK ^ register) & 0xFFF


class Watchdog:
    def start(self, timeout_ms):
        self._wdt = machine.WDT(timeout=min(timeout_ms, _WDT_MAX_MS))

    def feed(self):
        self._wdt.feed()


def _open_link(constants):
    """Open the link named by the file `link`: "uart", the flight link, or "usb", the default, the USB link."""
    try:
        with open("link") as f:
            name = f.read().strip()
    except OSError:
        name = "usb"
    if name == "uart":
        from boards.rp2.uart import UartLink

        return UartLink(constants)
    from boards.rp2.usb import UsbLink

    return UsbLink()


class Board:
    flash = code = ""

    def __init__(self, constants):
        machine.freq(constants.CLOCK_MHZ * 1_000_000)  # the event builder counts in cycles of this clock
        self.slow_control = Devices(  # first of all, as it switches the bias off
            I2C(
                constants.I2C,
                sda=Pin(constants.I2C_SDA),
                scl=Pin(constants.I2C_SCL),
                freq=constants.I2C_HZ,
                timeout=_I2C_TIMEOUT_US,
            ),
            constants,
        )
        self.id = constants.BOARD_ID
        self.store_segments = constants.STORE_SEGMENTS
        self.allocation = constants.ALLOCATION
        self.reset_cause = reset_cause()
        self.scratch = Scratch(constants.SCRATCH)
        self.clock = Clock()
        unique_id = machine.unique_id()
        self.unique_id = int.from_bytes(unique_id, "big")
        # mixed with id and time, as the random source, a free-running oscillator, may return the same bits after every
        # power-up
        self.random = crc32(urandom(8) + unique_id, self.clock.us())
        self.watchdog = Watchdog()
        self.events = EventBuilder(constants)
        self.link = _open_link(constants)

    def maintenance(self, window_ms, meanwhile):
        if self.scratch.maintenance():
            return True
        begin = time.ticks_ms()
        try:
            meanwhile()
            time.sleep_ms(max(window_ms - time.ticks_diff(time.ticks_ms(), begin), 0))
        except KeyboardInterrupt:
            return True
        micropython.kbd_intr(-1)
        return False

    def reset(self, maintenance):
        self.link.drain(_DRAIN_MS)
        self.scratch.end_at_prompt(maintenance)
        machine.reset()

    def wait(self, until_us, attention):
        # small integers and no allocation: this loop runs hundreds of times a second for weeks
        left = until_us - self.clock.us()
        if left <= 0:
            return True
        start = time.ticks_us()
        left = min(left, _LONGEST_WAIT_US)
        while not attention():
            if self.link.ready():
                return True
            if time.ticks_diff(time.ticks_us(), start) >= left:
                break
            self.link.pump()
            time.sleep_ms(_POLL_MS)
        return self.link.ready()


def reset_cause():
    """Return a value of the enum `reset_cause`. The watchdog's reason comes first: reset pin and power-on clear it."""
    reason = mem32[_WATCHDOG_REASON]
    if reason:
        return _WATCHDOG if reason & _TIMER else _COMMANDED
    return _RESET_PIN if mem32[_CHIP_RESET] & _HAD_RUN else _POWER_ON
