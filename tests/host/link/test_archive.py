"""dorn.link.archive: packets in any order, from several runs and instruments."""

import itertools
import random
from dataclasses import replace

import pytest
from dorn.link.archive import Archive, ArchiveError
from support.archives import decode, dictionary, housekeeping, memory_file, summary, tm
from support.products import packet, spectrum


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


def test_concatenated_archives_yield_every_packet_once(packet_file):
    one = b"".join(tm(n) for n in range(4))
    assert decode(one, one) == ([0, 1, 2, 3], 0, 0, {})
    assert decode(one[: 2 * len(tm(0))], one, tm(5)) == ([0, 1, 2, 3, 5], 1, 0, {})
    with Archive(dictionary, packet_file(one, name="a"), packet_file(tm(5), one, tm(4), name="b")) as found:
        assert summary(found) == ([0, 1, 2, 3, 4, 5], 0, 0, {})


def test_the_files_of_one_run_may_be_given_in_any_order(packet_file):
    octets = [packet("rates", time_s=n, record=n).octets for n in range(1, 40)]
    octets += [packet("event_info", time_s=50, record=50).octets, spectrum(2, [7] * 200, time_s=60, record=60).octets]
    rng = random.Random(1)
    with Archive(dictionary, packet_file(*octets)) as whole:
        expected = [part.data for part in whole.parts()]
    for _ in range(20):
        cuts = sorted(rng.sample(range(1, len(octets)), rng.randint(1, 4)))
        pieces = [octets[a:b] for a, b in itertools.pairwise([0, *cuts, len(octets)])]
        paths = [packet_file(*piece, name=f"part{n}") for n, piece in enumerate(pieces)]
        rng.shuffle(paths)
        with Archive(dictionary, *paths) as found:
            assert [part.data for part in found.parts()] == expected


def run_of(origin: int) -> list[bytes]:
    """A run whose reports without an origin are the same for every origin."""
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
        with Archive(dictionary, memory_file(b"".join(pieces))) as found:
            in_order |= {part.data for part in found.parts()}
    assert len(in_order) == 1


def test_the_dictionary_of_an_archive_is_checked(packet_file):
    with Archive(dictionary, packet_file(tm(1), housekeeping(2), tm(3))) as found:
        assert found.has_housekeeping and summary(found) == ([1, 2, 3], 0, 0, {})
    with Archive(dictionary, packet_file(tm(1), tm(2))) as found:
        assert not found.has_housekeeping
    for before in (tm(1), housekeeping(1) + tm(2)):  # also after packets made with the right one
        path = packet_file(before, b"damage", tm(3), housekeeping(4, 0x1234ABCD))
        with pytest.raises(ArchiveError, match=rf"offset \d+: made with dictionary 1234abcd.*{dictionary.hash:08x}"):
            Archive(dictionary, path)


def test_another_dictionary_is_recognised_even_if_housekeeping_has_another_length(packet_file):
    with pytest.raises(ArchiveError, match="made with dictionary 00000001"):
        Archive(dictionary, packet_file(tm(1, 3, 25, bytes(6) + b"\1\0\0\0\1")))


def test_a_dictionary_from_before_packets_had_an_origin_is_recognised(packet_file):
    with pytest.raises(ArchiveError, match="made with dictionary 00000001"):
        Archive(dictionary, packet_file(tm(1, 3, 25, bytes(4) + b"\1\0\0\0\1" + bytes(9))))


def test_two_boards_with_the_same_origin_are_refused(packet_file):
    with pytest.raises(ArchiveError, match=r"origin 1: packets of two boards \(0{15}1, 0{15}2\)"):
        Archive(dictionary, packet_file(housekeeping(1), housekeeping(2, unique_id=2)))
    with Archive(dictionary, packet_file(housekeeping(1), housekeeping(2, unique_id=2, origin=2))) as found:
        assert found.unique_ids == {1: 1, 2: 2}
    with Archive(dictionary, packet_file(housekeeping(1), housekeeping(2, unique_id=2**64 - 1))) as found:
        assert found.unique_ids == {1: 1}  # all ones is not an id


def test_two_boards_with_the_same_origin_are_refused_also_by_their_event_reports(packet_file):
    event = dictionary.enums["event"]["identified"]
    one, other = (packet("event_info", time_s=n, event=event, a=1, b=n).octets for n in (1, 2))
    with pytest.raises(ArchiveError, match=r"packets of two boards \(0000000100000001, 0000000100000002\)"):
        Archive(dictionary, packet_file(one, other))


def test_two_instruments_with_the_same_origin_are_refused_by_their_record_numbers(packet_file):
    one = [packet("rates", time_s=n, record=n).octets for n in range(1, 60)]
    other = [packet("rates", time_s=n + 0.5, record=n).octets for n in range(1, 60)]
    with pytest.raises(ArchiveError, match="origin 4711: 59 record numbers have two different packets"):
        Archive(dictionary, packet_file(*one, *other))
    many = [packet("rates", time_s=n, record=n).octets for n in range(1, 200)]
    with Archive(dictionary, packet_file(*many, other[0])) as found:  # one damaged packet whose CRC is right by chance
        assert found.conflicts == 1 and len(found) == 200


def test_a_part_holds_its_packets_back_to_back():
    with Archive(dictionary, memory_file(tm(2) + b"x" + tm(1))) as found:
        (part,) = found.parts()
    assert part.data == tm(1) + tm(2)
    assert part.starts.tolist() == [0, len(tm(1))] and part.ends.tolist() == [len(tm(1)), 2 * len(tm(1))]
