"""dorn.link.boundaries: packets among damage and packets with other APIDs, in chunks of any size."""

import random
import warnings

import ccsdspy.utils
import pytest
from dorn.link import archive
from dorn.link.archive import Archive, ArchiveError
from hypothesis import given
from hypothesis import strategies as st
from support.archives import OTHER, decode, dictionary, housekeeping, tm
from support.data import data
from support.products import packet, spectrum


@pytest.mark.parametrize("at", range(len(tm(0))))
def test_one_damaged_bit_anywhere_costs_one_packet(at):
    for bit in range(8):
        hit = bytearray(tm(2))
        hit[at] ^= 1 << bit
        assert decode(tm(1), hit, tm(3), tm(4)) == ([1, 3, 4], 1, 1, {})


def test_two_consecutive_damaged_packets_count_as_two():
    hit = [tm(2)[:-1] + b"\0", tm(3)[:-1] + b"\0"]
    assert decode(tm(1), *hit, tm(4)) == ([1, 4], 1, 2, {})


def test_inserted_lost_and_truncated_octets():
    assert decode(tm(1), b"noise", tm(2)) == ([1, 2], 0, 1, {})
    assert decode(tm(1), tm(2)[5:], tm(3)) == ([1, 3], 1, 1, {})
    assert decode(tm(1), tm(2)[:-1]) == ([1], 0, 1, {})
    assert decode(tm(1), bytes(100_000), tm(2)) == ([1, 2], 0, 1, {})


def test_intact_packets_of_others_are_counted_apart():
    idle = b"\7\xff\xc0\0\0\x63" + bytes(100)
    theirs = [tm(n, apid=OTHER) for n in range(3)]
    assert decode(tm(1), idle, tm(2), *theirs, idle, tm(3)) == ([1, 2, 3], 0, 0, {0x7FF: 2, OTHER: 3})
    without_crc = theirs[0][:-2] + b"\0\0"
    assert decode(without_crc, tm(1), without_crc, without_crc) == ([1], 0, 0, {OTHER: 3})
    assert decode(tm(1), theirs[0][:-1], tm(2)) == ([1, 2], 0, 1, {})


def test_a_packet_within_octets_that_look_like_one_of_others_is_not_lost():
    around = b"\0\xc8\xc0\0" + (len(tm(0)) + 3).to_bytes(2, "big") + b"ab" + tm(2) + b"cd"
    counts, _, damaged, foreign = decode(tm(1), around, tm(3))
    assert counts == [1, 2, 3] and damaged == 2 and not foreign


@given(st.lists(st.one_of(st.binary(max_size=60), st.integers(0, 9).map(tm)), max_size=6))
def test_no_intact_packet_is_lost_among_any_data(pieces):
    counts, *_ = decode(*pieces, tm(100), tm(101))
    assert counts[-1] == 101  # data that look like a header may cost the first packet, not the second


def test_read_splits_packets_as_ccsdspy_does(packet_file):
    packets = [tm(1), housekeeping(2), tm(3, 17, 2, b"")]
    path = packet_file(*packets)
    assert list(archive.read(path)) == packets == ccsdspy.utils.split_packet_bytes(str(path))


MISSIONS = [
    "ccsds-jpss/jpss/J01_G011_LZ_2021-04-09T00-00-00Z_V01.DAT1",
    "ccsds-vectors/split/CYGNSS_F7_L0_2022_086_10_15_V01_F__first101pkts.tlm",
    "ccsds-vectors/hs/apid001/SSAT1_2015-180-00-00-00_2015-180-01-59-58_1_1_sim.tlm",
    "ccsds-vectors/hs/apid010/SSAT1_2015-180-00-00-00_2015-180-00-59-59_10_1_sim.tlm",
]


@pytest.mark.parametrize("name", MISSIONS)
def test_archives_of_other_missions(name):
    path = data(*name.split("/"))
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # about gaps in these recordings
        packets = [bytes(p) for p in ccsdspy.utils.split_packet_bytes(str(path))]
    assert list(archive.read(path)) == packets
    with Archive(dictionary, path) as found:
        assert len(found) == 0 and found.skipped.damaged == 0
        assert sum(found.skipped.foreign.values()) == len(packets)
    mixed = [octets for n, one in enumerate(packets) for octets in (one, tm(n))]
    counts, _, damaged, foreign = decode(*mixed)
    assert counts == list(range(len(packets))) and damaged == 0 and sum(foreign.values()) == len(packets)


@pytest.mark.parametrize(
    "content, message",
    [
        (tm(1) + tm(2)[:-1], r"a.bin: offset 36: a packet of 36 octets, the file has 35"),
        (tm(1) + tm(2)[:5], r"a.bin: offset 36: the file ends within a packet header"),
        (tm(1) + b"PNG\0\0\0\0", r"a.bin: offset 36: 0x50 does not start a space packet \(version 2\)"),
    ],
)
def test_read_reports_file_and_offset(packet_file, content, message):
    with pytest.raises(ArchiveError, match=message):
        list(archive.read(packet_file(content)))


@pytest.mark.parametrize("chunk", [64, 5000, 1 << 16, 1 << 22])
def test_chunks_of_any_size_give_the_same(chunk):
    pieces = [spectrum(n % 16, [n], record=n, start_us=n).octets for n in range(2000)]
    pieces[100:100] = [b"noise" * 100, tm(7, apid=OTHER)]
    pieces[700] = pieces[700][:-1] + b"\0"
    pieces[900:900] = [bytes(200_000)]
    assert decode(*pieces, chunk=chunk) == decode(*pieces)


@pytest.mark.parametrize("seed", range(4))
def test_damage_is_counted_alike_in_chunks_of_any_size(seed):
    rng = random.Random(seed)
    octets = bytearray(b"".join(packet("rates", time_s=n, record=n).octets for n in range(1, 2000)))
    for _ in range(100):
        at = rng.randrange(len(octets))
        match rng.choice(("flip", "cut", "zeros", "foreign")):
            case "flip":
                octets[at] ^= 1 << rng.randrange(8)
            case "cut":
                del octets[at : at + rng.randint(1, 2000)]
            case "zeros":
                octets[at:at] = bytes(rng.randint(1, 20_000))
            case "foreign":
                at = octets.find(tm(0)[:2], at)
                octets[at:at] = tm(1, apid=OTHER, content=bytes(rng.randint(0, 60_000)))
    assert decode(octets, chunk=1 << 16) == decode(octets, chunk=10_007) == decode(octets)
