# fsw/health/faults.py in isolation.
from check import equal
from doubles import EIO, ENAMETOOLONG, ENOSPC, ROOT, Flash, Reports, Scratch
from fsw import icd
from fsw.health.faults import (
    Failures,
    Refused,
    crash_in,
    errno_of,
    exception_of,
    forget_crash,
    line_of,
    note_crash,
)

CAUSE = 3  # scratch register number
BITS = 20  # bits of it in use
NO_TASK = 255
MINUTE_US = 60_000_000


def raised(text):
    """The exception raised by this program."""
    try:
        exec(text)
    except Exception as error:
        return error
    raise AssertionError("nothing raised")


def test_an_exception_has_the_number_of_its_class():
    for kind, number in (
        (MemoryError, icd.EXCEPTION_MEMORY),
        (OSError, icd.EXCEPTION_OS),
        (ValueError, icd.EXCEPTION_VALUE),
        (TypeError, icd.EXCEPTION_TYPE),
        (IndexError, icd.EXCEPTION_INDEX),
        (KeyError, icd.EXCEPTION_KEY),
        (AttributeError, icd.EXCEPTION_ATTRIBUTE),
        (ZeroDivisionError, icd.EXCEPTION_ZERO_DIVISION),
        (OverflowError, icd.EXCEPTION_OVERFLOW),
        (RuntimeError, icd.EXCEPTION_RUNTIME),
        (NotImplementedError, icd.EXCEPTION_RUNTIME),  # a subclass of RuntimeError
        (Exception, icd.EXCEPTION_OTHER),
        (AssertionError, icd.EXCEPTION_OTHER),
        (Refused, icd.EXCEPTION_OTHER),
    ):
        equal((kind, exception_of(kind(1))), (kind, number))


def test_only_an_oserror_has_an_errno():
    equal(errno_of(OSError(EIO)), EIO)
    equal(errno_of(OSError()), 0)
    equal(errno_of(ValueError(EIO)), 0)
    equal(errno_of(Refused(9, 3)), 0)


def test_the_line_is_where_the_exception_was_raised():
    equal(line_of(raised("\n\n\nraise ValueError(1)")), 4)
    equal(line_of(raised("def f():\n\n  return 1 // 0\n\n\n\nf()")), 3)  # not the line of the call
    equal(line_of(raised("def f():\n  raise KeyError\n" + 150 * "\n" + "f()")), 2)
    equal(line_of(raised("\n" * 1233 + "raise OSError(5)")), 1234)


def test_the_line_is_known_if_caught_in_the_same_function():
    lines = []
    try:
        raise ValueError(1)
    except ValueError as error:
        lines.append(line_of(error))
    try:
        raise ValueError(1)
    except ValueError as error:
        lines.append(line_of(error))
    assert lines[0] > 0, lines
    equal(lines[1] - lines[0], 4)


def test_the_line_of_a_syntax_error_is_in_the_text():
    equal(line_of(raised("1\n2\n3 +\n")), 3)


def test_without_a_traceback_the_line_is_0():
    equal(line_of(ValueError(7)), 0)


def test_a_message_about_lines_is_not_taken_for_a_line():
    equal(line_of(raised("\n\nraise ValueError('in, line two, of, line ')")), 3)


def test_a_noted_crash_is_read_back():
    for task in list(range(8)) + [NO_TASK]:
        for exception in range(11):
            for line in (1, 17, 0xFFF):
                scratch = Scratch()
                note_crash(scratch, task, exception, line)
                equal(crash_in(scratch), (task, exception, line))
                equal(list(scratch.values), [CAUSE], (task, exception, line))
                assert scratch.get(CAUSE) < 1 << BITS, scratch.values


def test_a_line_too_large_for_the_register_is_clipped():
    for line, noted in ((0xFFE, 0xFFE), (0xFFF, 0xFFF), (0x1000, 0xFFF), (100_000, 0xFFF)):
        scratch = Scratch()
        note_crash(scratch, 2, 3, line)
        equal(crash_in(scratch), (2, 3, noted), line)


