"""`dorn levels`: what is refused before anything is opened. tests/hil measures a ladder."""

import contextlib
from types import SimpleNamespace

import pytest
from dorn import cli
from dorn.targets.stimulus import StimulusBoard
from dorn.targets.stimulus_list import Feed


@pytest.mark.parametrize(
    ("options", "why"),
    [
        (["--target", "pair", "--pulses", "0"], "--pulses: N: not a whole number from 1 to 1000 (0)"),
        (["--target", "pair", "--pulses", "many"], "--pulses: N: not a whole number from 1 to 1000 (many)"),
        (["--target", "pair", "--stimulus", "COM1"], "--stimulus: PORT: a pair has its own stimulus board (COM1)"),
        (["--target", "COM1"], "--stimulus: PORT: the port of the stimulus board is missing"),
        (["--target", "unix"], "--target: target: its head is simulated: it has no stimulus board (unix)"),
        (["--target", "foo", "--stimulus", "COM1"], "--target: target: not pair, a serial port or a URL (foo)"),
        (["--target", "pair", "--out", "folder", "--force"], "folder: levels: is a folder: give the name of a file"),
        (["--target", "pair", "--out", "no/levels.toml"], "levels.toml: levels: its folder does not exist"),
        (["--target", "pair", "--out", "old.toml"], "old.toml: levels: exists; give another name, or --force"),
    ],
)
def test_what_makes_no_sense_is_refused(options, why, capsys, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    (tmp_path / "old.toml").touch()
    (tmp_path / "folder").mkdir()
    assert cli.main(["levels", *options]) == 2
    assert why in capsys.readouterr().err


def test_a_folder_that_cannot_be_written_to_is_refused_before_anything_is_measured(capsys, tmp_path, monkeypatch):
    monkeypatch.setattr("os.access", lambda path, mode: path != tmp_path)
    assert cli.main(["levels", "--target", "pair", "--out", str(tmp_path / "levels.toml")]) == 2
    assert "levels.toml: levels: its folder cannot be written to" in capsys.readouterr().err


def test_a_stimulus_board_with_other_firmware_is_refused(capsys, tmp_path, monkeypatch):
    port = SimpleNamespace(name="pair", feed=Feed(lambda data: None), send=lambda data: None)
    port.receive, port.wait_for = lambda: b"ok stimulus 00000abc 0123456789abcdef\r\n", lambda condition, limit_s: None
    boards = contextlib.nullcontext((None, StimulusBoard(port)))
    monkeypatch.setattr("dorn.targets.boards.open_boards", lambda name, stimulus: boards)
    assert cli.main(["levels", "--target", "pair", "--out", str(tmp_path / "levels.toml")]) == 2
    error = capsys.readouterr().err
    assert "stimulus pair: manifest: its files are not those of this software; flash it: dorn flash --board" in error
