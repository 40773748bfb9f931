"""The bridge: unchanged packets to ground tools, their telecommands to the instrument, damaged data dropped."""

import contextlib
import signal
import socket
import subprocess
import sys

import pytest
from dorn.dictionary import Dictionary
from dorn.errors import UserError
from dorn.ground.bridge import Bridge, Tcp, Udp, telecommand_header
from dorn.ground.yamcs.quicklook import Quicklook
from dorn.link import frames
from dorn.link.key import Key
from dorn.targets import open_target
from hypothesis import given
from hypothesis import strategies as st
from spacepackets.ccsds import SpacePacketHeader
from spacepackets.ecss.tc import PusTc
from support.packets import source_data, tm

DICTIONARY = Dictionary.load()
HERE = ("127.0.0.1", 0)
APID = DICTIONARY.mission["apid"]


def telecommand(sequence, service=17, subtype=1, data=b""):
    """A telecommand built by spacepackets."""
    tc = PusTc(service=service, message_subtype=subtype, apid=APID, app_data=data, seq_count=sequence, ack_flags=0b1001)
    return bytes(tc.pack())


class Ground:
    """A ground system on UDP, and a bridge from it to an instrument."""

    def __init__(self, target, key=None):
        self.received, self.packets = [], []
        self._socket = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
        self._socket.bind(HERE)
        self._socket.setblocking(False)
        udp = Udp(self._socket.getsockname(), HERE)
        self.tcp = Tcp(HERE, telecommand_header(DICTIONARY), DICTIONARY.mission["max_packet"])
        self.bridge = Bridge(target, [udp, self.tcp], key, self.received.append)
        self._to = udp.address

    def send(self, packet):
        self._socket.sendto(packet, self._to)

    def until(self, condition, limit_s=20):
        """Run the bridge until the condition on the packets received meanwhile holds; return them. Target time."""
        packets = []
        for _ in range(int(limit_s / 0.05)):
            self.bridge.step()
            with contextlib.suppress(BlockingIOError):
                while True:
                    packets.append(DICTIONARY.decode(self._socket.recv(65535)))
            if condition(packets):
                self.packets += packets
                return packets
            self.bridge.target.advance(0.05)
        raise AssertionError(f"not within {limit_s} s: {[packet.name for packet in packets]}")

    def verified(self, sequence):
        def ended(packets):
            return any(
                p.fields.get("request_sequence") == 0xC000 | sequence
                and (p.name == "completion_success" or p.name.endswith("_failure"))
                for p in packets
            )

        return [p for p in self.until(ended) if p.fields.get("request_sequence") == 0xC000 | sequence][-1]

    def close(self):
        self._socket.close()
        self.bridge.close()


@pytest.fixture
def ground():
    with open_target("unix") as target, contextlib.closing(Ground(target)) as ground:
        ground.until(lambda packets: any(p.name == "housekeeping" for p in packets))
        yield ground


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
        (bytes([0x08]) + telecommand(1)[1:], "no telecommand of this APID"),
        (telecommand(1) + b"\0" * 700, "length"),
    ],
)
def test_invalid_telecommands_are_dropped_and_counted(ground, packet, why):
    ground.send(packet)
    ground.send(telecommand(5))
    assert ground.verified(5).name == "completion_success"
    assert dict(ground.bridge.dropped) == {why: 1} and ground.bridge.up == 1
    assert why in ground.received[0] and why in ground.bridge.summary()


def test_a_damaged_frame_affects_no_other(ground):
    ground.bridge.target.receive, receive = (lambda: b"\x05damaged\0"), ground.bridge.target.receive
    ground.bridge.step()
    ground.bridge.target.receive = receive
    ground.send(telecommand(9))
    assert ground.verified(9).name == "completion_success"
    assert ground.bridge.bad_frames == 1


def test_with_a_key_telecommands_are_signed_even_after_a_reset(tmp_path, monkeypatch):
    from dorn.image import firmware
    from dorn.targets.unix import UnixTarget

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


def test_a_client_that_does_not_read_affects_no_other(ground, monkeypatch):
    from dorn.ground import bridge

    monkeypatch.setattr(bridge, "_PENDING", 600)
    deaf = socket.socket()
    deaf.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 1024)
    deaf.connect(ground.tcp.address)
    ground.bridge.step()
    packet = bytes(500)
    for _ in range(20_000):
        ground.tcp.put(packet)
        if ground.tcp.dropped:
            break
    assert set(ground.tcp.dropped) == {"client does not read"}
    ground.send(telecommand(3))
    assert ground.verified(3).name == "completion_success"
    deaf.close()


@given(
    st.lists(st.one_of(st.binary(max_size=40), st.integers(0, 0x3FFF)), max_size=8),
    st.integers(1, 50),
)
def test_packets_are_found_in_a_stream_with_any_data_between_them(pieces, step):
    tcp = Tcp(HERE, telecommand_header(DICTIONARY), DICTIONARY.mission["max_packet"])
    stream, wanted = b"", []
    for piece in pieces:
        if isinstance(piece, int):
            wanted.append(telecommand(piece))
            stream += wanted[-1]
        else:
            stream += piece
    stream += telecommand(0) * 60  # completes any packet begun by the last piece
    buffer, found = bytearray(), []
    for at in range(0, len(stream), step):
        buffer += stream[at : at + step]
        found += tcp._cut(buffer)
    tcp.close()
    found = [packet for packet in found if packet != telecommand(0)]
    assert found == [packet for packet in wanted if packet != telecommand(0)]
    for packet in found:
        assert SpacePacketHeader.unpack(packet).apid == APID


def test_a_port_in_use_is_reported():
    udp = Udp(("127.0.0.1", 9), HERE)
    with pytest.raises(UserError, match=f"UDP port 127.0.0.1:{udp.address[1]}"):
        Udp(("127.0.0.1", 9), udp.address)
    udp.close()


def test_unusable_addresses_are_rejected_at_once():
    with pytest.raises(UserError, match=r"UDP port 127.0.0.1:7777: telemetry would come back as telecommands"):
        Udp(("127.0.0.1", 7777), ("127.0.0.1", 7777))
    with pytest.raises(UserError, match=r"UDP to nowhere.invalid:9: "):
        Udp(("nowhere.invalid", 9), HERE)


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


def test_the_quick_look_adds_each_packet_once_and_continues_if_it_is_not_accepted():
    shown = {}
    quicklook = Quicklook(DICTIONARY, lambda name, numbers: bool(shown.update({name: sum(numbers)})))
    layout = DICTIONARY.telemetry["spectrum"]

    def packet(record, first):
        fields = {field.name: 0 for field in layout.scalars} | {
            "record": record,
            "origin": 1,
            "integration": 1,
            "first": first,
        }
        return tm(128, 1, source_data(layout, fields | {"count": 1, "octets": 2, "data": [0, 9]}))

    for record, first in ((1, 5), (1, 5), (2, 1024), (3, 6)):
        quicklook.put(packet(record, first))
    assert shown["front"] == 18 and quicklook.dropped == {"quick look not accepted": 2}


def test_the_quick_look_is_an_outlet_of_the_bridge():
    quicklook = Quicklook(DICTIONARY, lambda name, numbers: True)
    with open_target("unix") as target:
        bridge = Bridge(target, [quicklook], say=print)
        target.advance(1)
        bridge.step()
        assert bridge.summary().endswith("dropped: nothing")
