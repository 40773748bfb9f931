"""The port of a board: how it is found and opened; boards that do not answer; and `dorn emulate`."""

import os
import re
import signal
import subprocess
import sys
from types import SimpleNamespace

import pytest
import serial
from dorn.errors import UserError
from dorn.flash import flashing, port
from dorn.image import micropython
from support import chip
from support.desk import Desk, desk

_DEAF = b"""
import micropython, time
try:
    time.sleep_ms(500)
except KeyboardInterrupt:
    pass
else:
    micropython.kbd_intr(-1)
    while True:
        time.sleep_ms(100)
"""


def test_a_port_in_use_is_reported(board, capsys):
    with serial.Serial(board.name, exclusive=True):
        assert board.flash() == 2
    message = capsys.readouterr().err
    assert f"port {board.name}: is in use by " in message and f"(pid {os.getpid()}): close it" in message


def test_a_board_that_ignores_ctrl_c_is_stopped_after_a_power_cycle_or_reported(monkeypatch, capsys):
    monkeypatch.setattr(flashing, "RESTART_S", 0.5)
    with desk({"main.py": _DEAF}) as board:
        board.do(lambda: board.target.advance(1))  # the maintenance window is over

        def obey(*words, **options):
            if "power-cycle the board" in words[0]:
                board.power_cycle()

        monkeypatch.setattr(flashing, "print", obey, raising=False)
        assert board.flash("--check") == 1
        monkeypatch.undo()
        monkeypatch.setattr(flashing, "RESTART_S", 0.5)
        monkeypatch.setattr(flashing, "POWER_CYCLE_S", 0.5)
        board.do(lambda: board.target.advance(1))
        assert board.flash("--check") == 2
        output = capsys.readouterr()
        assert "power-cycle the board" in output.out
        assert "no MicroPython prompt" in output.err and "BOOTSEL" in output.err


def usb(device, number=None, product=0x0005):
    return SimpleNamespace(device=device, vid=0x2E8A, pid=product, serial_number=number)


@pytest.mark.parametrize(
    ("ports", "drive", "output"),
    [
        ([], False, ["no board found", "BOOTSEL", "mpflash", micropython.DOWNLOAD]),
        ([usb("/dev/a", product=3)], False, ["no board found"]),
        ([usb("/dev/a"), usb("/dev/b")], False, ["several boards (/dev/a, /dev/b)"]),
        ([], True, ["copy its image of MicroPython", "RPI_PICO-20260406-v1.28.0.uf2", "RPI-RP2"]),
    ],
)
def test_without_exactly_one_board_the_user_is_told_what_to_do(monkeypatch, tmp_path, capsys, ports, drive, output):
    (tmp_path / "RPI-RP2").mkdir()
    monkeypatch.setattr(port, "_DRIVES", (str(tmp_path / "RPI-RP2").lstrip("/"),) if drive else ())
    monkeypatch.setattr(port.list_ports, "comports", lambda: ports)
    assert Desk.flash(None, port="auto") == 2
    message = capsys.readouterr().err
    assert all(words in message for words in output)


def test_a_board_is_found_again_under_another_name(board, monkeypatch):
    """A USB port may have another name after a restart."""
    names = [["/dev/never-there", "E66"], [board.name, "E66"]]
    monkeypatch.setattr(port.list_ports, "comports", lambda: [usb(*names[0])])
    line = port.Line("/dev/never-there")
    with pytest.raises(UserError, match="does not exist"):
        line.open()
    names.pop(0)
    line.open()
    line.close()
    assert line.name == board.name


@pytest.mark.parametrize("where", [[], ["--tcp", "0"]], ids=["pty", "tcp"])
def test_the_emulated_board_serves_consecutive_clients_and_keeps_its_flash(tmp_path, where):
    """A file written to a blank board is present in the next run."""
    chip.required()
    for n, options in enumerate((["--blank"], [])):
        program = "import sys; from dorn.cli import main; sys.exit(main())"
        command = [sys.executable, "-c", program, "emulate", "--flash", str(tmp_path), *where, *options]
        with subprocess.Popen(command, stdout=subprocess.PIPE, text=True) as process:
            name = re.search(r"on (\S+),", process.stdout.readline())[1]
            for _ in range(2):  # consecutive clients
                line = port.Line(name)
                line.open()
                assert line.knock(20)
                line.transport.enter_raw_repl()
                assert line.transport.fs_exists("/mine") == bool(n)
                line.close()
            if not n:
                line.open()
                line.transport.enter_raw_repl()
                line.transport.fs_writefile("/mine", b"1")
                line.close()
            process.send_signal(signal.SIGTERM)
            process.wait(20)
