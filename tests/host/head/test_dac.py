"""The simulated DAC against the data sheet of the MCP4728, DS22187E."""

import pytest
from dorn.head.front_end import FrontEnd, Head
from dorn.head.slow_control import Mcp4728

CHANNELS = {"A": 0b01000_00_0, "B": 0b01000_01_0, "C": 0b01000_10_0, "D": 0b01000_11_0}  # figure 5-8
SUPPLY_MV = 3300
# settings of figure 7-4, and steps of table 4-6: VREF PD1 PD0 Gx D11...D8, D7...D0 -> mV
SETTINGS = {
    "supply, half": (0b0000_1000, 0, SUPPLY_MV / 2),
    "supply, full": (0b0000_1111, 0xFF, SUPPLY_MV * 4095 / 4096),
    "internal, gain 2, half": (0b1001_1000, 0, 2048),
    "internal, gain 2, full, above the supply": (0b1001_1111, 0xFF, SUPPLY_MV),
    "internal, gain 1, one step": (0b1000_0000, 1, 0.5),
    "internal, gain 1, full": (0b1000_1111, 0xFF, 2047.5),
    "internal, gain 1, 45 mV": (0b1000_0000, 90, 45),
    "internal, gain 2, one step": (0b1001_0000, 1, 1),
    "powered down": (0b1010_1000, 0, 0),
}


def test_only_a_write_to_its_address_is_acknowledged():
    dac = Mcp4728(Head(FrontEnd()))
    assert [address for address in range(128) if dac.start(address, read=False)] == [0x60]
    assert not dac.start(0x60, read=True)
    dac.answers = False
    assert not dac.start(0x60, read=False)


@pytest.mark.parametrize("channel", CHANNELS)
@pytest.mark.parametrize("setting", SETTINGS)
def test_multi_write_sets_one_output(setting, channel):
    high, low, mv = SETTINGS[setting]
    dac = Mcp4728(Head(FrontEnd()))
    expected = list(dac.outputs_mv)
    assert dac.start(0x60, read=False)
    assert dac.write(CHANNELS[channel]) and dac.write(high)
    assert dac.outputs_mv == expected  # the output changes with the last byte
    assert dac.write(low)
    expected["ABCD".index(channel)] = mv
    assert dac.outputs_mv == expected


def test_one_transfer_sets_several_outputs_and_the_head_follows():
    head = Head(FrontEnd())
    dac = Mcp4728(head)
    assert dac.outputs_mv[:2] == list(head.comparator_mv)
    dac.start(0x60, read=False)
    assert all(map(dac.write, [CHANNELS["A"], 0x80, 100, CHANNELS["B"], 0x80, 200, CHANNELS["C"], 0x80, 2]))
    assert dac.outputs_mv == [50, 100, 1, 0]
    assert head.comparator_mv == (50, 100)


def test_a_truncated_transfer_does_not_affect_the_next():
    dac = Mcp4728(Head(FrontEnd()))
    dac.start(0x60, read=False)
    dac.write(CHANNELS["A"])
    dac.start(0x60, read=False)
    assert all(map(dac.write, [CHANNELS["B"], 0x80, 2]))
    assert dac.outputs_mv[:2] == [45, 1]


@pytest.mark.parametrize("command", [0b00000000, 0b01010_000, 0b01011_000, 0b100_00000, 0b101_00000, 0b110_00000])
def test_other_commands_are_not_acknowledged(command):
    """Fast Write, the two EEPROM writes, and the selections of reference, power-down and gain."""
    dac = Mcp4728(Head(FrontEnd()))
    dac.start(0x60, read=False)
    assert not dac.write(command)
