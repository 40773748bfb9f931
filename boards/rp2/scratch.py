# The watchdog's scratch registers (RP2040 data sheet, 4.7.6): a few bits that survive every reset but power-on and the RUN
# pin. What each is for; 4-7 belong to the boot ROM and machine.WDT.
#
#   0  maintenance: the word "DORN" (board.py; `dorn flash` sets it, too)
#   1  reserved: choice of the firmware image, and attempts to start it
#   2  boots that the flash has not counted, and blocks reserved since (fsw/store/boot.py)
#   3  the first crash that the flash has no record of
#
# 2 and 3 hold 20 bits and a check of 12: what something else left there is no value.
from machine import mem32
from micropython import const

_MAINTENANCE = const(0x444F524E)
_VALUE = const(0xFFFFF)
_CHECK = const(0xA53)  # of a value and its register; never that of a register with all bits clear


class Scratch:
    def __init__(self, base):
        """base: address of the first register."""
        self._base = base

    def get(self, register):
        """The value, 20 bits; 0 if there is none."""
        word = mem32[self._base + 4 * register]
        value = word & _VALUE
        return value if word >> 20 & 0xFFF == _check(register, value) else 0

    def set(self, register, value):
        mem32[self._base + 4 * register] = _check(register, value) << 20 | value

    def maintenance(self):
        """Whether the next start is to end at the prompt; asked once."""
        asked = mem32[self._base] == _MAINTENANCE
        if asked:
            mem32[self._base] = 0
        return asked

    def ask_for_maintenance(self, asked):
        mem32[self._base] = _MAINTENANCE if asked else 0


def _check(register, value):
    return (value ^ value >> 7 ^ value >> 13 ^ _CHECK ^ register) & 0xFFF
