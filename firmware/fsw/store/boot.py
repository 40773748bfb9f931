# The boot record: what a start must know about the previous run. On-board time and record numbers are reserved in
# blocks before use, so neither is ever used twice: an unexpected reset forfeits the rest of a block.
#
# If the flash cannot be written, scratch registers hold the missing data: the number of boots not counted, of
# consecutive unexpected resets and of blocks reserved since, whether telecommands need a challenge, and the first
# unrecorded crash. They survive a reset, but not power-on.
from struct import calcsize, pack, unpack, unpack_from

from fsw import icd
from fsw.health.faults import Refused, crash_in, exception_of, forget_crash, line_of, note_crash
from fsw.link.packet import cuc
from fsw.store.slots import Slots
from micropython import const

_FORM = ">IQIBBBBBH12sH"
_COUNTER = const(12)  # octets: a copy of the authentication counter
_TIME_US = const(600_000_000)  # size of a block: on-board time jumps ahead by at most this
_RECORDS = const(4096)
_LATEST_US = const(4_294_967_295_000_000)  # packets carry 32 bits of seconds
# Without a record, added to the time of the newest packet on flash: later packets may have waited in memory for up
# to 3600 s, the maximum of `storage_delay`.
_UNKNOWN_US = const(4_200_000_000)
_NO_TASK = const(255)

_UNCOUNTED = const(2)  # scratch register of 20 bits (boards/README.md), from the lowest bit on:
_MOST_BLOCKS = const(0x7FF)  # blocks reserved, 11 bits
_BOOTS = const(11)  # from this bit on, 4 bits: boots not counted on flash
_MOST_BOOTS = const(15)
_CONSECUTIVE = const(15)  # from this bit on, 4 bits: consecutive unexpected resets; _EXPECTED: the last was expected
_MOST_CONSECUTIVE = const(14)
_EXPECTED = const(15)
_UNSYNCHRONISED = const(19)  # this bit: telecommands need a challenge


class OnBoardTime:
    """The time in telemetry: microseconds, continued across resets, never backwards. start_us: its value when the
    board's clock was 0"""

    def __init__(self, clock, start_us):
        self.start_us = start_us
        self._us = clock.us

    def us(self):
        return self.start_us + self._us()

    def set(self, us):
        self.start_us = us - self._us()


