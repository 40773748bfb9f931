# Slow control over I2C, on every board: comparator thresholds, detector bias, test pulses, analogue inputs.
#
# MCP4728 (DS22187E), quad 12-bit DAC: A front, B back comparators, C bias, D height of the test pulses. Multi-Write
# (figure 5-8) sets outputs and leaves the EEPROM unchanged: a command and two bytes for each channel. The internal
# reference of 2.048 V with gain 1 gives 0.5 mV per step (table 4-6), independent of the supply.
#
# MCP23008 (DS21919), 8 pins: inputs after power-up, pulled down. OLAT is the last register and the address rolls over
# to the first, IODIR (section 1.3.1), so one transfer sets the pins and makes them outputs.
#
# ADS1115 (SBAS444), 16 bits, +-2.048 V: 62.5 uV per step. Writing the configuration register (section 9.6.3) starts a
# conversion, which takes 8 ms and is read later.
from micropython import const

_CHANNEL_A = const(0x40)  # Multi-Write, output updated at its last byte
_CHANNEL_B = const(0x42)
_CHANNEL_C = const(0x44)
_CHANNEL_D = const(0x46)
_INTERNAL = const(0x80)  # reference; normal power mode, gain 1
_STEPS_PER_MV = const(2)

_OLAT = const(0x0A)
_DIRECTIONS = const(0x80)  # GP7 stays an input
_BIAS_ENABLE = const(0x01)  # GP0
_STROBE = const(0x02)  # GP1: its rising edge fires a test pulse
_TARGET = const(2)  # GP2-GP4 detection unit, GP5 front, GP6 back

_CONVERSION = const(0x00)
_CONFIG = const(0x01)
_START = const(0xC5)  # start, AIN0 against ground, +-2.048 V, single shot
_RATE = const(0x83)  # 128 per second, no comparator
_STEPS_PER_MV_READ = const(16)

_EIO = const(5)

_BIAS = const(0)  # analogue inputs of the ADC; 2 and 3 are the temperatures of the head and of the electronics
_LEAKAGE = const(1)


class Devices:
    """Every method raises OSError if a device does not answer. Each byte on the bus takes 90 us.

    is_off: the last bias command accepted was off. silent: methods send nothing and raise OSError; without clock edges
    on the bus the hardware switches the bias off.
    """

    def __init__(self, i2c, board):
        """i2c: has writeto() and readfrom_into() as in machine.I2C; board: module of constants
        (boards/pico/constants.py).

        Switches bias and test pulses off: the devices keep their outputs across a reset of the computer.
        """
        self._i2c = i2c
        self._dac, self._expander, self._adc = board.DAC_ADDRESS, board.EXPANDER_ADDRESS, board.ADC_ADDRESS
        self._bias_gain = board.BIAS_GAIN
        self._outputs = 0
        self._read = bytearray(2)
        self.silent = self.is_off = False
        self.failed = 0  # errno, if a device did not accept the last off()
        try:
            self.off()
        except OSError:
            pass  # app.py reports it

    def comparators(self, front_mv, back_mv):
        """Set the thresholds of all front and of all back comparators, 0 to 2047 mV."""
        front, back = front_mv * _STEPS_PER_MV, back_mv * _STEPS_PER_MV
        self._write(
            self._dac,
            bytes((_CHANNEL_A, _INTERNAL | front >> 8, front & 0xFF, _CHANNEL_B, _INTERNAL | back >> 8, back & 0xFF)),
        )

    def bias(self, mv):
        """Set the level of the bias supply, 0 to 100000 mV; applied to the detectors while enabled (`outputs`)."""
        self._level(_CHANNEL_C, mv * _STEPS_PER_MV // self._bias_gain)

    def off(self, again=False):
        """Switch the bias off by its enable output and by its level: either is enough. If neither device accepts the
        command, the bus stays silent until off(again=True). Raises OSError if a device did not accept it.
        """
        if self.silent and not again:
            raise OSError(_EIO)
        self.silent = self.is_off = False
        failed = 0
        for off in (self.outputs, self.bias):
            try:
                off(0)
                self.is_off = True
            except Exception as error:  # not only OSError: the other device is still tried
                failed = (isinstance(error, OSError) and error.errno) or _EIO
        self.silent = not self.is_off
        self.failed = failed
        if failed:
            raise OSError(failed)

    def pulse_height(self, mv):
        """Set the height of the test pulses at the comparators, 0 to 2047 mV."""
        self._level(_CHANNEL_D, mv * _STEPS_PER_MV)

    def outputs(self, bias, target=0):
        """Enable or disable the bias, and route test pulses: unit | 8 for its front | 16 for its back detector."""
        self.is_off = self.is_off and not bias
        self._outputs = target << _TARGET | (_BIAS_ENABLE if bias else 0)
        self._write(self._expander, bytes((_OLAT, self._outputs, _DIRECTIONS)))

    def pulse(self):
        """Fire one test pulse; it is not fired if an exception is raised."""
        self._write(self._expander, bytes((_OLAT, self._outputs)))
        self._write(self._expander, bytes((_OLAT, self._outputs | _STROBE)))

    def convert(self, analogue_input):
        """Start converting an analogue input: 0 bias, 1 leakage, 2 and 3 temperatures. It takes 10 ms."""
        self._write(self._adc, bytes((_CONFIG, _START | analogue_input << 4, _RATE)))

    def reading(self, analogue_input):
        """Return the result of the last conversion, which must be of this analogue input: bias in mV, leakage current
        in nA, or temperature in 0.01 K; never negative."""
        self._write(self._adc, bytes((_CONVERSION,)))
        self._i2c.readfrom_into(self._adc, self._read)
        steps = self._read[0] << 8 | self._read[1]
        if steps & 0x8000:  # below ground: due to an offset
            steps = 0
        if analogue_input == _BIAS:
            return steps * self._bias_gain // _STEPS_PER_MV_READ
        if analogue_input == _LEAKAGE:  # 1 mV/nA
            return steps // _STEPS_PER_MV_READ
        return steps * 10 // _STEPS_PER_MV_READ + 22315  # TMP36: 500 mV at 0 degC = 273.15 K, 10 mV/K

    def _level(self, channel, steps):
        self._write(self._dac, bytes((channel, _INTERNAL | steps >> 8, steps & 0xFF)))

    def _write(self, address, data):
        if self.silent:
            raise OSError(self.failed or _EIO)
        if self._i2c.writeto(address, data) != len(data):
            raise OSError(_EIO)  # not every byte was acknowledged
