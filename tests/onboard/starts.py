# Consecutive starts of the instrument, as seen by the boot record.
from struct import pack, unpack

from doubles import ROOT, Board, Clock, Flash, Scratch
from fsw import icd
from fsw.health.faults import Failures
from fsw.store.boot import BootRecord, OnBoardTime
from fsw.store.checkpoint import Checkpoint
from fsw.store.packets import PacketStore
from fsw.store.segments import Segments
from fsw.store.slots import Slots

BLOCK_US, BLOCK = 600_000_000, 4096  # on-board time and record numbers reserved at once
LATEST_US = 4_294_967_295_000_000
UNKNOWN_US = 4_200_000_000
UNCOUNTED, CRASH = 2, 3  # scratch register numbers
FORM = ">IQIBBBBBH12sH"
FIELDS = (
    "count",
    "time_us",
    "record",
    "safe",
    "expected",
    "consecutive_resets",
    "task",
    "exception",
    "line",
    "counter",
    "origin",
)
COUNTER = bytes(range(12))
ORIGIN = 0xBEEF
WATCHDOG = icd.RESET_CAUSE_WATCHDOG


class Bench:
    """One start, on the flash and scratch registers of earlier starts. random: the 32 bits that the board draws"""

    def __init__(self, flash=None, scratch=None, follow=True, random=6):
        self.flash, self.scratch = flash or Flash(), scratch or Scratch()
        self.failures = Failures()
        self.record = BootRecord(ROOT, Board(WATCHDOG, self.scratch, random), self.failures)
        if follow:
            self.follow()

    def follow(self):
        record = self.record
        self.clock = Clock()
        self.time = OnBoardTime(self.clock, record.time_us)
        segments, failures = Segments(ROOT + "/store"), Failures()
        self.store = PacketStore(segments, 4, record.record, failures, bytearray(4096))
        record.follow(self.time, self.store, Checkpoint(ROOT, None, None, self.time, failures))

    def again(self, **how):
        """The next start, after an unexpected reset."""
        return Bench(self.flash, self.scratch, **how)

    def limits(self):
        """The time and record number at which the next start would begin."""
        saved = states()[-1]
        return saved["time_us"], saved["record"]


def states():
    """The states of the copies on flash, the older one first."""
    found = []
    for n in (0, 1):
        try:
            with open(f"{ROOT}/boot.{n}", "rb") as file:
                data = file.read()
        except OSError:
            continue
        found.append((data[:4], dict(zip(FIELDS, unpack(FORM, data[4:-4])))))
    return [state for _, state in sorted(found, key=lambda copy: copy[0])]


def put(**fields):
    """Write both copies with these fields."""
    state = dict(count=10, time_us=5 * BLOCK_US, record=50_000, safe=0, expected=0, consecutive_resets=2)
    state.update(task=0, exception=0, line=0, counter=COUNTER, origin=ORIGIN)
    state.update(fields)
    slots = Slots(ROOT + "/boot")
    for _ in range(2):
        slots.save(pack(FORM, *[state[name] for name in FIELDS]))


def started(uncounted=0, **fields):
    """A start from these fields on flash, with scratch register UNCOUNTED set to `uncounted`."""
    flash, scratch = Flash(), Scratch()
    put(**fields)
    scratch.set(UNCOUNTED, uncounted)
    return Bench(flash, scratch)


def damage(*copies):
    for n in copies:
        with open(f"{ROOT}/boot.{n}", "rb") as file:
            data = file.read()
        with open(f"{ROOT}/boot.{n}", "wb") as file:
            file.write(data[:20] + bytes([data[20] ^ 1]) + data[21:])
