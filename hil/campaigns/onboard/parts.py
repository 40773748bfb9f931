# The persistent structures of the firmware, one part each, and what each must hold after a power failure.
import os
import random
from array import array
from struct import unpack

from doubles import Board, Clock, Reports
from fsw import icd
from fsw.health.faults import Failures
from fsw.store.boot import BootRecord, OnBoardTime
from fsw.store.checkpoint import Checkpoint
from fsw.store.slots import Slots
from part import Part
from stored import Stored


class Kept(Part):
    """A state of `octets` octets in Slots."""

    def __init__(self, name, octets):
        super().__init__(name)
        self._octets = octets

    def write(self, path, state, way):
        Slots(path).save(pattern(state, self._octets))

    def read(self, path):
        found = Slots(path).load()
        return None if found is None else state_of(found, self._octets)


class Booted(Part):
    """The boot record: counts boots, and reserves time and record numbers before they are used."""

    # less than this is used between two calls of keep(): half of a reservation
    HALF_US, HALF = 300_000_000, 2048

    def __init__(self, name):
        super().__init__(name, "booted", "closed and booted", "kept", "kept as needed")

    def begin(self, root):
        self._used_us = self._used = 0  # what a later boot must not reuse
        self._origin = 0  # origin of the first completed boot; no later one may change it
        self._counts = (0,)  # boot counts that may be on flash: the last one, and those of boots in which power failed
        self._boot(root)
        self.step(root)

    def step(self, root):
        way = next(self._ways)
        if way == "kept":
            self._record.keep(True)
        elif way == "closed and booted":
            self._record.close()
        self._check_power()
        if "booted" in way:
            self._boot(root)
        kept = self._use()
        while way == "kept as needed" and not kept:
            kept = self._use()
        self.written[way] += 1

    def resume(self, root):
        """Boot again."""
        self._boot(root)

    def _boot(self, root):
        next_counts = self._next_counts(root)
        self._counts += next_counts
        self._record, self._clock, self._time, self._store, self._failures = self._booted(root, next_counts)
        self._check_power()
        self._counts, self._used_us, self._used = (self._record.count,), self._time.us(), self._store.next
        self._origin = self._record.origin

    def _next_counts(self, root):
        """Boot counts expected next: one more, or two if a copy is damaged, as it may have been the newer."""
        slots = Slots(f"{root}/{self.name}")
        slots.load()
        return tuple(count + jump for count in self._counts for jump in ((1, 2) if slots.bad else (1,)))

    def _booted(self, root, counts):
        clock, store, failures = Clock(), NoStore(), Failures()
        record = BootRecord(root, Board(icd.RESET_CAUSE_POWER_ON, random=random.getrandbits(30)), failures)
        time = OnBoardTime(clock, record.time_us)
        store.next = record.record
        record.follow(time, store, NoCheckpoint())
        found = record.count, record.time_us, record.record
        if record.lost or found[0] not in counts or found[1] < self._used_us or found[2] < self._used:
            least = self._used_us, self._used
            raise AssertionError(f"{self.name}: a boot starts with {found}, expected one of {counts}, at least {least}")
        if self._origin not in (0, record.origin):
            raise AssertionError(f"{self.name}: origin {record.origin}, not {self._origin}")
        return record, clock, time, store, failures

    def _use(self):
        """Advance time and record numbers. -> whether keep() reserved more"""
        self._clock.now_us += random.randrange(self.HALF_US)
        self._store.next += random.randrange(self.HALF)
        self._used_us, self._used = self._time.us(), self._store.next
        kept = self._record.keep()
        self._check_power()
        return kept

    def _check_power(self):
        if self._failures.count:
            raise OSError(self._failures.errno)

    def check(self, root, further=None):
        data = Slots(f"{root}/{self.name}").load()
        count, until_us, until = unpack(">IQI", data) if data else (0, 0, 0)
        allowed = self._counts if further is None else (further,)
        if count not in allowed or until_us < self._used_us or until < self._used:
            least = f"at least {self._used_us} us, {self._used}"
            raise AssertionError(f"{self.name}: found {count}, {until_us} us, {until}, allowed {allowed}, {least}")

    def write_further(self, root):
        return self._booted(root, self._next_counts(root))[0].count


