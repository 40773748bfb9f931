"""A serial port as a target: it may disappear during a reset and return, or be lost."""

import os
import tty

import pytest
from dorn.errors import UserError
from dorn.targets import TargetError, serial
from dorn.targets.serial import SerialTarget


class Line:
    """A pseudo-terminal at a fixed path, where another one can replace it."""

    def __init__(self, path):
        self.path = path
        self.plug()

    def plug(self):
        self.end, other = os.openpty()
        tty.setraw(other)
        self.path.unlink(missing_ok=True)
        self.path.symlink_to(os.ttyname(other))
        self._other = other  # kept open, so that what is written before a client connects is not lost

    def unplug(self):
        os.close(self._other)
        os.close(self.end)


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


def test_a_port_that_does_not_return_is_lost(line, monkeypatch):
    monkeypatch.setattr(serial, "_AWAY_S", 0.2)
    with SerialTarget(str(line.path)) as target:
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
