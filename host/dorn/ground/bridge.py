"""`dorn bridge`: the instrument's frames on one side, whole packets for any ground system on the other.

Telemetry goes out as one UDP datagram per packet, and back to back to the clients of a TCP port; telecommands are
received in the same two ways. Packets are forwarded unchanged. Anything but a telecommand of this instrument is dropped
and counted; a damaged frame affects no other. There are no passwords: the ports are bound to this machine, unless
another address is given.
"""

from __future__ import annotations

import select
import socket
from collections import Counter
from collections.abc import Callable, Iterator

from dorn.dictionary import Dictionary, DictionaryError, PacketError
from dorn.dictionary.codec import crc16, faults
from dorn.dictionary.headers import EVENT_REPORTING, PRIMARY_HEADER, TELECOMMAND, size
from dorn.errors import UserError
from dorn.ground.conformance import Conformance
from dorn.link import frames
from dorn.link.key import Key, challenge_in
from dorn.targets import Target
from dorn.targets.pace import Pace

TM_PORT, TC_PORT = 10016, 10026  # UDP
# faults for which a telecommand is dropped -> the reason printed; the instrument itself reports the others
_DROPPED = {
    "length": "length",
    "length field": "length field",
    "header": "no telecommand of this APID",
    "CRC": "CRC",
}
_DATAGRAM = 65_535
_PENDING = 1 << 20  # octets kept for a client that does not read; further packets are dropped
_STEP_S = 0.02  # maximum target time between polls; about the latency of an answer


class Udp:
    """Telemetry to the address `to`, telecommands to the address `at`, (host, port) each."""

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
        while True:
            try:
                yield self._socket.recv(_DATAGRAM)
            except BlockingIOError:
                return
            except OSError:  # reports that an earlier packet was not delivered; irrelevant here
                continue

    def close(self) -> None:
        self._socket.close()


class Tcp:
    """A server of packets back to back, for any number of clients; their data are split into packets again."""

    def __init__(self, at: tuple[str, int], header: bytes, longest: int):
        """header: the first two octets of every telecommand; longest: octets of one."""
        self.dropped = Counter()
        self._header = header
        self._longest = longest
        try:
            self._listening = socket.create_server(at)
        except OSError as error:
            raise UserError(f"TCP port {at[0]}:{at[1]}: {error.strerror}") from None
        self._listening.setblocking(False)
        self.address = self._listening.getsockname()
        self._clients: dict[socket.socket, tuple[bytearray, bytearray]] = {}  # (octets to send, octets received)

    def sockets(self) -> list[socket.socket]:
        return [self._listening, *self._clients]

    def put(self, packet: bytes) -> None:
        for client, (waiting, _) in list(self._clients.items()):
            if len(waiting) + len(packet) > _PENDING:
                self.dropped["client does not read"] += 1
            else:
                waiting += packet
            self._send(client, waiting)

    def _send(self, client: socket.socket, waiting: bytearray) -> None:
        try:
            del waiting[: client.send(waiting)]
        except BlockingIOError:
            pass
        except OSError:
            self._leave(client)

    def take(self) -> Iterator[bytes]:
        self._accept()
        for client, (waiting, received) in list(self._clients.items()):
            if waiting:
                self._send(client, waiting)
            try:
                data = client.recv(_DATAGRAM)
            except BlockingIOError:
                continue
            except OSError:
                data = b""
            if not data:
                self._leave(client)
                continue
            received += data
            yield from self._cut(received)

    def _accept(self) -> None:
        try:
            client, _ = self._listening.accept()
        except OSError:
            return
        client.setblocking(False)
        client.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        self._clients[client] = bytearray(), bytearray()

    def _leave(self, client: socket.socket) -> None:
        if client in self._clients:
            del self._clients[client]
            client.close()

    def _cut(self, received: bytearray) -> Iterator[bytes]:
        """Remove and yield whole packets from the front; skip other octets up to a possible header."""
        while len(received) >= PRIMARY_HEADER:
            octets = size(received)
            begins = received[:2] == self._header and octets <= self._longest
            if begins and len(received) < octets:
                return
            if begins and not crc16(received[:octets]):
                yield bytes(received[:octets])
                del received[:octets]
                continue
            self.dropped["octets between packets"] += 1
            at = received.find(self._header, 1)
            del received[: at if at > 0 else len(received) - 1]  # the last octet may begin a header

    def close(self) -> None:
        for client in list(self._clients):
            self._leave(client)
        self._listening.close()


