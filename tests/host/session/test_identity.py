"""A session accepts only the instrument it started with, whatever is connected under the name of its port."""

import pytest
from dorn.dictionary import Dictionary
from dorn.link.archive import Archive
from dorn.session import Session, receiver
from dorn.targets import TargetError
from dorn.targets.serial import SerialTarget
from support.boards import Board


@pytest.fixture
def boards():
    a, b = Board(0xA), Board(0xB)
    yield a, b
    a.close()
    b.close()


def integration_time(session):
    """The parameter as the instrument reports it."""
    return session.wait_for(
        lambda packet: packet.name == "parameter_value",
        60,
        lambda: session.post("report_parameter", parameter="integration_time"),
    ).fields["value"]


def test_another_instrument_at_the_port_is_refused(boards, tmp_path):
    a, b = boards
    path, archive = tmp_path / "port", tmp_path / "telemetry.ccsds"
    a.plug(path)
    with SerialTarget(str(path)) as target:
        session = Session(target)
        session.record(archive)
        assert session.connect(60).fields["unique_id"] == 0xA
        session.command("ping")
        a.unplug()
        b.plug(path)
        with pytest.raises(TargetError, match="another instrument answers, not board 000000000000000a"):
            session.command("set_parameter", parameter="integration_time", value=77)
        session.close()
    with Archive(Dictionary.load(), archive) as found:
        assert set(found.unique_ids.values()) == {0xA}
    with SerialTarget(str(path)) as target:  # nothing was sent to the other instrument
        session = Session(target)
        assert session.connect(60).fields["unique_id"] == 0xB
        assert integration_time(session) != 77 and session.housekeeping.fields["commands_accepted"] <= 1


def test_the_same_instrument_is_recognised_and_nothing_is_lost(boards, tmp_path):
    a, _ = boards
    path = tmp_path / "port"
    a.plug(path)
    with SerialTarget(str(path)) as target:
        session = Session(target)
        session.connect(60)
        for _ in range(3):
            a.unplug()
            a.plug(path)
            session.command("ping", 60)
        a.do(lambda unix: unix.reset())
        a.unplug()
        a.plug(path)
        session.command("ping", 60)
        assert session.connect().fields["unique_id"] == 0xA
        session.close()


def test_an_instrument_that_sends_nothing_by_itself_is_asked(boards, tmp_path, monkeypatch):
    monkeypatch.setattr(receiver, "_FIRST_S", 0.1)
    a, _ = boards
    path = tmp_path / "port"
    a.plug(path)
    with SerialTarget(str(path)) as target:
        session = Session(target)
        session.connect(60)
        for structure in ("health", "science"):
            session.command("disable_structure", structure=structure)
        a.do(lambda unix: unix.advance(120))  # until the monitors have reported
        for value in (601, 602, 603):
            a.unplug()
            a.plug(path)
            session.command("set_parameter", 60, parameter="integration_time", value=value)
        assert integration_time(session) == 603
        session.close()
