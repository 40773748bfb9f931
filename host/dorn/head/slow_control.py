"""Slow control of the simulated head: devices on the I2C bus, as in their data sheets, and the circuits they drive."""

from __future__ import annotations

import errno
from collections.abc import Callable

from dorn.head.front_end import MV_PER_MEV, Head

SUPPLY_MV = 3300
# requirements of boards/pico/wiring.md on the bias supply and the analogue inputs
BIAS_GAIN = 50  # from output C of the DAC to the bias; the analogue input divides by the same factor
LEAKAGE_MV_PER_NA = 1
HOLD_S = 2.5  # the monostable's time after the last clock edge


class Mcp4728:
    """Quad 12-bit DAC MCP4728 on the I2C bus (data sheet DS22187E).

    Output A sets the front comparators, B the back ones; their power-up values are the head's initial thresholds. Only
    the Multi-Write command (figure 5-8) is simulated; other commands, and reads, are not acknowledged. The LDAC pin is
    low: outputs are updated at once, regardless of the UDAC bit (table 4-5).
    """

    ADDRESS = 0x60  # factory default
    _REFERENCE_MV, _CODES = 2048, 4096

    def __init__(self, head: Head):
        self.answers = True  # False: the device is missing, or its bus is broken
        self._head = head
        self._eeprom_mv = [*map(float, head.comparator_mv), 0.0, 0.0]
        self.power_up()

    def power_up(self) -> None:
        """Load the outputs from the EEPROM."""
        self.outputs_mv = list(self._eeprom_mv)
        self._bytes = bytearray()
        self._head.comparators(*self.outputs_mv[:2])

    def start(self, address: int, read: bool) -> bool:
        """Begin a transfer with this 7-bit address. Returns whether it is acknowledged."""
        self._bytes.clear()
        return self.answers and address == self.ADDRESS and not read

    def write(self, value: int) -> bool:
        """Write the next byte of the transfer. Returns whether it is acknowledged."""
        received = self._bytes
        received.append(value)
        # the first command holds C2 C1 C0 W1 W0 = 01000; in later ones only the channel matters
        if len(received) == 1 and value >> 3 != 0b01000:
            return False
        if len(received) % 3 == 0:
            command, high, low = received[-3:]
            self.outputs_mv[command >> 1 & 3] = self._output_mv(high, low)
            self._head.comparators(*self.outputs_mv[:2])
        return True

    def _output_mv(self, high: int, low: int) -> float:
        """Output voltage for the two bytes VREF PD1 PD0 Gx D11...D0."""
        code = (high & 15) << 8 | low
        if high & 0x60:  # powered down: a resistor to ground
            return 0.0
        if not high & 0x80:  # the supply is the reference, and the gain is ignored
            return code * SUPPLY_MV / self._CODES
        gain = 2 if high & 0x10 else 1
        return min(gain * code * self._REFERENCE_MV / self._CODES, float(SUPPLY_MV))


class Mcp23008:
    """I/O expander MCP23008 (data sheet DS21919), with external pull-downs; interrupts are not simulated.

    The first byte written is the register address, which then increments with every byte and wraps after the last
    register, or stays the same with IOCON.SEQOP (section 1.3.1).
    """

    ADDRESS = 0x20  # A0-A2 to ground
    IODIR, IPOL, IOCON, INTF, INTCAP, GPIO, OLAT = 0, 1, 5, 7, 8, 9, 10
    _SEQOP = 0x20

    def __init__(self, on_change: Callable[[int, int], None] = lambda before, now: None):
        """on_change(before, now): levels of the pins, one bit each."""
        self.answers = True
        self._on_change = on_change
        self.power_up()

    def power_up(self) -> None:
        self._registers = bytearray(11)
        self._registers[self.IODIR] = 0xFF  # table 1-3: all inputs
        self._address = 0
        self._addressed = False

    @property
    def pins(self) -> int:
        """Pin levels: an output follows its latch, an input is low."""
        return self._registers[self.OLAT] & ~self._registers[self.IODIR]

    def start(self, address: int, read: bool) -> bool:
        self._addressed = read  # the first byte of a write is the register address
        return self.answers and address == self.ADDRESS

    def write(self, value: int) -> bool:
        if not self._addressed:
            self._address, self._addressed = value, True
            return True
        before = self.pins
        register = self.OLAT if self._address == self.GPIO else self._address  # section 1.6.10
        if register <= self.OLAT and register not in (self.INTF, self.INTCAP):
            self._registers[register] = value & 0x3E if register == self.IOCON else value
        self._count()
        if self.pins != before:
            self._on_change(before, self.pins)
        return True

    def read(self) -> int:
        address = self._address
        self._count()
        if address == self.GPIO:
            directions = self._registers[self.IODIR]
            return self.pins ^ (self._registers[self.IPOL] & directions)
        return self._registers[address] if address <= self.OLAT else 0

    def _count(self) -> None:
        if not self._registers[self.IOCON] & self._SEQOP:
            self._address = self._address + 1 if self._address < self.OLAT else 0


