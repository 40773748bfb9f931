"""The state machine of the event builder that samples the lines, the sequencer: when it needs no emulation.

Most of the time it polls the lines, and most of an event it counts: it waits for peaks and conversions in loops of one
instruction, `jmp(x_dec, itself)[delay]`, and elsewhere in delays. Until the end of either it neither reads nor changes
anything outside itself.
"""

from __future__ import annotations

from dorn.targets import TargetError

LOOP = 3  # instructions, one cycle each, of the loop in which the sequencer polls the lines
_JMP_NOT_X = 0x0020
_COUNTERS = {0x0040: "x", 0x0080: "y"}  # of `jmp(x_dec)` and `jmp(y_dec)`
_CYCLE = 256  # of the emulator's count of PIO cycles


class Sequencer:
    """PIO 0's first machine, of which `learn` finds the loops. A second one, the starter, starts the conversions."""

    def __init__(self, pio):
        self._pio, self._machine, self._starter = pio, pio.machines[0], pio.machines[1]
        self._poll: frozenset[int] = frozenset()  # addresses
        self._counts: dict[int, tuple[str, int]] = {}  # address -> counter, cycles per pass

    def learn(self) -> None:
        """Find the loops in the instruction memory, once.

        Raises TargetError if there is not one loop that polls the lines.
        """
        if self._poll:
            return
        words = list(self._pio.instructions)
        polls = [a for a in range(30) if words[a + 2] == _JMP_NOT_X | a]
        if len(polls) != 1:
            raise TargetError(f"target rp2040: no event builder in PIO 0: armed loops at {polls}")
        self._poll = frozenset(range(polls[0], polls[0] + LOOP))
        for a, word in enumerate(words):
            counter = _COUNTERS.get(word & 0xE0E0)
            if counter and word & 0x1F == a:
                self._counts[a] = counter, (word >> 8 & 0x1F) + 1

    @property
    def enabled(self) -> bool:
        return self._machine.enabled

    @property
    def polls(self) -> bool:
        """Whether it is in the loop in which it polls the lines."""
        return self._machine.pc in self._poll

    def counting(self) -> int:
        """Cycles for which the block from now on only counts."""
        pio, machine = self._pio, self._machine
        if machine.waiting:  # for the DMA
            return 0
        cycles = (pio.next_due_fp - pio.cycle_fp) // _CYCLE - 1
        if loop := self._loop():
            counter, period = loop
            cycles += getattr(machine, counter) * period
        return cycles

    def advance(self, cycles: int) -> None:
        """Advance the block; whole passes of a loop in which it counts at once."""
        pio, machine = self._pio, self._machine
        if loop := self._loop():
            counter, period = loop
            left = getattr(machine, counter)
            passes = min(cycles // period, left)
            setattr(machine, counter, left - passes)
            cycles -= passes * period
        while cycles > 0:
            step = min(cycles, max(1, (pio.next_due_fp - pio.cycle_fp) // _CYCLE))
            pio.advance(step)  # executes one instruction at most
            cycles -= step

    def _loop(self) -> tuple[str, int] | None:
        """Counter and cycles per pass of the loop in which it counts while the other machine waits for it."""
        machine = self._machine
        return self._counts.get(machine.pc) if machine.enabled and self._starter.waiting else None
