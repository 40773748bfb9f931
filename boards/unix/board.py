# The board interface in a process of MicroPython's unix port. The host's unix target (host/dorn/targets/unix.py) owns
# the time and the detector head; here are the rings, and a pipe. One message each way whenever the firmware waits:
#
#   to the host    kind, now_us, argument, n, n bytes   "W": wait until `argument`, with the bytes written to the link;
#                                                       "H": the same, but bytes of the link wait here: no more of them
#                                                       "S", "E", "X": event builder start, enable, stop; argument: mask
#                                                       "K": scratch register argument >> 32 is set; no answer
#                                                       "I": I2C transfer; argument: wanted << 8 | address; it writes
#                                                       the n bytes, or reads `wanted`, and ends at now_us
#   from the host  wake_us, n_link, n_events, bytes      answers "W": what arrived, and what the event builder did
#                  conversions since start (u32)         answers "X"
#                  lines (u32)                           answers "L"
#                  errno or 0, n_events (u32), events,   answers "I": what the event builder did meanwhile, as a ring
#                  and the bytes                         that DMA fills has it
import struct
import sys

import micropython
from micropython import const

from boards.pico import constants
from boards.slow_control import SlowControl

_TO_HOST = "<BQQI"
_FROM_HOST = "<QII"
_RING_BITS = const(11)
_AMPLITUDE_BITS = const(12)
_MHZ = const(125)
_BASE = const(0x20000000)  # tails are never 0: an address on a chip, this and the offset here
_WATCHDOG_EXIT = const(3)
_I2C_BYTE_US = const(90)  # 8 bits and the acknowledge at 100 kHz
_RESET_EXIT = const(4)
_MAINTENANCE_EXIT = const(5)
_PIECE = const(4096)  # octets
# The link, as on a chip: the host gives at most 128 octets at a time (boards/rp2/uart.py, _READ).
_OCTETS_S = const(92_160)  # the flight link's 921 600 baud
_OUT = const(4096)  # octets that wait to be sent
_LONGEST = const(640)  # octets of the longest frame, and more
_STEP_US = const(1000)  # the instrument takes no time for what it does: it would not go on while bytes wait
_FOREVER_US = const(1 << 60)


class Board:
    id = 0
    store_segments = constants.STORE_SEGMENTS

    def __init__(self):
        # main.py FLASH RESET_CAUSE FIXED HIT PASS MAINTENANCE SCRATCH...: the folder that is the flash, why it starts,
        # dead times of events, 1 after a reset for maintenance, scratch registers from 0 on
        self.flash = sys.argv[1]
        self.code = sys.argv[0].rpartition("/")[0]
        self.reset_cause = int(sys.argv[2])
        self._maintenance = sys.argv[6] == "1"
        self._now_us = 0
        self._in = sys.stdin.buffer
        self._out = sys.stdout.buffer
        self._header = bytearray(struct.calcsize(_FROM_HOST))
        self._sent = bytearray()
        self._waits_us = 0  # until then what was written is on the line
        self._received = b""
        self._fed_us = None
        self.clock = self.link = self.watchdog = self
        self.scratch = Scratch(self, [int(a) for a in sys.argv[7:]])
        self.slow_control = SlowControl(self, constants)
        self.events = EventBuilder(self, [int(a) for a in sys.argv[3:6]])

    # -- the pipe ----------------------------------------------------------------------------------

    def ask(self, kind, argument, data=b""):
        self._out.write(struct.pack(_TO_HOST, ord(kind), self._now_us, argument, len(data)))
        if data:
            self._out.write(data)

    def get(self, n):
        data = self._in.read(n)
        if len(data) != n:  # the target is gone
            sys.exit(0)
        return data

    # -- clock, watchdog ---------------------------------------------------------------------------

    def us(self):
        return self._now_us

    def maintenance(self, window_ms, meanwhile):
        while self._maintenance:  # there is no prompt on the pipe: silence, until the target ends it
            self.wait(_FOREVER_US, None)
            self.read()
        meanwhile()
        self._now_us += 1000 * window_ms
        return False

    def reset(self, maintenance):
        self.wait(self._now_us, None)  # the link's last bytes
        sys.exit(_MAINTENANCE_EXIT if maintenance else _RESET_EXIT)

    def wait(self, until_us, attention):
        if self._fed_us is not None and until_us - self._fed_us > self._timeout_us:
            until_us = max(self._fed_us + self._timeout_us, self._now_us)
        if self._received:
            until_us = min(until_us, self._now_us + _STEP_US)
        self.ask("H" if self._received else "W", until_us, self._sent)
        self._sent = bytearray()
        self._now_us, n_link, n_events = struct.unpack(_FROM_HOST, self.get(16))
        if n_link:
            self._received += self.get(n_link)
        if n_events:
            self.events.receive(n_events)
        if self._fed_us is not None and self._now_us - self._fed_us >= self._timeout_us:
            sys.exit(_WATCHDOG_EXIT)

    def start(self, timeout_ms):
        self._timeout_us = 1000 * timeout_ms
        self._fed_us = self._now_us

    def feed(self):
        self._fed_us = self._now_us

    # -- link --------------------------------------------------------------------------------------

    lost = 0  # the host has what it sends wait

    def read(self):
        data, self._received = self._received, b""
        return data or None

    def _used(self):
        """Octets that were written and are not gone yet."""
        return max(self._waits_us - self._now_us, 0) * _OCTETS_S // 1_000_000

    def write(self, frame):
        if self._used() + len(frame) > _OUT:
            return False
        self._sent.extend(frame)
        self._waits_us = max(self._waits_us, self._now_us) + len(frame) * 1_000_000 // _OCTETS_S
        return True

    def room(self):
        return self._used() <= _OUT - _LONGEST

    def restart(self):
        pass

    # -- I2C ---------------------------------------------------------------------------------------

    def writeto(self, address, data):
        self._transfer(address, data, 0)
        return len(data)

    def readfrom_into(self, address, buf):
        self._transfer(address, b"", len(buf))
        buf[:] = self.get(len(buf))

    def _transfer(self, address, data, wanted):
        self._now_us += _I2C_BYTE_US * (1 + len(data) + wanted)
        self.ask("I", wanted << 8 | address, data)
        errno, n_events = struct.unpack("<II", self.get(8))
        if n_events:
            self.events.receive(n_events)
        if errno:
            raise OSError(errno)


