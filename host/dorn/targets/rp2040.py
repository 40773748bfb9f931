"""The firmware on an emulated Pico: the official MicroPython image, with the firmware on its file system.

The emulator (rp2040py) is not cycle-exact: the CPU costs what its data sheet says with memory that never waits. What it
gets wrong, and what is done about it here:

- A PIO machine runs at most one instruction for each CPU instruction, and while the CPU sleeps the clock jumps from
  alarm to alarm and the PIO only catches up afterwards. So while the head is busy (a line is high, or an event is not
  over), and from just before a comparator rises, CPU, clock and hardware take turns cycle by cycle (`_together`); only
  in between the emulator's own loop runs.
- A flash sector is erased in 140 us and a page written in less. So the CPU is held, as on the chip with its interrupts
  off, for the time real flash takes (`_on_flash_select`), while PIO, DMA and clock go on.

`hardware(seconds)` lets PIO, DMA, ADC and clock run with the CPU held: what a stall does.
"""

from __future__ import annotations

import dataclasses
from collections.abc import Callable
from pathlib import Path

from dorn.errors import UserError
from dorn.head.front_end import FrontEnd, Head
from dorn.head.slow_control import SlowControl
from dorn.image import firmware, micropython
from dorn.image.constants import constants
from dorn.targets import Target, TargetError, pico_flash

_CYCLE_TICKS = 128  # of the emulator's clock of 1/16 ns, at 125 MHz
_LEAD_NS = 160  # longer than any instruction of the CPU but those that call back: it ends before the comparator rises
_ARREARS_CYCLES = 8  # the emulator lets a PIO machine fall back so far; of a longer jump it runs one instruction
_LOOP = 3  # instructions, each a cycle, of the loop in which the sequencer looks for a line
_QSPI_SS = 1
_INOVER_LOW = 2
_FUNCTION_I2C = 3
_I2C_TX_EMPTY = 1 << 4


def _armed_loop(instructions) -> frozenset[int]:
    """Where the sequencer looks for a line: three instructions, the last a `jmp(not_x)` to the first."""
    jmp_not_x = 0x0020
    loops = [a for a in range(30) if instructions[a + 2] == jmp_not_x | a]
    if len(loops) != 1:
        raise TargetError(f"target rp2040: no event builder in PIO 0: armed loops at {loops}")
    return frozenset(range(loops[0], loops[0] + _LOOP))


class SerialPort:
    """A serial port of the board, seen from outside: what is to go up to the board, and what came down from it."""

    def __init__(self):
        self.up, self.down = bytearray(), bytearray()

    def take(self) -> bytes:
        data, self.down[:] = bytes(self.down), b""
        return data


