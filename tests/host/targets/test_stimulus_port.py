"""The port of a real stimulus board: the blocks of a list are sent in the background, when the board asks for them."""

import os
import random
from concurrent.futures import ThreadPoolExecutor

import pytest
from dorn.targets import NoAnswer, TargetError
from dorn.targets.stimulus import StimulusBoard
from dorn.targets.stimulus_list import ASKS, HEADER
from dorn.targets.stimulus_port import SerialStimulusPort
from support.line import Line

LIST = random.Random(1).randbytes(512 * 100)  # far more than a pseudo-terminal keeps
BETWEEN_FRAMES = b"\0"  # in telemetry
SWAPPED = r"it sends telemetry, as an instrument does: swapped ports\?"


@pytest.fixture
def line(tmp_path):
    return Line(tmp_path / "port")


def read(line, octets):
    found = bytearray()
    while len(found) < octets:
        found += os.read(line.end, 4096)
    return bytes(found)


def test_blocks_are_sent_while_nobody_waits_for_the_port(line):
    with SerialStimulusPort(str(line.path)) as port:
        port.feed.begin(LIST)
        blocks = [HEADER + LIST[at : at + 512] for at in range(0, len(LIST), 512)]
        found = read(line, 2 * len(blocks[0]))
        for block in blocks[2:]:
            os.write(line.end, ASKS)
            found += read(line, len(block))
        os.write(line.end, b"ok\n" + ASKS)
        assert found == b"".join(blocks)
        answer = bytearray()  # which may arrive in pieces
        port.wait_for(lambda: answer.extend(port.receive()) or answer == b"ok\n", 5)


def test_a_port_is_closed_in_the_middle_of_a_list(line):
    with SerialStimulusPort(str(line.path)) as port:
        port.feed.begin(LIST)
        os.read(line.end, 1)
    assert not port._port.is_open and not port._reader.is_alive()


def test_a_board_that_reads_nothing_is_reported(line, monkeypatch):
    monkeypatch.setattr("dorn.targets.serial._WRITE_S", 0.1)
    with SerialStimulusPort(str(line.path)) as port, pytest.raises(TargetError, match="accepts no bytes: is it a stim"):
        port.send(LIST)


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
        told = bytes(1024) + b"\nhold 0 0\n"
        assert read(line, len(told)) == told


def test_telemetry_received_before_it_was_asked_is_not_a_stimulus_board(line):
    with SerialStimulusPort(str(line.path)) as port:
        os.write(line.end, BETWEEN_FRAMES)
        port.wait_for(lambda: bool(port._received), 5)
        with pytest.raises(TargetError, match=SWAPPED):
            StimulusBoard(port).connect(0.2)


def test_telemetry_instead_of_an_answer_is_not_a_stimulus_board(line):
    with SerialStimulusPort(str(line.path)) as port, ThreadPoolExecutor() as instrument:
        sent = instrument.submit(lambda: (read(line, 1024), os.write(line.end, BETWEEN_FRAMES)))
        with pytest.raises(TargetError, match=SWAPPED):
            StimulusBoard(port).connect(2)
        sent.result()


def test_a_command_without_an_answer_is_reported_with_its_name(line, monkeypatch):
    monkeypatch.setattr("dorn.targets.stimulus._ANSWER_S", 0.1)
    with SerialStimulusPort(str(line.path)) as port, pytest.raises(NoAnswer, match=r"stimulus .*: no answer to state"):
        StimulusBoard(port).state()
