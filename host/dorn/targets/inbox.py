"""Octets received over successive connections, and the base class of targets that can reconnect."""

import time
from collections import deque

from dorn.targets import Target


class Inbox:
    """Octets not yet taken. Those of different connections, perhaps to different instruments, are kept separate."""

    def __init__(self):
        self._parts = deque([(1, bytearray())])  # number of the connection, octets

    @property
    def connections(self) -> int:
        """Number of the latest connection."""
        return self._parts[-1][0]

    def add(self, data: bytes) -> None:
        self._parts[-1][1].extend(data)

    def reconnected(self) -> None:
        """Octets added from now on come over a new connection."""
        self._parts.append((self.connections + 1, bytearray()))

    def take(self) -> tuple[int, bytes]:
        """Take the octets of the oldest connection. Returns its number and the octets."""
        while len(self._parts) > 1 and not self._parts[0][1]:
            self._parts.popleft()
        connection, data = self._parts[0]
        self._parts[0] = connection, bytearray()
        return connection, bytes(data)

    def __bool__(self) -> bool:
        return any(data for _, data in self._parts)


class ReconnectingTarget(Target):
    """An instrument that is not simulated here, over a connection that may be lost and restored."""

    in_real_time = True

    def __init__(self):
        self._begin_s = time.monotonic()
        self._received = Inbox()

    @property
    def now_us(self) -> int:
        return int((time.monotonic() - self._begin_s) * 1e6)

    def receive(self) -> bytes:
        self.connection, data = self._received.take()
        self.connections = self._received.connections
        return data
