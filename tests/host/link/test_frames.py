"""dorn.link.frames: the host's framing, on damaged streams and published vectors."""

import zlib

from cobs import cobs
from dorn.link.frames import Deframer, encode
from hypothesis import given
from hypothesis import strategies as st
from support.data import vectors

packets = st.binary(min_size=1, max_size=700)


def deframe(*pieces: bytes, **options) -> tuple[list[bytes], int, int]:
    deframer = Deframer(**options)
    found = [packet for piece in pieces for packet in deframer.feed(piece)]
    return found, deframer.good, deframer.crc_errors


def test_frame_of_known_octets():
    # 123456789 with its published CRC-32 CBF43926: contains no zero, so one COBS block
    assert encode(b"123456789") == b"\0\x0e123456789\xcb\xf4\x39\x26\0"


@given(st.lists(packets, max_size=5), st.data())
def test_packets_are_recovered_from_any_pieces(sent, data):
    stream = b"\0".join(encode(packet) for packet in sent)  # with idle zero bytes between
    cuts = sorted(data.draw(st.lists(st.integers(0, len(stream)), max_size=6)))
    pieces = [stream[a:b] for a, b in zip([0, *cuts], [*cuts, len(stream)], strict=True)]
    assert deframe(*pieces) == (sent, len(sent), 0)


@given(packets, packets, packets, st.data())
def test_a_damaged_octet_costs_one_frame(first, hit, last, data):
    frame = bytearray(encode(hit))
    at = data.draw(st.integers(0, len(frame) - 2))
    frame[at] = data.draw(st.integers(1, 255).filter(lambda value: value != frame[at]))
    assert deframe(encode(first) + frame + encode(last)) == ([first, last], 2, 1)


@given(packets, packets, packets, st.data())
def test_a_truncated_frame_costs_only_itself(first, cut, last, data):
    frame = encode(cut)[: data.draw(st.integers(2, len(encode(cut)) - 2))]
    assert deframe(encode(first), frame, encode(last)) == ([first, last], 2, 1)


@given(st.binary(max_size=1000), packets)
def test_noise_is_discarded_and_the_next_packet_received(noise, packet):
    assert deframe(noise, encode(packet))[0] == [packet]


def test_too_long_and_empty_frames_are_counted():
    packet = bytes(100)
    limit = {"max_frame": len(encode(packet)) - 2}
    assert deframe(encode(packet), **limit) == ([packet], 1, 0)
    assert deframe(encode(packet + b"\0"), encode(packet), **limit) == ([packet], 1, 1)
    assert deframe(*[b"\1" * 100] * 50, encode(packet), **limit) == ([packet], 1, 1)
    assert deframe(encode(packet)[:-1] + b"\1\0", **limit) == ([], 0, 1)  # a valid frame and one more octet
    assert deframe(b"\1\0") == ([], 0, 1)
    assert deframe(cobs.encode(zlib.crc32(b"").to_bytes(4, "big")) + b"\0") == ([], 0, 1)


def test_published_invalid_frames_are_rejected():
    for text in vectors("cobs_must_reject.json"):
        assert deframe(bytes.fromhex(text) + b"\0")[0] == []
