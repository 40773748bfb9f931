# Hardware-sequenced read-out of 16 detectors: PIO + DMA + ADC, no CPU per event. boards/pico/wiring.md specifies the
# detector head; host/dorn/targets/event_model.py is the model of the event builder for the unix target.
#
# One state machine triggers and records: the hit pattern it converts is the hit pattern it pushes. A second one only
# turns "convert" into the word that starts the ADC. A DMA chain writes word, time stamp and end address of the
# amplitudes into three rings; another channel writes the amplitudes into a fourth. A slot of the last ring of the chain
# is 0 until its event is complete, so no DMA register is read while the rings run (RP2040-E12: the write address of a
# ring is wrong while a transfer is in flight).
import array
import sys

import machine
import micropython
import rp2
import uctypes
from fsw.spectra import kernel as k
from fsw.spectra.reading import batch
from machine import Pin, mem32
from micropython import const
from uctypes import addressof

from boards.rp2.rings import aligned
from boards.rp2.sort import bind, sort

_PIO0 = const(0x50200000)
_DMA = const(0x50000000)
_TIMERAWL = const(0x40054028)
_ADC = const(0x4004C000)
_IO_BANK0_CTRL = const(0x40014004)
_INOVER = const(3 << 16)  # field of this register for the input override
_INOVER_LOW = const(2 << 16)
_SIO_GPIO_IN = const(0xD0000004)
_SET = const(0x2000)  # atomic-set alias of a register

_ADC_EN = const(1 << 0)
_ADC_START_ONCE = const(1 << 2)
_ADC_READY = const(1 << 8)
# FIFO on, conversion error in bit 15, DREQ at one sample; writing 1 clears the sticky over- and underflow flags
_ADC_FIFO = const((1 << 24) | (1 << 11) | (1 << 10) | (1 << 3) | (1 << 2) | (1 << 0))
_ADC_FIFO_EMPTY = const(1 << 8)
_ADC_FIFO_OVER = const(1 << 11)

_DREQ_PIO0_RX0 = const(4)
_DREQ_PIO0_RX1 = const(5)
_DREQ_ADC = const(36)
_DREQ_NONE = const(0x3F)
_INTERVAL_MS = const(4)  # between the interrupts of `unattended`; the rings hold what arrives within 9 ms
_COUNT = const(0xFFFFFFFF)  # transfers before the chain re-arms the ADC's two channels


@micropython.viper
def _clear(at: ptr32, words: int):
    for i in range(words):
        at[i] = 0


@micropython.viper
def _copy(to: ptr32, at: int, timer: ptr32):
    to[at] = timer[0]


@micropython.viper
def _override(control: ptr32, detectors: int, timer: ptr32) -> uint:
    # override the inputs of detectors not in the mask low, release the others; returns the time afterwards
    for d in range(16):
        keep = control[2 * d] & ~_INOVER
        if (detectors >> d) & 1 == 0:
            keep |= _INOVER_LOW
        control[2 * d] = keep
    return uint(timer[0])


