"""The instrument of a running `dorn bridge`, over its TCP port: one program owns the instrument's port, several use it.

The bridge passes whole packets; here they are put into frames and taken out of them, as on the instrument's link.
"""

from __future__ import annotations

import re
import socket
import time
from collections.abc import Callable, Iterable

from dorn.dictionary import Dictionary
from dorn.dictionary.headers import TELEMETRY, size
from dorn.errors import UserError
from dorn.link import frames
from dorn.link.stream import PacketStream
from dorn.targets import AWAY_S, Reconnected, TargetError
from dorn.targets.inbox import ReconnectingTarget

_RETRY_S, _CONNECT_S, _WRITE_S = 0.05, 5.0, 5.0
_STABLE_S = 1.0  # a connection that ends sooner was not accepted
_OCTETS = 65_536  # received at once


class BridgedTarget(ReconnectingTarget):
    """name: bridge://HOST:PORT. The bridge signs the telecommands, if a key is needed."""

    is_shared = True

    def __init__(self, name: str, away_s: float = AWAY_S):
        """away_s: how long to wait for a bridge that has ended. Raises UserError if there is no bridge."""
        found = re.fullmatch(r"bridge://([^/:]+):(\d{1,5})", name)
        if not found or int(found[2]) > 65535:
            raise UserError(f"target {name}: expected bridge://HOST:PORT")
        super().__init__()
        self.name = name
        self.away_s = away_s
        self._address = found[1], int(found[2])
        mission = Dictionary.load().mission
        self._header = (TELEMETRY | mission["apid"]).to_bytes(2, "big")
        self._longest = mission["max_packet"]
        self._up = frames.Deframer()
        self._lost_s: float | None = None  # when the last stable connection was lost
        try:
            self._connect()
        except OSError as error:
            raise UserError(
                f"target {name}: {error.strerror or error}: is there a dorn bridge with --tcp {found[1]}:{found[2]}?"
            ) from None

    def _connect(self) -> None:
        self._socket = socket.create_connection(self._address, _CONNECT_S)
        self._socket.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        self._packets = PacketStream(self._header, self._longest)
        self._since_s = time.monotonic()

    def _come_back(self, error: OSError) -> None:
        """Connect again. Raises TargetError if that is not possible for `away_s`."""
        self._socket.close()
        now_s = time.monotonic()
        if self._lost_s is None or now_s - self._since_s > _STABLE_S:
            self._lost_s = now_s
        while time.monotonic() < self._lost_s + self.away_s:
            time.sleep(_RETRY_S)
            try:
                self._connect()
                self._received.reconnected()
                return
            except OSError as found:
                error = found
        self._lost_s = None
        raise TargetError(f"target {self.name}: lost: {error.strerror or error}; is dorn bridge running?") from None

    def inject(self, particles: Iterable[tuple[int, int, float]]) -> None:
        raise UserError(f"target {self.name}: nothing can be injected: its detectors are those of the bridge")

    def send(self, data: bytes) -> None:
        for packet in self._up.feed(data):
            if len(packet) != size(packet):
                raise UserError(
                    f"target {self.name}: --key: a bridge signs telecommands itself: give it the key, and omit it here"
                )
            self._send(packet)

    def _send(self, packet: bytes) -> None:
        """Send a packet once. Raises TargetError if it may not have been sent."""
        if self._receive_waiting():
            self._come_back(_ended())
            raise Reconnected(f"target {self.name}: was unavailable when a telecommand was to be sent")
        try:
            self._socket.settimeout(_WRITE_S)
            self._socket.sendall(packet)
        except OSError as error:
            self._come_back(error)
            raise TargetError(f"target {self.name}: reconnected; a telecommand may not have been sent") from None

    def _receive_waiting(self) -> bool:
        """Receive what has arrived. Returns whether the connection has ended."""
        try:
            self._socket.settimeout(0)
            while data := self._socket.recv(_OCTETS):
                self._take(data)
        except BlockingIOError:
            return False
        except OSError:
            pass
        return True

    def _take(self, data: bytes) -> None:
        for packet in self._packets.feed(data):
            self._received.add(frames.encode(packet))

    def _run(self, seconds: float, condition: Callable[[], bool] | None) -> bool:
        end_s = time.monotonic() + seconds
        while (left_s := end_s - time.monotonic()) > 0:
            try:
                self._socket.settimeout(left_s)
                data = self._socket.recv(_OCTETS)
                if not data:
                    raise _ended()
            except TimeoutError:
                break
            except OSError as error:
                self._come_back(error)
                continue
            self._take(data)
            if condition is not None and self._received and condition():
                return True
        return False

    def close(self) -> None:
        self._socket.close()


def _ended() -> ConnectionError:
    return ConnectionError("closed by the bridge, which may have too many clients")
