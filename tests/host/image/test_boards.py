"""Known boards, and the constants of a board in its image. A new board is a folder with constants.py."""

import shutil

import pytest
from dorn.errors import UserError
from dorn.image import firmware
from dorn.image.constants import constants
from dorn.util.paths import onboard_root


@pytest.fixture
def pico_w(tmp_path, monkeypatch):
    """Add a board to a copy of the firmware: the Pico's constants, another machine, a smaller packet store."""
    for folder in ("firmware", "boards"):
        shutil.copytree(onboard_root() / folder, tmp_path / folder)
    text = (tmp_path / "boards" / "pico" / "constants.py").read_text()
    text = text.replace("Pico with", "Pico W with").replace("SEGMENTS = const(64)", "SEGMENTS = const(32)")
    (tmp_path / "boards" / "pico_w").mkdir()
    (tmp_path / "boards" / "pico_w" / "constants.py").write_text(text)
    for module in ("firmware", "constants"):
        monkeypatch.setattr(f"dorn.image.{module}.onboard_root", lambda: tmp_path)


def test_a_folder_with_constants_is_a_board(pico_w):
    assert firmware.boards() == ["pico", "pico_w", "unix"]
    assert constants("pico_w")["MACHINE"] == "Raspberry Pi Pico W with RP2040"
    assert constants("pico_w")["STORE_SEGMENTS"] == 32 and constants("pico")["STORE_SEGMENTS"] == 64


def test_an_image_has_only_the_constants_of_its_board(pico_w):
    pico, pico_w = firmware.files("pico"), firmware.files("pico_w")
    assert set(pico) == set(pico_w) and not [path for path in pico if path.startswith("boards/pico")]
    differing = {path for path in pico if pico[path] != pico_w[path]}
    assert differing == {"boards/constants.mpy", "manifest"}
    assert b"board pico_w\n" in pico_w["manifest"]


def test_the_unix_board_has_the_constants_of_the_pico():
    files = firmware.files("unix")
    assert "boards/pico/constants.py" in files and not [path for path in files if path.startswith("boards/rp2")]


def test_an_unknown_board_is_rejected():
    with pytest.raises(UserError, match=r"board: unknown \('pico_x'\); known: pico, unix"):
        firmware.files("pico_x")
