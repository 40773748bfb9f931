# Slow control over I2C. So far: the comparators' thresholds, from a quad 12-bit DAC MCP4728 (DS22187E).
#
# Multi-Write (figure 5-8) sets outputs and leaves the EEPROM alone: a command and two bytes for each channel.
# The reference is the internal one, 2.048 V with gain 1: 0.5 mV a step (table 4-6), whatever the supply does.
from struct import pack

from machine import I2C, Pin
from micropython import const

_CHANNEL_A = const(0x40)  # Multi-Write, output updated at its last byte
_CHANNEL_B = const(0x42)
_INTERNAL = const(0x8000)  # reference; normal power mode, gain 1
_STEPS_PER_MV = const(2)
_BYTES = const(6)
_TIMEOUT_US = const(5000)  # of a transfer, which takes 0.7 ms: a line held low costs no more than this
_EIO = const(5)


class SlowControl:
    def __init__(self, board):
        """board: the module of constants with pins and address (boards/pico/constants.py)."""
        self._i2c = I2C(
            board.I2C, sda=Pin(board.I2C_SDA), scl=Pin(board.I2C_SCL), freq=board.I2C_HZ, timeout=_TIMEOUT_US
        )
        self._dac = board.DAC_ADDRESS

    def comparators(self, front_mv, back_mv):
        """Set the thresholds of all front and of all back comparators, 0 to 2047 mV.

        OSError if the DAC does not answer. Called on a change only: the bus runs beside the input of the ADC.
        """
        front = _INTERNAL | front_mv * _STEPS_PER_MV
        back = _INTERNAL | back_mv * _STEPS_PER_MV
        if self._i2c.writeto(self._dac, pack(">BHBH", _CHANNEL_A, front, _CHANNEL_B, back)) != _BYTES:
            raise OSError(_EIO)  # not every byte was acknowledged
