# Plays a source of pulses: keeps the ring of edges filled while it is played.
from micropython import const
from uctypes import addressof

from boards.stimulus import edges
from boards.stimulus.sources import Streamed

_LEAD_IN = const(125_000)  # cycles, 1 ms, before the first pulse
_SLIP = const(6)  # cycles by which each reset of the instrument delays the machine
_ROOM = 3 * edges.BLOCK  # edges, for a block


class Player:
    """starved: whether the source was too slow; the list then ended early."""

    def __init__(self, front_end):
        self._front_end = front_end
        self._block = bytearray(8 * edges.BLOCK)
        self._source = None
        self._state = edges.state(0, 0)
        self._at_rest = True  # the ring has no edges but those without end
        self._prepared = True
        self._resets = 0  # up to which the delays were corrected
        self._pulses = 0  # of the list, when it has ended
        self._held = 0
        self.starved = False

    def begin(self, source, width):
        """Play a source, each pulse `width` cycles wide, from the next steps on. What was being played ends."""
        self.stop()
        self._state, self._source = edges.state(width, _LEAD_IN, self._held), source
        self._pulses, self.starved, self._prepared = 0, False, False

    def stop(self):
        self._pulses = self.played()
        self._source, self._at_rest = None, True
        self._front_end.rest(self._held)

    def hold(self, lines, height):
        """Hold the comparators of `lines` (a mask) high, until it is called again, with this height."""
        self._held = lines
        self.stop()
        self._front_end.show(height)

    def receiving(self):
        """Return whether what arrives on the port are pulses."""
        return isinstance(self._source, Streamed)

    def reading(self):
        """Return whether the source has more pulses."""
        return self._source is not None

    def playing(self):
        return not (self._at_rest and self._prepared)

    def played(self):
        """Return the number of pulses of the list that have risen."""
        if self._at_rest:
            return self._pulses
        # the machine has the words of one edge, and has been given half of the next
        made = self._state[edges.MADE]
        last = made - 2 - (self._front_end.ahead(made) + 3 >> 2)
        return edges.number(self._front_end.ring, last) if last >= 0 else 0

    def asked(self):
        """Return the number of pulses of the list so far, and of those that were too close to the one before."""
        return self._state[edges.PULSES], self._state[edges.LATE]

    def step(self):
        """Fill the ring as far as there is room; start and end the list."""
        if not self._prepared:
            while self._fill():
                pass
            self._prepared, self._at_rest = True, False
            self._resets = self._front_end.resets()
            self._front_end.play(self._held)
        elif self._at_rest:
            if self._source is not None:  # it starved: what is still to come is dropped
                self._read()
            return
        while self._source is not None:
            end = self._state[edges.MADE]
            if not self._fill():
                return
            if self._reached(end):  # before its edge without end was replaced
                self.starved = True
                self._pulses = edges.number(self._front_end.ring, end - 1)
                self._at_rest = True
                self._front_end.rest(self._held)
                return
        if self._reached(self._state[edges.MADE]):
            self._pulses, self._at_rest = self._state[edges.PULSES], True
            edges.idle(self._front_end.ring, 0, edges.EDGES)

    def _reached(self, edge):
        """Return whether the machine was given the delay of this edge."""
        return self._front_end.ahead(edge) < -1

    def _fill(self):
        """Append a block, if there is room and more to come. Return whether there was."""
        s, front_end = self._state, self._front_end
        waiting = s[edges.MADE] if self._at_rest else front_end.ahead(s[edges.MADE]) + 3 >> 2
        if self._source is None or waiting > edges.EDGES - 1 - _ROOM:
            return False
        self._read()
        if not self._at_rest:
            resets = front_end.resets()
            edges.delayed(s, _SLIP * (resets - self._resets & 0xFFFF))
            self._resets = resets
        edges.append(front_end.ring, s, addressof(self._block))  # pyright: ignore[reportArgumentType]
        return True

    def _read(self):
        self._source.read(self._block)  # pyright: ignore[reportOptionalMemberAccess]
        if edges.ended(self._block):
            self._source = None
