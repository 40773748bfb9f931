"""The slow control of the simulated head: so far the DAC that sets the comparators' thresholds."""

from dorn.head.front_end import Head

_REFERENCE_MV, _SUPPLY_MV, _CODES = 2048, 3300, 4096


class Mcp4728:
    """Quad 12-bit DAC MCP4728 as the I2C bus sees it (data sheet DS22187E).

    Output A sets the front comparators, B the back ones; at power-up they are as the head has them. Of the
    commands only Multi-Write (figure 5-8) is simulated; others, and reads, are not acknowledged. The LDAC pin
    is low: an output follows at once, whatever the UDAC bit says (table 4-5).
    """

    ADDRESS = 0x60  # as delivered

    def __init__(self, head: Head):
        self.answers = True  # False: the part is missing, or its bus is broken
        self.outputs_mv = [*map(float, head.comparator_mv), 0.0, 0.0]
        self._head = head
        self._bytes = bytearray()

    def start(self, address: int, read: bool) -> bool:
        """A transfer begins with this address (7 bits). -> whether it is acknowledged"""
        self._bytes.clear()
        return self.answers and address == self.ADDRESS and not read

    def write(self, value: int) -> bool:
        """The next byte of the transfer. -> whether it is acknowledged"""
        received = self._bytes
        received.append(value)
        # the first command holds C2 C1 C0 W1 W0 = 01000; of the later ones only the channel counts
        if len(received) == 1 and value >> 3 != 0b01000:
            return False
        if len(received) % 3 == 0:
            command, high, low = received[-3:]
            self.outputs_mv[command >> 1 & 3] = _output_mv(high, low)
            self._head.comparators(*self.outputs_mv[:2])
        return True


def _output_mv(high: int, low: int) -> float:
    """What the two bytes VREF PD1 PD0 Gx D11...D0 make of an output."""
    code = (high & 15) << 8 | low
    if high & 0x60:  # powered down: a resistor to ground
        return 0.0
    if not high & 0x80:  # the supply is the reference, the gain ignored
        return code * _SUPPLY_MV / _CODES
    gain = 2 if high & 0x10 else 1
    return min(gain * code * _REFERENCE_MV / _CODES, float(_SUPPLY_MV))
