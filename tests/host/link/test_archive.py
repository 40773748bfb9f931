"""dorn.link.archive: packet files, intact, damaged, in any order, and from other missions."""

import itertools
import os
import random
import resource
import subprocess
import sys
import warnings
from dataclasses import replace

import ccsdspy.utils
import pytest
from dorn.dictionary import Dictionary
from dorn.dictionary.codec import smallest
from dorn.dictionary.headers import CRC, TM_HEADER
from dorn.link import archive
from dorn.link.archive import Archive, ArchiveError
from hypothesis import given
from hypothesis import strategies as st
from spacepackets.ecss.tm import PusTm
from support.data import data
from support.products import packet, spectrum

dictionary = Dictionary.load()
OTHER = 200  # APID


def tm(sequence: int, service: int = 5, subtype: int = 1, content: bytes = bytes(15), apid: int = 100) -> bytes:
    made = PusTm(
        service=service,
        message_subtype=subtype,
        timestamp=bytes(6),
        source_data=content,
        apid=apid,
        seq_count=sequence,
    )
    return bytes(made.pack())


def housekeeping(sequence: int, number: int = dictionary.hash, unique_id: int = 1, origin: int = 1) -> bytes:
    rest = smallest(dictionary.telemetry["housekeeping"]) - TM_HEADER - CRC - 19
    start = bytes(4) + origin.to_bytes(2, "big") + b"\1" + number.to_bytes(4, "big") + unique_id.to_bytes(8, "big")
    return tm(sequence, 3, 25, start + bytes(rest))


@pytest.fixture
def write(tmp_path):
    """write(*pieces) -> path of a file with them."""

    def written(*pieces: bytes, name: str = "a.bin"):
        path = tmp_path / name
        path.write_bytes(b"".join(pieces))
        return path

    return written


def summary(found: Archive) -> tuple[list[int], int, int, dict[int, int]]:
    """Sequence counts, gaps, damaged packets and foreign packets by APID."""
    counts = [packet.sequence for packet in found.packets()]
    return counts, found.sequence_gaps, found.skipped.damaged, found.skipped.foreign


def decode(*pieces: bytes, **options):
    with Archive(dictionary, _file(b"".join(pieces)), **options) as found:
        return summary(found)


def _file(content: bytes) -> str:
    """A path for content that is deleted with the last reference."""
    descriptor = os.memfd_create("archive")
    os.write(descriptor, content)
    return f"/proc/self/fd/{descriptor}"


def test_counts_of_an_intact_archive():
    assert decode(tm(1), tm(2), tm(3)) == ([1, 2, 3], 0, 0, {})
    assert decode(tm(1), tm(3), tm(4), tm(0)) == ([0, 1, 3, 4], 1, 0, {})
    assert decode(tm(1), tm(2, 5, 99), tm(3)) == ([1, 3], 0, 0, {})
    assert decode() == ([], 0, 0, {})


def test_the_sequence_count_wraps_without_a_gap():
    assert decode(tm(16382), tm(16383), tm(0), tm(1)) == ([16382, 16383, 0, 1], 0, 0, {})
    assert decode(tm(1), tm(16382), tm(0), tm(16383)) == ([16382, 16383, 0, 1], 0, 0, {})
    many = [replace(packet("rates", time_s=n), sequence=n & 0x3FFF).octets for n in range(40_000)]
    counts, gaps, *_ = decode(*many[20_000:], *many[:20_000])
    assert counts == [n & 0x3FFF for n in range(40_000)] and gaps == 0


def test_a_start_is_no_gap():
    before = replace(packet("rates", time_s=1.0), sequence=700).octets
    for event, gaps in (("booted", 0), ("identified", 1)):
        first = replace(packet("event_info", time_s=2.0, event=dictionary.enums["event"][event]), sequence=0).octets
        assert decode(before, first, replace(packet("rates", time_s=3.0), sequence=1).octets)[1] == gaps


def test_concatenated_archives_yield_every_packet_once(write):
    one = b"".join(tm(n) for n in range(4))
    assert decode(one, one) == ([0, 1, 2, 3], 0, 0, {})
    assert decode(one[: 2 * len(tm(0))], one, tm(5)) == ([0, 1, 2, 3, 5], 1, 0, {})
    with Archive(dictionary, write(one, name="a"), write(tm(5), one, tm(4), name="b")) as found:
        assert summary(found) == ([0, 1, 2, 3, 4, 5], 0, 0, {})


