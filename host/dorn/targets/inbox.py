"""Octets received over one connection after the other."""

from collections import deque


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
