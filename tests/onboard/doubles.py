# Test doubles of the board, for tests of single firmware components.
import vfs

ROOT = "/flash"
EIO, ENOSPC, EROFS, ENAMETOOLONG = 5, 28, 30, 36  # MicroPython's errno lacks some of them
BLOCK, PAGE = 4096, 256  # octets: erase and program units of the Pico's flash


class Blocks:
    """A block device like rp2.Flash, in memory. Each erase or program calls _operate(at, new) -> errno or 0."""

    def __init__(self, image):
        self._image = memoryview(image)

    def readblocks(self, block, out, at=0):
        at += BLOCK * block
        out[:] = self._image[at : at + len(out)]

    def writeblocks(self, block, data, at=0):
        for n in range(0, len(data), PAGE):  # the chip programs page by page
            errno = self._operate(BLOCK * block + at + n, data[n : n + PAGE])
            if errno:
                return -errno
        return 0

    def ioctl(self, what, block):
        if what == 6:
            return -self._operate(BLOCK * block, b"\xff" * BLOCK)
        return {4: len(self._image) // BLOCK, 5: BLOCK}.get(what, 0)


class Flash(Blocks):
    """A flash with its own littlefs, mounted at ROOT.

    operations: number of block erases and page programs.
    """

    def __init__(self, blocks=32):
        super().__init__(bytearray(BLOCK * blocks))
        self.operations = 0
        self._fail_from = self._fail_until = 0
        self._errno = 0
        vfs.VfsLfs2.mkfs(self, progsize=PAGE)
        try:
            vfs.umount(ROOT)
        except OSError:
            pass
        self.mount()

    def mount(self, readonly=False):
        vfs.mount(vfs.VfsLfs2(self, progsize=PAGE), ROOT, readonly=readonly)

    def remount(self, readonly=False):
        """Remount, as a reset does: files that were not closed are lost."""
        vfs.umount(ROOT)
        self.mount(readonly)

    def fail(self, errno=EIO, at=1, times=1 << 30):
        """The next `times` operations, starting with the at-th from now, raise OSError(errno)."""
        self._errno = errno
        self._fail_from = self.operations + at
        self._fail_until = self._fail_from + times

    def work(self):
        """Cancel fail()."""
        self._fail_from = self._fail_until = 0

    def _operate(self, at, new):
        self.operations += 1
        if self._fail_from <= self.operations < self._fail_until:
            return self._errno
        self._image[at : at + len(new)] = new
        return 0


def each_failure(prepare, act, errno=EIO, times=1 << 30):
    """Generator of (flash, made, error): act(prepare(flash)) on a new flash each time, in which the first operation of
    act fails, then the second, and so on up to the last. error: the OSError that act raised, or None.
    """
    at = 0
    while True:
        at += 1
        flash = Flash()
        made = prepare(flash)
        before = flash.operations
        flash.fail(errno, at, times)
        error = None
        try:
            act(made)
        except OSError as raised:
            error = raised
        done = flash.operations - before
        flash.work()
        if not done:
            raise AssertionError("act did not operate on the flash")
        if done < at:
            return
        yield flash, made, error


class Clock:
    def __init__(self, now_us=0):
        self.now_us = now_us

    def us(self):
        return self.now_us


class Link:
    """sent: the frames accepted. takes: whether write() accepts a frame; has_room: result of room()."""

    def __init__(self):
        self.sent = []
        self.takes = self.has_room = True

    def write(self, frame):
        if self.takes:
            self.sent.append(bytes(frame))
        return self.takes

    def room(self):
        return self.has_room


class Scratch:
    """The scratch registers, which survive a reset, by number."""

    def __init__(self):
        self.values = {}

    def get(self, register):
        return self.values.get(register, 0)

    def set(self, register, value):
        self.values[register] = value


class Board:
    """What the boot record reads from the board. random: the 32 bits drawn at this start"""

    def __init__(self, reset_cause, scratch=None, random=0):
        self.reset_cause, self.scratch, self.random = reset_cause, scratch or Scratch(), random


class Reports:
    """Replaces Events.report and keeps the reports."""

    def __init__(self):
        self.all = []

    def __call__(self, event, a=0, b=0):
        self.all.append((event, a, b))

    def taken(self):
        """The reports since the last taken()."""
        taken, self.all = self.all, []
        return taken


class Watchdog:
    """timeout_ms: None before start(). fed: number of feed() calls."""

    def __init__(self):
        self.timeout_ms = None
        self.fed = 0

    def start(self, timeout_ms):
        self.timeout_ms = timeout_ms

    def feed(self):
        self.fed += 1


class Devices:
    """The interface of boards/slow_control.py. calls: log of successful calls; readings: results of reading().

    refused: method name -> exception that it raises. half: an off() that fails still switches one of the two devices
        off.
    """

    def __init__(self):
        self.calls = []
        self.readings = [0, 0, 29_500, 29_600]
        self.refused = {}
        self.is_off, self.half, self.silent = True, False, False
        self.failed = 0

    def taken(self):
        """The calls logged since the last taken()."""
        taken, self.calls = self.calls, []
        return taken

    def off(self, again=False):
        if self.silent and not again:
            raise OSError(EIO)
        self.silent = self.is_off = False
        if "off" in self.refused:
            self.is_off = self.half
            raise self.refused["off"]
        self.calls.append(("off", again))
        self.is_off = True

    def outputs(self, bias, target=0):
        self.is_off = self.is_off and not bias
        self._note("outputs", bias, target)

    def comparators(self, front_mv, back_mv):
        self._note("comparators", front_mv, back_mv)

    def bias(self, mv):
        self._note("bias", mv)

    def pulse_height(self, mv):
        self._note("pulse_height", mv)

    def pulse(self):
        self._note("pulse")

    def convert(self, analogue_input):
        self._note("convert", analogue_input)

    def reading(self, analogue_input):
        self._note("reading", analogue_input)
        return self.readings[analogue_input]

    def _note(self, *what):
        if self.silent:
            raise OSError(EIO)
        if what[0] in self.refused:
            raise self.refused[what[0]]
        self.calls.append(what)
