"""A port that cannot be opened because another program has it open: the message names that program."""

import os
import subprocess
import sys

import pytest
import serial
from dorn.util import holders

HOLD = "import serial, sys; port = serial.Serial(sys.argv[1], exclusive=True); print(flush=True); sys.stdin.read()"


@pytest.fixture
def held(tmp_path):
    """(path, process, error when opening it) for a port that another process has open."""
    end, other = os.openpty()
    path = tmp_path / "port"  # as /dev/serial/by-id
    path.symlink_to(os.ttyname(other))
    command = [sys.executable, "-c", HOLD, str(path)]
    with subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE) as process:
        process.stdout.readline()
        os.close(other)
        with pytest.raises(serial.SerialException) as caught:
            serial.Serial(str(path), exclusive=True)
        yield str(path), process, caught.value
        process.stdin.close()
    os.close(end)


@pytest.mark.skipif(sys.platform != "linux", reason="there is no /proc")
def test_it_is_named_with_its_pid(held):
    path, process, error = held
    assert holders.in_use(path, error) == f"in use by {os.path.basename(sys.executable)[:15]} (pid {process.pid})"


def test_without_proc_it_is_another_program(held, tmp_path, monkeypatch):
    path, _, error = held
    monkeypatch.setattr(holders, "_PROC", tmp_path)
    assert holders.in_use(path, error) == "in use by another program"


def test_other_errors_are_not_about_a_holder(tmp_path):
    with pytest.raises(serial.SerialException) as caught:
        serial.Serial(str(tmp_path / "none"))
    assert holders.in_use(str(tmp_path / "none"), caught.value) is None
