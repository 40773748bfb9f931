"""The bridge: unchanged packets to ground tools, their telecommands to the instrument, damaged data dropped."""

import contextlib
import os
import signal
import socket
import subprocess
import sys

import pytest
from dorn.ground.bridge import Bridge
from dorn.link import frames
from dorn.link.key import Key
from dorn.targets import TargetError, open_target
from dorn.targets.serial import SerialTarget
from dorn.targets.unix import UnixTarget
from support.ground import DICTIONARY, Ground, telecommand
from support.line import Line
from support.packets import tm


def test_a_telecommand_is_forwarded_and_its_reports_come_back(ground):
    ground.send(telecommand(77))
    assert ground.verified(77).name == "completion_success"
    assert [p.name for p in ground.packets].count("pong") == 1
    assert ground.bridge.up == 1 and not ground.bridge.dropped
    ground.send(telecommand(78, 8, 1, b"\xff"))
    report = ground.verified(78)
    assert report.name == "acceptance_failure" and report.text("failure") == "unknown_function"


def test_every_packet_is_forwarded_unchanged(ground):
    """Octets and order are those of the frames received from the target."""
    chunks = []
    receive = ground.bridge.target.receive

    def tapped():
        data = receive()
        chunks.append(data)
        return data

    ground.bridge.target.receive = tapped
    before = ground.bridge.down
    client = socket.create_connection(ground.tcp.address)
    client.setblocking(False)
    ground.until(lambda packets: len(packets) >= 6, 60)
    octets = b"".join(frames.Deframer().feed(b"".join(chunks)))
    forwarded = b""
    with contextlib.suppress(BlockingIOError):
        while data := client.recv(65535):
            forwarded += data
    assert ground.bridge.down - before >= 6
    assert forwarded == octets
    client.close()


@pytest.mark.parametrize(
    ("packet", "why"),
    [
        (b"", "length"),
        (telecommand(1, 8, 1, b"\1")[:-1], "length field"),
        (telecommand(1)[:-1] + b"\0", "CRC"),
        (bytes([0x08]) + telecommand(1)[1:], "not a telecommand of this APID"),
        (telecommand(1) + b"\0" * 700, "length"),
    ],
)
def test_invalid_telecommands_are_dropped_and_counted(ground, packet, why):
    ground.send(packet)
    ground.send(telecommand(5))
    assert ground.verified(5).name == "completion_success"
    assert dict(ground.bridge.dropped) == {why: 1} and ground.bridge.up == 1
    assert why in ground.received[0] and why in ground.bridge.summary()


def test_a_flood_of_invalid_telecommands_is_counted_without_a_line_for_each():
    now_s = [0.0]
    with open_target("unix") as target, contextlib.closing(Ground(target, clock=lambda: now_s[0])) as ground:
        for wall_s in range(25):
            now_s[0] = float(wall_s)
            for _ in range(1000):
                ground.bridge.send(b"wrong")
            ground.bridge.step()
        assert ground.bridge.dropped == {"length": 25_000} and "25000 length" in ground.bridge.summary()
        about = "77 72 6f 6e 67"
        assert ground.received == [f"dropped: length ({n} times): {about}" for n in (1000, 10_000, 10_000)]
        ground.bridge.send(telecommand(1)[:-1] + b"\0")  # another reason: reported at once
        ground.bridge.step()
        assert "dropped: CRC: 18" in ground.received[-1]


@pytest.fixture
def away(tmp_path):
    """(ground, line): a bridge to a port whose other end belongs to the test."""
    line = Line(tmp_path / "port")
    with SerialTarget(str(line.path), 0.1) as target, contextlib.closing(Ground(target)) as ground:
        yield ground, line


def test_an_instrument_that_is_away_is_waited_for_and_telecommands_are_dropped_meanwhile(away):
    ground, line = away
    bridge, received = ground.bridge, ground.received
    line.unplug()
    for n in (1, 2):
        ground.send(telecommand(n))
        ground.serve(lambda n=n: bridge.dropped["the instrument is unavailable"] == n)
    assert len(received) == 2 and "waiting for it" in received[0]
    assert "dropped: the instrument is unavailable" in received[1]
    line.plug()
    ground.serve(lambda: "back after" in received[-1])
    ground.send(telecommand(3))
    ground.serve(lambda: bridge.up == 1)
    assert frames.Deframer().feed(os.read(line.end, 1000)) == [telecommand(3)]
    assert len(received) == 3 and "2 the instrument is unavailable" in bridge.summary()


def test_a_gap_costs_only_the_frame_in_which_it_falls(away):
    ground, line = away
    packet = tm(17, 2, b"")
    os.write(line.end, frames.encode(packet) + frames.encode(packet)[:9])
    ground.serve(lambda: ground.bridge.down == 1)
    line.unplug()
    ground.serve(lambda: ground.received)
    line.plug()
    ground.serve(lambda: len(ground.received) == 2)
    os.write(line.end, frames.encode(packet))
    ground.serve(lambda: ground.bridge.down == 2)
    assert ground.bridge.bad_frames == 1


def test_a_simulation_that_ends_ends_the_bridge():
    with UnixTarget(files={"main.py": b"raise ValueError"}) as target:
        bridge = Bridge(target, [], say=print)
        with pytest.raises(TargetError, match="the firmware ended"):
            bridge.serve()


def test_a_damaged_frame_affects_no_other(ground):
    ground.bridge.target.receive, receive = (lambda: b"\x05damaged\0"), ground.bridge.target.receive
    ground.bridge.step()
    ground.bridge.target.receive = receive
    ground.send(telecommand(9))
    assert ground.verified(9).name == "completion_success"
    assert ground.bridge.bad_frames == 1


def test_with_a_key_telecommands_are_signed_even_after_a_reset(tmp_path, monkeypatch):
    from dorn.image import firmware

    key = Key.create(tmp_path / "key")
    files = firmware.files
    monkeypatch.setattr(firmware, "files", lambda *a, **k: files(*a, **k) | {"key": key.board_file})
    with UnixTarget() as target, contextlib.closing(Ground(target, key)) as ground:
        ground.until(lambda packets: any(p.name == "housekeeping" for p in packets))
        ground.send(telecommand(1))
        assert ground.verified(1).name == "completion_success"
        target.power_cycle()
        ground.until(lambda packets: any(p.name == "housekeeping" for p in packets))
        ground.send(telecommand(2))
        assert ground.verified(2).name == "completion_success"
        unsigned = DICTIONARY.encode("ping", 3)
        target.send(frames.encode(unsigned))
        assert ground.verified(3).text("failure") == "unsigned"


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])
def test_the_command_runs_until_a_signal_and_writes_its_report(number, tmp_path):
    arguments = ["bridge", "--target", "unix", "--tm", "127.0.0.1:9", "--tc", "127.0.0.1:0", "--report", str(tmp_path)]
    begin = f"import signal, sys; from dorn.cli import main; signal.signal({int(number)}, signal.default_int_handler)"
    command = [sys.executable, "-c", f"{begin}; sys.exit(main(sys.argv[1:]))", *arguments, "--speed", "20"]
    with subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True) as process:
        assert "packets of unix to UDP 127.0.0.1:9" in process.stdout.readline()
        process.send_signal(number)
        out, err = process.communicate(timeout=60)
    assert process.returncode == 130 and err == "dorn: stopped\n", err
    assert "packets down, 0 up; 0 damaged frames; dropped: nothing" in out
    assert "frame" in (tmp_path / "conformance.txt").read_text()
