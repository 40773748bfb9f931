# fsw/link/packet.py in isolation: telemetry as passed to the link and the store.
from array import array

from check import equal, raises
from crc import with_crc
from doubles import Clock, Link
from fsw import icd, memory
from fsw.link.frame import Deframer
from fsw.link.packet import Telemetry

LONGEST = icd.MAX_PACKET
PLAIN = (17, 2, ">", 0)  # layouts: service, subtype, form, priority
NUMBERED = (5, 1, ">IHBH", 1)


class Store:
    """offered: (priority, record number, frame) of each packet offered to the store"""

    def __init__(self):
        self.record = 0x01020304
        self.offered = []

    def number(self, priority):
        self.offered.append((priority, self.record, None))
        return self.record

    def append(self, frame):
        priority, record, none = self.offered.pop()
        equal(none, None)
        self.offered.append((priority, record, bytes(frame)))


class Bench:
    def __init__(self, now_us=0):
        self.time, self.link, self.store = Clock(now_us), Link(), Store()
        self.telemetry = Telemetry(self.time, self.link, self.store, 0x0506)

    def sent(self):
        """The packets that the link accepted since the last call."""
        deframer = Deframer(LONGEST)
        packets = [bytes(packet) for frame in self.link.sent for packet in deframer.feed(frame)]
        equal((deframer.bad, len(packets)), (0, len(self.link.sent)))
        self.link.sent = []
        return packets

    def one(self):
        (packet,) = self.sent()
        return packet


# -- telemetry ---------------------------------------------------------------------------------------------------------


def test_a_packet_has_a_pus_c_header_and_a_crc():
    bench = Bench(0x01020304 * 1_000_000 + 500_000)
    equal(bench.telemetry.send((200, 130, ">BIQ", 0), 1, 2, 3), True)
    body = b"\1\0\0\0\2\0\0\0\0\0\0\0\3"
    header = b"\x08\x64\xc0\0" + (19 + 13 + 2 - 7).to_bytes(2, "big") + b"\x20\xc8\x82\0\0\0\1"
    equal(bench.one(), with_crc(header + b"\1\2\3\4\x80\0" + body))


def test_the_time_is_rounded_down_to_its_fraction():
    for us, time in (
        (0, b"\0\0\0\0\0\0"),
        (15, b"\0\0\0\0\0\0"),
        (16, b"\0\0\0\0\0\1"),
        (999_999, b"\0\0\0\0\xff\xff"),
        (1_000_000, b"\0\0\0\1\0\0"),
        (7_250_000, b"\0\0\0\7\x40\0"),
        (4_294_967_295_999_999, b"\xff" * 6),
    ):
        bench = Bench(us)
        bench.telemetry.send(PLAIN)
        equal(bench.one()[13:19], time, us)


def test_packets_are_counted_in_total_and_by_type():
    bench = Bench()
    for layout in (PLAIN, PLAIN, (17, 3, ">", 0), PLAIN, (18, 2, ">", 0), (17, 3, ">", 0)):
        bench.telemetry.send(layout)
    packets = bench.sent()
    equal([packet[2:4] for packet in packets], [bytes([0xC0, n]) for n in range(6)])
    equal([packet[9:11] for packet in packets], [bytes([0, n]) for n in (0, 1, 0, 2, 0, 1)])
    equal(bench.telemetry.taken, 6)


def test_every_packet_adds_to_the_allocation_estimate_by_its_length():
    bench = Bench()
    for data, octets in (((), 481), (range(100), 631)):  # 450, and 1.5 for each octet
        bench.telemetry.begin(PLAIN)
        bench.telemetry.octets(bytes(data))
        memory.garbage[0] = 0
        bench.telemetry.end()
        equal(memory.garbage[0], octets)
        packet = bench.one()
        memory.garbage[0] = 0
        bench.telemetry.resend(packet)
        equal(memory.garbage[0], octets)
        bench.sent()


def test_the_counts_wrap():
    bench = Bench()
    for n in range(65537):
        bench.telemetry.send(PLAIN)
        if n in (255, 256, 16383, 16384, 65535, 65536):
            packet = bench.sent()[-1]
            equal(packet[2:4], (0xC000 | n & 0x3FFF).to_bytes(2, "big"))
            equal(packet[9:11], (n & 0xFFFF).to_bytes(2, "big"))
        bench.link.sent = []


def test_a_packet_that_the_link_does_not_accept_leaves_a_gap():
    bench = Bench()
    bench.telemetry.send(PLAIN)
    bench.link.takes = False
    equal(bench.telemetry.send(PLAIN), False)
    equal((bench.telemetry.taken, bench.telemetry.dropped), (1, 1))
    bench.link.takes = True
    equal(bench.telemetry.send(PLAIN), True)
    equal([packet[3] for packet in bench.sent()], [0, 2])
    equal((bench.telemetry.taken, bench.telemetry.dropped), (2, 1))


def test_too_many_or_too_few_fields_raise_an_error():
    bench = Bench()
    for layout, values in (((17, 2, ">BB", 0), (1,)), ((17, 2, ">BB", 0), (1, 2, 3)), (PLAIN, (1,)), (NUMBERED, (1,))):
        raises(ValueError, bench.telemetry.send, layout, *values)
    equal((bench.sent(), bench.store.offered), ([], []))
    equal(bench.telemetry.send(NUMBERED, 1, 2), True)
    equal(bench.one()[3], 0)


