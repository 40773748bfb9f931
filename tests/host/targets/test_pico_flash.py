"""dorn/targets/pico_flash.py: content of the flash after a power failure during an operation."""

import pytest
from dorn.targets.pico_flash import PAGE_PROGRAM_S, SECTOR_ERASE_S, Flash
from hypothesis import given
from hypothesis import strategies as st

SECTOR, PAGE, START = 4096, 256, 8192
OLD = b"\x5a" * SECTOR * 4


def flash():
    """Octets of a chip with a file system, and its Flash."""
    chip = bytearray(START + len(OLD))
    return chip, Flash(memoryview(chip), START, OLD)


def erase(chip, sector):
    at = START + sector * SECTOR
    chip[at : at + SECTOR] = b"\xff" * SECTOR


def program(chip, page, data):
    at = START + page * PAGE
    chip[at : at + PAGE] = data


def test_operations_take_their_real_time_and_are_counted():
    chip, fs = flash()
    assert fs.command() == 0 == fs.operations
    erase(chip, 1)
    assert fs.command() == SECTOR_ERASE_S
    program(chip, 16, b"\1" * PAGE)
    assert fs.command() == PAGE_PROGRAM_S
    chip[0] = 1  # outside the file system
    assert fs.command() == 0 and fs.operations == 2 and not fs.power_failed


@given(st.floats(0, 1), st.integers(0, 3))
def test_an_interrupted_erase_is_partial(done, sector):
    chip, fs = flash()
    fs.cut_at(1, done)
    erase(chip, sector)
    assert fs.command() == done * SECTOR_ERASE_S and fs.power_failed
    erased = round(done * SECTOR)
    before, after = OLD[: sector * SECTOR], OLD[sector * SECTOR + erased :]
    assert fs.contents() == chip[START:] == before + b"\xff" * erased + after


def test_the_given_operation_is_interrupted_and_nothing_is_written_until_power_returns():
    chip, fs = flash()
    erase(chip, 0)
    fs.command()
    fs.cut_at(2, 0.5)
    for page in range(3):
        program(chip, page, bytes([page]) * PAGE)
        fs.command()
        assert fs.power_failed == (page > 0)
    assert (fs.operations, fs.power_failures) == (3, 1)
    left = bytes(PAGE) + b"\1" * (PAGE // 2)
    assert fs.contents() == left + b"\xff" * (SECTOR - len(left)) + OLD[SECTOR:]
    fs.power_failed = False
    program(chip, 2, b"\2" * PAGE)
    assert fs.command() == pytest.approx(PAGE_PROGRAM_S) and not fs.power_failed
