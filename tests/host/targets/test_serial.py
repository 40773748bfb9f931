"""A serial port as a target: it may disappear during a reset and return, or be lost."""

import os

import pytest
from dorn.errors import UserError
from dorn.targets import TargetError, serial
from dorn.targets.serial import SerialTarget
from support.line import Line


@pytest.fixture
def line(tmp_path):
    return Line(tmp_path / "port")


def test_a_port_that_disappears_and_returns_is_the_same_target(line):
    with SerialTarget(str(line.path)) as target:
        os.write(line.end, b"before")
        target.wait_for(lambda: target._down == b"before", 5)
        line.unplug()
        line.plug()
        target.advance(0.3)  # the port is reopened, which discards its input
        os.write(line.end, b", after")
        target.wait_for(lambda: target._down == b"before, after", 10)
        line.unplug()
        line.plug()
        target.send(b"up")
        assert os.read(line.end, 10) == b"up"


def test_a_port_that_does_not_return_is_lost(line):
    with SerialTarget(str(line.path), 0.2) as target:
        line.unplug()
        line.path.unlink()
        with pytest.raises(TargetError, match=r"lost: .*check its cable"):
            target.wait_for(lambda: False, 5)


def test_a_port_that_accepts_no_bytes_is_reported(line, monkeypatch):
    monkeypatch.setattr(serial, "_WRITE_S", 0.2)
    with SerialTarget(str(line.path)) as target, pytest.raises(TargetError, match="accepts no bytes"):
        for _ in range(1000):
            target.send(bytes(4096))


def test_a_missing_port_is_reported(tmp_path):
    with pytest.raises(UserError, match="cannot be opened"):
        SerialTarget(str(tmp_path / "none"))
