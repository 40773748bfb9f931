# fsw/store/checkpoint.py in isolation, on a flash that can be made to fail.
import os
from array import array

from check import equal, has
from doubles import EIO, ENAMETOOLONG, ENOSPC, ROOT, Clock, Flash, Reports, each_failure
from fsw import icd, memory
from fsw.health.faults import Failures
from fsw.store.boot import OnBoardTime
from fsw.store.checkpoint import Checkpoint

PERIOD_US = 600_000_000
SPECTRA = icd.DETECTORS + icd.UNITS
STEPS = 1 + SPECTRA + 2  # open the file, write each spectrum, close the file, rename it
PATH = ROOT + "/checkpoint"
HEADER = 37  # octets


AT = 100  # offset of a spectrum in its array


class Acquisition:
    """Spectrum s has counts in channels s + 1 to s + 3; spectrum 2 has none. `seed` distinguishes states."""

    def __init__(self, seed=1):
        self.running = True
        self.integration = seed

    def snapshot(self, s):
        counts = array("H", bytes(2 * (AT + icd.CHANNELS)))
        if s == 2:
            return self.about(s), 1, 0, counts, AT
        for k in (1, 2, 3):
            counts[AT + s + k] = 100 * self.integration + s + k
        return self.about(s), s + 1, s + 3, counts, AT

    def about(self, s):
        return self.integration, 1000 + s, 2_000_000, 1_900_000, 60 + s


class Bench:
    def __init__(self, flash, seed=1, start_us=0):
        self.flash = flash
        self.acquisition = Acquisition(seed)
        self.reports, self.failures = Reports(), Failures()
        self.checkpoint = Checkpoint(
            ROOT, self.acquisition, self.reports, OnBoardTime(Clock(), start_us), self.failures
        )
        self.checkpoint.period_us = PERIOD_US

    def write(self, now, stored=True):
        """Step until no work is left. -> number of steps"""
        steps = 1
        while self.checkpoint.step(now, False, stored):
            steps += 1
        return steps

    def read(self):
        """The numbers (integration, spectrum) that close() returns."""
        found = []
        copy = array("H", bytes(2 * icd.CHANNELS))
        while True:
            s, closed = self.checkpoint.close(copy)
            if s is None:
                return found
            about, first, last = closed
            wanted = Acquisition(about[1])
            equal(about, (icd.CLOSED_BY_RESET,) + wanted.about(s))
            _, first_written, last_written, counts, _ = wanted.snapshot(s)
            if first_written <= last_written:
                equal((first, last), (first_written, last_written))
            equal(copy, counts[AT:])
            found.append((about[1], s))


def whole(seed):
    return [(seed, s) for s in range(SPECTRA)]


def test_every_file_opened_adds_to_the_allocation_estimate():
    bench = Bench(Flash())
    for use in (
        lambda: bench.write(PERIOD_US),
        bench.checkpoint.write,
        bench.checkpoint.reached_us,
        lambda: Bench(bench.flash).read(),
    ):
        memory.garbage[0] = 0
        use()
        equal(memory.garbage[0], 1450)


def test_one_spectrum_is_written_per_step_and_all_are_restored_after_a_reset():
    flash = Flash()
    bench = Bench(flash)
    assert not bench.checkpoint.there and not bench.checkpoint.to_send
    equal(bench.write(PERIOD_US), STEPS)
    assert bench.checkpoint.there
    flash.remount()
    again = Bench(flash, start_us=5_000_000)
    assert again.checkpoint.there and again.checkpoint.to_send
    equal(again.checkpoint.reached_us(), 1000 + 2_000_000)
    equal(again.read(), whole(1))
    assert not again.checkpoint.to_send
    missing_s = (5_000_000 - (1000 + SPECTRA - 1 + 2_000_000)) // 1_000_000 + 1
    equal(again.reports.taken(), [(icd.EVENT_SPECTRA_RECOVERED, SPECTRA, missing_s)])


def test_a_complete_new_checkpoint_replaces_the_old_one():
    bench = Bench(Flash())
    bench.write(PERIOD_US)
    bench.acquisition.integration = 2
    now = 2 * PERIOD_US
    for _ in range(STEPS - 1):
        assert bench.checkpoint.step(now, False, False)
        equal(Bench(bench.flash).read(), whole(1))
    equal(bench.checkpoint.step(now, False, False), False)
    equal(Bench(bench.flash).read(), whole(2))


