# fsw/health/self_test.py in isolation, on a flash that can be made to fail.
import io
import os
from binascii import hexlify
from hashlib import sha256

import vfs
from check import equal
from doubles import EIO, ENOSPC, EROFS, ROOT, Flash, Reports, each_failure
from fsw import icd
from fsw.health.self_test import all_as_flashed, self_test

SLOW_CONTROL, FLASH, FILES = 2, 4, 8
CODE, KEPT = ROOT + "/code", ROOT + "/kept"
HEAD = "DORN\nversion 1\nboard 2\n0 not/a/file\nhash path\n"
LENGTHS = {"main.py": 20, "fsw/empty.py": 0, "fsw/piece.py": 512, "fsw/long name.py": 1300}


class SlowControl:
    def __init__(self, errno=0):
        self.errno = errno

    def self_check(self):
        return self.errno


def content(length):
    return bytes(7 * n & 0xFF for n in range(length))


def manifest():
    lines = [f"{hexlify(sha256(content(n)).digest()).decode()} {path}\n" for path, n in LENGTHS.items()]
    return HEAD + "".join(lines)


def write(path, data):
    with open(path, "wb") as file:
        file.write(data)


def prepare(flash=None):
    flash = flash or Flash()
    for folder in (CODE, CODE + "/fsw", KEPT):
        os.mkdir(folder)
    for path, length in LENGTHS.items():
        write(CODE + "/" + path, content(length))
    write(CODE + "/manifest", manifest())
    return flash


def tested(errno=0):
    """-> bits of the failures from the only report; checks that its event matches"""
    reports = Reports()
    self_test(KEPT, CODE, SlowControl(errno), reports)
    ((event, failed, b),) = reports.taken()
    equal((event, b), (icd.EVENT_SELF_TEST_FAILED if failed else icd.EVENT_SELF_TEST, 0))
    return failed


def test_a_healthy_instrument_passes_and_the_test_file_is_removed():
    prepare()
    equal(tested(), 0)
    equal(os.listdir(KEPT), [])
    equal(tested(), 0)


def test_slow_control_that_does_not_answer():
    prepare()
    equal(tested(EIO), SLOW_CONTROL)


def test_each_failing_flash_operation_is_detected_as_flash_only():
    def begin(flash):
        prepare(flash)
        return []

    for errno in (EIO, ENOSPC, EROFS):
        operations = 0
        for _, found, error in each_failure(begin, lambda found: found.append(tested()), errno):
            equal((found, error), ([FLASH], None), errno)
            operations += 1
        assert operations >= 3, operations  # writing and removing


def test_a_missing_folder():
    prepare()
    os.rmdir(KEPT)
    equal(tested(), FLASH)


class Altering:
    """A file system that accepts every write and returns the octets `given`."""

    def __init__(self, given):
        self._given = given

    def mount(self, readonly, mkfs):
        pass

    def umount(self):
        pass

    def open(self, path, mode):
        return io.BytesIO(self._given) if mode == "rb" else io.BytesIO()

    def remove(self, path):
        pass


def test_a_flash_that_returns_other_data_than_written():
    prepare()
    reports = Reports()
    for given, failed in ((b"DORM", FLASH), (b"DORO", FLASH), (b"", FLASH), (b"DORN\0", FLASH), (b"DORN", 0)):
        vfs.mount(Altering(given), "/altering")
        self_test("/altering", CODE, SlowControl(), reports)
        equal([report[1] for report in reports.taken()], [failed], given)
        vfs.umount("/altering")


def test_a_file_with_one_changed_octet_at_any_position():
    for path, length in LENGTHS.items():
        for at in {0, 511, 512, 1023, 1024, length - 1}:
            if not 0 <= at < length:
                continue
            prepare()
            data = bytearray(content(length))
            data[at] ^= 1
            write(CODE + "/" + path, data)
            equal((path, at, tested()), (path, at, FILES))


def test_a_file_that_is_longer_or_shorter():
    for path, length in LENGTHS.items():
        prepare()
        write(CODE + "/" + path, content(length + 1))
        equal(tested(), FILES, path)
        write(CODE + "/" + path, content(max(length - 1, 0)))
        equal(tested(), FILES if length else 0, path)


def test_a_file_that_is_missing():
    for path in LENGTHS:
        prepare()
        os.remove(CODE + "/" + path)
        equal(tested(), FILES, path)


def test_a_manifest_that_is_missing_or_damaged():
    prepare()
    os.remove(CODE + "/manifest")
    equal(tested(), FILES)
    for damaged in (HEAD + "nothing\n", HEAD + "\n", manifest() + "\n", manifest().replace("b", "a")):
        write(CODE + "/manifest", damaged)
        equal(tested(), FILES, damaged)


def test_the_head_of_the_manifest_names_no_file():
    """The five header lines of the manifest are ignored."""
    prepare()
    write(CODE + "/manifest", HEAD)
    assert all_as_flashed(CODE)
    write(CODE + "/manifest", HEAD + "x")
    assert not all_as_flashed(CODE)


def test_all_failures_are_reported_together():
    prepare()
    os.rmdir(KEPT)
    os.remove(CODE + "/manifest")
    equal(tested(5), SLOW_CONTROL | FLASH | FILES)
