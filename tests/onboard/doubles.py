# What stands in for the board where one device of the firmware is tested alone. Each can be told what to do.
import vfs

ROOT = "/flash"
EIO, ENOSPC, EROFS, ENAMETOOLONG = 5, 28, 30, 36  # MicroPython's errno has not all of them
BLOCK, PAGE = 4096, 256  # octets of the Pico's flash: what is erased and what is programmed at once


class Blocks:
    """A block device as rp2.Flash, in memory. Erases and programs are _operate(at, new) -> errno or 0."""

    def __init__(self, image):
        self._image = memoryview(image)

    def readblocks(self, block, out, at=0):
        at += BLOCK * block
        out[:] = self._image[at : at + len(out)]

    def writeblocks(self, block, data, at=0):
        for n in range(0, len(data), PAGE):  # the chip programs them one by one
            errno = self._operate(BLOCK * block + at + n, data[n : n + PAGE])
            if errno:
                return -errno
        return 0

    def ioctl(self, what, block):
        if what == 6:
            return -self._operate(BLOCK * block, b"\xff" * BLOCK)
        return {4: len(self._image) // BLOCK, 5: BLOCK}.get(what, 0)


class Flash(Blocks):
    """With a littlefs of its own, mounted at ROOT.

    operations: erases of a block and programs of a page so far.
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
        """As a reset does: what was not closed is gone."""
        vfs.umount(ROOT)
        self.mount(readonly)

    def fail(self, errno=EIO, at=1, times=1 << 30):
        """So many operations raise OSError(errno): from the at-th that comes."""
        self._errno = errno
        self._fail_from = self.operations + at
        self._fail_until = self._fail_from + times

    def work(self):
        """Nothing fails any more."""
        self._fail_from = self._fail_until = 0

    def _operate(self, at, new):
        self.operations += 1
        if self._fail_from <= self.operations < self._fail_until:
            return self._errno
        self._image[at : at + len(new)] = new
        return 0


def each_failure(prepare, act, errno=EIO, times=1 << 30):
    """Generator of (flash, made, error): act(prepare(flash)) on a fresh flash, while the first operation of act fails,
    then the second, and so on, until none does. error: the OSError that act raised, or None.
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
            raise AssertionError("no operation of the flash, so that none can fail")
        if done < at:
            return
        yield flash, made, error


class Clock:
    def __init__(self, now_us=0):
        self.now_us = now_us

    def us(self):
        return self.now_us


class Link:
    """sent: the frames it took. takes: whether it takes one; has_room: what room() answers."""

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
    """The registers that survive a reset, by number."""

    def __init__(self):
        self.values = {}

    def get(self, register):
        return self.values.get(register, 0)

    def set(self, register, value):
        self.values[register] = value


class Reports:
    """Called as Events.report: keeps what it is called with."""

    def __init__(self):
        self.all = []

    def __call__(self, event, a=0, b=0):
        self.all.append((event, a, b))

    def taken(self):
        """Those since the last call."""
        taken, self.all = self.all, []
        return taken


class Watchdog:
    """timeout_ms: None before it was started. fed: how often since."""

    def __init__(self):
        self.timeout_ms = None
        self.fed = 0

    def start(self, timeout_ms):
        self.timeout_ms = timeout_ms

    def feed(self):
        self.fed += 1


class Devices:
    """As boards/slow_control.py. calls: what was commanded and taken; readings: what reading() finds.

    refused: the exception that a method raises, by its name. half: one of the two devices takes off() all the same.
    """

    def __init__(self):
        self.calls = []
        self.readings = [0, 0, 29_500, 29_600]
        self.refused = {}
        self.is_off, self.half, self.silent = True, False, False
        self.failed = 0

    def taken(self):
        """What was calls since the last call."""
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
