# A flash whose power fails at every operation, in several ways, below MicroPython's own littlefs.
#
# Parts write files. Before each sector erase and page program, the flash is copied as a power failure there would leave
# it, and the copy is mounted and examined; then writing continues. Occasionally the power failure is real: the campaign
# continues from what it left, so that consecutive failures add up.
import random
import sys
from errno import EIO

import vfs
from doubles import BLOCK, PAGE, Blocks
from part import in_turn

ROOT, COPY = "/flash", "/copy"
_NOISE = bytearray(4 * BLOCK)


class Flash(Blocks):
    """before(at, old, new) is called before each operation, which replaces old with new at offset `at`."""

    def __init__(self, image, before=None):
        super().__init__(image)
        self.off = False  # without power every access fails, even closing a file
        self._before = before

    def readblocks(self, block, out, at=0):
        return -EIO if self.off else super().readblocks(block, out, at)

    def _operate(self, at, new):
        old = bytes(self._image[at : at + len(new)])
        if len(new) < BLOCK:
            new = both(old, new)
        if self._before and not self.off:
            self._before(at, old, new)
        if self.off:
            return EIO
        self._image[at : at + len(new)] = new
        return 0


def both(one, other):
    """Bits set in both: programming only clears bits."""
    return (int.from_bytes(one, "big") & int.from_bytes(other, "big")).to_bytes(len(one), "big")


def either(one, other):
    return (int.from_bytes(one, "big") | int.from_bytes(other, "big")).to_bytes(len(one), "big")


def noise(n):
    at = random.randrange(len(_NOISE) - n)
    return bytes(_NOISE[at : at + n])


def cut_short(old, new):
    """(description, resulting content) for each way in which power may fail while old becomes new."""
    n = len(new)
    at = random.randrange(1, n)
    yield "before it", old
    yield f"to octet {at}", new[:at] + old[at:]
    yield f"from octet {at}", old[:at] + new[at:]
    if n == BLOCK:
        yield "zeros", bytes(n)  # a chip programs all bits before it erases
        yield "noise", noise(n)
        yield "bits half way", either(old, noise(n))
    else:
        yield "bits half way", both(old, either(new, noise(n)))


def mount(flash, root):
    vfs.mount(vfs.VfsLfs2(flash, progsize=PAGE), root)


class Campaign:
    """Parts, each with the interface of Part in part.py, that share a file system of `blocks` blocks.

    fewest: number of completed writes of the rarest kind, over all parts.
    """

    def __init__(self, name, parts, blocks, seed):
        random.seed(seed)
        for at in range(len(_NOISE)):
            _NOISE[at] = random.getrandbits(8)
        self.operations = self.cuts = self.failures = self.writes = 0
        self.erased = set()  # blocks
        self._name = f"{name}, seed {seed}"
        self._parts = parts
        self._writers = [part for part in parts if part.is_written]
        self._next = in_turn(self._writers)
        self._image = bytearray(b"\x5a" * BLOCK * blocks)  # a used flash is not blank
        self._copy = bytearray(len(self._image))
        self._flash = Flash(self._image)
        self._copied = False  # a copy is mounted
        self._violation = None
        self._fail_at = 0  # number of the operation at which power fails
        vfs.VfsLfs2.mkfs(self._flash, progsize=PAGE)
        mount(self._flash, ROOT)
        for part in parts:
            self._did("begin", part)

    def age(self, steps):
        """Write `steps` times without examination: littlefs moves metadata after a hundred erases and reuses blocks."""
        for _ in range(steps):
            self._did("step", next(self._next))
        for part in self._writers:
            part.written = {way: 0 for way in part.written}

    @property
    def fewest(self):
        return min(min(part.written.values()) for part in self._writers)

    def run(self, cuts):
        """Cut power at least `cuts` times, until every part has done every kind of write. Raises AssertionError at the
        first cut after which a check of a part fails.
        """
        self._latest = min(500, cuts // 6)  # at most 6 cuts per operation, so at least one real failure
        self._power_on()
        while self._violation is None and (self.cuts < cuts or not self.fewest):
            self.writes += self._did("step", next(self._next))
            while self._violation is None and self._flash.off:
                self._power_on()
                for part in self._writers:  # power may fail again: a start may also write
                    if not self._did("resume", part):
                        break
        self._examine("at the end")
        if self._violation:
            raise AssertionError(self._violation)

    def _did(self, what, part):
        """Call the method `what` of a part; -> whether it completed with power on."""
        try:
            getattr(part, what)(ROOT)
        except Exception as error:
            if not (self._flash.off and isinstance(error, OSError)):
                self._violated(f"operation {self.operations}, {what} of {part.name}", error)
        return not self._flash.off

    def _violated(self, where, error):
        if self._violation is None:
            sys.print_exception(error)
            self._violation = f"{self._name}: {where}: {error!r}"

    def _power_on(self):
        vfs.umount(ROOT)
        self._flash = Flash(self._image, self._before)
        mount(self._flash, ROOT)
        # soon, so that failures follow each other closely, or late, so that much is written between them
        self._fail_at = self.operations + random.randrange(1, random.choice((5, 50, self._latest)))

    def _before(self, at, old, new):
        self.operations += 1
        name = "program"
        if len(new) == BLOCK:
            name = "erase"
            self.erased.add(at // BLOCK)
        ways = list(cut_short(old, new))
        for way, left in ways:
            self._examine(f"operation {self.operations}, {name} block {at // BLOCK} + {at % BLOCK}, {way}", at, left)
            self.cuts += 1
        if self.operations == self._fail_at:
            self.failures += 1
            self._image[at : at + len(old)] = random.choice(ways)[1]
            self._flash.off = True

    def _examine(self, where, at=0, left=b""):
        """Check what a boot finds if a power failure leaves `left` at offset `at`, and that writing can continue."""
        if self._violation:
            return
        self._copy[:] = self._image
        self._copy[at : at + len(left)] = left
        try:
            self._mount_copy()
            for part in self._parts:
                part.check(COPY)
            further = random.choice(self._writers)
            state = further.write_further(COPY)
            self._mount_copy()
            for part in self._parts:
                part.check(COPY, state if part is further else None)
        except Exception as error:
            self._violated(where, error)
            self._flash.off = True

    def _mount_copy(self):
        if self._copied:
            vfs.umount(COPY)
        self._copied = False
        mount(Flash(self._copy), COPY)
        self._copied = True
