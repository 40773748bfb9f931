# The flight link: a UART, both directions by DMA. While the CPU is stalled, the rings buffer 89 ms of bytes to the
# instrument and 44 ms from it at 921 600 baud. There is no flow control: bytes that arrive faster than they are read
# are overwritten and counted.
import time

import rp2
from machine import UART, Pin, mem32
from micropython import const
from uctypes import bytearray_at

from boards.rp2.rings import aligned

_UART0 = const(0x40034000)
_UART_SIZE = const(0x4000)
_DR = const(0x00)
_IMSC = const(0x38)
_DMACR = const(0x48)
_BOTH_DIRECTIONS = const(3)
_DREQ_UART0_TX = const(20)  # then UART0 RX, UART1 TX, UART1 RX
_IN_BITS = const(13)
_OUT_BITS = const(12)
_PASS = const(1 << 27)  # bytes until the other channel takes over: whole rings, within the counter of the RP2350
_AHEAD = const(64)  # octets that may arrive while a piece is copied
_LONGEST = const(640)  # octets: more than the longest frame


class UartLink:
    """lost: octets overwritten in the ring before they were read."""

    def __init__(self, board):
        """board: the module of constants with pins and baud rate (boards/pico/constants.py)."""
        Pin(board.UART_RX, Pin.IN, Pin.PULL_UP)  # an unconnected line is idle, not noise
        self._uart = UART(board.UART, board.UART_BAUD, tx=Pin(board.UART_TX), rx=Pin(board.UART_RX))
        base = _UART0 + _UART_SIZE * board.UART
        mem32[base + _IMSC] = 0  # disables MicroPython's own driver
        mem32[base + _DMACR] = _BOTH_DIRECTIONS
        self._keep, (into, out) = aligned(_IN_BITS, _OUT_BITS)
        self._base, self._begin = into, out
        self._in = memoryview(bytearray_at(into, 1 << _IN_BITS))
        self._out = memoryview(bytearray_at(out, 1 << _OUT_BITS))
        self._piece = memoryview(bytearray(board.UART_READ))
        self._read = self.lost = 0  # bytes of this pass read or lost; bytes lost since boot
        self._fill = self._used = self._sending = 0  # transmit ring: next position; bytes held; bytes being sent

        dreq = _DREQ_UART0_TX + 2 * board.UART
        # Two channels alternate forever, each continuing where it began, as a pass is a whole number of rings.
        self._channels = [rp2.DMA(), rp2.DMA()]
        ring = dict(size=0, inc_read=False, ring_size=_IN_BITS, ring_sel=True, irq_quiet=True)
        for n, channel in enumerate(self._channels):
            ctrl = channel.pack_ctrl(treq_sel=dreq + 1, chain_to=self._channels[1 - n].channel, **ring)
            channel.config(read=base + _DR, write=into, count=_PASS, ctrl=ctrl)
        self._channels[0].active(1)
        self._sender = sender = rp2.DMA()
        ctrl = sender.pack_ctrl(
            size=0, inc_write=False, ring_size=_OUT_BITS, ring_sel=False, treq_sel=dreq, irq_quiet=True
        )
        sender.config(read=out, write=base + _DR, count=0, ctrl=ctrl)

    def _waiting(self):
        """Return the number of bytes not read yet; if more than the ring holds, the oldest are overwritten."""
        first, second = self._channels
        channel = first if first.active() else second
        while True:  # wrong during a transfer (RP2040-E12), for a few cycles; transfers are microseconds apart
            left = channel.count
            if left == channel.count:
                return (-left - self._read) & (_PASS - 1)

    def ready(self):
        return self._waiting() != 0

    def read(self):
        waiting = self._waiting()
        if not waiting:
            return None
        over = waiting + _AHEAD - (1 << _IN_BITS)
        if over > 0:  # overwritten, or about to be
            self.lost += over
            self._read += over
            waiting -= over
        at = self._read & ((1 << _IN_BITS) - 1)
        n = min(waiting, len(self._piece), (1 << _IN_BITS) - at)
        self._piece[:n] = self._in[at : at + n]  # copied: still in use when the ring is overwritten
        self._read = (self._read + n) & (_PASS - 1)
        return self._piece[:n]

    def pump(self):
        """Let DMA send the waiting bytes, once it has sent the previous ones."""
        if self._sender.active():
            return
        self._used -= self._sending
        self._sending = self._used
        if self._used:
            self._sender.config(count=self._used, trigger=True)

    def drain(self, limit_ms):
        """Wait until all written bytes are sent, up to `limit_ms`."""
        start = time.ticks_ms()
        while self._used and time.ticks_diff(time.ticks_ms(), start) < limit_ms:
            self.pump()
        time.sleep_ms(1)  # for the FIFO of 32 bytes

    def restart(self):
        """Discard the bytes not sent yet."""
        self._sender.active(0)
        self._sender.read = self._begin
        self._fill = self._used = self._sending = 0

    def room(self):
        self.pump()
        return self._used <= (1 << _OUT_BITS) - _LONGEST

    def write(self, frame):
        n, at = len(frame), self._fill
        self.pump()
        if self._used + n > 1 << _OUT_BITS:
            return False
        first = min(n, (1 << _OUT_BITS) - at)
        self._out[at : at + first] = frame[:first]
        self._out[: n - first] = frame[first:]
        self._fill = (at + n) & ((1 << _OUT_BITS) - 1)
        self._used += n
        self.pump()
        return True
