"""The wires between an emulated instrument and an emulated stimulus board, in the place of a simulated head."""

from __future__ import annotations

from collections.abc import Callable

from dorn.errors import UserError
from dorn.targets.ladder import Ladder
from dorn.targets.rp2040_head import LOOP, FrontEndPins
from dorn.targets.rp2040_stimulus import LEAD_CYCLES, StimulusChip

_DRIVEN_LOW = 0  # a state of an emulated pin
_SHORTEST_CYCLES = 30  # that are worth a jump


class Wires(FrontEndPins):
    """16 lines with pull-ups, the ladder, the reset, and the lowest bit of the multiplexer's address."""

    def __init__(
        self, mcu, clock, board: dict[str, int], stimulus: StimulusChip, ladder: Ladder, stop: Callable[[], None]
    ):
        super().__init__(mcu, clock, board, stop)
        self._stimulus = stimulus
        self._codes = [round(code) for code in ladder.codes]
        self._high, self._enabled_lines = 0xFFFF, 0xFFFF
        for d, pin in enumerate(stimulus.lines):
            self._lines[d].set_input_value(True)
            pin.add_listener(self._line(d))
        address = self._address[0]
        address.add_listener(lambda _new, _old: stimulus.address.set_input_value(bool(address.output_value)))
        stimulus.address.set_input_value(False)
        stimulus.head_reset.set_input_value(False)

    def _line(self, d: int) -> Callable[[int, int], None]:
        pin, bit = self._lines[d], 1 << d

        def changed(new: int, _old: int) -> None:
            high = int(new) != _DRIVEN_LOW
            if high != bool(self._high & bit):
                self._high ^= bit
                pin.set_input_value(high)

        return changed

    def inject(self, particles) -> None:
        raise UserError("target pair: its particles are played by the stimulus board")

    def busy(self) -> bool:
        sequencer = self._sequencer
        if not sequencer.enabled:
            return False
        if self._high & self._enabled_lines or sequencer.pc not in self._armed:
            return True
        return not self._stimulus.quiet_cycles()

    def quiet(self) -> bool:
        return not self._high and self._polling()

    def edge_is_near(self) -> bool:
        return self._sequencer.enabled and self._stimulus.quiet_cycles() <= LEAD_CYCLES

    def acquiring(self) -> bool:
        """Whether the instrument looks at the lines."""
        return self._sequencer.enabled

    def schedule(self) -> None:
        pass  # the stimulus board knows when its next edge is

    def follow(self) -> None:
        self._enabled_lines = self._enabled()
        self._stimulus.head_reset.set_input_value(bool(self._reset.output_value))

    def in_phase(self, cycles: int) -> int:
        """At most `cycles`, so that the sequencer, which executes one instruction in a jump, stays in its loop's phase;
        0 if a jump is not worth it."""
        cycles -= (cycles - 1) % LOOP
        return cycles if cycles >= _SHORTEST_CYCLES else 0

    def _reset_changed(self, high: bool) -> None:
        if self.exact:
            self._stimulus.head_reset.set_input_value(high)
        else:
            self._stop()  # the clock of the stimulus board is behind: `follow` passes it on

    def _code(self) -> int:
        return self._codes[self._stimulus.level()]
