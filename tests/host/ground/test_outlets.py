"""UDP and TCP ports of the bridge: clients that misbehave affect only themselves, and any number can connect."""

import contextlib
import os
import resource
import select
import socket

import pytest
from dorn.errors import UserError
from dorn.ground import outlets
from dorn.ground.outlets import Udp
from support.ground import HERE, tcp_server, telecommand
from support.packets import tm

PACKET = tm(17, 2, b"")


class Clock:
    now_s = 0.0

    def __call__(self):
        return self.now_s


@pytest.fixture
def clock():
    return Clock()


@pytest.fixture
def tcp(clock):
    with contextlib.closing(tcp_server(clients=2, clock=clock)) as tcp:
        yield tcp


@pytest.fixture
def client(tcp):
    """A client that the server has accepted."""
    with connected(tcp) as client:
        yield client


def connected(tcp):
    client = socket.create_connection(tcp.address, 60)
    taken(tcp)
    return client


def taken(tcp):
    """The telecommands that the server takes after something has arrived."""
    assert select.select(tcp.sockets(), [], [], 60)[0]
    return list(tcp.take())


@pytest.fixture
def limited():
    """limited(n): at most n open files, until the end of the test."""
    before = resource.getrlimit(resource.RLIMIT_NOFILE)
    yield lambda n: resource.setrlimit(resource.RLIMIT_NOFILE, (n, before[1]))
    resource.setrlimit(resource.RLIMIT_NOFILE, before)


def test_half_a_telecommand_is_dropped_and_the_next_one_is_read_afresh(tcp, client, clock):
    client.sendall(telecommand(1)[:7])
    clock.now_s = 100.0
    assert taken(tcp) == []
    clock.now_s = 104.9
    assert list(tcp.take()) == [] and not tcp.dropped
    client.sendall(telecommand(2)[:3])  # does not extend the time limit
    assert taken(tcp) == []
    clock.now_s = 105.0
    assert list(tcp.take()) == [] and tcp.dropped == {"incomplete telecommand": 1}
    client.sendall(telecommand(3))
    assert taken(tcp) == [telecommand(3)]


def test_each_telecommand_has_the_full_time(tcp, client, clock):
    octets = telecommand(1) + telecommand(2)
    for n in range(0, 24, 8):
        clock.now_s = n / 2  # the first is complete after 4 s, when the second begins
        client.sendall(octets[n : n + 8])
        taken(tcp)
    client.sendall(octets[24:])
    assert taken(tcp) == [telecommand(2)] and not tcp.dropped


def test_a_client_that_closes_its_side_for_sending_still_receives(tcp, client):
    client.sendall(telecommand(1) + telecommand(2)[:5])
    client.shutdown(socket.SHUT_WR)
    found = []
    while tcp.clients and tcp.sockets()[1:]:
        found += taken(tcp)
    assert found == [telecommand(1)] and tcp.dropped == {"incomplete telecommand": 1}
    for _ in range(3):
        tcp.put(PACKET)
        assert client.recv(1000) == PACKET
    client.close()
    while tcp.clients:  # until a send fails
        tcp.put(PACKET)


def test_further_clients_are_refused_and_counted(tcp):
    with connected(tcp) as one, connected(tcp) as two, connected(tcp) as three:
        assert three.recv(1) == b"" and tcp.dropped == {"too many clients": 1}
        tcp.put(PACKET)
        assert one.recv(1000) == two.recv(1000) == PACKET
    while tcp.clients:
        tcp.put(PACKET)
        list(tcp.take())
    with connected(tcp) as four:
        tcp.put(PACKET)
        assert four.recv(1000) == PACKET


def test_a_client_that_may_have_gone_makes_room_for_another(tcp):
    with connected(tcp) as one, connected(tcp):
        one.shutdown(socket.SHUT_WR)
        list(tcp.take())
        with connected(tcp) as three:
            tcp.put(PACKET)
            assert three.recv(1000) == PACKET and one.recv(1000) == b"" and not tcp.dropped


def test_too_many_open_files_delay_a_client_and_are_waited_for_without_spinning(tcp, clock, limited):
    with socket.create_connection(tcp.address, 60) as client:
        free = os.dup(0)
        os.close(free)
        limited(free)
        assert taken(tcp) == [] and tcp.sockets() == [] and tcp.clients == 0
        assert tcp.dropped == {"connection not accepted: Too many open files": 1}
        limited(free + 100)
        assert list(tcp.take()) == [] and tcp.clients == 0
        clock.now_s += 1
        assert taken(tcp) == [] and tcp.clients == 1
        tcp.put(PACKET)
        assert client.recv(1000) == PACKET


def test_file_descriptors_above_1024_do_not_end_the_bridge(ground, limited):
    limited(2048)
    with contextlib.ExitStack() as stack:
        while (held := os.dup(0)) < 1024:  # the limit of select.select
            stack.callback(os.close, held)
        stack.callback(os.close, held)
        client = stack.enter_context(socket.create_connection(ground.tcp.address, 60))
        client.setblocking(False)
        received = []

        def arrived():
            with contextlib.suppress(BlockingIOError):
                received.append(client.recv(1000))
            return bool(received)

        client.sendall(telecommand(4))
        ground.serve(arrived)
        assert ground.tcp.sockets()[1].fileno() > 1024


def test_a_client_that_does_not_read_affects_no_other(ground, monkeypatch):
    monkeypatch.setattr(outlets, "_PENDING", 600)
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