def test_the_first_of_several_crashes_is_kept_until_cleared():
    scratch = Scratch()
    equal(crash_in(scratch), None)
    note_crash(scratch, 1, 2, 3)
    note_crash(scratch, 4, 5, 6)
    equal(crash_in(scratch), (1, 2, 3))
    forget_crash(scratch)
    equal(crash_in(scratch), None)
    note_crash(scratch, 4, 5, 6)
    equal(crash_in(scratch), (4, 5, 6))


def test_clearing_a_crash_leaves_the_other_register_alone():
    scratch = Scratch()
    scratch.set(2, 77)
    note_crash(scratch, 1, 2, 3)
    forget_crash(scratch)
    equal((scratch.get(2), scratch.get(CAUSE)), (77, 0))


def test_failures_are_counted_and_the_last_errno_kept():
    failures = Failures()
    equal((failures.count, failures.errno, failures.full), (0, 0, False))
    failures.note(OSError(30))
    equal((failures.count, failures.errno, failures.full), (1, 30, False))
    failures.note(OSError(EIO))
    equal((failures.count, failures.errno, failures.full), (2, EIO, False))


def test_a_failure_without_an_errno_counts_as_eio():
    for error in (OSError(), ValueError(ENOSPC), MemoryError()):
        failures = Failures()
        failures.note(error)
        equal((failures.errno, failures.full), (EIO, False), error)


def test_a_full_flash_is_remembered_until_room_was_made():
    for errno in (ENOSPC, ENAMETOOLONG):
        failures = Failures()
        failures.note(OSError(errno))
        equal((failures.errno, failures.full), (errno, True))
        failures.note(OSError(EIO))
        equal((failures.errno, failures.full), (EIO, True), errno)
        failures.full = False
        failures.note(OSError(EIO))
        equal(failures.full, False, errno)


def test_littlefs_has_two_error_numbers_for_a_full_flash():
    """Small files, stored inline in the directory entry, give ENAMETOOLONG."""
    found = set()
    for octets in (10, 600):
        Flash(8)
        try:
            with open(ROOT + "/large", "wb") as file:
                while True:
                    file.write(bytes(256))
        except OSError as error:
            equal(error.errno, ENOSPC, octets)
        try:
            for n in range(1000):
                with open(f"{ROOT}/{n:08x}", "wb") as file:
                    file.write(bytes(octets))
        except OSError as error:
            found.add(error.errno)
    equal(found, {ENOSPC, ENAMETOOLONG})


def test_without_a_failure_nothing_is_reported():
    failures, reports = Failures(), Reports()
    for now in (0, 1, MINUTE_US, 10 * MINUTE_US):
        failures.step(now, reports)
    equal(reports.taken(), [])


def test_a_failure_is_reported_at_once_and_only_once():
    failures, reports = Failures(), Reports()
    failures.note(OSError(EIO))
    failures.step(0, reports)
    equal(reports.taken(), [(icd.EVENT_FLASH_FAILED, EIO, 1)])
    failures.step(10 * MINUTE_US, reports)
    equal(reports.taken(), [])


def test_failures_within_a_minute_are_one_report_with_the_last_errno():
    failures, reports = Failures(), Reports()
    now = 5_000_000
    failures.note(OSError(EIO))
    failures.step(now, reports)
    reports.taken()
    failures.note(OSError(EIO))
    failures.note(OSError(EIO))
    failures.note(OSError(ENOSPC))
    failures.step(now + MINUTE_US - 1, reports)
    equal(reports.taken(), [])
    failures.step(now + MINUTE_US, reports)
    equal(reports.taken(), [(icd.EVENT_FLASH_FAILED, ENOSPC, 3)])
    failures.note(OSError(EIO))
    failures.step(now + 2 * MINUTE_US - 1, reports)
    equal(reports.taken(), [])
    failures.step(now + 2 * MINUTE_US, reports)
    equal(reports.taken(), [(icd.EVENT_FLASH_FAILED, EIO, 1)])
    equal(failures.count, 5)