class BootRecord:
    """The constructor reads the record and counts this boot. Nothing is raised: flash errors go to `failures`.

    count, reset_cause: those of this boot. crash: None, or (task, exception, line) that ended the previous run.
    consecutive_resets: unexpected resets since the last expected one, or since a `reset_window` without a reset.
    safe: the instrument was in mode safe. time_us, record: where on-board time and record numbers start.
    damaged: number of copies found damaged. lost: there was a record, but no copy is left (known after follow()).
    counter: copy of the authentication counter, 12 octets; saved with the rest.
    unsynchronised: telecommands need a challenge.
    origin: 1 to 65535, identifies the sequence of record numbers that continues from this record; drawn if there is no
    valid copy, because then the numbers used before are not known for certain.
    """

    def __init__(self, folder, board, failures):
        self._slots = slots = Slots(folder + "/boot", _possible)
        self._scratch = scratch = board.scratch
        self._failures = failures
        data = slots.load()
        self.damaged = slots.bad
        self._blank = data is None
        self.lost = False
        expected = 1
        count = self._saved_us = self._saved_record = self.safe = consecutive = task = exception = line = 0
        self.counter = bytes(_COUNTER)
        self.origin = board.random % 0xFFFF + 1
        if data:
            (count, self._saved_us, self._saved_record, self.safe, expected, consecutive, task, exception, line,
             self.counter, self.origin) = unpack(_FORM, data)  # fmt: skip
        uncounted = scratch.get(_UNCOUNTED)
        self.unsynchronised = uncounted >> _UNSYNCHRONISED
        uncounted &= (1 << _UNSYNCHRONISED) - 1
        blocks, boots = uncounted & _MOST_BLOCKS, uncounted >> _BOOTS & _MOST_BOOTS
        self._unsaved = uncounted != 0 or data is None  # scratch registers hold values, or flash has no copy
        if self.damaged:  # that copy may be the newer one, with one more block reserved and boot counted
            blocks += 1
            count += 1
        self.time_us = min(self._saved_us + blocks * _TIME_US, _LATEST_US)
        self.record = self._saved_record + blocks * _RECORDS
        self.count = count + boots + 1
        if uncounted:
            consecutive = uncounted >> _CONSECUTIVE & _EXPECTED
            expected = consecutive == _EXPECTED
        self.consecutive_resets = 0 if expected else min(consecutive + 1, 255)
        self.crash = (task, exception, line) if (exception or line) and not boots else crash_in(scratch)
        self.reset_cause = icd.RESET_CAUSE_CRASH if self.crash else board.reset_cause
        self._boots = boots + 1  # not counted on flash
        self._time = None
        if data is None:  # no valid copy: follow() finds where time and record numbers continue; a record written
            self._to_scratch(blocks)  # before that would hide the loss if a reset followed
        else:
            self._reserve(self.time_us, self.record)

    def follow(self, time, store, checkpoint):
        """From now on `time.us()` and `store.next` give the values in use. If the record was lost, they continue
        after the contents of packet store and checkpoint.
        """
        self._time, self._store = time, store
        if self._blank and (self.damaged or store.last or checkpoint.there):
            self.lost = True
            self.safe = 1  # so that it is in the first record written
            reached_us = checkpoint.reached_us()
            if reached_us >= _LATEST_US:  # damaged
                reached_us = 0
            newest_us = max(cuc(store.newest >> 16, store.newest & 0xFFFF), reached_us)
            if newest_us:
                time.set(max(newest_us + _UNKNOWN_US, time.us()))
            store.next += _RECORDS
        if self._blank or store.next > self.record:  # the store is ahead of the boot record
            self._reserve(time.us(), store.next, self.lost)

    def check_not_safe(self):
        """Raise Refused in mode safe."""
        if self.safe:
            raise Refused(icd.FAILURE_WRONG_MODE, icd.MODE_SAFE)

    def reported(self):
        """Forget the crash, once reported, so that the next one can be noted."""
        if self.crash:
            forget_crash(self._scratch)

    def keep(self, write=False):
        """Write if half of a reserved block is used, or both copies if `write`; return whether anything was written."""
        time_us, record = self._time.us(), self._store.next  # pyright: ignore[reportOptionalMemberAccess] by follow()
        if write or time_us > self._time_half or record > self._record_half:
            self._reserve(time_us, record, write)
            return True
        return False

    def reserve_time(self, us):
        """Reserve time before on-board time is set forward to `us`. Raises OSError if the flash cannot be written."""
        if us > self._time_half and self._save(us + _TIME_US, self._store.next + _RECORDS, 0, both=True) < 2:
            raise OSError(self._failures.errno)
        self._time_half = max(self._time_half, us + _TIME_US // 2)

    def close(self):
        """Mark the coming reset as expected: the next run continues from here."""
        if not self._save(self._time.us(), self._store.next, 1):  # pyright: ignore[reportOptionalMemberAccess]
            self._note(self._uncounted() | _EXPECTED << _CONSECUTIVE)

    def crashed(self, task, error):
        """Record the exception that ends the run. task: number of the failed task, or None."""
        task = _NO_TASK if task is None else task
        exception, line = exception_of(error), line_of(error)
        if self._time:
            limit_us, limit_record = self._time_half + _TIME_US // 2, self._record_half + _RECORDS // 2
            if self._save(min(limit_us, _LATEST_US), limit_record, 0, False, task, exception, line):
                return
        note_crash(self._scratch, task, exception, line)

    def _reserve(self, time_us, record, both=False):
        limit_us, limit_record = min(time_us + _TIME_US, _LATEST_US), record + _RECORDS
        self._time_half, self._record_half = time_us + _TIME_US // 2, record + _RECORDS // 2
        if self._save(limit_us, limit_record, 0, both or self._unsaved):
            return
        self._unsaved = True
        missing_us, missing = limit_us - self._saved_us, limit_record - self._saved_record
        self._to_scratch(max((missing_us + _TIME_US - 1) // _TIME_US, (missing + _RECORDS - 1) // _RECORDS))

    def synchronise(self, done):
        """Note whether the authentication counter is on flash."""
        self.unsynchronised = not done
        self._note(self._uncounted())

    def _to_scratch(self, blocks):
        """Note what is not on flash: boots, consecutive resets and reserved blocks."""
        boots, consecutive = min(self._boots, _MOST_BOOTS), min(self.consecutive_resets, _MOST_CONSECUTIVE)
        self._note(consecutive << _CONSECUTIVE | boots << _BOOTS | min(blocks, _MOST_BLOCKS))

    def _uncounted(self):
        return self._scratch.get(_UNCOUNTED) & (1 << _UNSYNCHRONISED) - 1

    def _note(self, uncounted):
        self._scratch.set(_UNCOUNTED, self.unsynchronised << _UNSYNCHRONISED | uncounted)

    def _save(self, time_us, record, expected, both=False, task=0, exception=0, line=0):
        """Write one copy, or both if the older would restore an outdated time or mode; return the number written."""
        state = pack(
            _FORM,
            self.count,
            time_us,
            record,
            self.safe,
            expected,
            self.consecutive_resets,
            task,
            exception,
            line,
            self.counter,
            self.origin,
        )
        written = 0
        try:
            for _ in range(1 + both):
                self._slots.save(state)
                written += 1
        except OSError as error:  # not fatal: an instrument that cannot count its boots still measures
            self._failures.note(error)
        if written:
            self._saved_us, self._saved_record, self._boots = time_us, record, 0
            if self._unsaved:
                self._note(0)
            self._unsaved = written <= (both or self._unsaved)
        return written


def _possible(payload):
    if len(payload) != calcsize(_FORM):
        return False
    _, time_us, _, safe, expected = unpack_from(">IQIBB", payload)
    return time_us <= _LATEST_US and safe < 2 and expected < 2