def test_checkpoints_are_a_period_apart():
    checkpoint = Bench(Flash()).checkpoint
    equal(checkpoint.step(PERIOD_US - 1, False, True), False)
    equal(checkpoint.step(PERIOD_US, False, True), True)
    while checkpoint.step(PERIOD_US + 7, False, True):
        pass
    equal(checkpoint.step(2 * PERIOD_US - 1, False, True), False)
    equal(checkpoint.step(2 * PERIOD_US, False, True), True)


def test_with_period_0_there_are_no_checkpoints():
    checkpoint = Bench(Flash()).checkpoint
    checkpoint.period_us = 0
    equal(checkpoint.step(1 << 40, False, True), False)
    assert not checkpoint.there


def test_the_period_counts_from_the_start_of_the_acquisition():
    bench = Bench(Flash())
    bench.acquisition.running = False
    equal(bench.checkpoint.step(50 * PERIOD_US, False, True), False)
    bench.acquisition.running = True
    equal(bench.checkpoint.step(51 * PERIOD_US - 1, False, True), False)
    equal(bench.checkpoint.step(51 * PERIOD_US, False, True), True)


def unfinished():
    for steps in (5, STEPS - 2, STEPS - 1):  # within the spectra; all are written; the file is closed
        bench = Bench(Flash())
        for _ in range(steps):
            bench.checkpoint.step(PERIOD_US, False, True)
        yield bench


def test_the_end_of_an_integration_cancels_an_unfinished_checkpoint():
    for bench in unfinished():
        equal(bench.checkpoint.step(PERIOD_US, True, False), False)
        bench.acquisition.integration = 2
        equal(bench.checkpoint.step(2 * PERIOD_US - 1, False, True), False)
        assert not bench.checkpoint.there
        equal(bench.write(2 * PERIOD_US), STEPS)
        equal(Bench(bench.flash).read(), whole(2))


def test_an_end_of_the_integration_that_no_step_has_seen_cancels_it_as_well():
    """Other work of the task comes first: a retrieval can take longer than sending the spectra."""
    for bench in unfinished():
        bench.acquisition.integration = 2
        equal(bench.checkpoint.step(PERIOD_US + 1, False, True), False)
        assert not bench.checkpoint.there
        equal(bench.checkpoint.step(2 * PERIOD_US, False, True), False)  # the period starts here
        equal(bench.write(2 * PERIOD_US + 1), STEPS)
        equal(Bench(bench.flash).read(), whole(2))


def test_a_checkpoint_is_removed_once_its_spectra_are_stored():
    """Stored means in packets on flash: no integration is being closed, and no packets wait to be written."""
    for over in ("stopped", "next integration"):
        bench = Bench(Flash())
        bench.write(PERIOD_US)
        bench.checkpoint.step(PERIOD_US + 1, True, True)
        if over == "stopped":
            bench.acquisition.running = False
        else:
            bench.acquisition.integration += 1
        bench.checkpoint.step(PERIOD_US + 1, True, True)
        bench.checkpoint.step(PERIOD_US + 2, False, False)
        assert bench.checkpoint.there
        os.stat(PATH)
        equal(bench.checkpoint.step(PERIOD_US + 3, False, True), False, over)
        assert not bench.checkpoint.there
        equal(os.listdir(ROOT), [], over)
        equal(bench.failures.count, 0, over)


def test_a_checkpoint_stays_while_it_is_needed():
    bench = Bench(Flash())
    bench.write(PERIOD_US)
    for _ in range(3):
        equal(bench.checkpoint.step(PERIOD_US + 1, False, True), False)
    assert bench.checkpoint.there


def test_a_checkpoint_that_must_be_sent_is_not_overwritten():
    flash = Flash()
    Bench(flash).write(PERIOD_US)
    bench = Bench(flash, seed=7)
    operations = flash.operations
    equal(bench.checkpoint.step(1 << 40, False, True), False)
    equal(flash.operations, operations)
    equal(bench.read(), whole(1))
    equal(bench.write(1 << 41), 1)
    equal(os.listdir(ROOT), [])  # no longer needed
    bench.write(1 << 41)
    equal(Bench(flash).read(), whole(7))


def test_a_checkpoint_written_at_once():
    bench = Bench(Flash())
    bench.checkpoint.step(PERIOD_US, False, True)  # an unfinished one is removed
    bench.acquisition.integration = 3
    bench.checkpoint.write()
    equal(Bench(bench.flash).read(), whole(3))


