"""The stimulus board, emulated: a Pico with its firmware, whose clock a `pair` keeps together with the instrument's."""

from __future__ import annotations

from dorn.image import stimulus
from dorn.targets.rp2040_chip import CYCLE_TICKS, Chip

_LADDER = (16, 17, 18, 19, 20, 21, 22, 26)  # pins, the lowest bit first
_RESET, _ADDRESS = 27, 28
LEAD_CYCLES = 60  # longer than any CPU instruction, and than what the machine does between two delays
_JMP_PIN, _JMP_X_DEC = 0x00C0, 0x0040  # the loop of a delay
_FOREVER = 1 << 40
QUIET_CYCLES = 62_500  # half of the lead-in of a list, whose start is noticed only after such a run


class StimulusChip(Chip):
    """lines, ladder: its output pins. reset, address: its input pins."""

    def __init__(self, unique_id: int, files: dict[str, bytes] | None = None):
        """files: files on its file system instead of the firmware."""
        super().__init__(stimulus.files() if files is None else files, unique_id)
        gpio = self.mcu.gpio
        self.lines, self._ladder = [gpio[d] for d in range(16)], [gpio[n] for n in _LADDER]
        self.head_reset, self.address = gpio[_RESET], gpio[_ADDRESS]
        self._machine = self.mcu.pio[0].machines[0]
        self._delay: frozenset[int] = frozenset()  # addresses of its loop
        self._rest_ticks = 0  # of what passed in a delay, less than two cycles
        self.owed = 0  # cycles of its CPU's instruction that are still to pass

    def level(self) -> int:
        """Output of the ladder, 0 to 255."""
        return sum(bool(pin.output_value) << i for i, pin in enumerate(self._ladder))

    def quiet_cycles(self) -> int:
        """For how many cycles nothing changes on its output pins by itself; 0 if that is not known."""
        machine = self._machine
        if not machine.enabled or machine.waiting:
            return _FOREVER
        if not self._delay:
            self._find_delay()
        return 2 * machine.x if machine.pc in self._delay else 0

    def _find_delay(self) -> None:
        code = self.mcu.pio[0].instructions
        for a in range(31):
            if code[a] & 0xFFE0 == _JMP_PIN and code[a + 1] == _JMP_X_DEC | a:
                self._delay = frozenset((a, a + 1))

    def cycle(self) -> None:
        """Run everything for one cycle."""
        core = self.mcu.core
        if not self.owed:
            self.owed = 1 if core.waiting else core.execute_instruction()
        self.owed -= 1
        self.clock.tick_ticks(CYCLE_TICKS)
        self.mcu.pio[0].advance(1)
        self.mcu.pio[1].advance(1)

    def run_to(self, ticks: int) -> None:
        """Run alone up to a time, while its inputs do not change: cycle by cycle only where its outputs do."""
        clock = self.clock
        while clock.ticks < ticks:
            free = min(self.quiet_cycles() - LEAD_CYCLES, QUIET_CYCLES)
            if free > LEAD_CYCLES:
                self._run_quiet(min(ticks, clock.ticks + free * CYCLE_TICKS))
            else:
                self.cycle()

    def _run_quiet(self, ticks: int) -> None:
        """CPU and clock up to a time within a delay: the PIO is held, and its counter set to what it would have been.

        The emulator would give the PIO one step for each instruction or jump of the clock.
        """
        clock, machine, pios = self.clock, self._machine, self.mcu.pio
        while self.owed:
            self.cycle()
        before, x = clock.ticks, machine.x
        in_delay = machine.enabled and not machine.waiting
        if in_delay:
            for pio in pios:
                pio.stopped = True
        self.stop.schedule_ticks(max(1, ticks - before))
        while clock.ticks < ticks:
            self.hand_up()
            self.batch()
        self.stop.cancel()
        if in_delay:
            for pio in pios:
                pio.stopped = not any(one.enabled for one in pio.machines)
            if machine.enabled and machine.x == x:  # no new list
                passed = clock.ticks - before + self._rest_ticks
                machine.x = x - passed // (2 * CYCLE_TICKS)
                self._rest_ticks = passed % (2 * CYCLE_TICKS)
