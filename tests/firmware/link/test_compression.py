"""fsw/link/compression.py against libaec, the CCSDS test vectors, and the host's decoder."""

import numpy as np
import pytest
from dorn.dictionary import coding
from dorn.study import measured
from hypothesis import given
from hypothesis import strategies as st
from support import libaec
from support.coding_vectors import BLOCK, WIDTHS, samples, vector
from support.data import data
from support.micropython import Child
from support.onboard import script

ROOM = 512  # octets, as in a packet
RAW = 256  # uncompressed channels in ROOM
SCRIPT = script("compression")


@pytest.fixture(scope="module")
def child():
    with Child(SCRIPT) as child:
        yield child


def code(child, values: list[int], bits: int = 16, room: int = 4000) -> tuple[int, bytes]:
    """-> (samples coded, octets), limited by `room`"""
    return eval(child.ask(f"code(array('H', {values}), {bits}, {room})"))


@pytest.mark.parametrize("bits", WIDTHS)
def test_ccsds_test_vectors(child, bits):
    values, expected = vector(bits)
    coded, octets = code(child, values, bits)
    assert coded == len(values) and len(octets) == len(expected)
    assert octets == expected or bits > 4  # above 4 bits another option of the same length is allowed
    assert libaec.decode(octets, len(values), bits) == values


@given(st.data())
def test_libaec_decodes_any_samples_and_codes_them_no_shorter(child, any_):
    bits = any_.draw(st.sampled_from(WIDTHS))
    values = any_.draw(samples(bits, most_blocks=64))
    coded, octets = code(child, values, bits, room=4000)
    assert coded == len(values)
    assert libaec.decode(octets, coded, bits) == values == coding.ccsds121(octets, coded, bits)
    assert len(octets) == len(libaec.encode(values, bits))


@given(samples(most_blocks=64), st.integers(40, ROOM))
def test_with_little_room_as_many_blocks_as_fit(child, values, room):
    coded, octets = code(child, values, room=room)
    assert coded % BLOCK == 0 < coded <= len(values) and len(octets) <= room
    assert libaec.decode(octets, coded, 16) == values[:coded]
    if coded < len(values):  # a run of equal blocks is coded completely or not at all
        same = coded
        while same < len(values) and values[same] == values[coded - 1]:
            same += 1
        with_next = coded + max((same - coded) // BLOCK, 1) * BLOCK
        assert len(libaec.encode(values[:with_next], 16)) > room


def test_samples_after_the_end_of_a_range_are_not_read(child):
    values = [5] * 32 + [9] * 32
    found = child.ask(f"(lambda out: encode(array('H', {values}), 16, 16, 16, out) + (out[:3],))(bytearray(42))")
    coded, octets, out = eval(found)
    assert (coded, octets) == (16, 3) and coding.ccsds121(bytes(out), 16) == [5] * 16


@pytest.mark.parametrize(
    "first, count, room", [(0, 15, 42), (0, 0, 42), (0, 1040, 42), (-16, 16, 42), (1025, 1024, 42), (0, 16, 41)]
)
def test_missing_samples_raise_an_error(child, first, count, room):
    assert eval(child.ask(f"refused(array('H', [1] * 2048), {first}, {count}, 16, bytearray({room}))"))
    assert not eval(child.ask("refused(array('H', [1] * 2048), 1024, 1024, 16, bytearray(42))"))


# -- compression of measured spectra -----------------------------------------------------------------------------------


def spectra(name: str, counts: int | None) -> list[list[int]]:
    """The spectra of a set, rebinned to 1024 channels; with `counts`, a random sample of that many counts from each."""
    folder, found = data(name).parent, []
    for file in measured.files(folder, name):
        channels = measured.read(folder, name, file).counts
        channels = np.pad(channels, (0, -len(channels) % 1024)).reshape(1024, -1).sum(axis=1)
        if counts:
            channels = np.random.default_rng(1).multinomial(counts, channels / channels.sum())
        found.append(np.minimum(channels, 65_535).tolist())
    return found


def in_packets(child, channels: list[int]) -> tuple[int, int]:
    """(raw octets, octets in packets) for the blocks from the first channel with counts to the last."""
    filled = np.flatnonzero(channels)
    at, end = filled[0] // BLOCK * BLOCK, filled[-1] // BLOCK * BLOCK + BLOCK
    raw, octets = 2 * int(end - at), 0
    while at < end:
        coded, data = code(child, channels[at:end], room=ROOM)
        if len(data) < 2 * coded:
            assert libaec.decode(data, coded, 16) == channels[at : at + coded]
        else:
            coded, data = min(RAW, end - at), bytes(2 * min(RAW, int(end - at)))
        octets += len(data)
        at += coded
    return raw, octets


@pytest.mark.parametrize("counts", [None, 1000], ids=["whole", "1000_counts"])
@pytest.mark.parametrize("name", measured.SETS)
def test_measured_spectra_become_shorter(child, name, counts):
    sizes = [in_packets(child, channels) for channels in spectra(name, counts)]
    raw, octets = map(sum, zip(*sizes, strict=True))
    print(f"\n{name}, {len(sizes)} files, {counts or 'all'} counts each: {raw} octets raw, {octets} coded,"
          f" {raw / octets:.1f} times fewer")  # fmt: skip
    assert all(octets < raw for raw, octets in sizes)
