"""Packets as columns: the same packets are accepted, with the same fields, as by the decoder of single packets."""

import numpy as np
import pytest
from dorn.dictionary import Dictionary, PacketError
from dorn.dictionary.columns import Columns
from hypothesis import given
from hypothesis import strategies as st
from support import every_packet
from support.packets import fields_of, source_data, tm

DICTIONARY = Dictionary.load()
LAYOUTS = DICTIONARY.telemetry.values()


def check(layout, packets: list[bytes]) -> int:
    """Compare both decoders. Returns how many packets they accept."""
    ends = np.cumsum([len(packet) for packet in packets])
    starts = ends - [len(packet) for packet in packets]
    octets = np.frombuffer(b"".join(packets), np.uint8)
    rows, fits = Columns(layout).of(octets, starts, ends)
    expected = []
    for packet, accepted in zip(packets, fits.tolist(), strict=True):
        try:
            expected.append(DICTIONARY.decode(packet).fields)
        except PacketError:
            assert not accepted
            continue
        assert accepted
    assert len(rows) == len(expected)
    for name in rows.dtype.names or ():
        assert rows[name].tolist() == [fields[name] for fields in expected]
    return len(rows)


@pytest.mark.parametrize("layout", LAYOUTS, ids=lambda layout: layout.name)
@given(st.data())
def test_fields_of_every_layout(layout, draws):
    found = draws.draw(st.lists(fields_of(layout, DICTIONARY.enums), min_size=1, max_size=4))
    packets = [tm(layout.service, layout.subtype, source_data(layout, fields)) for fields in found]
    assert check(layout, packets) == len(packets)


@pytest.mark.parametrize("layout", LAYOUTS, ids=lambda layout: layout.name)
def test_packets_of_any_other_length_are_left_out(layout):
    # all zeros, so arrays of variable length are empty; coded arrays need their octets
    scalars = {field.name: 0 for field in layout.scalars}
    arrays = {field.name: [0] * (field.length if isinstance(field.length, int) else 0) for field in layout.arrays}
    octets = source_data(layout, scalars | arrays)
    lengths = [len(octets), *range(len(octets)), *range(len(octets) + 1, len(octets) + 9)]
    packets = [tm(layout.service, layout.subtype, (octets + bytes(9))[:n]) for n in lengths]
    assert check(layout, packets) == 1


def test_every_packet_of_a_recorded_run(tmp_path):
    path = tmp_path / "telemetry.ccsds"
    every_packet.record(path)
    packets = every_packet.split(path, DICTIONARY)
    for layout in LAYOUTS:
        of_layout = [packet for packet in packets if packet[7] << 8 | packet[8] == layout.kind]
        assert check(layout, of_layout) == len(of_layout) > 0