# -- arrays and octets -------------------------------------------------------------------------------------------------


def test_numbers_are_appended_big_endian():
    bench = Bench()
    bench.telemetry.begin((3, 1, ">B", 0), 9)
    bench.telemetry.words(array("I", [0xDEADBEEF, 0x01020304, 0xFFFEFDFC, 0x80000001, 0xDEADBEEF]), 1, 3)
    bench.telemetry.halves(array("H", [0xDEAD, 0x0506, 0xFEFF, 0x8001, 0xDEAD]), 1, 3)
    bench.telemetry.octets(b"octets")
    bench.telemetry.octets(memoryview(b"\7"))
    bench.telemetry.words(array("I", [1]), 0, 0)
    bench.telemetry.end()
    wanted = b"\x09" + b"\1\2\3\4\xff\xfe\xfd\xfc\x80\0\0\1" + b"\5\6\xfe\xff\x80\1" + b"octets\7"
    packet = bench.one()
    equal(packet[19:], with_crc(packet[:19] + wanted)[19:])
    equal(packet[4:6], (19 + len(wanted) + 2 - 7).to_bytes(2, "big"))


def test_data_that_does_not_fit_raises_an_error_and_leaves_the_packet_unchanged():
    room = LONGEST - 19 - 2 - 1
    for append, size in (("words", 4), ("halves", 2), ("octets", 1)):
        bench = Bench()
        bench.telemetry.begin((3, 1, ">B", 0), 9)
        most = room // size
        source = {4: array("I", [1] * 700), 2: array("H", [1] * 700), 1: bytes([1] * 700)}[size]

        def put(n, append=append, source=source, bench=bench):
            if append == "octets":
                bench.telemetry.octets(source[:n])
            else:
                getattr(bench.telemetry, append)(source, 0, n)

        raises(ValueError, put, most + 1)
        put(most)
        raises(ValueError, put, 1)
        bench.telemetry.end()
        equal(len(bench.one()), 19 + 1 + most * size + 2, append)
    bench.telemetry.begin((3, 1, ">", 0))
    bench.telemetry.octets(bytes(LONGEST - 21))
    bench.telemetry.end()
    equal(len(bench.one()), LONGEST)


def test_numbers_beyond_the_end_of_an_array_raise_an_error():
    for append, code, size in (("words", "I", 4), ("halves", "H", 2)):
        bench = Bench()
        bench.telemetry.begin(PLAIN)
        source = array(code, [1, 2, 3])
        for first, count in ((-1, 1), (0, 4), (1, 3), (3, 1), (4, 0), (0, -1), (2, -1)):
            raises(ValueError, getattr(bench.telemetry, append), source, first, count)
        for first, count in ((0, 3), (2, 1), (3, 0)):
            getattr(bench.telemetry, append)(source, first, count)
        bench.telemetry.end()
        equal(len(bench.one()), 19 + 4 * size + 2, append)


# -- the store ---------------------------------------------------------------------------------------------------------


def test_a_packet_with_a_priority_is_stored_as_sent():
    bench = Bench()
    for priority in (1, 2):
        bench.telemetry.send((5, 1, ">IHBH", priority), 9, 0x1234)
        frame = bench.link.sent[-1]
        equal(bench.store.offered.pop(), (priority, 0x01020304, frame))
        equal(bench.one()[19:28], b"\1\2\3\4\5\6\x09\x12\x34", priority)


def test_a_packet_without_a_record_number_is_still_sent():
    bench = Bench()
    bench.store.record = 0
    equal(bench.telemetry.send(NUMBERED, 9, 0x1234), True)
    equal(bench.store.offered, [(1, 0, None)])
    packet = bench.one()
    equal(packet, with_crc(packet[:19] + b"\0\0\0\0\5\6\x09\x12\x34"))


def test_a_packet_that_the_link_does_not_accept_is_still_stored():
    bench = Bench()
    bench.link.takes = False
    equal(bench.telemetry.send(NUMBERED, 9, 1), False)
    equal(len(bench.store.offered), 1)
    assert bench.store.offered[0][2]


def test_a_packet_without_a_priority_is_not_offered_to_the_store():
    bench = Bench()
    bench.telemetry.send(NUMBERED, 1, 1)
    bench.telemetry.send(PLAIN)
    equal(len(bench.store.offered), 1)


def test_a_retrieved_packet_is_sent_unchanged():
    bench = Bench()
    bench.telemetry.send(NUMBERED, 9, 0x1234)
    packet = bench.one()
    bench.telemetry.send(PLAIN)
    bench.sent()
    equal(bench.telemetry.resend(memoryview(packet)), True)
    equal(bench.one(), packet)
    equal((len(bench.store.offered), bench.telemetry.taken), (1, 3))
    bench.link.takes = False
    equal(bench.telemetry.resend(packet), False)
    equal((bench.telemetry.taken, bench.telemetry.dropped), (3, 1))
    bench.link.takes = True
    bench.telemetry.send(PLAIN)
    equal(bench.one()[3], 2)  # retrieved packets do not use sequence counts
