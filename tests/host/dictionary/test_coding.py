"""Compressed telemetry arrays: host/dorn/dictionary/coding.py against libaec and the CCSDS test vectors."""

import struct

import pytest
from dorn.dictionary import Dictionary, PacketError, coding
from hypothesis import given
from hypothesis import strategies as st
from support import libaec
from support.coding_vectors import WIDTHS, samples, vector
from support.packets import source_data, tm

dictionary = Dictionary.load()
SPECTRUM = dictionary.telemetry["spectrum"]


@pytest.mark.parametrize("bits", WIDTHS)
def test_ccsds_vectors_decode(bits):
    values, coded = vector(bits)
    assert coding.ccsds121(coded, len(values), bits) == values


@given(st.data())
def test_output_of_libaec_decodes(draws):
    bits = draws.draw(st.sampled_from(WIDTHS))
    values = draws.draw(samples(bits, most_blocks=64))
    assert coding.ccsds121(libaec.encode(values, bits), len(values), bits) == values


@given(st.binary(max_size=300), st.integers(0, 70))
def test_noise_is_rejected_or_decodes_to_values_in_range(noise, blocks):
    for count in (16 * blocks, blocks):
        try:
            values = coding.ccsds121(noise, count)
        except ValueError:
            continue
        assert len(values) == count and all(0 <= value < 2**16 for value in values)


@given(samples(), st.data())
def test_truncated_or_extended_data_is_rejected(values, draws):
    coded = libaec.encode(values, 16)
    for wrong in (coded[: draws.draw(st.integers(0, len(coded) - 1))], coded + b"\0", coded + b"\x80"):
        with pytest.raises(ValueError):
            coding.ccsds121(wrong, len(values))


def packet(**fields) -> bytes:
    return tm(128, 1, source_data(SPECTRUM, {field.name: 0 for field in SPECTRUM.scalars} | fields))


@given(samples(most_blocks=8))
def test_raw_and_coded_packets_decode_to_the_same_counts(counts):
    raw = struct.pack(f">{len(counts)}H", *counts)
    for number, data in ((0, raw), (1, libaec.encode(counts, 16))):
        fields = {"count": len(counts), "coding": number, "octets": len(data), "data": list(data)}
        found = dictionary.decode(packet(**fields)).fields
        assert found["counts"] == counts and found["data"] == list(data)


@pytest.mark.parametrize(
    "count, number, data, message",
    [
        (2, 0, [1, 2, 3], "spectrum: counts: 2 values of 16 bits do not fill 3 octets"),
        (2, 2, [1, 2, 3, 4], "spectrum: unknown coding 2"),
        (15, 1, [0], "spectrum: counts: 15 values: not a positive multiple of 16"),
        (0, 1, [], "spectrum: counts: 0 values: not a positive multiple of 16"),
        (16, 1, [0], "spectrum: counts: coded values extend beyond their 1 octets"),
        (16, 1, [0, 0, 0b100, 0, 0], "spectrum: counts: 18 bits are left after the coded values"),
        (16, 1, [0, 0, 0b10, 0, 0], "spectrum: counts: 2 blocks of zeros, 1 left"),
        (16, 1, [0x10, 0, 0, 0, 0], "spectrum: counts: coded values extend"),
    ],
)
def test_invalid_coded_data_is_rejected_with_the_reason(count, number, data, message):
    with pytest.raises(PacketError, match=message):
        dictionary.decode(packet(count=count, coding=number, octets=len(data), data=data))


def test_a_prediction_error_out_of_range_is_rejected():
    # option 14 (split with 13 low bits), reference 0, then unary 8: 8 << 13 exceeds 16 bits
    bits = "1110" + "0" * 16 + "000000001" + "1" * 14 + "0" * 13 * 15
    octets = int(bits.ljust(-len(bits) // 8 * -8, "0"), 2).to_bytes(-(-len(bits) // 8), "big")
    with pytest.raises(ValueError, match="prediction error 65536 is more than 65535"):
        coding.ccsds121(octets, 16)
