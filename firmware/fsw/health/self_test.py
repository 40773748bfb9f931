# The self-test: what can be checked without a source. Takes about 100 ms.
from binascii import hexlify
from hashlib import sha256
from os import remove

from fsw import icd, memory

_SLOW_CONTROL = 2
_FLASH = 4
_FILES = 8
_HEAD_LINES = 5  # lines of the manifest before its list of hashes and paths
_PIECE = 512


def self_test(folder, code, slow_control, report):
    """Run the self-test and report it. folder: for a test file; code: folder of the manifest and the files it lists."""
    failed = 0
    if slow_control.self_check():
        failed |= _SLOW_CONTROL
    try:
        with memory.opened(folder + "/test", "wb") as file:
            file.write(b"DORN")
        with memory.opened(folder + "/test", "rb") as file:
            if file.read() != b"DORN":
                failed |= _FLASH
        remove(folder + "/test")
    except OSError:
        failed |= _FLASH
    if not all_as_flashed(code):
        failed |= _FILES
    report(icd.EVENT_SELF_TEST_FAILED if failed else icd.EVENT_SELF_TEST, failed)


def all_as_flashed(code):
    """Return whether every file has the SHA-256 listed in the manifest."""
    piece = bytearray(_PIECE)
    try:
        with open(code + "/manifest") as manifest:
            for number, line in enumerate(manifest):
                if number < _HEAD_LINES:
                    continue
                wanted, path = line.strip().split(" ", 1)
                found = sha256()
                with memory.opened(code + "/" + path, "rb") as file:
                    n = file.readinto(piece)
                    while n:
                        found.update(memoryview(piece)[:n])
                        n = file.readinto(piece)
                if hexlify(found.digest()).decode() != wanted:
                    return False
    except (OSError, ValueError):
        return False
    return True
