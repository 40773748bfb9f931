"""dorn.dictionary: packets and telecommands, against spacepackets and crcmod."""

import crcmod.predefined
import pytest
from dorn.dictionary import Dictionary, DictionaryError, PacketError
from hypothesis import given
from hypothesis import strategies as st
from spacepackets.ecss.tc import PusTc
from support.packets import fields_of, source_data, tm

dictionary = Dictionary.load()
oracle_crc = crcmod.predefined.mkPredefinedCrcFun("crc-ccitt-false")


EVENT = bytes([0, 0, 0, 77, 190, 239, 16, 0, 0, 1, 0, 0, 0, 0, 9])


def test_packets_built_by_spacepackets_decode():
    packet = dictionary.decode(tm(5, 2, EVENT))
    assert (packet.name, packet.service, packet.subtype, packet.apid) == ("event_low", 5, 2, 100)
    assert (packet.sequence, packet.message_count, packet.time_s) == (3, 7, 1.5)
    assert packet.fields == {"record": 77, "origin": 0xBEEF, "event": 16, "a": 256, "b": 9}
    assert (packet.text("event"), packet.text("a")) == ("ring_overrun", "256")


@given(st.data())
def test_every_layout_decodes(data):
    layout = data.draw(st.sampled_from(list(dictionary.telemetry.values())))
    expected = data.draw(fields_of(layout))
    octets = source_data(layout, expected)
    assert dictionary.decode(tm(layout.service, layout.subtype, octets)).fields == expected
    cut = data.draw(st.integers(0, len(octets)))
    for wrong in (octets[:cut], octets + b"\0"):
        if wrong != octets:
            with pytest.raises(PacketError):
                dictionary.decode(tm(layout.service, layout.subtype, wrong))


GOOD = tm(5, 2, EVENT)


@pytest.mark.parametrize(
    "packet, message",
    [
        (b"", "length 0"),
        (GOOD[:-1], "length field 29 means 36 octets, the packet has 35"),
        (GOOD[:-1] + bytes([GOOD[-1] ^ 1]), "bad CRC"),
        (tm(5, 2, EVENT, apid=101), "APID 101, expected 100"),
        (tm(5, 9, EVENT), r"unknown service and subtype \(5, 9\)"),
        (tm(5, 2, EVENT + b"\0"), "event_low: 16 octets of data, 15 expected"),
        (tm(5, 2, EVENT[:-1]), "event_low: 14 octets of data, 15 expected"),
        (dictionary.encode("set_parameter", 1, parameter=1, value=60) + b"", "length 19"),
        (bytes(PusTc(service=5, message_subtype=2, apid=100, app_data=bytes(30)).pack()), "header 1864c000"),
    ],
)
def test_invalid_packets_are_rejected_with_a_one_line_reason(packet, message):
    with pytest.raises(PacketError, match=message) as caught:
        dictionary.decode(packet)
    assert "\n" not in str(caught.value)


@pytest.mark.parametrize("at, value", [(0, 0x28), (0, 0x00), (2, 0x40), (6, 0x10)])
def test_foreign_headers_are_rejected(at, value):
    packet = bytearray(GOOD[:-2])
    packet[at] = value  # packet version, secondary header, sequence flags, PUS version
    with pytest.raises(PacketError, match=r"header|PUS version 1, expected 2"):
        dictionary.decode(packet + oracle_crc(packet).to_bytes(2, "big"))


@given(st.binary(max_size=200), st.binary(max_size=100))
def test_noise_is_rejected(noise, data):
    for packet in (noise, tm(128, 1, data), tm(130, 1, data)):
        with pytest.raises(PacketError):
            dictionary.decode(packet)


@given(st.integers(0, 2**14 - 1), st.integers(0, 15), st.integers(0, 2**16 - 1), st.integers(0, 2**32 - 1))
def test_spacepackets_reads_telecommands(sequence, ack, number, value):
    fields = {"parameter": number, "value": value}
    packet = dictionary.encode("set_parameter", sequence, ack=ack, check=False, **fields)
    tc = PusTc.unpack(packet)  # checks the CRC
    assert (tc.apid, tc.seq_count, tc.service, tc.message_subtype) == (100, sequence, 20, 3)
    assert (tc.pus_tc_sec_header.ack_flags, tc.source_id) == (ack, dictionary.mission["source_id"])
    assert tc.app_data == number.to_bytes(2, "big") + value.to_bytes(4, "big")


def test_names_are_encoded_as_numbers():
    by_name = dictionary.encode("set_parameter", 0, parameter="threshold_3", value=200)
    assert by_name == dictionary.encode("set_parameter", 0, parameter=19, value=200)
    assert PusTc.unpack(dictionary.encode("function", 0, function="stop")).app_data == b"\2"


@pytest.mark.parametrize(
    "command, fields, message",
    [
        ("jump", {}, "unknown command 'jump'"),
        ("ping", {"x": 1}, "ping: unknown field 'x'; fields: none"),
        ("function", {}, "function: no value for field 'function'"),
        ("function", {"function": "halt"}, "function 'halt' is not known; known: start, stop, clear"),
        ("function", {"function": 256}, "function 256 is not an integer from 0 to 255"),
        ("function", {"function": 1.0}, "function 1.0 is not an integer"),
        ("function", {"function": True}, "function True is not an integer"),
        ("set_parameter", {"parameter": 1, "value": -1}, "value -1 is not an integer from 0 to 4294967295"),
        ("set_parameter", {"parameter": "threshold_16", "value": 1}, "parameter 'threshold_16' is not known"),
        ("set_parameter", {"parameter": 4095, "value": 1}, "unknown parameter 4095"),
        (
            "set_parameter",
            {"parameter": "threshold_0", "value": 4096},
            "threshold_0 4096 is not from 0 to 4095",
        ),
        ("set_collection_interval", {"structure": "health", "interval": 3601}, "interval 3601 is not from 1 to 3600 s"),
        ("ping", {"sequence": 16384}, "sequence 16384 is not an integer from 0 to 16383"),
        ("ping", {"ack": 16}, "ack 16 is not an integer from 0 to 15"),
    ],
)
def test_invalid_telecommands_are_rejected_with_field_and_value(command, fields, message):
    with pytest.raises(PacketError, match=message):
        dictionary.encode(command, **({"sequence": 0} | fields))


def test_unchecked_values_are_encoded_as_given():
    packet = dictionary.encode("set_parameter", 0, check=False, parameter="threshold_0", value=4096)
    assert PusTc.unpack(packet).app_data == b"\0\x10\0\0\x10\0"


def test_hash_of_a_packet_is_checked():
    content = bytes(6) + b"\1" + dictionary.hash.to_bytes(4, "big")
    assert dictionary.check_hash(tm(3, 25, content + bytes(64))) is True
    assert dictionary.check_hash(GOOD) is False
    # lengths differ too; the second, from before 0.4, has no origin
    for other in (bytes(6) + b"\1\0\0\0\7", bytes(4) + b"\1\0\0\0\7" + b"\2" * 60):
        with pytest.raises(DictionaryError, match=f"made with dictionary 00000007, this one is {dictionary.hash:08x}"):
            dictionary.check_hash(tm(3, 25, other))
