"""fsw/link/packet.py against spacepackets and crcmod; test_exports.py compares with other ground systems."""

import zlib

import crcmod.predefined
import pytest
from cobs import cobs
from dorn.dictionary import Dictionary
from hypothesis import given
from hypothesis import strategies as st
from spacepackets.ecss.tc import PusTc
from spacepackets.ecss.tm import PusTm
from support.data import vectors
from support.micropython import Child, run
from support.onboard import script

BENCH = script("packet_bench")
ORIGIN = 0xBEEF  # in packet_bench.py

SCRIPT = BENCH + script("packet")

dictionary = Dictionary.load()
oracle_crc = crcmod.predefined.mkPredefinedCrcFun("crc-ccitt-false")


def numbers(bits):
    return st.integers(0, 2**bits - 1)


@pytest.fixture(scope="module")
def child():
    with Child(SCRIPT) as child:
        yield child


def ask(child, call: str):
    return eval(child.ask(call))


def packet_of(frame: str) -> bytes:
    """Undo the framing with the oracles."""
    begin, stuffed, end = bytes.fromhex(frame)[:1], bytes.fromhex(frame)[1:-1], bytes.fromhex(frame)[-1:]
    content = cobs.decode(stuffed)
    assert begin == end == b"\0" and zlib.crc32(content[:-4]).to_bytes(4, "big") == content[-4:]
    return content[:-4]


@given(st.binary(max_size=700))
def test_crc16(child, data):
    assert ask(child, f"crc({data!r})") == oracle_crc(data)


def test_crc16_published(child):
    for vector in vectors("crc_vectors.json")["crc16_ccitt_false"]:
        assert ask(child, f"crc({bytes.fromhex(vector['data'])!r})") == int(vector["crc"], 16)


@given(st.integers(0, 2**32 * 10**6 - 1), numbers(8), numbers(32), numbers(32))
def test_telemetry_is_pus_c(child, us, event, a, b):
    packet = packet_of(ask(child, f"send('EVENT_LOW', {us}, {event}, {a}, {b})"))
    tm = PusTm.unpack(packet, timestamp_len=6)  # checks length and CRC
    assert (tm.apid, tm.service, tm.message_subtype) == (dictionary.mission["apid"], 5, 2)
    assert tm.pus_tm_sec_header.dest_id == dictionary.mission["destination_id"]
    assert tm.sp_header.seq_flags == 3 and tm.sp_header.sec_header_flag
    assert tm.source_data == bytes(4) + ORIGIN.to_bytes(2, "big") + bytes([event]) + a.to_bytes(4, "big") + b.to_bytes(
        4, "big"
    )
    seconds, fraction = int.from_bytes(tm.timestamp[:4], "big"), int.from_bytes(tm.timestamp[4:], "big")
    assert seconds == us // 10**6
    assert fraction == us % 10**6 * 2**16 // 10**6
    decoded = dictionary.decode(packet)
    assert decoded.fields == {"record": 0, "origin": ORIGIN, "event": event, "a": a, "b": b}
    assert us - 16 < decoded.time_s * 1e6 <= us  # 2^-16 s is 15.3 us


@given(st.integers(0, 1023), st.lists(numbers(16), max_size=200))
def test_spectrum_channels(child, first, counts):
    packet = dictionary.decode(packet_of(ask(child, f"spectrum({first}, {counts})")))
    assert packet.fields["counts"] == counts
    assert (packet.fields["first"], packet.fields["total"]) == (first, sum(counts))


@given(
    st.tuples(*[numbers(64)] * 3, *[numbers(32)] * 8),
    st.lists(st.lists(numbers(32), min_size=16, max_size=16), min_size=4, max_size=4),
)
def test_rates_arrays(child, scalars, arrays):
    packet = dictionary.decode(packet_of(ask(child, f"rates({scalars}, {arrays})")))
    assert list(packet.fields.values()) == [0, ORIGIN, *scalars, *arrays]


def test_packets_with_a_priority_are_offered_to_the_store_and_sent():
    text = BENCH + script("packet_priority")
    output = [line.split() for line in run(text).splitlines()]
    assert [line[0] for line in output] == ["asked", "kept", "sent", "asked", "sent"]
    assert (output[0][1], output[3][1]) == ("1", "2")
    assert output[1][1] == output[2][1]  # the stored frame equals the sent one
    assert dictionary.decode(packet_of(output[2][1])).fields["record"] == 2**32 - 1
    assert packet_of(output[4][1])[19:23] == bytes(4)


