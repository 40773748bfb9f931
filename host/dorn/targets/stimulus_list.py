"""A list on its way to the stimulus board: a block is sent only when the board asks for it. The board can then read
every command at once, and nothing of a list that is broken off is left on the way (boards/stimulus/README.md)."""

from __future__ import annotations

import threading
from collections import deque
from collections.abc import Callable

ASKS = b"\x05"  # ENQ, from the board: it has room for one more block
UNASKED = 2  # blocks for which it has room when a list begins
HEADER = b"block\n"
BLOCK = 512  # octets: 64 pulses


class Feed:
    """The blocks that the board has not asked for yet. What was received may be handed over by another thread."""

    def __init__(self, send: Callable[[bytes], None]):
        self._send = send
        self._blocks: deque[bytes] = deque()
        self._lock = threading.Lock()  # blocks are sent in their order

    def __bool__(self) -> bool:
        return bool(self._blocks)

    def begin(self, data: bytes) -> None:
        """Send the first blocks of a list, whose command the board has just answered; the others when it asks."""
        with self._lock:
            self._blocks = deque(data[at : at + BLOCK] for at in range(0, len(data), BLOCK))
        self._next(UNASKED)

    def end(self) -> None:
        """Send no more."""
        with self._lock:
            self._blocks.clear()

    def received(self, data: bytes) -> bytes:
        """Send what the board asks for in what was received. Returns the rest, its answers."""
        self._next(data.count(ASKS))
        return data.replace(ASKS, b"")

    def _next(self, n: int) -> None:
        with self._lock:
            while n and self._blocks:
                self._send(HEADER + self._blocks.popleft())
                n -= 1
