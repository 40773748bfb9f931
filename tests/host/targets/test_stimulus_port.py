"""The port of a real stimulus board: a list is written in the background, as fast as the board reads it."""

import os
import random

import pytest
from dorn.targets import NoAnswer, TargetError
from dorn.targets.stimulus import StimulusBoard
from dorn.targets.stimulus_port import SerialStimulusPort
from support.line import Line

LIST = random.Random(1).randbytes(100_000)  # far more than a pseudo-terminal keeps


@pytest.fixture
def line(tmp_path):
    return Line(tmp_path / "port")


def test_a_list_is_sent_in_the_background_and_arrives_whole(line):
    with SerialStimulusPort(str(line.path)) as port:
        port.send(LIST)  # nobody reads yet
        port.send(b"state\n")
        found = bytearray()
        while len(found) < len(LIST) + 6:
            found += os.read(line.end, 4096)
        assert found == LIST + b"state\n"


def test_a_port_is_closed_although_its_board_reads_nothing(line):
    with SerialStimulusPort(str(line.path)) as port:
        port.send(LIST)
        os.read(line.end, 1)  # it is being written
    assert not port._port.is_open and not port._writer.is_alive()


def test_a_board_may_take_longer_than_any_timeout_to_read(line):
    with SerialStimulusPort(str(line.path)) as port:
        assert port._port.write_timeout is None


def test_a_board_that_was_away_has_lost_what_it_was_playing(line):
    with SerialStimulusPort(str(line.path)) as port:
        line.unplug()
        line.plug()
        with pytest.raises(TargetError, match=r"stimulus .*port: lost: .*check its cable and its power"):
            port.wait_for(lambda: False, 5)
        with pytest.raises(TargetError, match="lost: "):
            for _ in range(1000):
                port.send(LIST)


def test_a_port_without_a_stimulus_board_is_reported(line):
    with SerialStimulusPort(str(line.path)) as port:
        board = StimulusBoard(port)
        with pytest.raises(TargetError, match=r"no stimulus board answers: .*dorn flash --board stimulus --port /"):
            board.connect(0.2)
        assert os.read(line.end, 4096) == bytes(1024) + b"\nhold 0 0\n"


def test_an_instrument_is_not_taken_for_a_stimulus_board(line):
    with SerialStimulusPort(str(line.path)) as port:
        os.write(line.end, b"\0\x05\x08\x64\xc0\0")
        with pytest.raises(TargetError, match=r"it sends telemetry, as an instrument does: swapped ports\?"):
            StimulusBoard(port).connect(0.2)


def test_a_command_without_an_answer_is_reported_with_its_name(line, monkeypatch):
    monkeypatch.setattr("dorn.targets.stimulus._ANSWER_S", 0.1)
    with SerialStimulusPort(str(line.path)) as port, pytest.raises(NoAnswer, match=r"stimulus .*: no answer to state"):
        StimulusBoard(port).state()
