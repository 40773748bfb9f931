"""A serial port as a target: it may disappear during a reset and return, or be lost."""

import os

import pytest
from dorn.errors import UserError
from dorn.targets import Reconnected, TargetError, serial
from dorn.targets.serial import SerialTarget
from support.line import Line


@pytest.fixture
def line(tmp_path):
    return Line(tmp_path / "port")


def test_a_port_that_disappears_and_returns_is_the_same_target(line):
    with SerialTarget(str(line.path)) as target:
        os.write(line.end, b"1")  # single octets, so that none is lost when the port disappears
        target.wait_for(lambda: bool(target._received), 5)
        line.unplug()
        line.plug()
        while target._received.connections == 1:  # the port is reopened, which discards its input
            target.advance(0.05)
        os.write(line.end, b"2")
        # kept separate: they may come from different instruments
        assert (target.receive(), target.connection) == (b"1", 1)
        target.wait_for(lambda: bool(target._received), 10)
        assert (target.receive(), target.connection) == (b"2", 2)
        line.unplug()
        line.plug()
        with pytest.raises(Reconnected):  # nothing is sent to a port that may belong to another instrument
            target.send(b"up")
        assert (target.receive(), target.connection) == (b"", 3)
        target.send(b"again")
        assert os.read(line.end, 10) == b"again"


def test_another_board_under_the_old_name_is_not_opened(line, monkeypatch):
    """The board returns under another name; its old name now belongs to another board."""
    ports = {str(line.path): "A"}
    monkeypatch.setattr(serial, "number_of", ports.get)
    monkeypatch.setattr(serial, "name_of", lambda number: next((p for p, n in ports.items() if n == number), None))
    with SerialTarget(str(line.path)) as target:
        line.unplug()
        line.plug()
        ports[str(line.path)] = "B"
        other = Line(line.path.with_name("other"))
        looked = []

        def name_of(number):
            looked.append(number)
            return str(other.path) if len(looked) > 5 else None

        monkeypatch.setattr(serial, "name_of", name_of)
        with pytest.raises(Reconnected):
            target.send(b"up")
        assert target.name == str(other.path) and looked == ["A"] * 6
        target.send(b"again")
        assert os.read(other.end, 10) == b"again"


def test_a_port_that_is_lost_while_sending_is_reported(line):
    with SerialTarget(str(line.path), away_s=0.2) as target:
        line.unplug()
        with pytest.raises(TargetError, match="lost: ") as lost:
            target.send(b"up")
        assert not isinstance(lost.value, Reconnected)


def test_a_port_that_does_not_return_is_lost(line):
    with SerialTarget(str(line.path), away_s=0.2) as target:
        line.unplug()
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
