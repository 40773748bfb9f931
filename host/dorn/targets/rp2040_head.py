"""The pins of the emulated Pico's front end: lines, multiplexer, conversions, reset; the simulated head on them."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Callable

from dorn.head.front_end import Head
from dorn.targets import TargetError

LOOP = 3  # instructions, one cycle each, of the loop in which the sequencer polls the lines
_LEAD_NS = 160  # longer than any CPU instruction without a callback, so that such ones end before the comparator rises
_INOVER_LOW = 2


def _armed_loop(instructions) -> frozenset[int]:
    """Addresses of the sequencer's poll of the lines: three instructions, the last a `jmp(not_x)` to the first."""
    jmp_not_x = 0x0020
    loops = [a for a in range(30) if instructions[a + 2] == jmp_not_x | a]
    if len(loops) != 1:
        raise TargetError(f"target rp2040: no event builder in PIO 0: armed loops at {loops}")
    return frozenset(range(loops[0], loops[0] + LOOP))


class FrontEndPins(ABC):
    """What is connected to the pins of the front end.

    mcu, clock: the emulator's. board: constants of the board. stop(): ends the emulator's batch.
    exact: whether the clock stops at every cycle.
    """

    def __init__(self, mcu, clock, board: dict[str, int], stop: Callable[[], None]):
        self.exact = False
        self._mcu, self._clock, self._stop = mcu, clock, stop
        self._lines = [mcu.gpio[board["FIRST_LINE"] + d] for d in range(16)]
        self._address = [mcu.gpio[board["MUX_ADDRESS"] + i] for i in range(4)]
        self._reset = mcu.gpio[board["HEAD_RESET"]]
        self._adc_channel = board["PEAK_HOLD"] - 26
        self._sequencer, self._armed = mcu.pio[0].machines[0], frozenset()
        mcu.adc.on_adc_read = self._convert
        self._reset.add_listener(self._on_reset)

    @abstractmethod
    def inject(self, particles) -> None:
        """Play particles from now on."""

    @abstractmethod
    def busy(self) -> bool:
        """Whether a line is high, or the sequencer is not back in the loop in which it polls the lines."""

    @abstractmethod
    def quiet(self) -> bool:
        """Whether no line of any detector is high and the machine is in the loop that polls the lines."""

    @abstractmethod
    def edge_is_near(self) -> bool:
        """Whether a comparator rises within the duration of a CPU instruction."""

    @abstractmethod
    def schedule(self) -> None:
        """Set the alarm for the next edge, or just before it if the clock jumps."""

    @abstractmethod
    def follow(self) -> None:
        """Advance what is connected to now and update the pins."""

    @abstractmethod
    def _reset_changed(self, high: bool) -> None:
        """Pass on the level of the reset."""

    @abstractmethod
    def _code(self) -> int:
        """12-bit code of the voltage at the converter."""

    def _sequencing(self) -> bool:
        return self._sequencer.enabled and self._sequencer.pc not in self._armed

    def _polling(self) -> bool:
        return self._sequencer.enabled and self._sequencer.pc in self._armed

    def _enabled(self) -> int:
        """Lines whose input the firmware has not switched off."""
        return sum(1 << d for d, pin in enumerate(self._lines) if pin.input_override != _INOVER_LOW)

    def _on_reset(self, _new: object, _old: object) -> None:
        high = bool(self._reset.output_value)
        if high and not self._armed:
            self._armed = _armed_loop(self._mcu.pio[0].instructions)
        self._reset_changed(high)

    def _convert(self, channel: int) -> None:
        adc = self._mcu.adc
        if channel == self._adc_channel:
            adc.channel_values[channel] = self._code()
        adc.current_channel = channel
        adc.sample_alarm.schedule(2000)


class HeadPins(FrontEndPins):
    """Advances the simulated head with the clock and presents it on the pins."""

    def __init__(self, mcu, clock, board: dict[str, int], head: Head, stop: Callable[[], None]):
        super().__init__(mcu, clock, board, stop)
        self._head, self._shown = head, 0
        self._edge = clock.create_alarm(self._on_edge)

    def inject(self, particles) -> None:
        self._head.inject(particles, int(self._clock.nanos) + 1000)
        self.schedule()

    def busy(self) -> bool:
        return bool(self._head.lines & self._head.enabled) or self._sequencing()

    def quiet(self) -> bool:
        return not self._head.lines and self._polling()

    def edge_is_near(self) -> bool:
        edge_ns = self._head.next_edge_ns()
        return edge_ns is not None and edge_ns - self._clock.nanos <= _LEAD_NS

    def schedule(self) -> None:
        edge_ns = self._head.next_edge_ns()
        if edge_ns is not None:
            lead_ns = 0 if self.exact else _LEAD_NS
            self._edge.schedule(max(0.0, edge_ns - lead_ns - self._clock.nanos))

    def follow(self) -> None:
        head = self._head
        head.enabled = self._enabled()
        head.advance(int(self._clock.nanos))
        self._show()
        self.schedule()

    def _show(self) -> None:
        head = self._head
        changed = head.lines ^ self._shown
        self._shown = head.lines
        while changed:
            d = changed.bit_length() - 1
            changed ^= 1 << d
            self._lines[d].set_input_value(bool(head.lines >> d & 1))

    def _on_edge(self) -> None:
        if self.exact:
            self.follow()
        else:  # the PIO has yet to catch up with the clock's jump to this edge
            self._stop()

    def _reset_changed(self, high: bool) -> None:
        if high != self._head.reset_high:
            self._head.reset(high, int(self._clock.nanos))
            self._show()

    def _code(self) -> int:
        d = sum(bool(pin.output_value) << i for i, pin in enumerate(self._address))
        return self._head.convert(d, int(self._clock.nanos))
