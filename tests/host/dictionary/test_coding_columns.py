"""CCSDS 121.0-B, many packets at once: the same packets are valid as for the decoder of single packets, with the same
samples."""

import random

import numpy as np
from dorn.dictionary import coding, coding_columns
from hypothesis import given
from hypothesis import strategies as st
from support import libaec
from support.coding_vectors import BLOCK, samples, vector


def check(streams: list[tuple[bytes, int]]) -> int:
    """Decode (octets, number of samples) both ways. Returns how many are valid."""
    data = b"\xff" + b"".join(octets for octets, _ in streams)
    octets = np.array([len(octets) for octets, _ in streams], np.int64)
    counts = np.array([count for _, count in streams], np.int64)
    places = np.cumsum(counts) - counts
    out = np.zeros(counts.sum() + BLOCK, np.uint16)
    valid = coding_columns.decode(data, 1 + np.cumsum(octets) - octets, octets, counts, out, places)
    for (stream, count), place, accepted in zip(streams, places.tolist(), valid.tolist(), strict=True):
        try:
            expected = coding.ccsds121(stream, count)
        except ValueError as error:
            assert not accepted, f"{stream.hex()}: {error}"
            continue
        assert accepted, stream.hex()
        assert out[place : place + count].tolist() == expected
    return int(valid.sum())


@given(st.lists(samples(), min_size=1, max_size=5))
def test_output_of_libaec_decodes(many):
    assert check([(libaec.encode(values, 16), len(values)) for values in many]) == len(many)


def test_the_ccsds_vector_decodes():
    values, coded = vector(16)
    assert check([(coded, len(values))]) == 1


def test_12_000_valid_damaged_and_random_streams_decode_as_one_by_one():
    rng = random.Random(1)
    streams = []
    while len(streams) < 12_000:
        blocks = rng.randint(1, 40)
        high = rng.choice((0, 1, 2, 5, 20, 300, 5000, 65535))
        values = [
            rng.randint(0, high) if rng.random() < 0.9 else rng.choice((0, 65535, high)) for _ in range(BLOCK * blocks)
        ]
        for at in range(0, len(values), 64):
            if rng.random() < 0.4:
                values[at : at + 64] = [values[at]] * len(values[at : at + 64])
        coded = bytearray(libaec.encode(values, 16))
        kind = rng.randrange(6)
        if kind == 1:
            del coded[rng.randrange(len(coded)) :]
        elif kind == 2:
            coded[rng.randrange(len(coded))] ^= 1 << rng.randrange(8)
        elif kind == 3:
            coded += bytes([rng.choice((0, 0x80, 1))])
        elif kind == 4:
            coded = bytearray(rng.randbytes(rng.randint(0, 80)))
        streams.append((bytes(coded), len(values) if kind < 5 else rng.choice((0, 8, BLOCK, len(values) + BLOCK))))
    assert 3000 < check(streams) < 10_000


def test_a_second_extension_number_of_any_size_decodes_as_alone():
    reference = "0000" + "1" + "0" * 16
    for zeros in (1, 2, 4095, 4096, 4097, 60_000):
        text = reference + "0" * zeros + "1" * 8
        octets = int(text.ljust(-(-len(text) // 8) * 8, "0"), 2).to_bytes(-(-len(text) // 8), "big")
        check([(octets, BLOCK)])
