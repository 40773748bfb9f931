"""The firmware on an emulated Pico: the official MicroPython image, with the firmware on its file system.

The emulator (rp2040py) is not cycle-exact: instructions take the cycles of the data sheet, without memory wait states.
Its limitations, and the workarounds used here:

- A PIO machine executes at most one instruction per CPU instruction; while the CPU sleeps, the clock jumps from alarm
  to alarm and the PIO only catches up afterwards. Therefore, while the head is busy (a line is high, or an event is not
  complete), and from just before a comparator rises, CPU, clock and hardware advance cycle by cycle (`_together`); the
  emulator's own loop runs only in between.
- A batch of its loop ends after 5 ms of the host's time: the next one begins at once, so that a run can be repeated
  (`Chip.batch`).
- A flash sector is erased in 140 us and a page written in less. Therefore the CPU is held, as on the chip with its
  interrupts off, for the time real flash takes (`_on_flash_select`), while PIO, DMA and clock continue.

`hardware(seconds)` runs PIO, DMA, ADC and clock with the CPU held, as in a stall.
"""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

from dorn.head.front_end import FrontEnd, Head
from dorn.head.slow_control import SimulatedDevices
from dorn.image import firmware
from dorn.image.constants import constants
from dorn.targets import identity
from dorn.targets.rp2040_buses import FlightLink, I2cBus
from dorn.targets.rp2040_chip import CYCLE_TICKS, Chip
from dorn.targets.rp2040_head import LOOP, FrontEndPins, HeadPins
from dorn.targets.simulated import SerialPort, SimulatedTarget

ARREARS_CYCLES = 8  # backlog up to which the emulator runs a PIO machine; after a longer jump, one instruction only
_UNCHECKED = 16  # instructions between checks whether the head is busy; a check takes as long as these
_QSPI_SS = 1


