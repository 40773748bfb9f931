"""boards/pico/wiring.md agrees with boards/pico/constants.py and the simulated head."""

import math
import re

import pytest
from dorn.dictionary import Dictionary
from dorn.head.front_end import DEFAULT_COMPARATOR_MV, MV_PER_MEV
from dorn.head.slow_control import BIAS_GAIN, HOLD_S, LEAKAGE_MV_PER_NA, Ads1115, Mcp4728, Mcp23008
from dorn.image.constants import constants
from dorn.util.paths import onboard_root

PICO = onboard_root() / "boards" / "pico"
TEXT = (PICO / "wiring.md").read_text(encoding="utf-8")
CONSTANTS = constants("pico")
NOT_WIRED = {
    "ALLOCATION",
    "BOARD_ID",
    "MACHINE",
    "CLOCK_MHZ",
    "SCRATCH",
    "RING_BITS",
    "BACKLOG",
    "UART_READ",
    "AMPLITUDE_BITS",
    "STORE_SEGMENTS",
}


def rows():
    """(cells before the constant, name, value) of every table row that names a constant."""
    for line in TEXT.splitlines():
        found = re.fullmatch(r"\| (.*) \| `([A-Z0-9_]+)` \| (\w+) \|", line)
        if found:
            cells, name, value = found.groups()
            yield cells.split(" | "), name, int(value, 0)


def test_every_pin_time_and_address_is_documented_correctly():
    assert {name: value for _, name, value in rows()} == {
        name: value for name, value in CONSTANTS.items() if name not in NOT_WIRED
    }


def test_the_pins_are_named_by_their_numbers():
    pins = {name: cells[0] for cells, name, _ in rows() if cells[0].startswith("GP")}
    lengths = {"FIRST_LINE": 16, "MUX_ADDRESS": 4}
    for name, text in pins.items():
        first, last = CONSTANTS[name], CONSTANTS[name] + lengths.get(name, 1) - 1
        assert text == (f"GP{first}" if first == last else f"GP{first}–GP{last}")  # noqa: RUF001
    assert set(pins) == {
        "FIRST_LINE",
        "MUX_ADDRESS",
        "UART_TX",
        "UART_RX",
        "HEAD_RESET",
        "I2C_SDA",
        "I2C_SCL",
        "PEAK_HOLD",
    }


def test_the_documented_scales_are_those_of_head_and_dictionary():
    instrument = Dictionary.load().instrument
    zero, kev = instrument["zero_code"], instrument["kev_per_code"]
    mv_per_code = 3300 / 4096
    assert f"Scale at the comparators: {MV_PER_MEV} mV/MeV." in TEXT
    default_kev = DEFAULT_COMPARATOR_MV * 1000 / MV_PER_MEV
    assert f"{DEFAULT_COMPARATOR_MV} mV, the default, is {default_kev:.0f} keV" in TEXT
    full_scale_mev = kev * (instrument["full_scale_code"] - zero) / 1000
    assert f"full scale, {full_scale_mev:.1f} MeV, is {full_scale_mev * MV_PER_MEV / 1000:.2f} V" in TEXT
    assert f"code {zero} is 0 keV, {kev:.0f} keV per code; with {MV_PER_MEV} mV/MeV" in TEXT
    text = " ".join(TEXT.split())
    gain = mv_per_code / (kev * MV_PER_MEV / 1000)
    assert f"a gain of {gain:.2f} and an offset of {zero * mv_per_code:.0f} mV" in text


def test_the_simulated_devices_have_the_documented_addresses_and_scales():
    parts = {"DAC": Mcp4728, "ADC": Ads1115, "EXPANDER": Mcp23008}
    assert all(CONSTANTS[f"{name}_ADDRESS"] == part.ADDRESS for name, part in parts.items())
    assert CONSTANTS["BIAS_GAIN"] == BIAS_GAIN
    text = " ".join(TEXT.split())
    assert f"level of the bias, {1000 // BIAS_GAIN} mV/V" in text and f"Output = {BIAS_GAIN} · C" in text
    assert f"1 MΩ, {LEAKAGE_MV_PER_NA} mV/nA" in text and f"R · C = {HOLD_S} s" in text
    parameters = Dictionary.load().parameters
    assert f"{parameters['bias'].default // 1000} V, the default, deplete" in text
    amplitude_mv = parameters["pulser_amplitude"].default
    assert f"{amplitude_mv} mV, the default, is {amplitude_mv / MV_PER_MEV:g} MeV" in text
    assert parameters["bias"].high == 100_000 and "0–100 V for silicon" in text  # noqa: RUF001


def budget(heading):
    """Rows (text, ns) of a table of delays of a stimulus board."""
    table = TEXT.partition(f"| {heading} | ns |\n|---|---|\n")[2].partition("\n\n")[0]
    return [(text, int(ns)) for text, ns in re.findall(r"\| (.*) \| (\d+) \|", table)]


@pytest.mark.parametrize(
    ("heading", "constant"),
    [
        ("delay, from the release of GP22 to the look at the lines", "RELEASE_NS"),
        ("delay, from a new address to half a step of the final level", "SETTLE_NS"),
    ],
)
def test_the_delays_of_a_stimulus_board_are_right_and_within_their_limits(heading, constant):
    """A resistor and a capacitor reach a level after a time; the rest are whole cycles."""
    *rows, (last, total) = budget(heading)
    to = {
        "falls to 0.8 V": math.log(3.3 / 0.8),
        "rises to 2.0 V": math.log(3.3 / 1.3),
        "settles to 1/512": math.log(512),
    }
    for text, ns in rows:
        if found := re.fullmatch(r".* ((?:falls|rises|settles) to .*): (\d+) Ω, (\d+) pF", text):
            level, ohm, pf = found.groups()
            assert ns == round(to[level] * int(ohm) * int(pf) / 1000)
        else:
            assert ns == 1000 // CONSTANTS["CLOCK_MHZ"] * int(re.search(r"(\d+) cycles", text)[1])
    assert (last, total) == ("sum", sum(ns for _, ns in rows))
    assert total < CONSTANTS[constant] and f"`{constant}`, {CONSTANTS[constant]} ns" in " ".join(TEXT.split())


def test_pin_numbers_and_gp_numbers_agree():
    """The 40 pins of the Pico in data sheet order: GP numbers are consecutive, with grounds in between."""
    grounds = {3, 8, 13, 18, 23, 28, 33, 38}
    of_the_board = dict(zip(range(29), [n for n in range(1, 30) if n not in grounds], strict=False))
    of_the_board |= {22: 29, 26: 31, 27: 32, 28: 34}
    lengths = {"FIRST_LINE": 16, "MUX_ADDRESS": 4}
    for cells, name, first in rows():
        if cells[0].startswith("GP"):
            pins = []
            for part in cells[1].split(", "):
                ends = [int(n) for n in part.split("–")]  # noqa: RUF001
                pins += range(ends[0], ends[-1] + 1)
            assert pins == [of_the_board[first + i] for i in range(lengths.get(name, 1))]
