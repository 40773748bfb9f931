# MicroPython behaviour that the firmware relies on, one line each: name, and result or exception. See
# tests/firmware/test_micropython.py, which compares the versions.
import gc
import io
import os
import struct
import sys
from array import array
from binascii import crc32
from hashlib import sha256

import vfs


def say(name, function):
    try:
        result = repr(function())
    except Exception as error:
        result = type(error).__name__ + repr(error.args if isinstance(error, OSError) else "")
    print(name + ": " + result)


say("version", lambda: sys.implementation.version)

# numbers
for n, octets in ((0, 1), (0xFFFFFFFF, 4), (1 << 63, 8), (5, 4)):
    say(f"{n} to {octets} octets", lambda: n.to_bytes(octets, "big"))
say("too large to octets", lambda: (256).to_bytes(1, "big"))
say("octets to a number", lambda: int.from_bytes(b"\x80\0\0\1", "big"))
say("memoryview to a number", lambda: int.from_bytes(memoryview(b"\x80\0\0\1\2\3")[1:5], "big"))
say("signed from octets", lambda: int.from_bytes(b"\xff\xff", "big", signed=True))
say("int of hex", lambda: [int(text, 16) for text in ("0000012a", "+0000012", "-0000012", " 12 ", "FFffFFff")])
for text in ("", "g", "1.5", "store"):
    say(f"int of {text!r}", lambda: int(text, 16))