class Checkpointed(Part):
    """Checkpoints of an acquisition whose counts encode the state; written at once or step by step."""

    CHANNELS = 100  # with counts: 6 kB in two blocks, small so that many checkpoints are written

    def __init__(self, name):
        super().__init__(name, "at once", "step by step")

    def write(self, path, state, way):
        checkpoint, failures = self._made(path, state)
        if way == "at once":
            checkpoint.write()
        else:
            checkpoint.to_send = False  # the previous checkpoint need not be sent
            checkpoint.period_us = 1
            while checkpoint.step(1, False, False):
                pass
        if failures.count:  # power failed
            raise OSError(failures.errno)

    def read(self, path):
        """The state common to all spectra, or a string that describes the mismatch."""
        checkpoint, _ = self._made(path, 0)
        state = None
        spectra, copy = 0, array("H", bytes(2 * icd.CHANNELS))
        while True:
            s, closed = checkpoint.close(copy)
            if s is None:
                return state if spectra == icd.DETECTORS + icd.UNITS else f"{spectra} spectra"
            state = closed[0][1]
            if s != spectra or bytes(copy)[: 2 * self.CHANNELS] != pattern(state, 2 * self.CHANNELS):
                return f"spectrum {s} after {spectra} others, mixed"
            spectra += 1

    def _made(self, path, state):
        failures = Failures()
        folder = path.rpartition("/")[0]
        time = OnBoardTime(Clock(), 0)
        return Checkpoint(folder, Acquired(state, self.CHANNELS), Reports(), time, failures), failures


class Acquired:
    """The part of the acquisition's interface that a checkpoint reads."""

    running = True

    def __init__(self, state, channels):
        self.integration = state
        self._counts = array("H", pattern(state, 2 * channels))

    def snapshot(self, s):
        return (self.integration, 0, 0, 0, 0), 0, len(self._counts) - 1, self._counts, 0


class NoStore:
    last = newest = 0


class NoCheckpoint:
    there = False

    def reached_us(self):
        return 0


class Beside(Part):
    """Files that are never written, like the firmware's own: small ones stored inline in metadata, some with blocks."""

    is_written = False
    SIZES = (20, 500, 300, 400, 250, 5000, 500, 300, 400, 9000, 350, 450)

    def begin(self, root):
        os.mkdir(f"{root}/{self.name}")
        for n, size in enumerate(self.SIZES):
            for folder in (root, f"{root}/{self.name}"):
                with open(f"{folder}/file{n}", "wb") as f:
                    f.write(pattern(n, size))

    def check(self, root, further=None):
        n = random.randrange(len(self.SIZES))
        for folder in (root, f"{root}/{self.name}"):
            with open(f"{folder}/file{n}", "rb") as f:
                if state_of(f.read(), self.SIZES[n]) != n:
                    raise AssertionError(f"{folder}/file{n}: damaged")


def pattern(state, octets):
    """The state repeated, so that a mixture of two states is detected."""
    return (state.to_bytes(4, "big") * (octets // 4 + 1))[:octets]


def state_of(found, octets):
    """The state whose pattern was found, or a string that describes the mismatch."""
    state = int.from_bytes(found[:4], "big")
    return state if found == pattern(state, octets) else f"{len(found)} octets, mixed"


# name -> (blocks of the file system, its parts)
SCENARIOS = {
    "slots": (32, lambda: (Kept("parameters", 200), Booted("boot"), Beside("beside"))),
    "checkpoint": (48, lambda: (Checkpointed("checkpoint"), Beside("beside"))),
    "store": (48, lambda: (Stored("store"), Beside("beside"))),
    "together": (
        80,
        lambda: (
            Kept("parameters", 512),
            Booted("boot"),
            Checkpointed("checkpoint"),
            Stored("store"),
            Beside("beside"),
        ),
    ),
}
