# Plays a source of pulses: keeps the ring of edges filled while it is played. Blocks that a list still lacks are asked
# for one by one, when the ring has room for them, so that commands never have to wait behind a list.
import sys

from micropython import const
from uctypes import addressof

from boards.stimulus import edges
from boards.stimulus.sources import Streamed

_LEAD_IN = const(125_000)  # cycles, 1 ms, before the first pulse
_SLIP = const(6)  # cycles by which each reset of the instrument delays the machine
_ROOM = 3 * edges.BLOCK  # edges, for a block
_UNASKED = const(2)  # blocks of a list that arrive before one is asked for
_ASKS = "\x05"  # ENQ: one more block, please


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
        self._counts = 0, 0, 0  # of the list, when it has ended
        self._held = 0
        self._taken = 0  # blocks of a list since the last one that was asked for
        self.starved = False

    def begin(self, source, width):
        """Play a source, each pulse `width` cycles wide, from the next steps on. What was being played ends."""
        self.stop()
        self._state, self._source = edges.state(width, _LEAD_IN, self._held), source
        self._counts, self._taken, self.starved, self._prepared = (0, 0, 0), 0, False, False

    def stop(self):
        self._front_end.halt()
        self._end(self.counts())

    def _end(self, counts):
        """Keep the counts of a list that ends before its last pulse, as `rest()` clears them, and rest."""
        self._counts, self._source, self._at_rest, self._prepared = counts, None, True, True
        self._front_end.rest(self._held)

    def hold(self, lines, height):
        """Hold the comparators of `lines` (a mask) high, until it is called again, with this height."""
        self._held = lines
        self.stop()
        self._front_end.show(height)

    def receive(self):
        """Read a block of a list from the port. Without a list it is dropped."""
        source = self._source
        (source if isinstance(source, Streamed) else Streamed()).receive()

    def making(self):
        """Return whether the source makes more pulses by itself."""
        return self._source is not None and not isinstance(self._source, Streamed)

    def playing(self):
        return not (self._at_rest and self._prepared)

    def counts(self):
        """Return the numbers of pulses of the list that have risen; of those, shown and early (README.md)."""
        if self._at_rest:
            return self._counts
        # the machine has the words of one edge, and has been given half of the next
        front_end, made = self._front_end, self._state[edges.MADE]
        last = made - 2 - (front_end.ahead(made) + 3 >> 2)
        return self._counted(edges.number(front_end.ring, last) if last >= 0 else 0)

    def _counted(self, played):
        return played, self._front_end.shown(), self._front_end.early()

    def asked(self):
        """Return the number of pulses of the list so far, and of those that were too close to the one before."""
        return self._state[edges.PULSES], self._state[edges.LATE]

    def step(self):
        """Fill the ring as far as there is room and are pulses; start and end the list."""
        if not self._prepared:
            while self._fill():
                pass
            if self._source is not None and self._has_room(_UNASKED):
                self._ask()
                return
            self._prepared, self._at_rest = True, False
            self._resets = self._front_end.resets()
            self._front_end.play(self._held)
        if self._at_rest:
            return
        while self._source is not None:
            end = self._state[edges.MADE]
            filled = self._fill()
            if self._reached(end):  # before its edge without end was replaced
                self.starved = True
                # what is still to come is dropped
                self._end(self._counted(edges.number(self._front_end.ring, end - 1)))
                return
            if not filled:
                self._ask()
                return
        if self._reached(self._state[edges.MADE]):
            self._counts, self._at_rest = self._counted(self._state[edges.PULSES]), True
            edges.idle(self._front_end.ring, 0, edges.EDGES)

    def _ask(self):
        """Ask for as many blocks as were taken, if there is room: never more than _UNASKED are on their way."""
        if self._taken and self._has_room(_UNASKED):
            sys.stdout.write(_ASKS * self._taken)
            self._taken = 0

    def _reached(self, edge):
        """Return whether the machine was given the delay of this edge."""
        return self._front_end.ahead(edge) < -1

    def _has_room(self, blocks):
        s = self._state
        waiting = s[edges.MADE] if self._at_rest else self._front_end.ahead(s[edges.MADE]) + 3 >> 2
        return waiting <= edges.EDGES - 1 - blocks * _ROOM

    def _fill(self):
        """Append a block, if there is one and room for it. Return whether there was."""
        s, front_end, source = self._state, self._front_end, self._source
        if source is None or not source.ready or not self._has_room(1):
            return False
        source.read(self._block)
        self._taken += 1
        if edges.ended(self._block):
            self._source = None
        if not self._at_rest:
            resets = front_end.resets()
            edges.delayed(s, _SLIP * (resets - self._resets & 0xFFFF))
            self._resets = resets
        edges.append(front_end.ring, s, addressof(self._block))  # pyright: ignore[reportArgumentType]
        return True
