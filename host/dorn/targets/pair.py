"""Two emulated Picos, wired pin to pin: the instrument, and a stimulus board in the place of its detector head.

Each has its own clock. While nothing changes on the wires, the instrument runs alone, at most until just before the
next edge of the stimulus, and then the stimulus up to the same time. Otherwise both advance cycle by cycle, in turn:
the emulator's own loop gives a PIO one step for each CPU instruction, so that nearly all pulses would be lost. Target
time is the instrument's.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable
from pathlib import Path

from dorn.errors import UserError
from dorn.targets.ladder import IDEAL, Ladder
from dorn.targets.rp2040 import ARREARS_CYCLES, Rp2040Target
from dorn.targets.rp2040_chip import CYCLE_TICKS
from dorn.targets.rp2040_stimulus import LEAD_CYCLES, QUIET_CYCLES, StimulusChip
from dorn.targets.rp2040_wires import Wires
from dorn.targets.stimulus_list import Feed

# for so long the instrument runs alone, 0.5 ms: half of the lead-in of a list, whose start is noticed only then
_QUANTUM_TICKS = QUIET_CYCLES * CYCLE_TICKS
_UNCHECKED = 12  # cycles between checks whether the wires are quiet
_MILLION = 1_000_000
_STIMULUS_ID = 0x5354494D554C5553


class StimulusPort:
    """The USB port of the stimulus board.

    feed: sends the blocks of a list. Without a list, what the board asks for is left to who uses `ports`.
    """

    name = "pair"

    def __init__(self, pair: PairTarget):
        self._pair, self._usb = pair, pair.stimulus.usb
        self.feed = Feed(self.send)
        pair.stimulus.passed = lambda data: self.feed.received(data) if self.feed else data

    def send(self, data: bytes) -> None:
        self._usb.up += data

    def receive(self) -> bytes:
        return self.feed.received(self._usb.take())

    def wait_for(self, condition: Callable[[], bool], limit_s: float) -> None:
        self._pair.wait_for(condition, limit_s)


class PairTarget(Rp2040Target):
    """stimulus: the other board; stimulus_port: its USB port."""

    name = "pair"

    def __init__(
        self,
        flash: str | Path | None = None,
        files: dict[str, bytes] | None = None,
        link: str = "usb",
        unique_id: int | None = None,
        stimulus_files: dict[str, bytes] | None = None,
        ladder: Ladder = IDEAL,
        stimulus_ppm: int = 0,
    ):
        """stimulus_files: files on the file system of the stimulus board instead of its firmware. ladder: its levels as
        the converter sees them. stimulus_ppm: by how much its clock is faster than that of the instrument."""
        self._stimulus_ppm = stimulus_ppm
        self._ladder = ladder
        self.stimulus = StimulusChip(_STIMULUS_ID, stimulus_files)
        self.stimulus_port = StimulusPort(self)
        super().__init__(None, flash, files, link, unique_id)
        self.ports["stimulus"] = self.stimulus.usb

    def _wired(self, numbers: dict[str, int]) -> Wires:
        self._wires = Wires(self.mcu, self._clock, numbers, self.stimulus, self._ladder, self._simulator.stop)
        return self._wires

    def inject(self, particles: Iterable[tuple[int, int, float]]) -> None:
        raise UserError("target pair: its stimulus board plays particles: dorn.targets.stimulus")

    # -- time ----------------------------------------------------------------------------------------------------------

    def _due(self, ticks: int) -> int:
        """The clock of the stimulus board at a time of the instrument's."""
        return ticks + ticks * self._stimulus_ppm // _MILLION

    def _until(self, ticks: int) -> int:
        """The time of the instrument's, or a duration, when the clock of the stimulus board has reached `ticks`."""
        return ticks * _MILLION // (_MILLION + self._stimulus_ppm)

    def _together(self) -> None:
        self._lockstep(None)

    def hardware(self, seconds: float) -> None:
        self._lockstep(self._clock.ticks + round(seconds * 16e9))

    def _lockstep(self, until: int | None) -> None:
        """Run both boards cycle by cycle while something changes on the wires and nothing ends the batch; with `until`,
        up to that time, with the CPU of the instrument held."""
        wires, stimulus, simulator, clock = self._wires, self.stimulus, self._simulator, self._clock
        core, pio = self.mcu.core, self.mcu.pio[0]
        execute, tick, advance = core.execute_instruction, clock.tick_ticks, pio.advance
        other, stimulus_core = stimulus.mcu, stimulus.mcu.core
        execute_other, tick_other = stimulus_core.execute_instruction, stimulus.clock.tick_ticks
        advance_latches, advance_ladder = other.pio[0].advance, other.pio[1].advance
        held, nested = until is not None, wires.exact
        stimulus.run_to(self._due(clock.ticks))
        while stimulus.clock.ticks - self._due(clock.ticks) >= CYCLE_TICKS:
            tick(CYCLE_TICKS)
            advance(1)
        for _ in range(ARREARS_CYCLES):
            advance(0)
        wires.exact = True
        wires.follow()
        owed, owed_other = 0, stimulus.owed
        while True:
            for _ in range(_UNCHECKED):
                if not owed:
                    owed = 1 if held or core.waiting else execute()
                if not owed_other:
                    owed_other = 1 if stimulus_core.waiting else execute_other()
                owed -= 1
                owed_other -= 1
                tick(CYCLE_TICKS)
                advance(1)
                tick_other(CYCLE_TICKS)
                advance_latches(1)
                advance_ladder(1)
            if self._stimulus_ppm:
                ahead = stimulus.clock.ticks - self._due(clock.ticks)
                if ahead >= CYCLE_TICKS:
                    if not owed:
                        owed = 1 if held or core.waiting else execute()
                    owed -= 1
                    tick(CYCLE_TICKS)
                    advance(1)
                elif ahead <= -CYCLE_TICKS:
                    stimulus.owed = owed_other
                    stimulus.cycle()
                    owed_other = stimulus.owed
            if until is None:
                if simulator.stopped or not (wires.busy() or wires.edge_is_near()):
                    break
            elif clock.ticks >= until:
                break
            elif not (wires.busy() or wires.edge_is_near()):
                stimulus.owed = owed_other
                self._skip(until)
                owed_other = stimulus.owed
        stimulus.owed = owed_other
        for _ in range(owed):  # the rest of the instruction
            tick(CYCLE_TICKS)
            advance(1)
            stimulus.cycle()
        wires.exact = nested

    def _skip(self, until: int) -> None:
        """The CPU of the instrument is held and the wires are quiet: advance both boards to just before what comes."""
        clock = self._clock
        free = min(self.stimulus.quiet_cycles() - LEAD_CYCLES, QUIET_CYCLES)
        cycles = min((until - clock.ticks) // CYCLE_TICKS, self._until(free))
        if clock.has_scheduled_alarm:
            cycles = min(cycles, clock.ticks_to_next_alarm // CYCLE_TICKS)
        cycles = self._wires.in_phase(cycles)
        if cycles > 0:
            clock.tick_ticks(cycles * CYCLE_TICKS)
            self.mcu.pio[0].advance(cycles)
            self.stimulus.run_to(self._due(clock.ticks))

    def _run(self, seconds: float, condition: Callable[[], bool] | None) -> bool:
        clock, chip, wires, stimulus = self._clock, self._chip, self._wires, self.stimulus
        end = clock.ticks + round(seconds * 16e9)
        while clock.ticks < end:
            self._hand_up()
            chip.simulator.stopped = False
            if wires.busy() or wires.edge_is_near():
                self._stop.schedule_ticks(end - clock.ticks)  # lines may stay high
                self._lockstep(None)
                self._stop.cancel()
            else:
                horizon = min(end, clock.ticks + _QUANTUM_TICKS)
                if wires.acquiring():
                    free = stimulus.quiet_cycles() - LEAD_CYCLES
                    horizon = min(horizon, self._until(stimulus.clock.ticks + free * CYCLE_TICKS))
                self._stop.schedule_ticks(max(1, horizon - clock.ticks))
                if wires.quiet():
                    self._without_pio(chip.batch)
                else:
                    chip.batch()
                self._stop.cancel()
                stimulus.run_to(self._due(clock.ticks))
                wires.follow()
            if self.flash.power_failed:
                self.power_cycle()
            if condition is not None and (self._link.down or stimulus.usb.down) and condition():
                return True
        return False

    def _restart(self, held_s: float, cause: str) -> None:
        super()._restart(held_s, cause)
        self.stimulus.run_to(self._due(self._clock.ticks))

    def close(self) -> None:
        super().close()
        self.stimulus.device.stop()
