# A packet store on a simulated flash.
from doubles import ROOT, Flash
from fsw.health.faults import Failures
from fsw.store.packets import PacketStore
from fsw.store.segments import Segments
from records import framed, record_of

FOLDER = ROOT + "/store"
BUFFER = 4096
HEADER, SEGMENT = 8, 16368  # octets
A_SEGMENT = SEGMENT - HEADER  # octets of frames in a segment
RETRY_US = 60_000_000


class Failing(Segments):
    """errno: "size", "read", "create" or "remove" -> (errno of the OSError, number of the segment; 0: any)"""

    def __init__(self, **errno):
        super().__init__(FOLDER)
        self.errno = errno

    def _fail(self, what, number):
        errno, which = self.errno.get(what, (0, 0))
        if errno and which in (0, number):
            raise OSError(errno)

    def size(self, number):
        self._fail("size", number)
        return super().size(number)

    def packets(self, number):
        self._fail("read", number)
        return super().packets(number)

    def create(self, number, count):
        self._fail("create", number)
        return super().create(number, count)

    def remove_oldest(self):
        self._fail("remove", self.numbers[0])
        super().remove_oldest()


class Bench:
    """A packet store; records that are not read back may be arbitrary octets instead of a frame."""

    def __init__(self, flash=None, most=4, next_record=1, segments=None):
        self.flash = flash or Flash()
        self.failures = Failures()
        self.segments = segments or Segments(FOLDER)
        self.store = PacketStore(self.segments, most, next_record, self.failures, bytearray(BUFFER))

    def put(self, octets=100, time=0):
        """Append a frame of `octets` octets. -> its record number"""
        record = self.store.take_number()
        assert record
        self.store.append(framed(record, time, octets - 7))
        return record

    def put_raw(self, octets):
        assert self.store.take_number()
        self.store.append(bytes(octets))

    def run(self, now=0):
        """Step until no work is left. -> number of steps with work"""
        steps = 0
        while self.store.step(now):
            steps += 1
        return steps

    def write(self, octets, now=0):
        """Store `octets` octets, in records of 500 and a remainder."""
        while octets:
            n = min(octets, 500)
            self.put_raw(n)
            octets -= n
            if not octets or self.store.pending > BUFFER // 2:
                self.store.ask()
                self.run(now)

    def counts(self):
        """Number of records written before each segment."""
        return [self.segments.before(number) for number in self.segments.numbers]


def full(segments, most=8):
    """A store with `segments` full segments."""
    bench = Bench(Flash(48), most, segments=Failing())
    for _ in range(segments):
        bench.write(A_SEGMENT)
    return bench


def kept():
    """The records on flash."""
    segments = Segments(FOLDER)
    segments.find()
    return [record_of(packet) for number in segments.numbers for packet in segments.packets(number)]