@given(numbers(14), numbers(4), numbers(16), numbers(8), numbers(8), st.binary(max_size=40))
def test_telecommands_from_another_ground_system_are_read(child, count, ack, source, service, subtype, data):
    tc = PusTc(
        service=service,
        message_subtype=subtype,
        apid=dictionary.mission["apid"],
        seq_count=count,
        ack_flags=ack,
        source_id=source,
        app_data=data,
    )
    assert ask(child, f"tc({bytes(tc.pack())!r})") == (service, subtype, ack, data.hex())


@given(st.binary(max_size=60))
def test_noise_gives_no_telecommand(child, noise):
    code, _ = ask(child, f"tc({noise!r})")  # a failure code: neither an exception nor a telecommand
    assert code in dictionary.enums["failure"].values()


@given(st.data())
def test_any_single_damaged_octet_is_detected(child, data):
    packet = bytearray(dictionary.encode("set_parameter", 5, parameter="rates_period", value=7))
    at = data.draw(st.integers(0, len(packet) - 1))
    packet[at] ^= data.draw(st.integers(1, 255))
    failure = dictionary.enums["failure"]
    expected = failure["bad_length"] if at in (4, 5) else failure["bad_crc"]
    assert ask(child, f"tc({bytes(packet)!r})")[0] == expected


@pytest.mark.parametrize(
    "at, value", [(0, 0x38), (0, 0x08), (0, 0x10), (1, 0x65), (2, 0x40), (6, 0x19)]
)  # version, type, secondary header, APID, sequence flags, PUS version
def test_foreign_headers_are_rejected(child, at, value):
    packet = bytearray(dictionary.encode("ping", 1)[:-2])
    packet[at] = value
    packet += oracle_crc(packet).to_bytes(2, "big")
    assert ask(child, f"tc({bytes(packet)!r})")[0] == dictionary.enums["failure"]["bad_header"]


def test_counters_continue_and_wrap_and_a_refused_packet_leaves_a_gap():
    text = BENCH + script("packet_counts")
    lines = run(text).split()
    packets = [dictionary.decode(packet_of(line)) for line in lines if len(line) > 9]
    # the third packet was not accepted: the link still holds the second, and its count is missing
    assert [packet.sequence for packet in packets[:8]] == [0, 1, 1, 3, 4, 5, 16383, 0]
    assert [packet.message_count for packet in packets[:6]] == [0, 0, 0, 2, 1, 3]
    assert [packet.message_count for packet in packets[8:]] == [65535, 0]
    assert lines[8] == "1"


def test_data_that_does_not_fit_raises_an_error_without_side_effects(child):
    longest = (dictionary.mission["max_packet"] - 19 - 48 - 2) // 2  # channels in one packet
    counts = list(range(longest))
    packet = packet_of(ask(child, f"spectrum(0, {counts})"))
    assert dictionary.mission["max_packet"] - 2 < len(packet) <= dictionary.mission["max_packet"]
    script = (
        BENCH
        + f"""
counts = array("H", range({longest + 1}))
telemetry.begin(icd.SPECTRUM, 3, 0, 0, 7, 1, 2, 3, 0, 0, 0, 0, 0)
for first, count in ((0, {longest + 1}), (1, {longest + 1}), (-1, 2), (0, -1)):
    try:
        telemetry.halves(counts, first, count)
        print("taken", first, count)
    except ValueError as error:
        pass
telemetry.end()
print(link.sent.hex())
"""
    )
    assert dictionary.decode(packet_of(run(script).strip())).fields["counts"] == []


def test_heap_does_not_grow():
    text = BENCH + script("packet_heap")
    grown, bad = map(int, run(text).split())
    assert grown < 100  # octets; the collector is conservative, but one leaked block per packet would be 32 000
    assert bad == 0


def test_a_packet_that_cannot_be_packed_leaves_no_trace():
    """The next packet, which has no priority, is not stored in its place, and no record number is used."""
    text = BENCH + script("packet_unpacked")
    assert run(text).split() == ["0", "0", "1", "1"]


def test_a_packet_with_a_field_too_few_or_too_many_is_not_sent():
    """MicroPython's pack_into itself would pad with zeros and ignore surplus values."""
    text = BENCH + script("packet_fields")
    assert run(text).split() == ["refused", "refused", "True", "1"]