say("floor", lambda: (-7 // 2, -7 % 2, -7 >> 1, 7 // -2, (1 << 64) // 600_000_000, -(1 << 64) % 1000))
say("64 bits", lambda: ((1 << 63) - 1 + 2, 0xFFFFFFFF * 1_000_000 + 0xFFFF >> 16, ~0 & 0xFFFFFFFF, 1 << 31, -1 << 31))
say("32 bits around", lambda: [0 < a - b & 0xFFFFFFFF < 0x80000000 for a, b in ((0, 0xFFFFFFFF), (5, 5), (4, 5))])
say("hex of 8", lambda: (f"{0x2A:08x}", f"{0xF0000000:08x}", f"{1 << 32:08x}", f"{7:d}"))
say("booleans", lambda: (1 + True, True << 19 | 5, min(3, False), max([2, 9, 4]), sum((True, True)), bool("0")))
say("divided by zero", lambda: 1 // 0)

# struct
for form in (">BIQQQIHH", ">IQIBBBBBH12s", ">IQIBB", "<QII", ">H", "<HHI"):
    say(f"size {form}", lambda: struct.calcsize(form))
say("pack", lambda: struct.pack(">BIQHb", 255, 0xFFFFFFFF, (1 << 64) - 1, 65535, -1))
say("too large for its field", lambda: struct.pack(">BH", 256, 65536))
say("12s of less", lambda: struct.pack(">H12s", 1, b"abc"))
say("12s of more", lambda: struct.pack(">H3s", 1, b"abcdef"))
say("unpack_from", lambda: struct.unpack_from(">IH", b"\0\1\2\3\4\5\6\7", 2))
say("unpack of too little", lambda: struct.unpack(">IQ", b"1234"))
say("unpack of more", lambda: struct.unpack(">H", b"1234"))
packed = bytearray(8)
say("pack_into", lambda: (struct.pack_into(">IH", packed, 1, 1, 2), packed))
say("pack_into beyond", lambda: struct.pack_into(">Q", packed, 4, 1))

# octets
words = array("H", [1, 2, 3])
say("array", lambda: (words.append(65535), words.extend(array("H", [7])), words, words[1:3], len(words)))
say("array too large", lambda: array("H", [65536])[0] in (0, 65536))
say("array of I", lambda: array("I", [0xFFFFFFFF, 1 << 31]))
view = memoryview(words)[1:4]
say("memoryview", lambda: (len(view), view[0], bytes(view), list(view)))
octets = bytearray(b"0123456789")


def moved():
    octets[0:4] = octets[4:8]
    memoryview(octets)[8:] = b"xy"
    return octets


say("slices", moved)


def wrong_length():
    memoryview(octets)[0:2] = b"xyz"


say("memoryview of another length", wrong_length)
say("equal", lambda: (memoryview(b"ab") == b"ab", bytearray(b"ab") == b"ab", b"a" < b"b", (1, b"x") < (1, b"y")))
say("find", lambda: (b"abc\0d".find(b"\0"), b"abc".find(b"\0"), b"a b".split(), b"\xff" * 3))
say("array of octets", lambda: bytes(array("H", [0x1234])))
say("bytes of a number", lambda: (bytes(3), bytes([1, 2]), bytearray(2)))
say("bytes beyond", lambda: bytes([256]))
say("index beyond", lambda: octets[10])
say("hex", lambda: (b"\x00\xab".hex(), bytes.fromhex("00ab")))

# checks
say("crc32", lambda: (crc32(b"123456789"), crc32(b"6789", crc32(b"12345")), crc32(memoryview(b"x123456789")[1:])))
digest = sha256(b"a")
digest.update(memoryview(b"bc"))
say("sha256", lambda: digest.digest().hex())
say("random", lambda: (len(os.urandom(8)), os.urandom(8) != os.urandom(8)))

# the language


def generator(closed):
    try:
        yield from (1, 2, 3)
    finally:
        closed.append("closed")


def closing():
    closed = []
    g = generator(closed)
    first = next(g)
    g.close()
    return first, closed, list(g)


say("generator", closing)


class Kind:
    at = 1

    def __init__(self):
        self.value = 2

    def method(self):
        return self.value


def forget():
    kind = Kind()
    Kind.__init__ = None
    return (
        kind.method(),
        isinstance(kind, Kind),
        kind.at,
        getattr(kind, "none", 5),
        hasattr(Kind, "__init__"),
    )


say("class", forget)
say("method of another", lambda: Kind.nothing)
say("dictionary", lambda: (sorted({3: 1, 1: 2}), {1: 2}.get(5), list({7: 8}.items()), 1 in {1: 0}))
say("no such key", lambda: {}[1])
say("sorted by key", lambda: sorted([(2, "a"), (1, "b"), (2, "0")], key=lambda entry: entry[0]))
say("unpacking", lambda: (lambda a, *b, c=1, **d: (a, b, c, d))(1, 2, *(3, 4), c=5, e=6))
say("exception", lambda: [isinstance(e, Exception) for e in (OSError(5), MemoryError(), KeyError(1))])
say("no exception", lambda: [isinstance(e, Exception) for e in (KeyboardInterrupt(), SystemExit())])
say("errno", lambda: (OSError(28).errno, OSError(5, "text").errno, OSError().errno))
say("no errno", lambda: ValueError(5).errno)


def traceback():
    try:
        forget.nothing()
    except Exception as error:
        text = io.StringIO()
        sys.print_exception(error, text)
        return text.getvalue().count(", line "), text.getvalue().strip().split("\n")[-1].split(":")[0]


say("traceback", traceback)
say("collector", lambda: (gc.mem_free() > 1000, gc.threshold()))


# files, on littlefs
class Ram:
    def __init__(self, blocks):
        self.image = bytearray(4096 * blocks)
        self.errno = 0

    def readblocks(self, block, out, at=0):
        at += 4096 * block
        out[:] = memoryview(self.image)[at : at + len(out)]

    def writeblocks(self, block, data, at=0):
        if self.errno:
            return -self.errno
        at += 4096 * block
        self.image[at : at + len(data)] = data

    def ioctl(self, what, block):
        if what == 6 and self.errno:
            return -self.errno
        return {4: len(self.image) // 4096, 5: 4096}.get(what, 0)


ram = Ram(9)
vfs.VfsLfs2.mkfs(ram, progsize=256)
vfs.mount(vfs.VfsLfs2(ram, progsize=256), "/ram")


def write(path, octets, mode="wb"):
    with open("/ram/" + path, mode) as file:
        return file.write(octets)


def read(path):
    buffer = bytearray(4)
    with open("/ram/" + path, "rb") as file:
        file.seek(2)
        return file.readinto(buffer), buffer, file.read(), file.read(5), file.readinto(buffer)


say("write", lambda: (write("a", b"0123456789"), write("a", b"ab", "ab")))
say("read", lambda: read("a"))
say("stat", lambda: (len(os.stat("/ram/a")), os.stat("/ram/a")[6], os.stat("/ram/a")[0]))
say("no file", lambda: os.stat("/ram/b"))
say("open no file", lambda: open("/ram/b", "rb"))
say("folder", lambda: os.mkdir("/ram/f"))
say("folder again", lambda: os.mkdir("/ram/f"))
say("open a folder", lambda: open("/ram/f", "rb"))
say("entries", lambda: sorted(entry[:2] + (len(entry),) for entry in os.ilistdir("/ram")))
say("rename over", lambda: (write("new", b"new"), os.rename("/ram/new", "/ram/a"), sorted(os.listdir("/ram"))))
say("rename no file", lambda: os.rename("/ram/new", "/ram/a"))
say("remove", lambda: os.remove("/ram/a"))
say("remove again", lambda: os.remove("/ram/a"))
say("remove a full folder", lambda: (write("f/a", b"x"), os.remove("/ram/f")))
say("room", lambda: os.statvfs("/ram")[:4])
say("no room", lambda: write("large", bytes(4096 * 8)))
say("after it", lambda: (sorted(os.listdir("/ram")), write("small", b"x")))
for number in (5, 30):
    ram.errno = number
    say(f"a flash that answers {number}", lambda: write("other", bytes(600)))
ram.errno = 0
vfs.umount("/ram")
vfs.mount(vfs.VfsLfs2(ram, progsize=256), "/ram", readonly=True)
say("read-only", lambda: write("a", b"x"))
say("read-only folder", lambda: os.mkdir("/ram/g"))
say("read-only remove", lambda: os.remove("/ram/small"))
say("still there", lambda: sorted(os.listdir("/ram")))

# results that differ between the versions; the firmware must not depend on these
say("negative to octets", lambda: (-1).to_bytes(2, "big"))
say("signed to octets", lambda: (-1).to_bytes(2, "big", signed=True))
