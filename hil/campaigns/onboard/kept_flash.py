# In place of main.py on the unix port: the firmware on a littlefs of its own. The folder of the flash holds its blocks,
# so that they outlast resets, and what a test wants of them.
import sys

import vfs

BLOCK, PAGE = 4096, 256  # of the Pico's flash: what is erased and what is programmed at once
_ROOT = "/littlefs"


class Flash:
    """A block device as rp2.Flash. Files of `folder`: `image`, the blocks; `errno`, a number: what every erase and
    program fails with, 0: none; `operations`: how many there were, written here.
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
    """-> where it is mounted; formatted if it is blank."""
    flash = Flash(folder)
    try:
        file_system = vfs.VfsLfs2(flash, progsize=PAGE)
    except OSError:
        vfs.VfsLfs2.mkfs(flash, progsize=PAGE)
        file_system = vfs.VfsLfs2(flash, progsize=PAGE)
    vfs.mount(file_system, _ROOT)
    return _ROOT


def leave_free(root, blocks):
    """Fill the file system until no more than so many blocks are free."""
    import os

    _, _, _, free, *_ = os.statvfs(root)
    with open(root + "/filler", "wb") as file:
        for _ in range(free - blocks):
            file.write(bytes(BLOCK - 8))  # littlefs takes up to 8 octets of a block itself


sys.argv[1] = mount(sys.argv[1])

import firmware_main  # noqa: E402, F401  the firmware's own main.py