class Bridge:
    """Connects a target to outlets, Udp or Tcp. down, up: packets forwarded; dropped: reason -> number of telecommands.

    key signs the telecommands. say(text): messages for the operator. conformance: checks all traffic on the link.
    """

    def __init__(
        self,
        target: Target,
        outlets: list[Udp | Tcp],
        key: Key | None = None,
        say: Callable = print,
        conformance: Conformance | None = None,
    ):
        self.target = target
        self.conformance = conformance
        self.outlets = outlets
        self.down = self.up = 0
        self.dropped = Counter()
        self._dictionary = Dictionary.load()
        self._booted = self._dictionary.enums["event"]["booted"]
        self._deframer = frames.Deframer()
        self._key = key
        self._say = say
        self._foreign = False
        if key:
            key.skip()  # the instrument may have skipped counters in a reset
        target.send(b"\0")  # ends a partial frame that another client may have left

    @property
    def _now_s(self) -> float:
        return self.target.now_us / 1e6

    @property
    def bad_frames(self) -> int:
        return self._deframer.crc_errors

    def step(self) -> None:
        """Forward what was received, both ways."""
        good, bad = self._deframer.good, self._deframer.crc_errors
        packets = self._deframer.feed(self.target.receive())
        if self.conformance:
            self.conformance.frames(self._deframer.good - good, self._deframer.crc_errors - bad, self._now_s)
        for packet in packets:
            self.down += 1
            if self.conformance:
                self.conformance.down(packet, self._now_s)
            self._inspect(packet)
            for outlet in self.outlets:
                outlet.put(packet)
        for outlet in self.outlets:
            for packet in outlet.take():
                self.send(packet)

    def send(self, packet: bytes) -> None:
        """Forward a packet to the instrument if it is a telecommand."""
        if self.conformance:
            self.conformance.up(packet, self._now_s)
        wrong = next((_DROPPED[f] for f in faults(packet, self._dictionary.mission) if f in _DROPPED), None)
        if wrong:
            self.dropped[wrong] += 1
            self._say(f"telecommand dropped: {wrong}: {packet[:16].hex(' ')}{' ...' if len(packet) > 16 else ''}")
            return
        self.up += 1
        self.target.send(frames.encode(self._key.sign(packet) if self._key else packet))

    def _inspect(self, packet: bytes) -> None:
        """Inspect telemetry: report a foreign dictionary, and resynchronise the key after a reset."""
        try:
            if self._dictionary.check_hash(packet):
                self._foreign = False
        except DictionaryError as error:
            if not self._foreign:
                self._say(f"housekeeping: {error}")
            self._foreign = True
        if self._key and packet[7:8] == bytes([EVENT_REPORTING]):
            try:
                fields = self._dictionary.decode(packet).fields
            except PacketError:
                return
            if fields.get("event") == self._booted:
                self._key.skip()
            elif fields.get("event") == self._dictionary.enums["event"]["challenge"]:
                self._key.challenge = challenge_in(fields)

    def serve(self, stopped: Callable[[], bool] = lambda: False, speed: float = 1.0) -> None:
        """Forward until `stopped()`. speed: seconds of target time per second of wall time, for a simulated target."""
        pace = None if self.target.in_real_time else Pace(self.target, speed)
        while not stopped():
            self.step()
            if pace is None:
                self.target.advance(_STEP_S)  # waits
                continue
            due_s, step_s = pace.due_s(), _STEP_S * speed
            if due_s >= step_s:
                self.target.advance(step_s)
            else:
                sockets = [s for outlet in self.outlets for s in outlet.sockets()]
                select.select(sockets, [], [], (step_s - due_s) / speed)

    def close(self) -> None:
        for outlet in self.outlets:
            outlet.close()

    def summary(self) -> str:
        dropped = sum((outlet.dropped for outlet in self.outlets), self.dropped.copy())
        reasons = ", ".join(f"{n} {why}" for why, n in dropped.items()) or "nothing"
        return f"{self.down} packets down, {self.up} up; {self.bad_frames} damaged frames; dropped: {reasons}"


def telecommand_header(dictionary: Dictionary) -> bytes:
    """The first two octets of every telecommand: version 0, type 1, secondary header, APID."""
    return (TELECOMMAND | dictionary.mission["apid"]).to_bytes(2, "big")
