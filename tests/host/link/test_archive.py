"""dorn.link.archive: packet files, intact, damaged and from other missions."""

import warnings

import ccsdspy.utils
import pytest
from dorn.dictionary import Dictionary
from dorn.dictionary.codec import smallest
from dorn.dictionary.headers import CRC, TM_HEADER
from dorn.link import archive
from dorn.link.archive import ArchiveError, DecodedArchive
from hypothesis import given
from hypothesis import strategies as st
from spacepackets.ecss.tm import PusTm
from support.data import data

dictionary = Dictionary.load()


def tm(sequence: int, service: int = 5, subtype: int = 1, content: bytes = bytes(15)) -> bytes:
    packet = PusTm(
        service=service,
        message_subtype=subtype,
        timestamp=bytes(6),
        source_data=content,
        apid=dictionary.mission["apid"],
        seq_count=sequence,
    )
    return bytes(packet.pack())


def housekeeping(sequence: int, number: int = dictionary.hash) -> bytes:
    rest = smallest(dictionary.telemetry["housekeeping"]) - TM_HEADER - CRC - 11
    return tm(sequence, 3, 25, bytes(6) + b"\1" + number.to_bytes(4, "big") + bytes(rest))


def summary(recording: DecodedArchive) -> tuple[list[int], int, int, int]:
    sequences = [packet.sequence for packet in recording.packets]
    return sequences, recording.sequence_gaps, recording.crc_errors, recording.unknown


def decode(*pieces: bytes):
    return summary(archive.decode_bytes(b"".join(pieces), dictionary))


def test_counts_of_an_intact_archive():
    assert decode(tm(16382), tm(16383), tm(0), tm(1)) == ([16382, 16383, 0, 1], 0, 0, 0)
    assert decode(tm(1), tm(3), tm(4), tm(0)) == ([1, 3, 4, 0], 2, 0, 0)
    assert decode(tm(1), tm(2, 5, 99), tm(3)) == ([1, 3], 0, 0, 1)
    assert decode() == ([], 0, 0, 0)


def test_concatenated_archives_yield_every_packet_once():
    one = b"".join(tm(n) for n in range(4))
    assert decode(one, one) == ([0, 1, 2, 3], 0, 0, 0)
    assert decode(one[: 2 * len(tm(0))], one, tm(5)) == ([0, 1, 2, 3, 5], 1, 0, 0)


@pytest.mark.parametrize("at", range(len(tm(0))))
def test_one_damaged_bit_anywhere_costs_one_packet(at):
    for bit in range(8):
        hit = bytearray(tm(2))
        hit[at] ^= 1 << bit
        assert decode(tm(1), hit, tm(3), tm(4)) == ([1, 3, 4], 1, 1, 0)


def recorded(sequence: int, record: int) -> bytes:
    return tm(sequence, content=record.to_bytes(4, "big") + bytes(11))


def test_retrieved_packets_count_once_and_make_no_gap():
    live = [recorded(n, 100 + n) for n in range(6)]
    assert decode(*live[:2], *live[3:5], live[2], live[5], *live) == ([0, 1, 3, 4, 2, 5], 1, 0, 0)
    assert decode(*live, live[0], tm(6)) == ([0, 1, 2, 3, 4, 5, 6], 0, 0, 0)


def test_two_consecutive_damaged_packets_count_as_two():
    hit = [tm(2)[:-1] + b"\0", tm(3)[:-1] + b"\0"]
    assert decode(tm(1), *hit, tm(4)) == ([1, 4], 1, 2, 0)


def test_inserted_lost_and_truncated_octets():
    assert decode(tm(1), b"noise", tm(2)) == ([1, 2], 0, 1, 0)
    assert decode(tm(1), tm(2)[5:], tm(3)) == ([1, 3], 1, 1, 0)
    assert decode(tm(1), tm(2)[:-1]) == ([1], 0, 1, 0)


@given(st.lists(st.one_of(st.binary(max_size=60), st.integers(0, 9).map(tm)), max_size=6))
def test_the_last_packet_is_found_after_any_data(pieces):
    sequences, *_ = decode(*pieces, tm(100), tm(101))
    assert sequences[-1] == 101  # a chance header may cost the first packet, not the second


def test_read_splits_packets_as_ccsdspy_does(tmp_path):
    path = tmp_path / "archive.bin"
    packets = [tm(1), housekeeping(2), tm(3, 17, 2, b"")]
    path.write_bytes(b"".join(packets))
    assert list(archive.read(path)) == packets == ccsdspy.utils.split_packet_bytes(str(path))


@pytest.mark.parametrize(
    "name",
    [
        "ccsds-jpss/jpss/J01_G011_LZ_2021-04-09T00-00-00Z_V01.DAT1",
        "ccsds-vectors/split/CYGNSS_F7_L0_2022_086_10_15_V01_F__first101pkts.tlm",
        "ccsds-vectors/hs/apid001/SSAT1_2015-180-00-00-00_2015-180-01-59-58_1_1_sim.tlm",
        "ccsds-vectors/hs/apid010/SSAT1_2015-180-00-00-00_2015-180-00-59-59_10_1_sim.tlm",
    ],
)
def test_read_splits_archives_of_other_missions(name):
    path = data(*name.split("/"))
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # about gaps in these recordings
        assert list(archive.read(path)) == [bytes(p) for p in ccsdspy.utils.split_packet_bytes(str(path))]


@pytest.mark.parametrize(
    "content, message",
    [
        (tm(1) + tm(2)[:-1], r"a.bin: offset 36: a packet of 36 octets, the file has 35"),
        (tm(1) + tm(2)[:5], r"a.bin: offset 36: the file ends within a packet header"),
        (tm(1) + b"PNG\0\0\0\0", r"a.bin: offset 36: 0x50 does not start a space packet \(version 2\)"),
    ],
)
def test_read_reports_file_and_offset(tmp_path, content, message):
    path = tmp_path / "a.bin"
    path.write_bytes(content)
    with pytest.raises(ArchiveError, match=message):
        list(archive.read(path))


def test_the_dictionary_of_an_archive_is_checked(tmp_path):
    path = tmp_path / "a.bin"
    path.write_bytes(tm(1) + housekeeping(2) + tm(3))
    assert archive.check_dictionary(path, dictionary) is True
    assert summary(archive.decode(path, dictionary)) == ([1, 2, 3], 0, 0, 0)
    path.write_bytes(tm(1) + tm(2))
    assert archive.check_dictionary(path, dictionary) is False
    path.write_bytes(b"damage" + tm(1) + housekeeping(2, 0x1234ABCD))
    for refusing in (archive.check_dictionary, archive.decode):
        with pytest.raises(ArchiveError, match=f"a.bin: made with dictionary 1234abcd.*{dictionary.hash:08x}"):
            refusing(path, dictionary)


def test_another_dictionary_is_recognised_even_if_housekeeping_has_another_length(tmp_path):
    path = tmp_path / "a.bin"
    path.write_bytes(tm(1, 3, 25, bytes(6) + b"\1\0\0\0\1"))
    with pytest.raises(ArchiveError, match="made with dictionary 00000001"):
        archive.check_dictionary(path, dictionary)
