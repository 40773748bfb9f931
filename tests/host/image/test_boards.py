"""Known boards, and the constants of a board in its image. A new board is a folder with constants.py."""

import shutil

import pytest
from dorn.dictionary import Dictionary
from dorn.errors import UserError
from dorn.image import firmware
from dorn.image.constants import constants
from dorn.util.paths import onboard_root


@pytest.fixture
def example(tmp_path, monkeypatch):
    """Add a board to a copy of the firmware: the Pico's constants, another machine, a smaller packet store."""
    for folder in ("firmware", "boards"):
        shutil.copytree(onboard_root() / folder, tmp_path / folder)
    text = (tmp_path / "boards" / "pico" / "constants.py").read_text()
    text = text.replace("Pico with", "Pico W with").replace("SEGMENTS = const(64)", "SEGMENTS = const(32)")
    (tmp_path / "boards" / "example").mkdir()
    (tmp_path / "boards" / "example" / "constants.py").write_text(text)
    for module in ("firmware", "constants"):
        monkeypatch.setattr(f"dorn.image.{module}.onboard_root", lambda: tmp_path)


def test_a_folder_with_constants_is_a_board(example):
    assert {"example", "pico", "unix"} <= set(firmware.boards())
    assert constants("example")["MACHINE"] == "Raspberry Pi Pico W with RP2040"
    assert constants("example")["STORE_SEGMENTS"] == 32 and constants("pico")["STORE_SEGMENTS"] == 64


def test_an_image_has_only_the_constants_of_its_board(example):
    pico, other = firmware.files("pico"), firmware.files("example")
    assert set(pico) == set(other) and not [path for path in pico if path.startswith("boards/pico")]
    differing = {path for path in pico if pico[path] != other[path]}
    assert differing == {"boards/constants.mpy", "manifest"}
    assert b"board example\n" in other["manifest"]


def test_the_unix_board_has_the_constants_of_the_pico():
    files = firmware.files("unix")
    assert "boards/pico/constants.py" in files and not [path for path in files if path.startswith("boards/rp2")]


@pytest.mark.parametrize("board", [name for name in firmware.boards() if name != "unix"])
def test_the_constants_of_a_board_are_complete_and_its_number_is_in_the_dictionary(board):
    mine, pico = constants(board), constants("pico")
    assert {name: type(value) for name, value in mine.items()} == {name: type(value) for name, value in pico.items()}
    assert mine["BOARD_ID"] == Dictionary.load().enums["board"][board]
    assert len(mine["ALLOCATION"]) == len(Dictionary.load().enums["task"])
    pins = [mine["FIRST_LINE"] + d for d in range(16)] + [mine["MUX_ADDRESS"] + i for i in range(4)]
    pins += [mine[name] for name in ("HEAD_RESET", "PEAK_HOLD", "UART_TX", "UART_RX", "I2C_SDA", "I2C_SCL")]
    assert len(set(pins)) == len(pins) and set(pins) <= set(range(29)) - {23, 24, 25}  # used by the Pico boards


def test_an_unknown_board_is_rejected():
    with pytest.raises(UserError, match=r"board: unknown \('pico_x'\); known: .*pico.*, unix"):
        firmware.files("pico_x")
