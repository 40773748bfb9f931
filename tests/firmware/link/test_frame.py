"""fsw/link/frame.py against the PyPI package `cobs` and zlib."""

import zlib

import pytest
from cobs import cobs
from hypothesis import example, given
from hypothesis import strategies as st
from support.data import vectors
from support.micropython import Child
from support.onboard import script

CAPACITY = 600

SCRIPT = script("frame")


@pytest.fixture(scope="module")
def child():
    with Child(SCRIPT) as child:
        yield child


def framed(packet: bytes) -> bytes:
    return b"\0" + cobs.encode(packet + zlib.crc32(packet).to_bytes(4, "big")) + b"\0"


def deframe(child, *pieces: bytes) -> tuple[list[bytes], int]:
    """-> (packets, number of bad frames)"""
    packets, bad = child.ask(" ".join(["deframe", *(piece.hex() for piece in pieces)])).split("|")
    return [bytes.fromhex(packet) for packet in packets.split()], int(bad)


# COBS blocks encode runs without zeros; lengths around 254 are critical
blocks = st.lists(st.one_of(st.binary(max_size=40), st.integers(0, 520).map(lambda n: b"\x55" * n)), max_size=4).map(
    b"".join
)
packets = blocks.filter(lambda data: 0 < len(data) <= CAPACITY)


@given(blocks.filter(lambda data: len(data) < 1500))
@example(b"")
@example(b"\x01" * 254)
@example(b"\x01" * 255)
@example(b"\x01" * 254 + b"\0")
def test_stuffing_is_cobs(child, data):
    assert child.ask(f"stuff {data.hex()}") == "00" + cobs.encode(data).hex() + "00"


# noise, and valid COBS data with up to three octets missing at the end
damaged = st.tuples(blocks, st.integers(0, 3)).map(lambda cut: cobs.encode(cut[0])[: -cut[1] or None])


@given(st.one_of(st.binary(max_size=300).map(lambda data: data.replace(b"\0", b"\1")), damaged))
def test_unstuffing_is_cobs(child, data):
    try:
        expected = cobs.decode(data).hex()
    except cobs.DecodeError:
        expected = "bad"
    assert child.ask(f"unstuff {data.hex()}") == expected


def test_published_vectors(child):
    for vector in vectors("cobs_vectors.json"):
        assert child.ask(f"stuff {vector['decoded']}") == "00" + vector["encoded"] + "00"
        assert child.ask(f"unstuff {vector['encoded']}") == vector["decoded"]


def test_published_rejects(child):
    for text in vectors("cobs_must_reject.json"):
        assert deframe(child, bytes.fromhex(text) + b"\0")[0] == []


@given(packets)
def test_frame_is_cobs_of_packet_and_crc(child, packet):
    assert child.ask(f"frame {packet.hex()}") == framed(packet).hex()


@given(st.lists(packets, max_size=5), st.data())
def test_packets_are_decoded_from_any_pieces(child, sent, data):
    stream = b"\0".join(framed(packet) for packet in sent)  # with idle zero bytes between
    cuts = sorted(data.draw(st.lists(st.integers(0, len(stream)), max_size=6)))
    pieces = [stream[a:b] for a, b in zip([0, *cuts], [*cuts, len(stream)], strict=True)]
    assert deframe(child, *pieces) == (sent, 0)


@given(packets, packets, packets, st.data())
def test_damage_loses_one_frame(child, first, hit, last, data):
    frame = bytearray(framed(hit))
    at = data.draw(st.integers(0, len(frame) - 2))
    frame[at] = data.draw(st.integers(1, 255).filter(lambda value: value != frame[at]))
    assert deframe(child, framed(first) + frame + framed(last)) == ([first, last], 1)


@given(st.binary(max_size=900))
def test_noise_gives_no_packet_and_leaves_no_effect(child, noise):
    packet = b"packet"
    found, _ = deframe(child, noise, b"\0" + framed(packet))
    assert found == [packet]


def test_bad_frames_are_counted(child):
    longest, too_long = bytes(CAPACITY), bytes(CAPACITY + 1)
    assert deframe(child, framed(longest)) == ([longest], 0)
    assert deframe(child, framed(b"\1" * CAPACITY)) == ([b"\1" * CAPACITY], 0)
    assert deframe(child, framed(b"\1" * 2000) + framed(longest)) == ([longest], 1)
    assert deframe(child, *[b"\1" * 500] * 20, b"\0" + framed(longest)) == ([longest], 1)
    assert deframe(child, framed(b"")) == ([], 1)  # a CRC without a packet
    assert deframe(child, b"\1\0") == ([], 1)  # empty
    assert deframe(child, b"\0\0\0") == ([], 0)
    assert deframe(child, framed(longest)[:-1]) == ([], 0)  # not yet complete
    assert deframe(child, framed(too_long)) == ([], 1)
    assert deframe(child, framed(b"\1" * CAPACITY)[:-1] + b"\1\0") == ([], 1)  # one octet longer than the longest
