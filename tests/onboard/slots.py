# Two copies on a file system that fails when it is told to: see test_slots.py.
import os
import vfs
from fsw.store.slots import Slots


def load(path):
    slots = Slots(path)
    slots.load()
    payload = slots.load()  # again: the bad ones are counted anew
    return "%s %d" % ("none" if payload is None else payload.hex(), slots.bad)


def save(path, payload):
    try:
        Slots(path).save(bytes.fromhex(payload))
    except (OSError, ValueError) as error:
        return type(error).__name__ + " %d" % (error.errno if isinstance(error, OSError) else 0)
    return load(path)


class Ram:
    def __init__(self, blocks):
        self.data = bytearray(4096 * blocks)

    def readblocks(self, block, out, at=0):
        at += 4096 * block
        out[:] = memoryview(self.data)[at : at + len(out)]

    def writeblocks(self, block, data, at=0):
        at += 4096 * block
        self.data[at : at + len(data)] = data

    def ioctl(self, what, _):
        return {4: len(self.data) // 4096, 5: 4096}.get(what, 0)


flash = Ram(8)


def fresh():
    try:
        vfs.umount("/flash")
    except OSError:
        pass
    vfs.VfsLfs2.mkfs(flash, progsize=256)
    remount("")
    return ""


def remount(readonly):
    if readonly:
        vfs.umount("/flash")
    vfs.mount(vfs.VfsLfs2(flash, progsize=256), "/flash", readonly=readonly == "readonly")
    return ""


def fill():
    try:
        with open("/flash/filler", "wb") as f:
            while True:
                f.write(bytes(256))
    except OSError as error:
        said = error.errno
    n = 0
    try:  # small ones, too
        while True:
            with open("/flash/filler%d" % n, "wb") as f:
                f.write(bytes(100))
            n += 1
    except OSError as error:
        return "%d %d" % (said, error.errno)


def answer(line):
    name, *arguments = line.split(" ")
    return globals()[name](*arguments)
