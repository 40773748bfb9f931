# A simulated event builder: rings filled by the test instead of the hardware.
from struct import pack_into

from rings import sorter

AMPLITUDES = 4096
_NO_PASS = 0x7FFF


class EventBuilder:
    """The interface of `events` of a board. calls: log of the calls, except faults() and lines().

    marks: whether start() immediately writes its mark, with mark_passes. start_us, enable_us: duration of start(), and
    of enable() after it takes effect. high: result of lines(). lost: conversions that belong to no event.
    """

    def __init__(self, clock, events=1024):
        self._clock = clock
        self.backlog = 8
        self.mask, self.amplitude_mask = events - 1, AMPLITUDES - 1
        self.words, self.stamps, self.tails = (bytearray(4 * events) for _ in range(3))
        self.amplitudes = bytearray(2 * AMPLITUDES)
        self.fixed_cycles, self.hit_cycles, self.scan_cycles, self.pass_cycles, self.mhz = 10, 100, 1, 1000, 2
        self.calls = []
        self.marks, self.mark_passes, self.start_us = True, 0, 0
        self.high = self.lost = self.enable_us = 0
        self._slot = self._at = self._converted = 0

    def put(self, codes, stamp=None, passes=0, found=None):
        """Write an event. codes: detector -> code. found: number of conversions, if not the number of hits."""
        pattern = 0
        for d in codes:
            pattern |= 1 << d
        for code in [codes[d] for d in sorted(codes)] if found is None else found:
            pack_into("<H", self.amplitudes, 2 * self._at, code)
            self._at = (self._at + 1) % AMPLITUDES
            self._converted += 1
        at = 4 * self._slot
        pack_into("<I", self.words, at, pattern << 16 | (_NO_PASS - passes) & 0xFFFF)
        pack_into("<I", self.stamps, at, (self._clock.us() if stamp is None else stamp) & 0xFFFFFFFF)
        pack_into("<I", self.tails, at, 0x20000000 | 2 * self._at)
        self._slot = (self._slot + 1) & self.mask

    def sorter(self, *arrays):
        return sorter(self, *arrays)

    def taken(self):
        """The calls logged since the last taken()."""
        taken, self.calls = self.calls, []
        return taken

    def start(self, detectors):
        self.calls.append(("start", detectors))
        for at in range(len(self.tails)):
            self.tails[at] = 0
        self._slot = self._at = self._converted = self.lost = 0
        if self.marks:
            self.put({}, passes=self.mark_passes)
        self._clock.now_us += self.start_us

    def enable(self, detectors):
        self.calls.append(("enable", detectors))
        now = self._clock.us()
        self._clock.now_us += self.enable_us
        return now & 0xFFFFFFFF

    def stop(self):
        self.calls.append(("stop",))

    def converted(self):
        return (self._converted + self.lost) % 0xFFFFFFFF

    def lines(self):
        return self.high
