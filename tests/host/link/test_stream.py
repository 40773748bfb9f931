"""Packets cut from a stream: each whole and once, with any data between them."""

from dorn.ground.bridge import telecommand_header
from dorn.link.stream import PacketStream
from hypothesis import given
from hypothesis import strategies as st
from spacepackets.ccsds import SpacePacketHeader
from support.ground import APID, DICTIONARY, telecommand


@given(
    st.lists(st.one_of(st.binary(max_size=40), st.integers(0, 0x3FFF)), max_size=8),
    st.integers(1, 50),
)
def test_packets_are_found_in_a_stream_with_any_data_between_them(pieces, step):
    cut = PacketStream(telecommand_header(DICTIONARY), DICTIONARY.mission["max_packet"])
    stream, wanted = b"", []
    for piece in pieces:
        if isinstance(piece, int):
            wanted.append(telecommand(piece))
            stream += wanted[-1]
        else:
            stream += piece
    stream += telecommand(0) * 60  # completes any packet begun by the last piece
    found = []
    for at in range(0, len(stream), step):
        found += cut.feed(stream[at : at + step])
    assert cut.offset + cut.kept == len(stream)
    found = [packet for packet in found if packet != telecommand(0)]
    assert found == [packet for packet in wanted if packet != telecommand(0)]
    for packet in found:
        assert SpacePacketHeader.unpack(packet).apid == APID
