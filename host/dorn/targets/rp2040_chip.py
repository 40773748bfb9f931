"""An emulated Pico with the official MicroPython image: the chip, its file system, its USB port."""

from __future__ import annotations

import dataclasses
from collections.abc import Callable

from dorn.image import micropython
from dorn.targets import pico_flash
from dorn.targets.simulated import SerialPort
from dorn.util.extras import missing

_RETRY_NS = 1_000_000  # by then the USB port has taken a packet
CYCLE_TICKS = 128  # one cycle at 125 MHz, in ticks of the emulator's clock of 1/16 ns


class Chip:
    """mcu, clock, simulator: the emulator's. usb: the USB port. stop: an alarm that ends a batch.

    passed: what the chip sends passes through it to the USB port.
    """

    def __init__(self, files: dict[str, bytes], unique_id: int, old: bytes | None = None):
        """files: for its file system, added to that of the flash image `old`."""
        try:
            from rp2040py.boards import BOARDS, resolve_firmware
            from rp2040py.device import MicroPythonDevice
            from rp2040py.memory_map import FLASH_START_ADDRESS
        except ImportError:
            raise missing("target rp2040: no emulator", "sim") from None
        board = resolve_firmware(BOARDS["pico"], "micropython", str(micropython.image()))
        self.device = device = MicroPythonDevice(board=dataclasses.replace(board, extras=()))
        contents = pico_flash.file_system(files, board.layout, old)
        start = board.layout.fs_start  # pyright: ignore[reportOptionalMemberAccess] a Pico has one
        self.mcu = mcu = device.mcu
        self.flash = pico_flash.Flash(mcu.flash, start, contents)
        pico_flash.Identity(mcu, unique_id)
        self.simulator, self.clock = device.simulator, mcu.clock
        self.usb = SerialPort()
        self.passed: Callable[[bytes], bytes] = lambda data: data
        device.cdc.on_serial_data = self._received
        self.stop = self.clock.create_alarm(self.simulator.stop)
        self._full = self.clock.create_alarm(self.simulator.stop)
        mcu.core.pc = FLASH_START_ADDRESS

    def batch(self) -> None:
        """Run CPU, clock and hardware until something stops the simulator.

        The emulator also ends a batch after 5 ms of the host's time: the next one begins at once, or no run could be
        repeated. Only a PIO that runs while the CPU sleeps may then lose a fraction of a cycle
        (findings/rp2040py-stop-loses-pio-time.sh), such as while the line of a detector that is off stays high.
        """
        from rp2040py.execute_batch import execute_batch

        simulator = self.simulator
        simulator.stopped = False
        while not simulator.stopped:
            execute_batch(simulator, 1)

    def hand_up(self) -> None:
        """Pass pending octets to the USB port; if it does not accept all of them, stop after 1 ms for the rest."""
        up, cdc, n = self.usb.up, self.device.cdc, 0
        while n < len(up) and not cdc.tx_fifo.full:
            cdc.send_serial_byte(up[n])
            n += 1
        del up[:n]
        if up:
            self._full.schedule(_RETRY_NS)

    def _received(self, data: bytes | bytearray) -> None:
        self.usb.down += self.passed(bytes(data))
        self.simulator.stop()  # ends the batch, so that a condition is evaluated

    def reset(self, cause: str, seconds: float, held: Callable[[], None]) -> None:
        """Hold the chip in reset, its power off if `cause` is POWER_ON. held(): called when it has entered reset."""
        from rp2040py.reset_cause import ResetCause

        mcu, clock = self.mcu, self.clock
        mcu.enter_reset(cause=ResetCause[cause])
        if cause == "POWER_ON":
            mcu.sram[:] = b"\xa5" * len(mcu.sram)
        held()
        end = clock.ticks + round(seconds * 16e9)
        while clock.ticks < end:  # what is connected keeps running
            idle = clock.ticks_to_next_alarm if clock.has_scheduled_alarm else end
            clock.tick_ticks(max(1, min(idle, end - clock.ticks)))
        mcu.leave_reset()
