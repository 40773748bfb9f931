# The part of rp2 that the boards use: MicroPython's stubs lack the DMA registers and declare its flags as bool only.
from collections.abc import Callable

from machine import Pin

class PIO:
    OUT_LOW: int
    SHIFT_LEFT: int
    SHIFT_RIGHT: int
    JOIN_RX: int

class _Program: ...

def asm_pio(
    *,
    out_init: int | tuple[int, ...] = ...,
    set_init: int | tuple[int, ...] = ...,
    in_shiftdir: int = ...,
    out_shiftdir: int = ...,
    autopush: bool = ...,
    push_thresh: int = ...,
    fifo_join: int = ...,
) -> Callable[[Callable[[], None]], _Program]: ...
def asm_pio_encode(instr: str, sideset_count: int) -> int: ...

class StateMachine:
    def __init__(
        self,
        id: int,
        program: _Program,
        *,
        in_base: Pin = ...,
        out_base: Pin = ...,
        set_base: Pin = ...,
        jmp_pin: Pin = ...,
    ) -> None: ...
    def active(self, value: int = ...) -> bool: ...
    def exec(self, instr: int | str) -> None: ...
    def get(self) -> int: ...
    def put(self, value: int, shift: int = 0) -> None: ...
    def restart(self) -> None: ...
    def rx_fifo(self) -> int: ...
    def tx_fifo(self) -> int: ...

class DMA:
    channel: int
    read: int
    write: int
    count: int
    ctrl: int
    def active(self, value: int = ...) -> bool: ...
    def config(
        self, *, read: int = ..., write: int = ..., count: int = ..., ctrl: int = ..., trigger: bool = ...
    ) -> None: ...
    def pack_ctrl(self, **fields: int) -> int: ...
