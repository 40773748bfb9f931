"""The outlet of the bridge for Yamcs, without a server: packets while not connected, and requests without an answer."""

import contextlib
import socket
import time

import pytest
from dorn.ground import yamcs
from dorn.ground.yamcs import mission_control
from dorn.ground.yamcs.conditions import Conditions
from dorn.ground.yamcs.correlation import Correlation
from dorn.link.boundaries import crc16
from support.products import DICTIONARY, packet


class Client:
    """A client whose server may or may not answer requests."""

    accepts = True

    def correlate(self, epoch_s):
        return self.accepts

    def publish(self, values):
        return self.accepts

    def event(self, *about):
        return self.accepts

    def close(self):
        pass


@pytest.fixture
def control():
    link, client = yamcs.link(DICTIONARY), Client()
    made = mission_control.MissionControl(link, client, Correlation(lambda: 0.0), {}, Conditions({}), DICTIONARY)
    with contextlib.closing(made):
        yield made, client, link.address


def received(connection, octets):
    with connection.makefile("rb") as stream:
        return stream.read(octets)


def test_packets_are_kept_until_the_server_is_connected(control):
    made, _, address = control
    packets = [packet("event_info", time_s=n).octets for n in range(5)]
    for each in packets:
        made.put(each)
    with socket.create_connection(address, 10) as server:
        connected = list(made.take())
        assert connected == [] and received(server, sum(map(len, packets))) == b"".join(packets)
    assert not made.dropped


def test_what_is_too_much_is_counted(control, monkeypatch):
    made, _, address = control
    monkeypatch.setattr(mission_control, "_WAITING", 3)
    packets = [packet("event_info", time_s=n).octets for n in range(5)]
    for each in packets:
        made.put(each)
    assert made.dropped == {"Yamcs not connected": 2}
    with socket.create_connection(address, 10) as server:
        list(made.take())
        assert received(server, sum(map(len, packets[2:]))) == b"".join(packets[2:])


def test_a_server_that_does_not_answer_is_counted_and_gets_the_packets(control):
    made, client, address = control
    client.accepts = False
    with socket.create_connection(address, 10) as server:
        list(made.take())
        octets = packet("event_info").octets
        made.put(octets)
        assert received(server, len(octets)) == octets
    assert made.dropped == {"time correlation not accepted by Yamcs": 1, "event not accepted by Yamcs": 1}


def test_a_packet_too_short_for_a_telecommand_is_left_to_the_bridge(control):
    made, _, address = control
    start = bytes.fromhex("1864c0000001")
    octets = start + crc16(start).to_bytes(2, "big")
    with socket.create_connection(address, 10) as server:
        list(made.take())
        server.sendall(octets)
        server.shutdown(socket.SHUT_WR)
        found, end_s = [], time.monotonic() + 10
        while not found and time.monotonic() < end_s:
            found = list(made.take())
        assert found == [octets]
