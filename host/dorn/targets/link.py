"""A tap in the link of a target that can record, corrupt or cut the traffic."""

from __future__ import annotations

from collections.abc import Callable

from dorn.targets import Target


class Link:
    """Wraps a target: octets pass through `up` and `down`; everything else is the target's."""

    def __init__(self, target: Target):
        self._target = target
        self.up: Callable[[bytes], bytes] = bytes
        self.down: Callable[[bytes], bytes] = bytes

    def __getattr__(self, name: str):
        return getattr(self._target, name)

    def send(self, data: bytes) -> None:
        self._target.send(self.up(data))

    def receive(self) -> bytes:
        return self.down(self._target.receive())

    def heal(self) -> None:
        """Restore the link. Octets held back are dropped, and a partial frame is ended."""
        self.up = self.down = bytes
        self._target.send(b"\0")
