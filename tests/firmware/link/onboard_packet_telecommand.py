# fsw/link/packet.py in isolation: telecommands octet by octet, CRC and time.
from check import equal, raises
from crc import bitwise, with_crc
from fsw import icd
from fsw.health.faults import Refused
from fsw.link.packet import crc16, cuc, parse


def telecommand(data=b"", header=b"\x18\x64\xc1\x23", length=None, secondary=b"\x29\x11\x01\0\0"):
    length = len(data) + 6 if length is None else length
    return with_crc(header + length.to_bytes(2, "big") + secondary + data)


def refused(packet):
    return raises(Refused, parse, memoryview(packet)).args


# -- CRC and time ------------------------------------------------------------------------------------------------------


def test_the_crc_is_ccitt_false():
    equal(crc16(b"123456789", 9), 0x29B1)
    data = bytes(range(256)) + b"\0\0\xff\xff\x80\1"
    for n in range(len(data)):
        equal(crc16(data, n), bitwise(data[:n]))
    for bit in range(16):
        octets = (1 << bit).to_bytes(2, "big")
        equal(crc16(octets, 2), bitwise(octets), bit)


def test_a_time_in_microseconds_is_never_before_it():
    equal([cuc(0, 0), cuc(1, 0), cuc(3, 0x8000), cuc(7, 0x4000)], [0, 1_000_000, 3_500_000, 7_250_000])
    equal([cuc(0, 1), cuc(0, 2), cuc(0, 3), cuc(2, 0xFFFF)], [16, 31, 46, 2_999_985])
    equal(cuc(0xFFFFFFFF, 0), 4_294_967_295_000_000)


# -- telecommands ------------------------------------------------------------------------------------------------------


def test_a_telecommand_is_read():
    for octets in (0, 1, 2, 500):
        data = bytes([n & 0xFF for n in range(octets)])
        service, subtype, acknowledge, found = parse(memoryview(telecommand(data)))
        equal((service, subtype, acknowledge, bytes(found)), (17, 1, 9, data), octets)
    for flags in range(16):
        secondary = bytes([0x20 | flags, 200, 255, 1, 2])  # any source
        equal(parse(telecommand(b"x", secondary=secondary)), (200, 255, flags, b"x"))
    for header in (b"\x18\x64\xc0\0", b"\x18\x64\xff\xff"):  # any sequence count
        equal(parse(telecommand(b"", header))[:2], (17, 1), header)


def test_a_packet_with_a_wrong_length_field_is_rejected():
    for packet in (b"", bytes(5), telecommand()[:-1], telecommand() + b"\0", telecommand(bytes(300))[:-1]):
        equal(refused(packet), (icd.FAILURE_BAD_LENGTH, len(packet)))
    for length in (5, 7, 6 + 256, 0):
        equal(refused(telecommand(length=length)), (icd.FAILURE_BAD_LENGTH, 13), length)
    short = with_crc(b"\x18\x64\xc0\0\0\5\x29\x11\1\0")
    equal((len(short), refused(short)), (12, (icd.FAILURE_BAD_LENGTH, 12)))


def test_a_damaged_packet_is_rejected_with_its_crc():
    good = telecommand(b"data")
    for at in range(len(good)):
        if at in (4, 5):
            continue
        packet = good[:at] + bytes([good[at] ^ 0x10]) + good[at + 1 :]
        equal(refused(packet), (icd.FAILURE_BAD_CRC, packet[-2] << 8 | packet[-1]), at)


def test_a_foreign_header_is_rejected():
    for header in (
        b"\x08\x64\xc0\0",
        b"\x38\x64\xc0\0",
        b"\x10\x64\xc0\0",
        b"\x18\x65\xc0\0",
        b"\x18\x63\xc0\0",
        b"\x1c\x64\xc0\0",
    ):
        equal(refused(telecommand(b"", header)), (icd.FAILURE_BAD_HEADER, header[0] << 8 | header[1]))
    for first in (0x00, 0x40, 0x80, 0xBF):  # segmented
        header = b"\x18\x64" + bytes([first]) + b"\xff"
        equal(refused(telecommand(b"", header)), (icd.FAILURE_BAD_HEADER, 0x1864), first)
    for version in (0, 1, 3, 15):
        secondary = bytes([version << 4 | 9]) + b"\x11\1\0\0"
        equal(refused(telecommand(b"", secondary=secondary)), (icd.FAILURE_BAD_HEADER, 0x1864), version)
