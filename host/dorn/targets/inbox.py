"""Octets received over one connection after the other, and the targets of which that is so."""

import time
from collections import deque

from dorn.targets import Target


class Inbox:
    """Not yet taken. Those of different connections, perhaps to different instruments, are kept apart."""

    def __init__(self):
        self._parts = deque([(1, bytearray())])  # number of the connection, octets

    @property
    def connections(self) -> int:
        """Number of the latest connection."""
        return self._parts[-1][0]

    def add(self, data: bytes) -> None:
        self._parts[-1][1].extend(data)

    def reconnected(self) -> None:
        """What follows comes over a new connection."""
        self._parts.append((self.connections + 1, bytearray()))

    def take(self) -> tuple[int, bytes]:
        """The number of a connection and what came over it; the oldest first."""
        while len(self._parts) > 1 and not self._parts[0][1]:
            self._parts.popleft()
        connection, data = self._parts[0]
        self._parts[0] = connection, bytearray()
        return connection, bytes(data)

    def __bool__(self) -> bool:
        return any(data for _, data in self._parts)


class ReconnectingTarget(Target):
    """An instrument that is not simulated here, behind a connection that may be lost and come back."""

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
