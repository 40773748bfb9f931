"""Wiring of the emulated Pico besides the head: slow control on its I2C bus, the flight link on its UART."""

from __future__ import annotations

from collections.abc import Callable

from dorn.head.slow_control import SimulatedDevices
from dorn.targets.simulated import SerialPort

_FUNCTION_I2C = 3
_I2C_TX_EMPTY = 1 << 4


class I2cBus:
    """The slow-control devices on the emulator's bus, where each byte takes its real time.

    mcu, clock: the emulator's. board: constants of the board.
    """

    def __init__(self, mcu, clock, board: dict[str, int], devices: SimulatedDevices):
        bus = mcu.i2c[board["I2C"]]
        pins = [mcu.gpio[board[name]] for name in ("I2C_SDA", "I2C_SCL")]
        byte_ns = 9e9 / board["I2C_HZ"]  # eight bits and the acknowledge
        answers: list[Callable[[], None]] = []
        self._byte = clock.create_alarm(lambda: answers.pop()())

        def later(answer: Callable[[], None]) -> None:
            answers[:] = [answer]
            self._byte.schedule(byte_ns)

        def connect(address: int, mode: int) -> None:
            wired = all(pin.function_select == _FUNCTION_I2C for pin in pins)
            acknowledged = wired and devices.start(address, bool(mode))
            bus.complete_connect(acknowledged)
            if not acknowledged:  # the abort flushed the FIFO, which the emulator does not flag as empty
                bus.int_raw |= _I2C_TX_EMPTY

        bus.on_connect = lambda address, mode: later(lambda: connect(address, mode))

        def write(value: int) -> None:
            bus.complete_write(devices.write(value))
            bus.int_raw |= _I2C_TX_EMPTY

        def begin(value: int) -> None:
            later(lambda: write(value))
            self._taken.schedule(0)

        def taken() -> None:
            bus.int_raw &= ~_I2C_TX_EMPTY

        # with TX_EMPTY_CTRL, as here, the FIFO is empty when its last byte, including the acknowledge, is complete; the
        # emulator already flags it at the start of the byte
        self._taken = clock.create_alarm(taken)
        bus.on_write_byte = begin
        bus.on_read_byte = lambda acknowledge: later(lambda: bus.complete_read(devices.read()))

    def cancel(self) -> None:
        """Stop the bus activity when the chip is reset."""
        self._byte.cancel()
        self._taken.cancel()


class FlightLink:
    """Connects `port` to the emulator's UART, where each byte takes its real time. stop(): called when a frame may be
    complete."""

    def __init__(self, mcu, clock, board: dict[str, int], port: SerialPort, stop: Callable[[], None]):
        self._uart, self.port = mcu.uart[board["UART"]], port
        self._byte_ns = 10e9 / board["UART_BAUD"]
        self._stop = stop
        self._byte, self._idle = clock.create_alarm(self._feed), True
        self._uart.on_byte = self._received

    def hand_up(self) -> None:
        """Start sending pending octets to the board, unless a byte is in progress."""
        if self._idle and self.port.up:
            self._idle = False
            self._byte.schedule(0)

    def _feed(self) -> None:
        if self.port.up:
            self._uart.feed_byte(self.port.up.pop(0))
            self._byte.schedule(self._byte_ns)
            self._idle = False
        else:
            self._idle = True

    def _received(self, byte: int) -> None:
        self.port.down.append(byte)
        if byte == 0:  # a frame may be complete
            self._stop()
