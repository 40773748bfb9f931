"""boards/pico/wiring.md says what boards/pico/constants.py and the simulated head say."""

import re

from dorn.dictionary import Dictionary
from dorn.files import onboard_root
from dorn.head.front_end import DEFAULT_COMPARATOR_MV, MV_PER_MEV
from dorn.head.slow_control import Mcp4728
from dorn.targets.event_law import constants

PICO = onboard_root() / "boards" / "pico"
TEXT = (PICO / "wiring.md").read_text(encoding="utf-8")
CONSTANTS = constants(PICO / "constants.py")
NOT_WIRED = {"BOARD_ID", "CLOCK_MHZ", "RING_BITS", "AMPLITUDE_BITS"}


def rows():
    """(cells before the constant, name, value) of every row of a table that names a constant."""
    for line in TEXT.splitlines():
        found = re.fullmatch(r"\| (.*) \| `([A-Z0-9_]+)` \| (\w+) \|", line)
        if found:
            cells, name, value = found.groups()
            yield cells.split(" | "), name, int(value, 0)


def test_every_pin_time_and_address_stands_there_as_it_is():
    assert {name: value for _, name, value in rows()} == {
        name: value for name, value in CONSTANTS.items() if name not in NOT_WIRED
    }


def test_the_pins_are_named_by_their_numbers():
    pins = {name: cells[0] for cells, name, _ in rows() if cells[0].startswith("GP")}
    lengths = {"FIRST_LINE": 16, "MUX_ADDRESS": 4}
    for name, text in pins.items():
        first, last = CONSTANTS[name], CONSTANTS[name] + lengths.get(name, 1) - 1
        assert text == (f"GP{first}" if first == last else f"GP{first}–GP{last}")  # noqa: RUF001
    assert set(pins) == {"FIRST_LINE", "MUX_ADDRESS", "HEAD_RESET", "I2C_SDA", "I2C_SCL", "PEAK_HOLD"}


def test_the_scales_are_those_of_head_and_dictionary():
    instrument = Dictionary.load().instrument
    zero, kev = instrument["zero_code"], instrument["kev_per_code"]
    mv_per_code = 3300 / 4096
    assert f"Scale at the comparators: {MV_PER_MEV} mV/MeV." in TEXT
    default_kev = DEFAULT_COMPARATOR_MV * 1000 / MV_PER_MEV
    assert f"{DEFAULT_COMPARATOR_MV} mV, the default, is {default_kev:.0f} keV" in TEXT
    full_scale_mev = kev * (instrument["full_scale_code"] - zero) / 1000
    assert f"full scale, {full_scale_mev:.1f} MeV, is {full_scale_mev * MV_PER_MEV / 1000:.2f} V" in TEXT
    assert f"code {zero} is 0 keV, {kev:.0f} keV a code; with {MV_PER_MEV} mV/MeV" in TEXT
    text = " ".join(TEXT.split())
    gain = mv_per_code / (kev * MV_PER_MEV / 1000)
    assert f"a gain of {gain:.2f} and an offset of {zero * mv_per_code:.0f} mV" in text


def test_the_simulated_dac_has_the_address():
    assert CONSTANTS["DAC_ADDRESS"] == Mcp4728.ADDRESS
