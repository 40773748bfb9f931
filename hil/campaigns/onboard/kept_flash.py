# Replaces main.py on the unix port: runs the firmware on its own littlefs. The flash folder holds its blocks, so that
# they survive resets, and the faults that a test sets.
import sys

import vfs

BLOCK, PAGE = 4096, 256  # erase and program units of the Pico's flash
_ROOT = "/littlefs"


class Flash:
    """A block device like rp2.Flash. Files in `folder`: `image`, the blocks; `errno`, the error with which every
    erase and program fails, 0 for none; `operations`, how many there were, written by this class.
    """

    def __init__(self, folder):
        self._folder = folder
        self._image = open(folder + "/image", "r+b")
        self._blocks = self._image.seek(0, 2) // BLOCK
        self.operations = 0

    def readblocks(self, block, out, at=0):
        self._image.seek(BLOCK * block + at)
        self._image.readinto(out)

    def writeblocks(self, block, data, at=0):
        for _ in range(0, len(data), PAGE):
            errno = self._operate()
            if errno:
                return -errno
        self._image.seek(BLOCK * block + at)
        self._image.write(data)
        return 0

    def ioctl(self, what, block):
        if what == 6:
            return -self._operate()
        if what == 3:
            self._image.flush()
        return {4: self._blocks, 5: BLOCK}.get(what, 0)

    def _operate(self):
        self.operations += 1
        with open(self._folder + "/operations", "w") as file:
            file.write(str(self.operations))
        with open(self._folder + "/errno") as file:
            return int(file.read())


def mount(folder):
    """Mount the flash, formatted if it is blank. -> mount point"""
    flash = Flash(folder)
    try:
        file_system = vfs.VfsLfs2(flash, progsize=PAGE)
    except OSError:
        vfs.VfsLfs2.mkfs(flash, progsize=PAGE)
        file_system = vfs.VfsLfs2(flash, progsize=PAGE)
    vfs.mount(file_system, _ROOT)
    return _ROOT


def leave_free(root, blocks):
    """Fill the file system until at most `blocks` blocks are free."""
    import os

    _, _, _, free, *_ = os.statvfs(root)
    with open(root + "/filler", "wb") as file:
        for _ in range(free - blocks):
            file.write(bytes(BLOCK - 8))  # littlefs uses up to 8 octets of each block itself


sys.argv[1] = mount(sys.argv[1])

import firmware_main  # noqa: E402, F401  the firmware's own main.py