class Scratch:
    def __init__(self, pipe, values):
        self._pipe = pipe
        self._values = values

    def get(self, register):
        return self._values[register]

    def set(self, register, value):
        self._values[register] = value
        self._pipe.ask("K", register << 32 | value)


class EventBuilder:
    mhz = _MHZ
    mask = (1 << _RING_BITS) - 1
    amplitude_mask = (1 << _AMPLITUDE_BITS) - 1

    def __init__(self, pipe, dead):
        self._pipe = pipe
        self.fixed_cycles, self.hit_cycles, self.pass_cycles = dead
        self.words, self.stamps, self.tails = (bytearray(4 << _RING_BITS) for _ in range(3))
        self.amplitudes = bytearray(2 << _AMPLITUDE_BITS)
        self._at = bytearray(8)  # u32: event to fill, amplitude to fill

    def start(self, detectors):
        for i in range(len(self.tails)):
            self.tails[i] = 0
        self._at[:] = bytes(8)
        self._pipe.ask("S", detectors)

    def enable(self, detectors):
        self._pipe.ask("E", detectors)
        return self._pipe.us() & 0xFFFFFFFF

    def stop(self):
        self._pipe.ask("X", 0)
        self._converted = struct.unpack("<I", self._pipe.get(4))[0]

    def converted(self):
        return self._converted

    def lines(self):
        self._pipe.ask("L", 0)
        return struct.unpack("<I", self._pipe.get(4))[0]

    def faults(self):
        return 0

    def receive(self, n):
        """n octets of events from the pipe, in pieces: after a stall they are more than the heap has in one."""
        rest = b""
        while n:
            piece = min(n, _PIECE)
            data = rest + self._pipe.get(piece)
            n -= piece
            used = _fill(data, len(data), self.words, self.stamps, self.tails, self.amplitudes, self._at)
            rest = data[used:]


@micropython.viper
def _fill(data: ptr8, n: int, words: ptr32, stamps: ptr32, tails: ptr32, amplitudes: ptr16, at: ptr32) -> int:
    # what DMA does on a chip: it writes on, round and round, whether or not anybody reads.
    # data: per event u32 stamp, u32 word, u16 codes, lowest detector first; the last may be cut. -> octets read
    mask = (1 << _RING_BITS) - 1
    i = at[0]
    j = at[1]
    p = 0
    while p + 8 <= n:
        hit = data[p + 6] | data[p + 7] << 8
        end = p + 8
        while hit:
            hit &= hit - 1
            end += 2
        if end > n:
            break
        stamps[i] = data[p] | data[p + 1] << 8 | data[p + 2] << 16 | data[p + 3] << 24
        word = data[p + 4] | data[p + 5] << 8 | data[p + 6] << 16 | data[p + 7] << 24
        words[i] = word
        p += 8
        hit = (word >> 16) & 0xFFFF
        while hit:
            hit &= hit - 1
            amplitudes[j] = data[p] | data[p + 1] << 8
            j = (j + 1) & ((1 << _AMPLITUDE_BITS) - 1)
            p += 2
        tails[i] = _BASE | j << 1
        i = (i + 1) & mask
    at[0] = i
    at[1] = j
    return p