class EventBuilder:
    """Rings of events, filled by hardware.

    words[i]: hit pattern << 16 | (0x7FFF - extra reset passes) & 0xFFFF;  stamps[i]: low 32 bits of the time in us when
    the lines were found quiet;  tails[i]: address just after the event's last amplitude, 0 while there is no event;
    zeroed by the reader;  amplitudes: 12-bit codes, bit 15 set for a failed conversion, in detector order.
    Dead time of an event with k hits and p extra passes, in cycles (`mhz` per us):
    fixed_cycles + k * hit_cycles + p * pass_cycles + n * scan_cycles, n being the number of its last hit's detector.
    """

    def __init__(self, board):
        """board: the module of constants with pins and times (boards/pico/constants.py)."""
        self.mhz = mhz = board.CLOCK_MHZ
        for gp in range(16):
            Pin(board.FIRST_LINE + gp, Pin.IN, Pin.PULL_DOWN)  # RP2350: erratum E9 also requires 8.2 kohm outside
        self._first = board.FIRST_LINE

        def cycles(ns):
            return (ns * mhz + 999) // 1000

        from boards.rp2.sequencer import programs  # needed only here: released below

        sequence, start_adc, dead = programs(
            cycles(board.PEAKING_NS),
            cycles(board.SETTLE_NS),
            cycles(board.CONVERT_NS),
            cycles(board.RESET_NS),
            cycles(board.RELEASE_NS),
        )
        del sys.modules["boards.rp2.sequencer"], sys.modules["boards.rp2"].sequencer  # pyright: ignore[reportAttributeAccessIssue] a module
        self.fixed_cycles, self.hit_cycles, self.scan_cycles, self.pass_cycles = dead
        self._sequencer = rp2.StateMachine(  # no freq=: the divider is exactly 1
            0,
            sequence,
            in_base=Pin(board.FIRST_LINE),
            out_base=Pin(board.MUX_ADDRESS),
            set_base=Pin(board.HEAD_RESET),
        )
        self._starter = rp2.StateMachine(1, start_adc)
        self._load_start_once = rp2.asm_pio_encode("set(x, 4)", 0)  # assembled in advance: it takes 10 ms
        machine.ADC(Pin(board.PEAK_HOLD))
        self._adc_input = board.PEAK_HOLD - 26

        bits = board.RING_BITS
        self.mask = (1 << bits) - 1
        self.amplitude_mask = (1 << board.AMPLITUDE_BITS) - 1
        self.backlog = board.BACKLOG
        self._keep, addresses = aligned(*sorted((bits + 2, bits + 2, bits + 2, board.AMPLITUDE_BITS + 1), reverse=True))
        if bits + 2 < board.AMPLITUDE_BITS + 1:
            amplitudes, words, stamps, tails = addresses
        else:
            words, stamps, tails, amplitudes = addresses
        view = uctypes.bytearray_at
        self.words, self.stamps, self.tails = (view(a, 4 << bits) for a in (words, stamps, tails))
        self.amplitudes = view(amplitudes, 2 << board.AMPLITUDE_BITS)

        start, convert, rearm, pattern, stamp, tail = self._channels = [rp2.DMA() for _ in range(6)]
        self._convert = convert
        self._both = array.array("I", [1 << start.channel | 1 << convert.channel])
        ring = dict(size=2, inc_read=False, ring_size=bits + 2, ring_sel=True, irq_quiet=True)
        word = dict(size=2, inc_read=False, inc_write=False, irq_quiet=True)
        # (channel, read, write, count, control), in the order of arming: the channel triggered last starts the chain
        self._plan = (
            (start, _PIO0 + 0x24, _ADC + _SET, _COUNT,
             start.pack_ctrl(treq_sel=_DREQ_PIO0_RX1, high_pri=True, chain_to=rearm.channel, **word)),
            # whichever of the two runs out of transfers triggers both; a running channel ignores the trigger
            (rearm, addressof(self._both), _DMA + 0x430, 1, rearm.pack_ctrl(treq_sel=_DREQ_NONE, **word)),
            (convert, _ADC + 0xC, amplitudes, _COUNT,
             convert.pack_ctrl(size=1, inc_read=False, ring_size=board.AMPLITUDE_BITS + 1, ring_sel=True,
                               treq_sel=_DREQ_ADC, irq_quiet=True, chain_to=rearm.channel)),
            (tail, _DMA + 0x40 * convert.channel + 4, tails, 1,
             tail.pack_ctrl(treq_sel=_DREQ_NONE, chain_to=pattern.channel, **ring)),
            (stamp, _TIMERAWL, stamps, 1, stamp.pack_ctrl(treq_sel=_DREQ_NONE, chain_to=tail.channel, **ring)),
            (pattern, _PIO0 + 0x20, words, 1,
             pattern.pack_ctrl(treq_sel=_DREQ_PIO0_RX0, chain_to=stamp.channel, **ring)),
        )  # fmt: skip
        self._timer, self._interrupt = machine.Timer(-1), self._read
        self.enable(0)

    def sorter(self, state, thresholds, counters, singles, pairs, listed):
        """Return the function that sorts the events in the rings: the kernel, bound to its arrays."""
        bind(state, self, thresholds, counters, singles, pairs, listed)
        self._state = state
        return sort

    def unattended(self, on):
        """While on, an interrupt reads the rings; nothing else may."""
        if not on:
            self._timer.deinit()
        elif self._sequencer.active():
            self._timer.init(period=_INTERVAL_MS, callback=self._interrupt, hard=True)

    def _read(self, timer):
        """Read events until none is left, or the acquisition must act on STATUS. Must not allocate."""
        state, more = self._state, True
        while more and not state[k.STATUS]:
            # first of all, so that the call reads only what is there now
            _copy(state, k.UNTIL, _TIMERAWL)  # pyright: ignore[reportArgumentType]
            more = batch(sort, state, self) == k.EVENTS

    def enable(self, detectors):
        """Let only these detectors (a mask) trigger: the inputs of the others are overridden low.

        Return the time at which it took effect, low 32 bits, us.
        """
        return _override(_IO_BANK0_CTRL + 8 * self._first, detectors, _TIMERAWL)  # pyright: ignore[reportArgumentType]

    def start(self, detectors):
        """Stop, empty the rings and run; nothing of an earlier run remains. The reader starts at slot 0."""
        self.stop()
        _clear(self.tails, self.mask + 1)
        self.enable(detectors)
        mem32[_ADC] = (self._adc_input << 12) | _ADC_EN
        while not mem32[_ADC] & _ADC_READY:  # a conversion in progress would arrive as the first sample
            pass
        mem32[_ADC + 8] = _ADC_FIFO
        while not mem32[_ADC + 8] & _ADC_FIFO_EMPTY:
            mem32[_ADC + 0xC]
        mem32[_PIO0 + 0x30] = 0xFF  # state machine interrupt flags
        for sm in (self._sequencer, self._starter):
            sm.restart()
            while sm.rx_fifo():
                sm.get()
        mem32[_PIO0 + 0x08] = 0x0F0F0F0F  # FDEBUG
        self._starter.exec(self._load_start_once)
        for channel, read, write, count, ctrl in self._plan:
            trigger = channel in (self._channels[0], self._convert, self._channels[3])
            channel.config(read=read, write=write, count=count, ctrl=ctrl, trigger=trigger)
        self._starter.active(1)
        self._sequencer.active(1)

    def stop(self):
        """Halt the machines and the DMA at once, even during an event. converted() remains valid."""
        self._sequencer.active(0)
        self._starter.active(0)
        for c in self._channels:  # disable and unchain first: an abort may trigger the chain (RP2350-E5)
            c.ctrl = c.pack_ctrl(enable=False)
        self._converted = (_COUNT - self._convert.count) % _COUNT
        for c in self._channels:
            c.active(0)

    def converted(self):
        """Return the number of conversions from the last start to the last stop, modulo 2**32 - 1."""
        return self._converted

    def lines(self):
        """Return the discriminator lines as they are now; those of detectors switched off are low."""
        return mem32[_SIO_GPIO_IN] >> self._first & 0xFFFF

    def faults(self):
        """Return flags since the last call: bit 0, a PIO FIFO was full; bit 1, the ADC FIFO lost data."""
        stalled = mem32[_PIO0 + 0x08] & 3
        over = mem32[_ADC + 8] & _ADC_FIFO_OVER
        if stalled:
            mem32[_PIO0 + 0x08] = 3
        if over:
            mem32[_ADC + 8 + _SET] = _ADC_FIFO_OVER
        return (1 if stalled else 0) | (2 if over else 0)
