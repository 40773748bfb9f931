"""The simulated devices of slow control, MCP23008 (DS21919) and ADS1115 (SBAS444), against their data sheets."""

from types import SimpleNamespace

import pytest
from dorn.head.front_end import FrontEnd, Head
from dorn.head.slow_control import HOLD_S, Ads1115, Mcp4728, Mcp23008, SimulatedDevices
from hypothesis import given
from hypothesis import strategies as st

BYTE = st.integers(0, 255)
TRANSFERS = st.lists(
    st.tuples(st.sampled_from([0x20, 0x48, 0x60, 0x00, 0x7F]), st.lists(BYTE, max_size=12), st.integers(0, 5)),
    max_size=20,
)


def write(device, *values):
    assert device.start(device.ADDRESS, read=False)
    return all(map(device.write, values))


def read(device, n):
    assert device.start(device.ADDRESS, read=True)
    return [device.read() for _ in range(n)]


@given(TRANSFERS)
def test_devices_survive_any_bytes_to_any_address(transfers):
    """Unused addresses are not acknowledged, and the devices still answer afterwards."""
    now = SimpleNamespace(ns=0)
    devices = SimulatedDevices(Head(FrontEnd()), lambda: now.ns)
    for address, data, wanted in transfers:
        now.ns += 3_000_000
        error, answer = devices.transfer(address, bytes(data) if not wanted else b"", wanted)
        assert len(answer) == (wanted if not error else 0)
        assert not error or address in (0x00, 0x7F, 0x60)
        assert 0 <= devices.bias_mv <= 3300 * devices.supply_gain
    now.ns += 1_000_000_000
    assert devices.transfer(0x20, bytes([5, 0]), 0)[0] == devices.transfer(0x20, bytes([10, 0x55, 0x80]), 0)[0] == 0
    assert devices.expander.pins == 0x55
    assert devices.transfer(0x48, bytes([1, 0xE5, 0x83]), 0)[0] == 0
    now.ns += 1_000_000_000
    assert devices.transfer(0x48, bytes([0]), 0)[0] == 0
    assert devices.transfer(0x48, b"", 2) == (0, (round(710 / 2048 * 32768)).to_bytes(2, "big"))


@pytest.mark.parametrize("device", [Mcp23008(), Ads1115(lambda: [0.0] * 4, lambda: 0)], ids=lambda p: type(p).__name__)
def test_a_device_acknowledges_only_its_address_and_only_while_present(device):
    for direction in (False, True):
        assert [address for address in range(128) if device.start(address, direction)] == [device.ADDRESS]
        device.answers = False
        assert not device.start(device.ADDRESS, direction)
        device.answers = True


# -- MCP23008 --------------------------------------------------------------------------------------


def test_after_power_up_all_pins_are_inputs_and_low():
    expander = Mcp23008()
    assert expander.pins == 0 and write(expander, 0)
    assert read(expander, 11) == [0xFF] + [0] * 10  # table 1-3


@given(st.integers(0, 10), BYTE)
def test_a_register_keeps_its_writable_bits(register, value):
    expander = Mcp23008()
    write(expander, register, value)
    write(expander, register)
    kept = {5: value & 0x3E, 7: 0, 8: 0, 9: 0}.get(register, value)  # the pins, register 9, are inputs
    assert read(expander, 1) == [kept]
    write(expander, 10)
    assert read(expander, 1) == [value if register in (9, 10) else 0]  # a write to GPIO writes the latch


@given(BYTE, BYTE, BYTE)
def test_output_pins_follow_the_latch_and_input_pins_are_low(latch, directions, polarity):
    expander = Mcp23008()
    write(expander, 10, latch)
    assert expander.pins == 0
    write(expander, 0, directions, polarity)
    assert expander.pins == latch & ~directions
    write(expander, 9)
    assert read(expander, 1) == [(latch & ~directions) | (polarity & directions)]  # IPOL inverts inputs only


def test_the_address_increments_wraps_and_stays_on_demand():
    expander = Mcp23008()
    write(expander, 10, 0x41, 0x80)  # OLAT, then IODIR, as the driver does
    assert expander.pins == 0x41
    write(expander, 5, 0x20)  # SEQOP
    write(expander, 10, 1, 2, 3)
    assert expander.pins == 3
    assert read(expander, 3) == [3, 3, 3]


def test_a_pin_change_is_reported_once_with_the_levels():
    seen = []
    expander = Mcp23008(lambda before, now: seen.append((before, now)))
    for latch in (2, 2, 3):
        write(expander, 10, latch, 0)
    assert seen == [(0, 2), (2, 3)]


# -- ADS1115 ---------------------------------------------------------------------------------------


class Converter:
    """An ADS1115 with its own clock and inputs."""

    def __init__(self):
        self.ns, self.mv = 0, [100.0, 200.0, 300.0, 1000.0]
        self.device = Ads1115(lambda: self.mv, lambda: self.ns)

    def convert(self, config, wait_ns=200_000_000):
        write(self.device, 1, *config.to_bytes(2, "big"))
        self.ns += wait_ns
        return self.register(0)

    def register(self, pointer):
        write(self.device, pointer)
        return int.from_bytes(read(self.device, 2), "big")


def test_registers_after_power_up():
    converter = Converter()
    assert [converter.register(n) for n in range(4)] == [0, 0x8583, 0x8000, 0x7FFF]  # section 9.6