def test_a_failed_write_leaves_the_old_or_the_new_checkpoint_and_is_retried_after_a_minute():
    def prepare(flash):
        bench = Bench(flash)
        bench.write(PERIOD_US)
        bench.acquisition.integration = 2
        return bench

    found = set()
    for errno in (EIO, ENOSPC):
        for flash, bench, error in each_failure(prepare, lambda bench: bench.write(2 * PERIOD_US, stored=False), errno):
            equal(error, None, errno)
            operations = flash.operations
            if bench.failures.count:
                has((EIO,) if errno == EIO else (ENOSPC, ENAMETOOLONG), bench.failures.errno)
                equal(bench.failures.count, 1, errno)
                assert bench.checkpoint.there  # the old one
                bench.checkpoint.step(2 * PERIOD_US + 59_999_999, False, False)
                equal(flash.operations, operations, errno)
                bench.write(3 * PERIOD_US)
                assert flash.operations > operations, operations
                state = Bench(flash).read()
                equal(state, whole(2), errno)
            flash.remount()
            state = Bench(flash).read()
            has((whole(1), whole(2)), state)
            found.add((errno, bench.failures.count))
    has(found, (EIO, 1), (ENOSPC, 1))


def test_a_failed_step_has_no_more_work():
    bench = Bench(Flash())
    bench.flash.fail(EIO)
    equal(bench.checkpoint.step(PERIOD_US, False, True), False)
    equal(bench.failures.count, 1)


def test_a_short_period_also_waits_a_minute_after_a_failure():
    bench = Bench(Flash())
    bench.checkpoint.period_us = 5_000_000
    bench.flash.fail(EIO)
    while not bench.failures.count:
        bench.checkpoint.step(5_000_000, False, False)
    bench.flash.work()
    equal(bench.checkpoint.step(64_999_999, False, False), False)
    equal(bench.checkpoint.step(65_000_000, False, False), True)


def test_damage_loses_the_spectra_after_it():
    for s in (0, 5, SPECTRA - 1):
        flash = Flash()
        Bench(flash).write(PERIOD_US)
        with open(PATH, "rb") as file:
            data = bytearray(file.read())
        at = data.find(bytes([s]) + (1).to_bytes(4, "big"))  # header: spectrum and integration
        for offset in (6, HEADER, HEADER + 3):  # in the header and in the counts
            changed = bytearray(data)
            changed[at + offset] ^= 0x10
            with open(PATH, "wb") as file:
                file.write(changed)
            equal(Bench(flash).read(), whole(1)[:s], offset)


def test_a_truncated_file_gives_its_complete_spectra():
    flash = Flash()
    Bench(flash).write(PERIOD_US)
    with open(PATH, "rb") as file:
        data = file.read()
    length = HEADER + 6 + 4  # three counts, CRC
    for octets, given in ((0, 0), (HEADER - 1, 0), (length - 1, 0), (length, 1), (2 * length + 20, 2)):
        with open(PATH, "wb") as file:
            file.write(data[:octets])
        bench = Bench(flash, start_us=7_000_000)
        equal(bench.read(), whole(1)[:given], octets)
        (event,) = bench.reports.taken()
        equal(event[:2], (icd.EVENT_SPECTRA_RECOVERED, given), octets)
        equal(bench.checkpoint.reached_us(), 2_001_000 if octets >= HEADER else 0, octets)


def test_impossible_numbers_are_damage():
    """A spectrum or channel number out of range, with a correct CRC."""
    from binascii import crc32
    from struct import pack

    for s, first, last, n, given in (
        (SPECTRA - 1, 0, icd.CHANNELS - 1, icd.CHANNELS, 1),
        (SPECTRA, 0, 1, 2, 0),
        (0, 0, icd.CHANNELS, icd.CHANNELS + 1, 0),
        (0, 0, icd.CHANNELS, icd.CHANNELS, 0),
    ):
        flash = Flash()
        counts = bytes(2 * n)
        header = pack(">BIQQQIHH", s, 1, 0, 0, 0, 0, first, last)
        with open(PATH, "wb") as file:
            file.write(header + counts + crc32(counts, crc32(header)).to_bytes(4, "big"))
        checkpoint = Bench(flash).checkpoint
        found, _ = checkpoint.close(array("H", bytes(2 * icd.CHANNELS)))
        equal(found is not None, bool(given), (s, n))


def test_without_a_checkpoint_there_is_no_reached_time():
    bench = Bench(Flash())
    equal(bench.checkpoint.reached_us(), 0)
    equal(bench.read(), [])
    equal(bench.reports.taken(), [(icd.EVENT_SPECTRA_RECOVERED, 0, 1)])
