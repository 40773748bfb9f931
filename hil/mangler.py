"""A bad line: transmission faults on a byte stream, seeded so that a run can be repeated."""

import random
from collections import Counter

FAULTS = ("drop", "flip", "insert", "duplicate", "burst", "silence", "split")
_SPAN = 100  # maximum length of a burst of noise or of a silence, bytes


class Mangler:
    """Inject each fault with its probability per byte; `counts`: number injected, by fault. Unknown fault: ValueError.

    drop: the byte is lost; flip: one of its bits is inverted; insert: a random byte is inserted before it; duplicate:
    it is sent twice; burst: it and the following bytes, 1 to 100 in all, become noise; silence: they are lost; split:
    the remaining bytes are delivered with the next call.
    """

    def __init__(self, seed: int, **probabilities: float):
        unknown = set(probabilities) - set(FAULTS)
        if unknown:
            raise ValueError(f"no such fault: {', '.join(sorted(unknown))}")
        self.probabilities = probabilities
        self.counts: Counter[str] = Counter()
        self._rng = random.Random(seed)
        self._late = b""

    def __call__(self, data: bytes) -> bytes:
        rng, out = self._rng, bytearray()
        data, self._late = self._late + data, b""
        i = 0
        while i < len(data):
            fault = self._fault()
            n = rng.randrange(1, _SPAN + 1) if fault in ("burst", "silence") else 1
            piece = data[i : i + n]
            if fault == "split":
                self._late = data[i:]
                break
            if fault == "flip":
                piece = bytes([piece[0] ^ 1 << rng.randrange(8)])
            elif fault == "insert":
                piece = rng.randbytes(1) + piece
            elif fault == "duplicate":
                piece = 2 * piece
            elif fault == "burst":
                piece = rng.randbytes(len(piece))
            elif fault in ("drop", "silence"):
                piece = b""
            out += piece
            i += n
        return bytes(out)

    def _fault(self) -> str | None:
        number = self._rng.random()
        for name, probability in self.probabilities.items():
            number -= probability
            if number < 0:
                self.counts[name] += 1
                return name
        return None