@pytest.mark.parametrize(
    ("mux", "mv"), [(0, -100), (1, -900), (2, -800), (3, -700), (4, 100), (5, 200), (6, 300), (7, 1000)]
)
def test_the_multiplexer_selects_the_input(mux, mv):
    code = Converter().convert(0x8000 | mux << 12 | 2 << 9 | 0x183)
    assert (code ^ 0x8000) - 0x8000 == pytest.approx(mv / 0.0625, abs=1)


@pytest.mark.parametrize(("gain", "lsb_uv"), list(enumerate([187.5, 125, 62.5, 31.25, 15.625, 7.8125, 7.8125, 7.8125])))
def test_gains_and_saturation(gain, lsb_uv):
    converter = Converter()
    config = 0x8000 | 4 << 12 | gain << 9 | 0x183
    assert converter.convert(config) == int(100_000 / lsb_uv)
    converter.mv[0] = 7000.0
    assert converter.convert(config) == 0x7FFF


@pytest.mark.parametrize(("rate", "sps"), list(enumerate([8, 16, 32, 64, 128, 250, 475, 860])))
def test_a_conversion_takes_its_time_and_ignores_another_start(rate, sps):
    converter = Converter()
    converter.convert(0xC583, 10_000_000)
    config = 0x8000 | 5 << 12 | 2 << 9 | 0x100 | rate << 5 | 3
    assert converter.convert(config, 1_000_000_000 // sps - 1000) == 1600  # still the previous result, AIN0
    assert converter.register(1) == config & 0x7FFF  # OS: busy
    converter.mv[1] = 500.0
    write(converter.device, 1, *config.to_bytes(2, "big"))  # no second start
    converter.ns += 1001
    assert converter.register(1) == config and converter.register(0) == 3200


def test_without_a_start_bit_nothing_is_converted_and_continuous_mode_needs_none():
    converter = Converter()
    assert converter.convert(0x4583) == 0
    converter.convert(0x4483)
    converter.mv[0] = 50.0
    assert converter.register(0) == 1600  # the result of the conversion in progress
    converter.ns += 10_000_000
    assert converter.register(0) == 800


@given(st.lists(BYTE, max_size=8))
def test_a_register_takes_two_bytes_and_no_more(values):
    device = Converter().device
    assert write(device, 2, *values)
    write(device, 2)
    assert read(device, 4) == (values[:2] if len(values) >= 2 else [0x80, 0]) * 2


# -- the circuits they drive -----------------------------------------------------------------------


def bias_on(devices):
    devices.transfer(Mcp4728.ADDRESS, bytes([0b01000_10_0, 0x83, 0x20]), 0)  # C: 800 steps of 0.5 mV
    devices.transfer(Mcp23008.ADDRESS, bytes([10, 1, 0x80]), 0)


def test_the_bias_is_on_while_enabled_and_clocked():
    now = SimpleNamespace(ns=0)
    devices = SimulatedDevices(Head(FrontEnd()), lambda: now.ns)
    assert devices.bias_mv == 0
    bias_on(devices)
    assert devices.bias_mv == 20_000
    for _ in range(3):  # any traffic holds it, even to an unused address
        now.ns += int(HOLD_S * 1e9) - 1
        assert devices.bias_mv == 20_000
        devices.transfer(0x11, b"", 1)
    now.ns += int(HOLD_S * 1e9)
    assert devices.bias_mv == 0
    devices.transfer(Mcp23008.ADDRESS, bytes([10, 0]), 0)
    assert devices.held and devices.bias_mv == 0


def test_a_test_pulse_goes_to_the_selected_detectors_with_the_height_of_output_d():
    pulses = []
    head = Head(FrontEnd())
    head.pulse = lambda at_ns, detector, energy_kev: pulses.append((detector, energy_kev))
    devices = SimulatedDevices(head, lambda: 0)
    devices.transfer(Mcp4728.ADDRESS, bytes([0b01000_11_0, 0x84, 0xB0]), 0)  # D: 600 mV
    for pins in (0b0110100, 0b0110110, 0b0110110, 0b1110100, 0b1110110, 0b0010110, 0b0010100, 0b0010110):
        devices.transfer(Mcp23008.ADDRESS, bytes([10, pins, 0x80]), 0)
    assert pulses == [(10, 4000), (10, 4000), (11, 4000)]  # one per rising edge; the last two select no side


def test_a_test_pulse_adds_to_the_source_and_never_rises_in_the_past():
    head = Head(FrontEnd())
    head.inject([(0, 3, 5000.0), (10_000, 3, 5000.0), (60_000, 3, 5000.0)], 1000)
    head.pulse(2000, 7, 4000.0)
    head.pulse(1000, 7, 4000.0)
    rises = []
    while (edge_ns := head.next_edge_ns()) is not None:
        before = head.fates.injected
        head.advance(edge_ns)
        rises += [edge_ns] * (head.fates.injected - before)
        if edge_ns == 11_000:
            head.advance(30_000)
            head.pulse(20_000, 7, 4000.0)  # the event builder is at 30 us already
    assert rises == [1000, 2000, 3000, 11_000, 30_000, 61_000]
    assert head.dry
    head.pulse(100_000, 1, 4000.0)
    head.cut()
    assert head.dry