class Ads1115:
    """16-bit converter ADS1115 (data sheet SBAS444), sampling at the start of a conversion.

    Its comparator is not simulated. The first byte written is the register pointer; the next two go into the register,
    high byte first. A read returns the register at the pointer.
    """

    ADDRESS = 0x48  # ADDR to ground
    CONVERSION, CONFIG = 0, 1
    _FULL_SCALE_MV = (6144, 4096, 2048, 1024, 512, 256, 256, 256)  # PGA, table 9-3
    _RATES = (8, 16, 32, 64, 128, 250, 475, 860)  # DR, samples per second
    _PAIRS = ((0, 1), (0, 3), (1, 3), (2, 3))  # MUX 0 to 3; 4 to 7 are AIN0 to AIN3 against ground

    def __init__(self, inputs_mv: Callable[[], list[float]], now_ns: Callable[[], int]):
        self.answers = True
        self._inputs_mv, self._now_ns = inputs_mv, now_ns
        self.power_up()

    def power_up(self) -> None:
        self._registers = [0, 0x0583, 0x8000, 0x7FFF]  # OS, bit 15 of the configuration, is `_ready`
        self._pointer = 0
        self._bytes = bytearray()
        self._done_ns, self._found = 0, 0

    def start(self, address: int, read: bool) -> bool:
        self._bytes.clear()
        if read:
            self._bytes += self._register().to_bytes(2, "big")
        return self.answers and address == self.ADDRESS

    def write(self, value: int) -> bool:
        received = self._bytes
        received.append(value)
        if len(received) == 1:
            self._pointer = value & 3
        elif len(received) == 3 and self._pointer != self.CONVERSION:
            self._set(int.from_bytes(received[1:], "big"))
        return True

    def read(self) -> int:
        """Read high byte and low byte of the register, alternately."""
        self._bytes.append(self._bytes.pop(0))
        return self._bytes[-1]

    def _set(self, value: int) -> None:
        if self._pointer != self.CONFIG:
            self._registers[self._pointer] = value
            return
        self._registers[self.CONFIG] = value & 0x7FFF
        # a start during a conversion has no effect; with MODE 0 it converts continuously
        if self._ready() and (value & 0x8000 or not value & 0x0100):
            self._convert()

    def _ready(self) -> bool:
        return self._now_ns() >= self._done_ns

    def _convert(self) -> None:
        config = self._registers[self.CONFIG]
        mux, gain, rate = config >> 12 & 7, config >> 9 & 7, config >> 5 & 7
        mv = self._inputs_mv()
        level = mv[mux - 4] if mux >= 4 else mv[self._PAIRS[mux][0]] - mv[self._PAIRS[mux][1]]
        self._found = max(-0x8000, min(0x7FFF, int(level * 0x8000 // self._FULL_SCALE_MV[gain])))
        self._done_ns = self._now_ns() + 1_000_000_000 // self._RATES[rate]

    def _register(self) -> int:
        if self._ready():
            if not self._registers[self.CONFIG] & 0x0100:  # continuous mode: a conversion has ended
                self._convert()
            self._registers[self.CONVERSION] = self._found & 0xFFFF
        value = self._registers[self._pointer]
        return value | self._ready() << 15 if self._pointer == self.CONFIG else value


class SimulatedDevices:
    """I2C bus and devices, the bias supply with its monostable, the test pulser and the analogue inputs.

    A test may set `leakage_na`, the temperatures (None: that of the head) and `supply_gain`, and take a device off the
    bus (`answers = False`).
    """

    def __init__(self, head: Head, now_ns: Callable[[], int], on_pulse: Callable[[], None] = lambda: None):
        """now_ns(): target time; on_pulse(): called after a test pulse was strobed; the pulse rises a little later."""
        self.dac = Mcp4728(head)
        self.expander = Mcp23008(self._pins)
        self.adc = Ads1115(self._inputs_mv, now_ns)
        self.devices = (self.dac, self.expander, self.adc)
        self.leakage_na = 20.0  # at any bias above 0
        self.temperature_head_c: float | None = None
        self.temperature_board_c = 25.0
        self.supply_gain = BIAS_GAIN
        self._head, self._now_ns, self._on_pulse = head, now_ns, on_pulse
        self._device: Mcp4728 | Mcp23008 | Ads1115 | None = None
        self._clocked_ns: int | None = None

    def power_up(self) -> None:
        """Power up all devices, which have lost their settings."""
        for device in self.devices:
            device.power_up()
        self._clocked_ns = None

    # -- the bus, at the end of each byte ----------------------------------------------------------

    def start(self, address: int, read: bool) -> bool:
        """Begin a transfer. Returns whether a device acknowledges its address."""
        self._clocked_ns = self._now_ns()
        answering = [device for device in self.devices if device.start(address, read)]
        self._device = answering[0] if answering else None
        return bool(answering)

    def write(self, value: int) -> bool:
        """Write the next byte to the device. Returns whether it is acknowledged."""
        self._clocked_ns = self._now_ns()
        return self._device is not None and self._device.write(value)

    def read(self) -> int:
        """Read the next byte of the device; 0xFF if no device pulls the line low."""
        self._clocked_ns = self._now_ns()
        return self._device.read() if isinstance(self._device, Mcp23008 | Ads1115) else 0xFF

    def transfer(self, address: int, data: bytes, wanted: int) -> tuple[int, bytes]:
        """Run a whole transfer that writes `data` or reads `wanted` bytes. Returns (0 or an errno, bytes read)."""
        if not self.start(address, bool(wanted)) or not all(map(self.write, data)):
            return errno.EIO, b""
        return 0, bytes(self.read() for _ in range(wanted))

    # -- what the devices drive ----------------------------------------------------------------------

    @property
    def held(self) -> bool:
        """The monostable's output: whether the bus was clocked within HOLD_S."""
        return self._clocked_ns is not None and self._now_ns() - self._clocked_ns < HOLD_S * 1e9

    @property
    def bias_mv(self) -> float:
        """Present bias of the detectors."""
        return self.dac.outputs_mv[2] * self.supply_gain if self.expander.pins & 1 and self.held else 0.0

    def _inputs_mv(self) -> list[float]:
        bias_mv = self.bias_mv
        inputs = [bias_mv / BIAS_GAIN, self.leakage_na * LEAKAGE_MV_PER_NA if bias_mv else 0.0]
        head_c = self.temperature_head_c
        if head_c is None:
            head_c = self._head.temperature_c(self._now_ns())
        inputs += [500 + 10 * celsius for celsius in (head_c, self.temperature_board_c)]
        return [min(max(mv, 0.0), float(SUPPLY_MV)) for mv in inputs]

    def _pins(self, before: int, now: int) -> None:
        """On a rising GP1, strobe a test pulse in unit GP2-GP4 (GP5: front, GP6: back), with the height of output D."""
        if not now & ~before & 0x02:
            return
        for side in (0, 1):
            if now >> (5 + side) & 1:
                detector = 2 * (now >> 2 & 7) + side
                self._head.pulse(self._now_ns(), detector, self.dac.outputs_mv[3] * 1000 / MV_PER_MEV)
        self._on_pulse()
