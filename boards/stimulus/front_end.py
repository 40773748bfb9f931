# The front end that the instrument sees, in PIO and DMA: 16 latches and the output of the multiplexer. The contract is
# that of boards/pico/wiring.md: a latch is set while its comparator is high, cleared by the instrument's reset, and set
# again if the comparator is still high. The CPU only fills the ring of edges (edges.py).
#
# A latch is high if it is driven high, or not driven: there are pull-ups. What is high when comparators change is
# driven no more, so that new comparators are or-ed to it.
import machine
import micropython
import rp2
from machine import Pin, mem32
from micropython import const
from uctypes import addressof

from boards import constants  # pyright: ignore[reportAttributeAccessIssue]
from boards.stimulus import edges

# GP0-15: latches. GP16-22 and GP26: ladder, GP16 its lowest bit. GP23-25 belong to the Pico
_LADDER = const(16)
_LADDER_TOP = const(26)
_LADDER_PINS = const(11)  # from GP16 to GP26
_RESET = const(27)  # the instrument's HEAD_RESET
_ADDRESS = const(28)  # the lowest bit of its MUX_ADDRESS: 0 for front, 1 for back detectors

_DMA = const(0x50000000)
_COUNT = const(0x8)  # of a channel: transfers left
_PIO0 = const(0x50200000)
_PIO1 = const(0x50300000)
_TXF0 = const(0x10)
_RXF0 = const(0x20)
_SM0_INSTR = const(0xD8)
_SM0_PINCTRL = const(0xDC)
_OUT_COUNT = const(0x3F << 20)  # its field for the number of pins of `out`
_IO_BANK0_CTRL = const(0x40014004)
_FUNCTION_PIO1 = const(7)
_PADS = const(0x4001C004)
_STRONGEST = const(0x30)  # 12 mA: the resistance of a pin adds to that of the ladder (README.md)
_RESETS = const(1)  # machines of PIO 1 that count
_EARLY = const(2)
_DREQ_PIO0_TX0 = const(0)
_DREQ_PIO0_RX0 = const(4)
_FOREVER = const(0xFFFFFFFF)

# ruff: noqa: F821 (the assembler puts the instructions' names into scope)


@rp2.asm_pio(out_init=(rp2.PIO.OUT_LOW,) * 16, out_shiftdir=rp2.PIO.SHIFT_RIGHT)
def _latches():  # x: delay; y: comparators. edges.py counts the cycles: 2 for each step of a delay
    label("busy")
    nop()
    wrap_target()
    label("next")
    pull()  # number of pulses: not used
    pull()
    mov(x, osr)
    label("wait")
    jmp(pin, "reset")
    jmp(x_dec, "wait")
    pull()
    mov(y, osr)
    pull()
    mov(x, osr)
    jmp(not_x, "next")  # comparators fell: latches stay
    mov(isr, x)
    mov(osr, invert(pins))  # what is high is driven no more
    out(pindirs, 16)
    mov(osr, pins)
    out(x, 16)
    mov(pins, y)
    jmp(x_dec, "busy")  # lines were not quiet: the heights stay those of the pulse that set them
    push(noblock)  # heights, to the ladder; DMA counts them
    wrap()
    label("reset")
    mov(pins, null)
    mov(osr, invert(null))
    out(pindirs, 16)
    label("high")
    jmp(x_dec, "still")  # time continues
    pull()
    mov(y, osr)
    pull()
    pull()
    pull()
    mov(x, osr)
    label("still")
    jmp(pin, "high")
    mov(pins, y)  # comparators that are high set their latches again
    jmp("wait")


@rp2.asm_pio(out_init=(rp2.PIO.OUT_LOW,) * 7, out_shiftdir=rp2.PIO.SHIFT_RIGHT)
def _ladder():  # x: heights, of front detectors in the lower half; follows the address within 7 cycles
    wrap_target()
    label("top")
    pull(noblock)  # new heights, else x
    mov(x, osr)
    jmp(pin, "back")
    out(pins, 11)
    jmp("top")
    label("back")
    out(null, 16)
    out(pins, 11)
    wrap()


@rp2.asm_pio()
def _resets():  # x: resets of the instrument, counted down
    label("top")
    wait(0, pin, 0)
    wait(1, pin, 0)
    jmp(x_dec, "top")


@micropython.viper
def _count(pio: ptr32, machine: int, report: int, push: int) -> int:
    pio[(_SM0_INSTR >> 2) + 6 * machine] = report
    pio[(_SM0_INSTR >> 2) + 6 * machine] = push
    return -1 - int(pio[(_RXF0 >> 2) + machine])


@micropython.viper
def _ahead(left: ptr32, edge: int) -> int:
    n = int(left[0])
    while n != int(left[0]):  # wrong during a transfer (RP2040-E12), for a few cycles
        n = int(left[0])
    return 4 * edge + n + 1  # 2**32 - 1 - n words have been given


def _early(release):
    """Return a program that counts down the pulses that rise within `release` cycles of the end of a reset."""

    @rp2.asm_pio(out_shiftdir=rp2.PIO.SHIFT_RIGHT)
    def early():  # x: counter
        wrap_target()
        label("top")
        wait(1, gpio, 27)
        wait(0, gpio, 27)[11]  # until comparators that are high have set their latches again
        mov(osr, pins)
        out(y, 16)
        jmp(not_y, "quiet")[release - 15]
        jmp("top")
        label("quiet")
        mov(osr, pins)  # as the instrument does now
        out(y, 16)
        jmp(not_y, "top")
        jmp(x_dec, "top")
        wrap()

    return early


