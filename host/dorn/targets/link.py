"""The link of a target seen from between: whoever listens there, mangles it or cuts it."""

from __future__ import annotations

from collections.abc import Callable

from dorn.targets import Target


class Link:
    """In place of a target: octets go through `up` and `down` on their way; the rest is the target's."""

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
        """Whole from here on; what came late is gone, the line idle."""
        self.up = self.down = bytes
        self._target.send(b"\0")
