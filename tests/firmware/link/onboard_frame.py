# fsw/link/frame.py in isolation: lengths around a full block, and arbitrary line data.
from binascii import crc32

from check import equal
from fsw.link.frame import CRC, Deframer, encode, size

CAPACITY = 600
FILL = 0xA5


def cobs(data):
    """COBS as published by Cheshire and Baker."""
    out, block = b"", b""
    for n in range(len(data)):
        if len(block) == 254:
            out, block = out + b"\xff" + block, b""
        if data[n]:
            block += data[n : n + 1]
        else:
            out, block = out + bytes([len(block) + 1]) + block, b""
    return out + bytes([len(block) + 1]) + block


def with_crc(packet):
    return packet + crc32(packet).to_bytes(CRC, "big")


def framed(packet):
    return b"\0" + cobs(with_crc(packet)) + b"\0"


def encoded(packet):
    """The frame of a packet; checks that encode() leaves both buffers unchanged beyond it."""
    given = bytearray(packet + bytes([FILL] * (CRC + 3)))
    out = bytearray([FILL] * (size(len(packet)) + 3))
    n = encode(given, len(packet), out)
    equal(bytes(given), with_crc(packet) + bytes([FILL] * 3))
    equal(bytes(out[n:]), bytes([FILL] * (len(out) - n)))
    return bytes(out[:n])


def received(*pieces, capacity=CAPACITY):
    """-> (packets, bad frames)"""
    deframer = Deframer(capacity)
    return [bytes(packet) for piece in pieces for packet in deframer.feed(piece)], deframer.bad


def some_packets():
    """Runs without a zero, of all lengths around a full block: alone, between zeros, and consecutive."""
    for n in (1, 2, 3, 100, 248, 249, 250, 251, 252, 253, 254, 255, 256, 257, 503, 504, 505, 506, 507, 508, 509, 510):
        run = bytes([7, 255, 1, 128, 254, 2] * 90)[:n]
        yield run
        yield b"\0" + run
        yield run + b"\0"
        yield run + b"\0\0" + run[:80]


def test_a_frame_is_cobs_of_packet_and_crc_between_zeros():
    for packet in some_packets():
        equal(encoded(packet), framed(packet))


def test_published_frames():
    """The check string of the CRC catalogue, and a single zero octet."""
    equal(encoded(b"123456789"), b"\0\x0e123456789\xcb\xf4\x39\x26\0")
    equal(encoded(b"\0"), b"\0\1\5\xd2\x02\xef\x8d\0")


def test_the_longest_frame_has_no_zero_inside():
    """The bound is exact, except for packets that end with full blocks."""
    for n in range(1, 1100):
        content = n + CRC
        longest = 1 + content + 1 + (content - 1) // 254 + 1
        equal(size(n), longest + (content % 254 == 0), n)


def test_packets_are_decoded():
    for packet in some_packets():
        equal(received(framed(packet)), ([packet], 0))


def test_packets_are_decoded_from_any_pieces():
    packets = [b"first", b"\0", bytes(range(256)) * 2, b"x" * 300, b"last"]
    stream = b"\0".join(map(framed, packets))  # with idle zero bytes between
    view = memoryview(stream)  # data after the end of a piece must not be read
    for octets in (1, 2, 3, 7, 64, 255, 256, len(stream)):
        pieces = [view[at : at + octets] for at in range(0, len(stream), octets)]
        equal(received(*pieces), (packets, 0), octets)


def test_each_packet_is_returned_once_it_is_complete():
    deframer = Deframer(CAPACITY)
    frame = framed(b"packet")
    equal(list(deframer.feed(frame[:-1])), [])
    equal([bytes(packet) for packet in deframer.feed(frame[-1:] + frame)], [b"packet", b"packet"])
    equal(list(deframer.feed(b"")), [])
    equal(deframer.bad, 0)


def test_an_idle_line_gives_no_frame():
    equal(received(b"\0\0\0", b"\0", b"\0" + framed(b"packet"), b"\0\0"), ([b"packet"], 0))


def test_stray_octets_before_a_frame_cost_nothing_else():
    for stray in (b"AT\r", b"\1", b"\xff" * 700):
        equal(received(stray + framed(b"packet")), ([b"packet"], 1), stray)
        equal(received(framed(b"first") + stray + framed(b"packet")), ([b"first", b"packet"], 1), stray)


def test_damage_loses_only_the_frame_it_hits():
    first, hit, last = framed(b"first"), framed(b"hit\0by"), framed(b"last")
    for at in range(len(hit) - 1):
        for bit in range(8):
            damaged = hit[:at] + bytes([hit[at] ^ 1 << bit]) + hit[at + 1 :]
            if 0 not in damaged[1:-1]:
                equal(received(first + damaged + last), ([b"first", b"last"], 1), (at, bit))


def test_a_frame_that_lost_octets_is_bad():
    for packet in (b"packet", b"a\0b\0\0", b"\1" * 300):
        frame = framed(packet)
        for cut in range(2, len(frame) - 1):
            equal(received(frame[:cut] + frame), ([packet], 1), cut)
            equal(received(frame + frame[:cut] + b"\0"), ([packet], 1), cut)  # the lost octets are still in memory
            equal(received(frame[cut:] + frame), ([packet], 1), cut)


def test_a_frame_without_a_packet_is_bad():
    for content in (b"", b"\1", b"\1\2\3", with_crc(b"")):
        equal(received(cobs(content) + b"\0" + framed(b"packet")), ([b"packet"], 1), content)


def test_a_packet_beyond_the_capacity_is_bad():
    for capacity in (1, 10, 249, 251, 503, 600):
        for octet in (b"\0", b"\1"):
            longest = octet * capacity
            equal(received(framed(longest), framed(longest), capacity=capacity), ([longest] * 2, 0), (capacity, octet))
            equal(received(framed(longest + octet), framed(longest), capacity=capacity), ([longest], 1), capacity)
            more = framed(longest)[:-1] + b"\1\0"
            equal(received(more, framed(longest), capacity=capacity), ([longest], 1), (capacity, octet))


def test_an_endless_frame_is_one_bad_frame():
    for pieces in ([b"\1" * 3000], [b"\1" * 300] * 10, [b"\1"] * 3000):
        equal(received(*pieces), ([], 0), pieces)
        equal(received(*pieces, b"\0" + framed(b"packet")), ([b"packet"], 1), pieces)


def test_zeros_are_restored_around_full_blocks():
    """No zero is inserted after a full block."""
    for n in (253, 254, 255, 508, 509):
        content = with_crc(b"\0" + b"\1" * (n - 1))
        equal(received(cobs(content) + b"\0"), ([content[:-CRC]], 0), n)
    packet = b"\2" * 254 + b"\0" + b"\3" * 254 + b"\0\0"
    equal(received(framed(packet)), ([packet], 0))