class FrontEnd:
    """ring: address of the ring of edges. `play()` starts at its first edge."""

    def __init__(self):
        machine.freq(constants.CLOCK_MHZ * 1_000_000)  # that of the instrument
        for gp in range(16):
            Pin(gp, Pin.IN, Pin.PULL_UP)
        for gp in (_RESET, _ADDRESS):
            Pin(gp, Pin.IN, Pin.PULL_DOWN)
        octets = 1 << edges.BITS
        self._memory = bytearray(2 * octets)  # so that an aligned ring fits wherever it is
        self.ring = addressof(self._memory) + octets - 1 & -octets
        self._latches = rp2.StateMachine(0, _latches, in_base=Pin(0), out_base=Pin(0), jmp_pin=Pin(_RESET))
        self._ladder = rp2.StateMachine(4, _ladder, out_base=Pin(_LADDER), jmp_pin=Pin(_ADDRESS))
        # `out` reaches to GP26; GP23-25 are not given to the PIO
        mem32[_PIO1 + _SM0_PINCTRL] = mem32[_PIO1 + _SM0_PINCTRL] & ~_OUT_COUNT | _LADDER_PINS << 20
        mem32[_IO_BANK0_CTRL + 8 * _LADDER_TOP] = _FUNCTION_PIO1
        for gp in range(_LADDER, _LADDER_TOP + 1):  # GP23-25 are not affected: they are no outputs of the PIO
            mem32[_PADS + 4 * gp] |= _STRONGEST
        for instruction in ("mov(osr, invert(null))", "out(pindirs, 11)", "mov(x, null)"):
            self._ladder.exec(instruction)
        self._counter = rp2.StateMachine(4 + _RESETS, _resets, in_base=Pin(_RESET))
        release = constants.RELEASE_NS * constants.CLOCK_MHZ // 1000
        self._early = rp2.StateMachine(4 + _EARLY, _early(release), in_base=Pin(0))
        for counter in (self._counter, self._early):
            counter.exec("mov(x, invert(null))")
            counter.active(1)
        self._edges, self._heights = rp2.DMA(), rp2.DMA()
        self._edges_left = _DMA + 0x40 * self._edges.channel + _COUNT
        # assembled in advance: it takes 10 ms
        self._drop = rp2.asm_pio_encode("pull(noblock)", 0)
        self._all_low = [
            rp2.asm_pio_encode(text, 0)
            for text in ("mov(pins, null)", "mov(osr, invert(null))", "out(pindirs, 16)", "mov(y, null)")
        ]
        self._hold = [rp2.asm_pio_encode(text, 0) for text in ("pull(noblock)", "mov(y, osr)", "mov(pins, y)")]
        self._report, self._push = rp2.asm_pio_encode("mov(isr, x)", 0), rp2.asm_pio_encode("push(noblock)", 0)
        self._ladder.active(1)
        self.rest()

    def rest(self, held=0):
        """Play nothing: all comparators low but those of `held` (a mask), the reset is answered."""
        edges.idle(self.ring, 0, edges.EDGES)  # pyright: ignore[reportArgumentType]
        self.play(held)

    def show(self, height):
        """Set the heights of front and back detectors."""
        self._ladder.put((height & 0x7F | (height & 0x80) << 3) * 0x10001)

    def halt(self):
        """Stop at once, with all lines low, until `play()`: resets are not answered, and `shown()` is final."""
        self._latches.active(0)
        for instruction in self._all_low:
            self._latches.exec(instruction)

    def play(self, held=0):
        """Play the ring from its first edge, for ever: the end of a list is an edge without end. held: comparators that
        are high from the start (a mask)."""
        latches, feed, heights = self._latches, self._edges, self._heights
        self.halt()
        feed.active(0)
        heights.active(0)
        latches.restart()
        while latches.rx_fifo():
            latches.get()
        while latches.tx_fifo():  # left of a list that was broken off
            latches.exec(self._drop)
        if held:
            latches.put(held)
            for instruction in self._hold:
                latches.exec(instruction)
        heights.config(
            read=_PIO0 + _RXF0,
            write=_PIO1 + _TXF0,
            count=_FOREVER,
            trigger=True,
            ctrl=heights.pack_ctrl(size=2, inc_read=False, inc_write=False, treq_sel=_DREQ_PIO0_RX0, irq_quiet=True),
        )
        feed.config(
            read=self.ring,
            write=_PIO0 + _TXF0,
            count=_FOREVER,
            trigger=True,
            ctrl=feed.pack_ctrl(
                size=2, inc_write=False, ring_size=edges.BITS, ring_sel=False, treq_sel=_DREQ_PIO0_TX0, irq_quiet=True
            ),
        )
        self._early_before = self._counted(_EARLY)
        latches.active(1)

    def ahead(self, edge):
        """Return the number of words until the machine is given the first word of this edge, counted from `play()`."""
        return _ahead(self._edges_left, edge)  # pyright: ignore[reportArgumentType]

    def shown(self):
        """Return the number of pulses since `play()` that rose on quiet lines while the instrument looked at them."""
        return _FOREVER - self._heights.count - self.early()

    def early(self):
        """Return the number of pulses since `play()` that rose on quiet lines between a reset and the instrument's look
        at the lines, which resets them."""
        return self._counted(_EARLY) - self._early_before & _FOREVER

    def resets(self):
        """Return the number of resets by the instrument since power-up, modulo 2**32."""
        return self._counted(_RESETS)

    def _counted(self, machine):
        at = _PIO1
        return _FOREVER & _count(at, machine, self._report, self._push)  # pyright: ignore[reportArgumentType]