def test_the_files_of_one_run_may_be_given_in_any_order(write):
    octets = [packet("rates", time_s=n, record=n).octets for n in range(1, 40)]
    octets += [packet("event_info", time_s=50, record=50).octets, spectrum(2, [7] * 200, time_s=60, record=60).octets]
    rng = random.Random(1)
    with Archive(dictionary, write(*octets)) as whole:
        expected = [part.data for part in whole.parts()]
    for _ in range(20):
        cuts = sorted(rng.sample(range(1, len(octets)), rng.randint(1, 4)))
        pieces = [octets[a:b] for a, b in itertools.pairwise([0, *cuts, len(octets)])]
        paths = [write(*piece, name=f"part{n}") for n, piece in enumerate(pieces)]
        rng.shuffle(paths)
        with Archive(dictionary, *paths) as found:
            assert [part.data for part in found.parts()] == expected


def test_a_file_that_becomes_shorter_is_named(write):
    path = write(*(tm(n) for n in range(9)))
    with Archive(dictionary, path) as found, pytest.raises(ArchiveError, match=r"a\.bin: file: became shorter"):
        path.write_bytes(tm(0))
        list(found.parts())


def test_many_files_need_some_to_be_open(tmp_path):
    names = []
    for n in range(300):
        (tmp_path / str(n)).write_bytes(tm(n))
        names.append(tmp_path / str(n))
    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    try:
        resource.setrlimit(resource.RLIMIT_NOFILE, (len(os.listdir("/proc/self/fd")) + 100, hard))
        with Archive(dictionary, *names) as found:
            assert len(list(found.packets())) == 300
    finally:
        resource.setrlimit(resource.RLIMIT_NOFILE, (soft, hard))


def test_a_missing_file_is_reported_before_the_others_are_read(write, tmp_path):
    seen = []
    with pytest.raises(ArchiveError, match="absent: file: cannot be read"):
        Archive(dictionary, write(tm(1)), tmp_path / "absent", progress=seen.append)
    assert not seen


def run_of(origin: int) -> list[bytes]:
    """A run in which reports without an origin are the same in every one."""
    start = packet("event_info", time_s=1, event=dictionary.enums["event"]["booted"], origin=origin)
    reports = [packet("completion_success", time_s=1 + n) for n in (1, 3)]
    stored = [packet("rates", time_s=1 + n, origin=origin) for n in (2, 4)]
    made = (start, reports[0], stored[0], reports[1], stored[1])
    return [replace(one, sequence=n).octets for n, one in enumerate(made)]


def test_reports_that_are_equal_in_two_runs_are_of_both():
    one, other = run_of(1), run_of(2)
    assert one[1] == other[1] and one[3] == other[3]
    for order in ([*one, *other], [*other, *one], [*one, *other, *one]):
        counts, gaps, *_ = decode(*order)
        assert sorted(counts) == [0, 0, 1, 1, 2, 2, 3, 3, 4, 4] and gaps == 0


def test_different_packets_with_the_same_time_and_count_are_all_kept():
    one, other = tm(1), tm(1, content=b"\0\0\0\0\0\0\5" + bytes(8))
    assert decode(one, other, one) == decode(other, one, other) == ([1, 1], 1, 0, {})
    in_order = set()
    for pieces in ((one, other), (other, one)):
        with Archive(dictionary, _file(b"".join(pieces))) as found:
            in_order |= {part.data for part in found.parts()}
    assert len(in_order) == 1


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
    assert counts[-1] == 101  # a chance header may cost the first packet, not the second


def test_read_splits_packets_as_ccsdspy_does(write):
    packets = [tm(1), housekeeping(2), tm(3, 17, 2, b"")]
    path = write(*packets)
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
def test_read_reports_file_and_offset(write, content, message):
    with pytest.raises(ArchiveError, match=message):
        list(archive.read(write(content)))


# -- the dictionary and the instruments of an archive ------------------------------------------------------------------


def test_the_dictionary_of_an_archive_is_checked(write):
    with Archive(dictionary, write(tm(1), housekeeping(2), tm(3))) as found:
        assert found.has_housekeeping and summary(found) == ([1, 2, 3], 0, 0, {})
    with Archive(dictionary, write(tm(1), tm(2))) as found:
        assert not found.has_housekeeping
    for before in (tm(1), housekeeping(1) + tm(2)):  # also behind packets of the right one
        path = write(before, b"damage", tm(3), housekeeping(4, 0x1234ABCD))
        with pytest.raises(ArchiveError, match=rf"offset \d+: made with dictionary 1234abcd.*{dictionary.hash:08x}"):
            Archive(dictionary, path)


