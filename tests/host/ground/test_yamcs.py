"""A real Yamcs server, headless, with the exported dictionary: its archive and its command verifiers."""

import contextlib
import socket
import threading
import time
from collections import Counter

import pytest
from dorn.dictionary import Dictionary
from dorn.errors import UserError
from dorn.ground import yamcs
from dorn.ground.bridge import Bridge
from dorn.ground.outlets import Udp
from dorn.head import sources
from dorn.head.front_end import FrontEnd, Head
from dorn.targets import open_target
from support import every_packet

HERE = "127.0.0.1"
DICTIONARY = Dictionary.load()
SPEED = 60
LIMIT_S = 60  # of wall time
pytest.importorskip("fprime_yamcs_bundle", reason="Yamcs is not installed: pip install '.[yamcs]'")
from yamcs.client import YamcsClient, YamcsError  # noqa: E402


class Yamcs:
    def __init__(self, folder):
        self.ports = yamcs.Ports(*(yamcs.free_port(kind) for kind in (socket.SOCK_STREAM, *[socket.SOCK_DGRAM] * 2)))
        yamcs.prepare(folder, self.ports, "2026-01-01T00:00:00Z", DICTIONARY)
        self.server = yamcs.Server(folder, self.ports)
        self.client = YamcsClient(f"{HERE}:{self.ports.http}")
        self.archive = self.client.get_archive(yamcs.INSTANCE)
        self.processor = self.client.get_processor(yamcs.INSTANCE, "realtime")

    def received(self):
        return self.client.get_link(yamcs.INSTANCE, "telemetry").get_info().in_count

    def packets(self):
        """Container -> number of packets in the archive."""
        return Counter(packet.name.removeprefix("/DORN/") for packet in self.archive.list_packets())

    def until(self, condition):
        end_s = time.monotonic() + LIMIT_S
        while not condition():
            assert time.monotonic() < end_s, f"not within {LIMIT_S} s: {self.packets()}, {self.events()}"
            time.sleep(0.2)

    def events(self):
        return [(e.source, e.event_type, e.severity, e.message) for e in self.archive.list_events()]

    def warnings(self):
        """Events of Yamcs itself above INFO. Event reports of the instrument, ST[05], have no source."""
        events = self.archive.list_events()
        return [f"{e.source}: {e.message}" for e in events if e.severity != "INFO" and e.source]


@pytest.fixture
def mission_control(tmp_path):
    control = Yamcs(tmp_path)
    with control.server:
        yield control
        control.client.close()


class Sent:
    """An outlet of the bridge that keeps the packets."""

    dropped = Counter()  # noqa: RUF012

    def __init__(self):
        self.packets = []

    def put(self, packet):
        self.packets.append(packet)

    def take(self):
        return ()

    def sockets(self):
        return []

    def close(self):
        pass

    def names(self):
        return Counter(DICTIONARY.decode(packet).name for packet in self.packets)


@pytest.fixture
def live(mission_control):
    """(Yamcs, bridge, Sent, do) with an acquiring instrument; do(f) calls f between two steps of the bridge."""
    source = sources.load(sources.DEMO)
    sent, calls, ended = Sent(), [], threading.Event()
    with open_target("unix", Head(FrontEnd.from_table(source.head, DICTIONARY.instrument, "demo"), 1)) as target:
        target.inject(sources.endless(source))
        ports = mission_control.ports
        outlets = [Udp((HERE, ports.tm), (HERE, ports.tc)), sent, yamcs.quicklook(mission_control.server, DICTIONARY)]
        bridge = Bridge(target, outlets)
        yamcs.begin(bridge, DICTIONARY)

        def stopped():
            while calls:
                call, done = calls.pop(0)
                call()
                done.set()
            return ended.is_set()

        def do(call):
            done = threading.Event()
            calls.append((call, done))
            assert done.wait(LIMIT_S)

        thread = threading.Thread(target=lambda: bridge.serve(stopped, SPEED))
        thread.start()
        try:
            yield mission_control, bridge, sent, do
        finally:
            ended.set()
            thread.join(LIMIT_S)
            bridge.close()


def test_every_packet_type_is_decoded_and_archived(mission_control, tmp_path):
    path = tmp_path / "telemetry.ccsds"
    every_packet.record(path)
    packets = every_packet.split(path, DICTIONARY)
    with contextlib.closing(socket.socket(socket.AF_INET, socket.SOCK_DGRAM)) as link:
        for n, packet in enumerate(packets):
            link.sendto(packet, (HERE, mission_control.ports.tm))
            if n % 20 == 19:  # UDP has no flow control
                mission_control.until(lambda n=n: mission_control.received() > n)
    wanted = Counter(DICTIONARY.decode(packet).name for packet in packets)
    assert set(wanted) == set(DICTIONARY.telemetry)
    mission_control.until(lambda: sum(mission_control.packets().values()) >= len(packets))
    assert mission_control.packets() == wanted
    assert mission_control.warnings() == []


def test_ten_minutes_with_telecommands_a_damaged_packet_and_a_reset(live):
    control, bridge, sent, do = live
    control.until(lambda: bridge.target.now_us > 300e6)

    connection = control.processor.create_command_connection()
    good = connection.issue("/DORN/ping")
    good.await_complete(LIMIT_S)
    assert good.is_success() and good.error is None
    refused = connection.issue("/DORN/function_bias_on")
    refused.await_complete(LIMIT_S)
    assert not refused.is_success() and refused.error.startswith("not_armed")
    with pytest.raises(YamcsError, match="range"):
        control.processor.issue_command("/DORN/set_parameter_integration_time", args={"value": 0})
    for name, args in {"function": {"function": "bias_on"}, "set_parameter": {"parameter": "bias", "value": 1}}.items():
        with pytest.raises(YamcsError, match="abstract"):  # it would not ask, or not know the range
            control.processor.issue_command(f"/DORN/{name}", args=args)
    assert control.warnings() == []

    # a damaged packet affects neither the previous nor the next one
    before = len(sent.packets)
    damaged = bytearray(sent.packets[-1])
    damaged[-1] ^= 1
    do(lambda: bridge.outlets[0].put(bytes(damaged)))
    control.until(lambda: any("orrupted" in text for text in control.warnings()))
    control.until(lambda: len(sent.packets) > before)

    # on-board time continues across a reset, so that no packet is mistaken for another
    do(bridge.target.power_cycle)
    control.until(lambda: bridge.target.now_us > 600e6)
    do(lambda: None)
    wanted = sent.names()
    control.until(lambda: sum(control.packets().values()) >= sum(wanted.values()))
    archived = control.packets()
    assert all(archived[name] >= wanted[name] for name in wanted)  # acquisition continues
    assert len([text for text in control.warnings() if "orrupted" in text]) == 1
    assert control.processor.get_parameter_value("/DORN/housekeeping_boot_count").eng_value == 2
    assert sum(control.processor.get_parameter_value("/quicklook/front").eng_value) > 0


def test_a_port_in_use_is_reported_before_anything_starts(tmp_path):
    with socket.create_server((HERE, 0)) as other:
        ports = yamcs.Ports(other.getsockname()[1], 1, 2)
        with pytest.raises(UserError, match=f"yamcs: port {ports.http}: .*: give another one"):
            yamcs.Server(tmp_path, ports)
    assert list(tmp_path.iterdir()) == []
