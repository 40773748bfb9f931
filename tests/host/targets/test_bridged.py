"""Several programs on one instrument: each has its own session over the TCP port of a bridge."""

import contextlib
import random
import threading
from collections import Counter

import pytest
from dorn.errors import UserError
from dorn.link import archive
from dorn.link.key import Key
from dorn.session import CommandFailed, Session
from dorn.targets import TargetError, open_target
from dorn.targets.bridged import BridgedTarget
from support.ground import DICTIONARY, serving, tcp_server

SPEED = 20  # times real time


@pytest.fixture
def instrument():
    with open_target("unix") as target:
        yield target


@contextlib.contextmanager
def session(tcp, away_s=10.0, key=None):
    name = "bridge://{}:{}".format(*tcp.address)
    with BridgedTarget(name, away_s) as target, contextlib.closing(Session(target, key=key)) as session:
        yield session


def pings(session, n):
    """Send n telecommands that must complete. Returns how many did not."""
    wrong = 0
    for _ in range(n):
        try:
            wrong += session.command("ping").name != "completion_success"
        except CommandFailed:
            wrong += 1
    return wrong


def refusals(session, n):
    """Send n telecommands that must be refused as an unknown function. Returns how many were not."""
    wrong = 0
    for _ in range(n):
        try:
            session.command("function", check=False, function=255)
            wrong += 1
        except CommandFailed as refused:
            wrong += refused.failure != "unknown_function"
    return wrong


def test_two_sessions_and_a_recorder_share_an_instrument(instrument, tmp_path):
    """No report is attributed to another session's telecommand, and each session receives every packet."""
    random.seed(1)  # so that the sessions do not start at the same count by chance
    n, path, found = 100, tmp_path / "telemetry.ccsds", {}
    with contextlib.ExitStack() as stack:
        tcp = tcp_server()
        bridge = stack.enter_context(serving(instrument, tcp, SPEED))
        one, other, recorder = (stack.enter_context(session(tcp)) for _ in range(3))
        for each in (one, other, recorder):
            each.connect()
        recorder.record(path)
        one_thread = threading.Thread(target=lambda: found.update(pings=pings(one, n)))
        other_thread = threading.Thread(target=lambda: found.update(refusals=refusals(other, n)))
        for thread in (one_thread, other_thread):
            thread.start()
        while one_thread.is_alive() or other_thread.is_alive():
            recorder.advance(0.05)
        recorder.command("ping")  # its report is the last packet
        assert found == {"pings": 0, "refusals": 0}
        assert recorder.sequence_gaps == one.sequence_gaps == other.sequence_gaps == 0
        assert not bridge.dropped and not tcp.dropped and tcp.clients == 3
    recorded = Counter(DICTIONARY.decode(packet).name for packet in archive.read(path))
    assert recorded["pong"] == recorded["completion_success"] == n + 1 and recorded["acceptance_failure"] == n


@pytest.mark.parametrize("unread", [False, True])
def test_a_session_continues_when_the_bridge_is_started_again(instrument, unread):
    tcp = tcp_server()
    with contextlib.ExitStack() as stack:
        with serving(instrument, tcp, SPEED):
            client, other = stack.enter_context(session(tcp)), stack.enter_context(session(tcp))
            client.connect()
            other.connect()
            if unread:  # its end is only seen after what was received before it
                other.wait_for(lambda packet: packet.name == "housekeeping", 30)
        with serving(instrument, tcp_server(tcp.address), SPEED):
            assert pings(client, 2) == 0  # the first one is also sent over the new connection


def test_a_bridge_that_does_not_return_is_lost(instrument):
    tcp = tcp_server()
    with contextlib.ExitStack() as stack:
        with serving(instrument, tcp, SPEED):
            client = stack.enter_context(session(tcp, away_s=0.2))
            client.connect()
        with pytest.raises(TargetError, match=r"lost: Connection refused; is dorn bridge running\?"):
            client.advance(60)


def test_a_client_that_is_not_admitted_is_told_so(instrument):
    tcp = tcp_server(clients=1)
    with serving(instrument, tcp), session(tcp) as client:
        client.connect()
        with session(tcp, away_s=0.5) as other, pytest.raises(UserError, match="lost: closed by the bridge, which may"):
            other.connect()


@pytest.mark.parametrize(
    ("name", "why"),
    [
        ("bridge://127.0.0.1:1", r"Connection refused: is there a dorn bridge with --tcp 127.0.0.1:1\?"),
        ("bridge://nowhere.invalid:1", "is there a dorn bridge"),
        ("bridge://127.0.0.1", "expected bridge://HOST:PORT"),
        ("bridge://127.0.0.1:70000", "expected bridge://HOST:PORT"),
    ],
)
def test_an_address_without_a_bridge_is_an_error(name, why):
    with pytest.raises(UserError, match=f"target {name}: .*{why}"):
        open_target(name)


def test_a_key_belongs_to_the_bridge(instrument, tmp_path):
    """Otherwise telecommands would be signed twice."""
    key = Key.create(tmp_path / "key")
    tcp = tcp_server()
    with serving(instrument, tcp, SPEED, key) as bridge, session(tcp, key=key) as client:
        with pytest.raises(UserError, match="--key: a bridge signs telecommands itself"):
            client.connect()
            client.command("ping")
        assert not bridge.up