def test_another_dictionary_is_recognised_even_if_housekeeping_has_another_length(write):
    with pytest.raises(ArchiveError, match="made with dictionary 00000001"):
        Archive(dictionary, write(tm(1, 3, 25, bytes(6) + b"\1\0\0\0\1")))


def test_a_dictionary_from_before_packets_had_an_origin_is_recognised(write):
    with pytest.raises(ArchiveError, match="made with dictionary 00000001"):
        Archive(dictionary, write(tm(1, 3, 25, bytes(4) + b"\1\0\0\0\1" + bytes(9))))


def test_two_boards_with_the_same_origin_are_refused(write):
    with pytest.raises(ArchiveError, match=r"origin 1: packets of two boards \(0{15}1, 0{15}2\)"):
        Archive(dictionary, write(housekeeping(1), housekeeping(2, unique_id=2)))
    with Archive(dictionary, write(housekeeping(1), housekeeping(2, unique_id=2, origin=2))) as found:
        assert found.unique_ids == {1: 1, 2: 2}
    with Archive(dictionary, write(housekeeping(1), housekeeping(2, unique_id=2**64 - 1))) as found:
        assert found.unique_ids == {1: 1}  # all ones is no identity


def test_two_boards_with_the_same_origin_are_refused_also_by_their_event_reports(write):
    event = dictionary.enums["event"]["identified"]
    one, other = (packet("event_info", time_s=n, event=event, a=1, b=n).octets for n in (1, 2))
    with pytest.raises(ArchiveError, match=r"packets of two boards \(0000000100000001, 0000000100000002\)"):
        Archive(dictionary, write(one, other))


def test_two_instruments_with_the_same_origin_are_refused_by_their_record_numbers(write):
    one = [packet("rates", time_s=n, record=n).octets for n in range(1, 60)]
    other = [packet("rates", time_s=n + 0.5, record=n).octets for n in range(1, 60)]
    with pytest.raises(ArchiveError, match="origin 4711: 59 record numbers have two different packets"):
        Archive(dictionary, write(*one, *other))
    many = [packet("rates", time_s=n, record=n).octets for n in range(1, 200)]
    with Archive(dictionary, write(*many, other[0])) as found:  # one damaged packet whose CRC is right by chance
        assert found.conflicts == 1 and len(found) == 200


# -- inputs ------------------------------------------------------------------------------------------------------------


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


def test_an_input_without_packets_is_refused_before_it_is_read_to_its_end(tmp_path):
    path = tmp_path / "sparse"
    with path.open("wb") as file:
        file.truncate(20_000_000_000)
    for without in (path, "/dev/zero"):
        with pytest.raises(ArchiveError, match=f"{without}: not an archive: no packet in its first"):
            Archive(dictionary, without)


@pytest.mark.parametrize("name, message", [("absent", "No such file"), (".", "Is a directory")])
def test_a_file_that_cannot_be_read_is_named(tmp_path, name, message):
    with pytest.raises(ArchiveError, match=f"{tmp_path / name}: file: cannot be read: {message}"):
        Archive(dictionary, tmp_path / name)


def test_standard_input_is_an_archive(tmp_path, write):
    path = write(housekeeping(1), packet("rates", events=5).octets)
    command = [sys.executable, "-m", "dorn.cli", "decode"]
    for files, given_ in (([str(path)], b""), (["-"], path.read_bytes())):
        out = tmp_path / files[0].replace("/", "_")
        subprocess.run([*command, *files, "--out", str(out)], input=given_, check=True, capture_output=True)
    tables = [(out / "rates.csv").read_bytes() for out in tmp_path.glob("*") if out.is_dir()]
    assert len(tables) == 2 and tables[0] == tables[1]


def test_progress_reports_every_octet_twice(write):
    path = write(*(tm(n) for n in range(50)))
    seen = []
    with Archive(dictionary, path, progress=seen.append, chunk=300) as found:
        list(found.parts())
    assert sum(seen) == 2 * path.stat().st_size


def test_a_part_holds_its_packets_back_to_back():
    with Archive(dictionary, _file(tm(2) + b"x" + tm(1))) as found:
        (part,) = found.parts()
    assert part.data == tm(1) + tm(2)
    assert part.starts.tolist() == [0, len(tm(1))] and part.ends.tolist() == [len(tm(1)), 2 * len(tm(1))]