class Rp2040Target(SimulatedTarget):
    name = "rp2040"

    def __init__(
        self,
        head: Head | None = None,
        flash: str | Path | None = None,
        files: dict[str, bytes] | None = None,
        link: str = "usb",
        unique_id: int | None = None,
    ):
        """files: files on the board's file system instead of the firmware. link: "usb", or "uart", the flight link: the
        port of `send` and `receive`, also written to the board's file `link` for the firmware. unique_id: the id of the
        flash chip; by default the one saved with the flash image, or a new one."""
        self.head = head or Head(FrontEnd())
        self.resets = 0
        self._lock = identity.Lock(Path(flash)) if flash else None
        self._image = self.image_in(flash) if flash else None
        old = self._image.read_bytes() if self._image and self._image.exists() else None
        files = firmware.files("pico", link=link) if files is None else files
        if link != "usb":
            files = {**files, "link": link.encode()}
        self._kept = -1  # number of flash operations when it was last saved
        self.unique_id = identity.unique_id(unique_id, Path(flash) / identity.FILE if flash else None)
        self._chip = chip = Chip(files, self.unique_id, old)
        self._device, self.flash = chip.device, chip.flash

        self.stalled_s = 0.0  # time for which the flash has held the CPU
        self.flash_takes_time = True  # switched off in a benchmark of the firmware
        self.mcu = mcu = chip.mcu
        mcu.qspi[_QSPI_SS].add_listener(self._on_flash_select)
        self._simulator, self._clock, self._stop = chip.simulator, chip.clock, chip.stop
        self.ports = {"usb": chip.usb, "uart": SerialPort()}
        self._link = self.ports[link]
        mcu.watchdog.on_watchdog_trigger = self._watchdog
        numbers = constants("pico")
        self._pins = self._wired(numbers)
        self.slow_control = SimulatedDevices(self.head, lambda: int(self._clock.nanos), self._pins.schedule)
        self._bus = I2cBus(mcu, self._clock, numbers, self.slow_control)
        self._flight_link = FlightLink(mcu, self._clock, numbers, self.ports["uart"], self._simulator.stop)

    def _wired(self, numbers: dict[str, int]) -> FrontEndPins:
        """What is connected to the pins of the front end; numbers: constants of the board."""
        return HeadPins(self.mcu, self._clock, numbers, self.head, self._simulator.stop)

    @staticmethod
    def image_in(flash: str | Path) -> Path:
        """Path of the file system's image in that folder."""
        return Path(flash) / "pico.littlefs"

    # -- the flash -----------------------------------------------------------------------------------------------------

    def _on_flash_select(self, level: object, _before: object) -> None:
        if level:  # chip-select ends a command
            busy_s = self.flash.command()
            self.stalled_s += busy_s
            if busy_s and self.flash_takes_time:
                self.hardware(busy_s)
            if self.flash.power_failed:
                self._simulator.stop()

    def cut_power_at(self, operation: int, done: float) -> None:
        """Cut power for 0.1 s at an erase or program of the file system, counted from now (1: the next one), with the
        fraction `done` (0 to 1) of it executed. `flash.operations` counts these operations."""
        self.flash.cut_at(operation, done)

    # -- time --------------------------------------------------------------------------------------

    def _together(self) -> None:
        """Run CPU, clock, PIO and DMA cycle by cycle while the head is busy and nothing ends the batch."""
        core, tick, advance, busy = self.mcu.core, self._clock.tick_ticks, self.mcu.pio[0].advance, self._pins.busy
        simulator, pins, near = self._simulator, self._pins, self._pins.edge_is_near
        execute, cycle = core.execute_instruction, CYCLE_TICKS
        for _ in range(ARREARS_CYCLES):  # instructions by which the machine lags
            advance(0)
        pins.exact = True
        pins.follow()
        while (busy() or near()) and not simulator.stopped:
            for _ in range(_UNCHECKED):
                cycles = 1 if core.waiting else execute()
                tick(cycle)
                advance(1)
                while cycles > 1:
                    tick(cycle)
                    advance(1)
                    cycles -= 1
        pins.exact = False
        pins.schedule()

    def _without_pio(self, run: Callable[[], None]) -> None:
        """Run while the sequencer only polls quiet lines: its PIO block is stopped, which is four times as fast, and
        resumes at the phase of its loop that it would have reached."""
        pio, clock = self.mcu.pio[0], self._clock
        before = clock.ticks
        pio.stopped = True
        run()
        if pio.machines[0].enabled:
            pio.stopped = False
            for _ in range((clock.ticks - before) // CYCLE_TICKS % LOOP):
                pio.advance(1)

    def hardware(self, seconds: float) -> None:
        """Run PIO, DMA, ADC and clock exactly, with the CPU held. Idle time is skipped."""
        clock, pio, pins = self._clock, self.mcu.pio[0], self._pins
        tick, advance, busy = clock.tick_ticks, pio.advance, pins.busy
        end = clock.ticks + round(seconds * 16e9)
        was_exact, pins.exact = pins.exact, True
        pins.schedule()
        while clock.ticks < end:
            if busy():
                for _ in range(min(_UNCHECKED, (end - clock.ticks) // CYCLE_TICKS or 1)):
                    tick(CYCLE_TICKS)
                    advance(1)
            else:
                idle = min(clock.ticks_to_next_alarm if clock.has_scheduled_alarm else end, end - clock.ticks)
                cycles = idle // CYCLE_TICKS
                if cycles > ARREARS_CYCLES + LOOP:
                    cycles -= (cycles - 1) % LOOP  # only one instruction is executed: keep its phase in the loop
                else:
                    cycles = 1
                clock.tick_ticks(cycles * CYCLE_TICKS)
                pio.advance(cycles)
        pins.exact = was_exact
        pins.schedule()

    def inject(self, particles) -> None:
        """Play particles from now on."""
        self._pins.inject(particles)

    @property
    def now_us(self) -> int:
        return int(self._clock.nanos) // 1000

    # -- power ---------------------------------------------------------------------------------------------------------

    def power_cycle(self, off_s: float = 0.1) -> None:
        self.flash.power_failed = False
        self._restart(off_s, "POWER_ON")

    def reset(self) -> None:
        self._restart(0.001, "RUN_PIN")

    def stall(self, seconds: float) -> None:
        self.hardware(seconds)

    def _restart(self, held_s: float, cause: str) -> None:
        self._bus.cancel()
        for port in (self._chip.usb, self._flight_link.port):
            port.up.clear()
        if cause == "POWER_ON":
            self.slow_control.power_up()
        self._chip.reset(cause, held_s, self._pins.follow)

    def _run(self, seconds: float, condition: Callable[[], bool] | None) -> bool:
        clock, chip, simulator = self._clock, self._chip, self._simulator
        ns = round(seconds * 1e9)  # an integer: an idle chip has no alarm after one slightly before `end`
        end = clock.nanos + ns
        self._stop.schedule(ns)
        while clock.nanos < end:
            self._hand_up()
            simulator.stopped = False
            if self._pins.busy() or self._pins.edge_is_near():
                self._together()
            elif self._pins.quiet():
                self._without_pio(chip.batch)
            else:
                chip.batch()
            if self.flash.power_failed:
                self.power_cycle()
            if condition is not None and self._link.down and condition():
                self._stop.cancel()
                return True
        return False

    def _hand_up(self) -> None:
        """Pass pending octets to the board's ports, as fast as they accept them."""
        self._chip.hand_up()
        self._flight_link.hand_up()

    def _watchdog(self) -> None:
        from rp2040py.reset_cause import ResetCause

        self.resets += 1
        self._bus.cancel()
        self._device.hard_reset(cause=ResetCause.WATCHDOG)

    def keep(self) -> None:
        """Save the flash if it has changed, replacing the image atomically."""
        if self._image and self.flash.operations != self._kept:
            self._kept = self.flash.operations
            self._image.parent.mkdir(parents=True, exist_ok=True)
            new = self._image.with_suffix(".new")
            new.write_bytes(self.flash.contents())
            new.replace(self._image)

    def close(self) -> None:
        self.keep()
        if self._lock:
            self._lock.close()
        self._device.stop()