class Rp2040Target(Target):
    name = "rp2040"

    def __init__(
        self,
        head: Head | None = None,
        flash: str | Path | None = None,
        files: dict[str, bytes] | None = None,
        link: str = "usb",
    ):
        """files: instead of the firmware, other files on the board's file system. link: "usb", or "uart", the flight
        link: what `send` and `receive` speak to; the board's file `link` tells the firmware the same."""
        try:
            from rp2040py.boards import BOARDS, resolve_firmware
            from rp2040py.device import MicroPythonDevice
            from rp2040py.memory_map import FLASH_START_ADDRESS
        except ImportError:
            raise UserError("target rp2040: no emulator; pip install '.[sim]' in the clone") from None
        board = resolve_firmware(BOARDS["pico"], "micropython", str(micropython.image()))
        self.head = head or Head(FrontEnd())
        self.resets = 0
        self._device = device = MicroPythonDevice(board=dataclasses.replace(board, extras=()))
        self._image = self.image_in(flash) if flash else None
        old = self._image.read_bytes() if self._image and self._image.exists() else None
        files = firmware.files("pico", link=link) if files is None else files
        if link != "usb":
            files = {**files, "link": link.encode()}
        contents = pico_flash.file_system(files, board.layout, old)
        self._kept = -1  # operations of the flash when it was saved
        self.flash = pico_flash.Flash(device.mcu.flash, board.layout.fs_start, contents)

        self.stalled_s = 0.0  # that the flash took from the CPU
        self.flash_takes_time = True  # a bench of the firmware leaves it aside
        self.mcu = mcu = device.mcu
        mcu.qspi[_QSPI_SS].add_listener(self._on_flash_select)
        self._simulator, self._clock = device.simulator, mcu.clock
        self.slow_control = SlowControl(self.head, lambda: int(self._clock.nanos), self._schedule)
        self.ports = {"usb": SerialPort(), "uart": SerialPort()}
        self._link = self.ports[link]
        device.cdc.on_serial_data = self._usb_received
        mcu.watchdog.on_watchdog_trigger = self._watchdog
        self._stop = self._clock.create_alarm(self._simulator.stop)
        pins = constants("pico")
        self._wire(pins)
        self._wire_slow_control(pins)
        self._wire_uart(pins)
        mcu.core.pc = FLASH_START_ADDRESS

    @staticmethod
    def image_in(flash: str | Path) -> Path:
        """Where the file system is kept in that folder."""
        return Path(flash) / "pico.littlefs"

    # -- the head on the pins ----------------------------------------------------------------------

    def _wire(self, board: dict[str, int]) -> None:
        mcu = self.mcu
        self._lines = [mcu.gpio[board["FIRST_LINE"] + d] for d in range(16)]
        self._address = [mcu.gpio[board["MUX_ADDRESS"] + i] for i in range(4)]
        self._reset = mcu.gpio[board["HEAD_RESET"]]
        self._adc_channel = board["PEAK_HOLD"] - 26
        self._shown = 0
        self._sequencer, self._armed = mcu.pio[0].machines[0], frozenset()
        mcu.adc.on_adc_read = self._convert
        self._reset.add_listener(self._on_reset)
        self._edge = self._clock.create_alarm(self._on_edge)
        self._exact = False  # whether the clock stops at every cycle

    def inject(self, particles) -> None:
        """Play particles from now on."""
        self.head.inject(particles, int(self._clock.nanos) + 1000)
        self._schedule()

    def _schedule(self) -> None:
        edge_ns = self.head.next_edge_ns()
        if edge_ns is not None:
            lead_ns = 0 if self._exact else _LEAD_NS
            self._edge.schedule(max(0.0, edge_ns - lead_ns - self._clock.nanos))

    def _edge_is_near(self) -> bool:
        edge_ns = self.head.next_edge_ns()
        return edge_ns is not None and edge_ns - self._clock.nanos <= _LEAD_NS

    def _show(self) -> None:
        head = self.head
        changed = head.lines ^ self._shown
        self._shown = head.lines
        while changed:
            d = changed.bit_length() - 1
            changed ^= 1 << d
            self._lines[d].set_input_value(bool(head.lines >> d & 1))

    def _on_edge(self) -> None:
        if self._exact:
            self._follow()
        else:  # the PIO is still to catch up with the jump that led here
            self._simulator.stop()

    def _follow(self) -> None:
        """The head up to now, and what it shows on the pins."""
        head = self.head
        head.enabled = sum(1 << d for d, pin in enumerate(self._lines) if pin.input_override != _INOVER_LOW)
        head.advance(int(self._clock.nanos))
        self._show()
        self._schedule()

    def _on_reset(self, _new: object, _old: object) -> None:
        high = bool(self._reset.output_value)
        if high != self.head.reset_high:
            self.head.reset(high, int(self._clock.nanos))
            if not self._armed:
                self._armed = _armed_loop(self.mcu.pio[0].instructions)
            self._show()

    def _convert(self, channel: int) -> None:
        adc = self.mcu.adc
        if channel == self._adc_channel:
            d = sum(bool(pin.output_value) << i for i, pin in enumerate(self._address))
            adc.channel_values[channel] = self.head.convert(d, int(self._clock.nanos))
        adc.current_channel = channel
        adc.sample_alarm.schedule(2000)

    # -- slow control on the I2C bus ---------------------------------------------------------------

    def _wire_slow_control(self, board: dict[str, int]) -> None:
        bus, parts = self.mcu.i2c[board["I2C"]], self.slow_control
        pins = [self.mcu.gpio[board[name]] for name in ("I2C_SDA", "I2C_SCL")]
        byte_ns = 9e9 / board["I2C_HZ"]  # eight bits and the acknowledge
        answers: list[Callable[[], None]] = []
        self._bus_byte = self._clock.create_alarm(lambda: answers.pop()())

        def later(answer: Callable[[], None]) -> None:
            answers[:] = [answer]
            self._bus_byte.schedule(byte_ns)

        def connect(address: int, mode: int) -> None:
            wired = all(pin.function_select == _FUNCTION_I2C for pin in pins)
            acknowledged = wired and parts.start(address, bool(mode))
            bus.complete_connect(acknowledged)
            if not acknowledged:  # the abort flushed the FIFO: the emulator does not say that it is empty
                bus.int_raw |= _I2C_TX_EMPTY

        bus.on_connect = lambda address, mode: later(lambda: connect(address, mode))

        def write(value: int) -> None:
            bus.complete_write(parts.write(value))
            bus.int_raw |= _I2C_TX_EMPTY

        def begin(value: int) -> None:
            later(lambda: write(value))
            self._bus_taken.schedule(0)

        def taken() -> None:
            bus.int_raw &= ~_I2C_TX_EMPTY

        # with TX_EMPTY_CTRL, as here, the FIFO counts as empty when its last byte is over, so that its acknowledge is
        # seen; the emulator says so when the byte begins
        self._bus_taken = self._clock.create_alarm(taken)
        bus.on_write_byte = begin
        bus.on_read_byte = lambda acknowledge: later(lambda: bus.complete_read(parts.read()))

    # -- the flight link -----------------------------------------------------------------------------------------------

    def _wire_uart(self, board: dict[str, int]) -> None:
        uart, port = self.mcu.uart[board["UART"]], self.ports["uart"]
        byte_ns = 10e9 / board["UART_BAUD"]

        def feed() -> None:
            if port.up:
                uart.feed_byte(port.up.pop(0))
                self._uart_byte.schedule(byte_ns)
                self._uart_idle = False
            else:
                self._uart_idle = True

        def received(byte: int) -> None:
            port.down.append(byte)
            if byte == 0:  # a frame may be complete
                self._simulator.stop()

        self._uart_byte, self._uart_idle = self._clock.create_alarm(feed), True
        uart.on_byte = received

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
        """Power fails for 0.1 s at that erase or program of the file system from now, 1 the next, with so much of it
        done: 0 nothing, 1 all. `flash.operations` tells how many there were."""
        self.flash.cut_at(operation, done)

    # -- time --------------------------------------------------------------------------------------

    def _busy(self) -> bool:
        """A line is high, or the machine is not back in the loop in which it looks for one."""
        if self.head.lines & self.head.enabled:
            return True
        return self._sequencer.enabled and self._sequencer.pc not in self._armed

    def _together(self) -> None:
        """CPU, clock, PIO and DMA, cycle by cycle, for as long as the head is busy and nothing ends the batch."""
        core, tick, advance, busy = self.mcu.core, self._clock.tick_ticks, self.mcu.pio[0].advance, self._busy
        simulator, near = self._simulator, self._edge_is_near
        for _ in range(_ARREARS_CYCLES):  # looks the machine owes
            advance(0)
        self._exact = True
        self._follow()
        while (busy() or near()) and not simulator.stopped:
            for _ in range(1 if core.waiting else core.execute_instruction()):
                tick(_CYCLE_TICKS)
                advance(1)
        self._exact = False
        self._schedule()

    def hardware(self, seconds: float) -> None:
        """PIO, DMA, ADC and clock exactly, with the CPU held. Idle time is skipped."""
        clock, pio = self._clock, self.mcu.pio[0]
        end = clock.ticks + round(seconds * 16e9)
        was_exact, self._exact = self._exact, True
        self._schedule()
        while clock.ticks < end:
            if self._busy():
                clock.tick_ticks(_CYCLE_TICKS)
                pio.advance(1)
            else:
                idle = min(clock.ticks_to_next_alarm if clock.has_scheduled_alarm else end, end - clock.ticks)
                cycles = idle // _CYCLE_TICKS
                if cycles > _ARREARS_CYCLES + _LOOP:
                    cycles -= (cycles - 1) % _LOOP  # it runs one instruction: so it stays in its phase of the loop
                else:
                    cycles = 1
                clock.tick_ticks(cycles * _CYCLE_TICKS)
                pio.advance(cycles)
        self._exact = was_exact
        self._schedule()

    @property
    def now_us(self) -> int:
        return int(self._clock.nanos) // 1000

    def send(self, data: bytes) -> None:
        self._link.up += data

    def receive(self) -> bytes:
        return self._link.take()

    # -- power ---------------------------------------------------------------------------------------------------------

    def power_cycle(self, off_s: float = 0.1) -> None:
        self.flash.power_failed = False
        self._restart(off_s, "POWER_ON")

    def reset(self) -> None:
        self._restart(0.001, "RUN_PIN")

    def stall(self, seconds: float) -> None:
        self.hardware(seconds)

    def _restart(self, held_s: float, cause: str) -> None:
        from rp2040py.reset_cause import ResetCause

        self._bus_byte.cancel()
        self._bus_taken.cancel()
        for port in self.ports.values():
            port.up.clear()
        mcu, clock = self.mcu, self._clock
        mcu.enter_reset(cause=ResetCause[cause])
        if cause == "POWER_ON":
            self.slow_control.power_up()
            mcu.sram[:] = b"\xa5" * len(mcu.sram)
        self._follow()
        end = clock.ticks + round(held_s * 16e9)
        while clock.ticks < end:  # the head goes on
            idle = clock.ticks_to_next_alarm if clock.has_scheduled_alarm else end
            clock.tick_ticks(max(1, min(idle, end - clock.ticks)))
        mcu.leave_reset()

    def _run(self, seconds: float, condition: Callable[[], bool] | None) -> bool:
        from rp2040py.execute_batch import execute_batch

        clock, simulator = self._clock, self._simulator
        ns = round(seconds * 1e9)  # whole, so that the alarm is not a little before the end: idle, it would be the last
        end = clock.nanos + ns
        self._stop.schedule(ns)
        while clock.nanos < end:
            self._hand_up()
            simulator.stopped = False
            if self._busy() or self._edge_is_near():
                self._together()
            else:
                execute_batch(simulator, 1)
            if self.flash.power_failed:
                self.power_cycle()
            if condition is not None and self._link.down and condition():
                self._stop.cancel()
                return True
        return False

    def _hand_up(self) -> None:
        """What waits for the board's ports, as fast as they take it."""
        up, cdc = self.ports["usb"].up, self._device.cdc
        while up and not cdc.tx_fifo.full:
            cdc.send_serial_byte(up.pop(0))
        if self._uart_idle and self.ports["uart"].up:
            self._uart_idle = False
            self._uart_byte.schedule(0)

    def _usb_received(self, data: bytes) -> None:
        self.ports["usb"].down += data
        self._simulator.stop()  # the batch ends, a condition is asked

    def _watchdog(self) -> None:
        from rp2040py.reset_cause import ResetCause

        self.resets += 1
        self._bus_byte.cancel()
        self._bus_taken.cancel()
        self._device.hard_reset(cause=ResetCause.WATCHDOG)

    def keep(self) -> None:
        """Save the flash, if it has changed: the old or the new image is there, whatever happens to this program."""
        if self._image and self.flash.operations != self._kept:
            self._kept = self.flash.operations
            self._image.parent.mkdir(parents=True, exist_ok=True)
            new = self._image.with_suffix(".new")
            new.write_bytes(self.flash.contents())
            new.replace(self._image)

    def close(self) -> None:
        self.keep()
        self._device.stop()
