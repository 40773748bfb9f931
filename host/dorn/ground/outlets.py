"""The sides of the bridge that face ground systems: whole packets over UDP and TCP.

There is no authentication: the ports are bound to this machine, unless another address is given.
"""

from __future__ import annotations

import socket
import time
from collections import Counter
from collections.abc import Callable, Iterable, Iterator
from typing import Protocol

from dorn.errors import UserError
from dorn.link.stream import PacketStream

CLIENTS = 64  # maximum number of connections of a TCP port
INCOMPLETE_S = 5.0  # wall time within which a telecommand must be complete, from its first octet
_DATAGRAM = 65_535
_AT_ONCE = 100  # datagrams taken before the instrument is served again
_PENDING = 1 << 20  # octets kept for a client that does not read; further packets are dropped
_BLOCKED_S = 1.0  # wall time without accepting connections after an error, such as too many open files


class Outlet(Protocol):
    """Where the bridge sends telemetry, and where telecommands come from. dropped: reason -> number of drops."""

    dropped: Counter

    def sockets(self) -> list[socket.socket]: ...
    def put(self, packet: bytes) -> None: ...
    def take(self) -> Iterable[bytes]: ...
    def close(self) -> None: ...


class Udp:
    """Sends telemetry to the address `to`, and receives telecommands at the address `at`; (host, port) each."""

    def __init__(self, to: tuple[str, int], at: tuple[str, int]):
        self.dropped = Counter()
        if to == at:
            raise UserError(f"UDP port {at[0]}:{at[1]}: telemetry would come back as telecommands: use two ports")
        try:
            self._to = socket.getaddrinfo(*to, socket.AF_INET, socket.SOCK_DGRAM)[0][4]
        except OSError as error:
            raise UserError(f"UDP to {to[0]}:{to[1]}: {error.strerror}") from None
        self._socket = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
        try:
            self._socket.bind(at)
        except OSError as error:
            self._socket.close()
            raise UserError(f"UDP port {at[0]}:{at[1]}: {error.strerror}") from None
        self._socket.setblocking(False)
        self.address = self._socket.getsockname()

    def sockets(self) -> list[socket.socket]:
        return [self._socket]

    def put(self, packet: bytes) -> None:
        try:
            self._socket.sendto(packet, self._to)
        except BlockingIOError:
            self.dropped["no room"] += 1
        except OSError as error:  # UDP does not always report a missing receiver
            self.dropped[error.strerror or "not sent"] += 1

    def take(self) -> Iterator[bytes]:
        for _ in range(_AT_ONCE):
            try:
                yield self._socket.recv(_DATAGRAM)
            except BlockingIOError:
                return
            except OSError:  # reports that an earlier packet was not delivered; irrelevant here
                continue

    def close(self) -> None:
        self._socket.close()


class _Client:
    """A connection, the octets waiting to be sent to it, and the packets in the octets received from it."""

    def __init__(self, connection: socket.socket, stream: PacketStream):
        connection.setblocking(False)
        connection.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        self.socket = connection
        self.stream = stream
        self.waiting = bytearray()
        self.since_s = 0.0  # when the first octet of an incomplete packet arrived
        self.is_sending = True  # it has not closed its side for sending


class Tcp:
    """A server for several clients: sends packets back to back, and splits received data into packets.

    A client that closes its side for sending, as nc does at the end of its input, still receives.
    """

    def __init__(
        self,
        at: tuple[str, int],
        header: bytes,
        longest: int,
        clients: int = CLIENTS,
        clock: Callable[[], float] = time.monotonic,
    ):
        """header: the first two octets of every telecommand; longest: octets of the longest one. clients: maximum
        number of connections; further ones are closed. clock: wall time, seconds."""
        self.dropped = Counter()
        self._header = header
        self._longest = longest
        self._most = clients
        self._clock = clock
        self._blocked_s = 0.0  # time before which no connection is accepted
        try:
            self._listening = socket.create_server(at)
        except OSError as error:
            raise UserError(f"TCP port {at[0]}:{at[1]}: {error.strerror}") from None
        self._listening.setblocking(False)
        self.address = self._listening.getsockname()
        self._clients: list[_Client] = []

    @property
    def clients(self) -> int:
        """Connections at present."""
        return len(self._clients)

    def sockets(self) -> list[socket.socket]:
        """The sockets to wait for, without clients that have closed their side for sending, and without the listening
        socket while connections cannot be accepted: these would end every wait at once."""
        listening = [self._listening] if self._clock() >= self._blocked_s else []
        return listening + [client.socket for client in self._clients if client.is_sending]

    def put(self, packet: bytes) -> None:
        for client in list(self._clients):
            if len(client.waiting) + len(packet) > _PENDING:
                self.dropped["client does not read"] += 1
            else:
                client.waiting += packet
            self._send(client)

    def _send(self, client: _Client) -> None:
        try:
            del client.waiting[: client.socket.send(client.waiting)]
        except BlockingIOError:
            pass
        except OSError:
            self._leave(client)

    def take(self) -> Iterator[bytes]:
        self._accept()
        for client in list(self._clients):
            if client.waiting:
                self._send(client)
            if client.is_sending:
                yield from self._receive(client)

    def _receive(self, client: _Client) -> Iterator[bytes]:
        stream, now_s = client.stream, self._clock()
        begin = stream.offset if stream.kept else None
        skipped = stream.skipped
        try:
            data = client.socket.recv(_DATAGRAM)
            client.is_sending = bool(data)
            yield from stream.feed(data)
        except BlockingIOError:
            pass
        except OSError:
            self._leave(client)
            return
        if stream.skipped > skipped:
            self.dropped["octets between packets"] += stream.skipped - skipped
        if stream.offset != begin:
            client.since_s = now_s
        if stream.kept and (not client.is_sending or now_s - client.since_s >= INCOMPLETE_S):
            stream.clear()  # otherwise it would block later telecommands, which would be executed late
            self.dropped["incomplete telecommand"] += 1

    def _accept(self) -> None:
        if self._clock() < self._blocked_s:
            return
        for _ in range(self._most):
            try:
                connection, _ = self._listening.accept()
            except BlockingIOError:
                return
            except OSError as error:
                self.dropped[f"connection not accepted: {error.strerror}"] += 1
                self._blocked_s = self._clock() + _BLOCKED_S
                return
            if len(self._clients) == self._most:  # a client that only listens may have gone, which only sending reveals
                listening = [client for client in self._clients if not client.is_sending]
                if listening:
                    self._leave(listening[0])
            if len(self._clients) < self._most:
                self._clients.append(_Client(connection, PacketStream(self._header, self._longest)))
            else:
                connection.close()
                self.dropped["too many clients"] += 1

    def _leave(self, client: _Client) -> None:
        if client in self._clients:
            self._clients.remove(client)
            client.socket.close()

    def close(self) -> None:
        for client in list(self._clients):
            self._leave(client)
        self._listening.close()
