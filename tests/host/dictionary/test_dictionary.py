"""dorn.dictionary: validation of icd.toml, its hash, and packets against spacepackets and crcmod."""

import copy
import re
import subprocess
import sys
import tomllib

import crcmod.predefined
import pytest
from dorn.dictionary import Dictionary, DictionaryError, PacketError
from dorn.exports import generate, manual
from dorn.exports.__main__ import main as exports_command
from dorn.operator.procedure import PROCEDURES
from dorn.util.paths import onboard_root
from hypothesis import given
from hypothesis import strategies as st
from spacepackets.ecss.tc import PusTc
from support.packets import fields_of, source_data, tm

dictionary = Dictionary.load()
oracle_crc = crcmod.predefined.mkPredefinedCrcFun("crc-ccitt-false")


def tables() -> dict:
    return tomllib.loads((onboard_root() / "firmware" / "icd.toml").read_text())


EVENT = bytes([0, 0, 0, 77, 16, 0, 0, 1, 0, 0, 0, 0, 9])
RECORD = {"name": "record", "type": "u32"}


def test_packets_built_by_spacepackets_decode():
    packet = dictionary.decode(tm(5, 2, EVENT))
    assert (packet.name, packet.service, packet.subtype, packet.apid) == ("event_low", 5, 2, 100)
    assert (packet.sequence, packet.message_count, packet.time_s) == (3, 7, 1.5)
    assert packet.fields == {"record": 77, "event": 16, "a": 256, "b": 9}
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
        (GOOD[:-1], "length field 27 means 34 octets, the packet has 33"),
        (GOOD[:-1] + bytes([GOOD[-1] ^ 1]), "bad CRC"),
        (tm(5, 2, EVENT, apid=101), "APID 101, expected 100"),
        (tm(5, 9, EVENT), r"unknown service and subtype \(5, 9\)"),
        (tm(5, 2, EVENT + b"\0"), "event_low: 14 octets of data, 13 expected"),
        (tm(5, 2, EVENT[:-1]), "event_low: 12 octets of data, 13 expected"),
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


def test_hash_depends_on_the_meaning_not_on_the_wording():
    other = tables()
    named(other, "telemetry", "housekeeping")["about"] = "other words"
    named(other, "parameter", "integration_time")["effect"] = "other words"
    other["about"]["mode"]["safe"] = "other words"
    del named(other, "command", "function")["refused"]
    for table in other["telemetry"]:
        for field in table["fields"]:
            field.pop("limits", None)
    assert Dictionary(other).hash == dictionary.hash
    named(other, "parameter", "integration_time")["default"] = 61
    assert Dictionary(other).hash != dictionary.hash


def named(tables: dict, kind: str, name: str) -> dict:
    return next(table for table in tables[kind] if table["name"] == name)


def entry(kind: str, name: str) -> tuple[str, int]:
    return kind, [table["name"] for table in tables()[kind]].index(name)


@pytest.mark.parametrize(
    "place, change, message",
    [
        (
            entry("telemetry", "pong"),
            {"subtype": 256},
            "telemetry pong: subtype 256 is not an integer from 1",
        ),
        (entry("telemetry", "pong"), {"subtype": 2.0}, "telemetry pong: subtype 2.0"),
        (entry("telemetry", "pong"), {"service": 5}, r"\(5, 2\) appears twice"),
        (entry("telemetry", "pong"), {"name": "rates"}, "rates appears twice"),
        (entry("telemetry", "pong"), {"name": "Pong!"}, "name 'Pong!'"),
        (entry("telemetry", "pong"), {"colour": "red"}, "telemetry pong: unknown key 'colour'"),
        (entry("telemetry", "pong"), {"fields": [{"name": "x"}]}, "field x: no type"),
        (entry("telemetry", "pong"), {"fields": [{"name": "x", "type": "u17"}]}, "unknown type 'u17'"),
        (
            entry("telemetry", "pong"),
            {"fields": [{"name": "x", "type": "u8", "enum": "y"}]},
            "unknown enum 'y'",
        ),
        (entry("telemetry", "pong"), {"fields": [{"name": "x", "type": "u8[n]"}]}, "no preceding scalar field 'n'"),
        (entry("telemetry", "pong"), {"fields": [{"name": "x", "type": "u8[0]"}]}, "length 0"),
        (entry("telemetry", "pong"), {"fields": [{"name": "x", "type": "u8"}] * 2}, "x appears twice"),
        (
            entry("telemetry", "pong"),
            {"fields": [{"name": "x", "type": "u8[2]"}, {"name": "y", "type": "u8"}]},
            "field y: a scalar after an array",
        ),
        (
            entry("telemetry", "pong"),
            {"fields": [{"name": "x", "type": "u64[80]"}]},
            "telemetry pong: 661 octets exceed max_packet",
        ),
        (entry("telemetry", "housekeeping"), {"name": "health"}, "no housekeeping"),
        (
            entry("telemetry", "housekeeping"),
            {"fields": [RECORD]},
            r"housekeeping: begins with \[\('record', 'u32'\)\],",
        ),
        (
            entry("telemetry", "housekeeping"),
            {"fields": []},
            "housekeeping: store_priority 2: .* begin with u32 record",
        ),
        (entry("telemetry", "pong"), {"store_priority": 1}, "pong: store_priority 1"),
        (entry("telemetry", "rates"), {"store_priority": 3}, "rates: store_priority 3 is not an integer from 0 to 2"),
        (entry("command", "ping"), {"store_priority": 1}, "ping: unknown key 'store_priority'"),
        (("enum", None), {"event": {"x": 1}}, "enum event: the name is reserved for"),
        (
            entry("command", "ping"),
            {"fields": [{"name": "x", "type": "u8[2]"}]},
            "command ping: the firmware",
        ),
        (entry("parameter", "threshold"), {"id": 2}, "parameter ids: 2 appears twice"),
        (entry("parameter", "threshold"), {"id": 65530}, "parameter threshold: id 65530"),
        (entry("parameter", "threshold"), {"default": 4096}, "default 4096 is not an integer from 0 to 4095"),
        (entry("parameter", "threshold"), {"range": [0]}, r"range \[0\] is not"),
        (
            entry("event", "booted"),
            {"severity": "grave"},
            "event booted: severity 'grave' is not one of info",
        ),
        (entry("event", "booted"), {"id": 2}, "event ids: 2 appears twice"),
        (
            entry("telemetry", "pong"),
            {"fields": [{"name": "x", "type": "u8", "limits": "gravity"}]},
            "pong: field x: limits: unknown monitor 'gravity'",
        ),
        (
            entry("telemetry", "pong"),
            {"fields": [{"name": "x", "type": "u8[2]", "limits": "bias"}]},
            "an array has neither valid nor limits",
        ),
        (
            entry("telemetry", "pong"),
            {"fields": [{"name": "x", "type": "u8", "valid": [0, 1]}]},
            "unknown key 'valid'",
        ),
        (entry("telemetry", "pong"), {"refused": {}}, "pong: unknown key 'refused'"),
        (
            entry("command", "ping"),
            {"fields": [{"name": "x", "type": "u8", "valid": [1, 256]}]},
            "ping: field x: valid 256 is not an integer from 1 to 255",
        ),
        (entry("command", "ping"), {"fields": [{"name": "x", "type": "u8", "valid": [1]}]}, r"valid \[1\] is not"),
        (entry("command", "ping"), {"refused": {"tired": "at night"}}, "ping: refused: unknown failure 'tired'"),
        (entry("command", "ping"), {"refused": {"no_room": 1}}, "ping: refused: no_room 1 is not a string"),
        (("about", None), {"moods": {}}, "about moods: not an enum"),
        (("about", "mode"), {"sad": "x"}, "about mode: sad 'x': not a value of the enum"),
        (("enum", "mode"), {"standby": "x"}, "enum mode: standby 'x'"),
        (("enum", "mode"), {"standby": 1}, "enum mode: values: 1 appears twice"),
    ],
)
def test_errors_in_the_dictionary_are_reported(place, change, message):
    wrong = copy.deepcopy(tables())
    kind, name = place
    (wrong[kind] if name is None else wrong[kind][name]).update(change)
    with pytest.raises(DictionaryError, match=message):
        Dictionary(wrong)


@given(st.data())
def test_any_value_at_any_place_is_accepted_or_rejected(data):
    wrong = tables()
    node = wrong
    while True:
        key = data.draw(st.sampled_from(sorted(node) if isinstance(node, dict) else range(len(node))))
        if not isinstance(node[key], (dict, list)) or not node[key] or data.draw(st.booleans()):
            break
        node = node[key]
    node[key] = data.draw(st.sampled_from(["", "x", 0, -1, 7, 2**70, 1.5, True, [], [1], {}, {"name": "x"}]))
    try:
        generate.generate(Dictionary(wrong))
    except DictionaryError as error:
        assert "\n" not in str(error)


def test_missing_keys_and_invalid_toml_are_reported(tmp_path):
    wrong = tables()
    del named(wrong, "command", "ping")["fields"]
    with pytest.raises(DictionaryError, match="command ping: no fields"):
        Dictionary(wrong)
    path = tmp_path / "icd.toml"
    path.write_text("[mission\n")
    with pytest.raises(DictionaryError, match=r"icd\.toml: "):
        Dictionary.load(path)


def test_the_committed_module_is_up_to_date():
    assert generate.path().read_text() == generate.generate(dictionary)


def test_the_manual_has_the_tables_of_the_dictionary_and_every_procedure():
    text = manual.path().read_text()
    assert manual.filled(text, dictionary) == text and text.count("<!-- table ") == 3
    assert "| `pulser_on` (armed) |  |  |  | • |" in text and "| `standby` | → standby |" in text
    linked = set(re.findall(r"\]\(([^)#]+\.txt)\)", text))
    assert {path.rpartition("/")[2] for path in linked} == {path.name for path in PROCEDURES.glob("*.txt")}
    with pytest.raises(DictionaryError, match="no table 'tides'; known: modes"):
        manual.filled("<!-- table tides: -->\n<!-- end -->", dictionary)


@pytest.mark.parametrize("old, status", [("", 0), ("→ science", 1)])
def test_check_reports_an_outdated_manual(old, status, tmp_path, monkeypatch, capsys):
    path = tmp_path / "OPERATIONS.md"
    path.write_text(manual.path().read_text().replace(old, "") if old else manual.path().read_text())
    monkeypatch.setattr(manual, "path", lambda: path)
    monkeypatch.setattr("sys.argv", ["exports", "--check"])
    assert exports_command() == status
    assert capsys.readouterr().out == (f"{path} is out of date: run python -m dorn.exports\n" if status else "")


def test_check_passes_on_the_committed_files():
    check = [sys.executable, "-m", "dorn.exports", "--check"]
    assert subprocess.run(check).returncode == 0


def test_names_that_collide_in_the_module_are_rejected():
    clash = tables()
    named(clash, "event", "booted")["name"] = "info"  # EVENT_INFO is also a layout
    with pytest.raises(DictionaryError, match="EVENT_INFO would appear twice"):
        generate.generate(Dictionary(clash))


def test_hash_of_a_packet_is_checked():
    content = bytes(4) + b"\1" + dictionary.hash.to_bytes(4, "big")
    assert dictionary.check_hash(tm(3, 25, content + bytes(64))) is True
    assert dictionary.check_hash(GOOD) is False
    with pytest.raises(DictionaryError, match=f"made with dictionary 00000007, this one is {dictionary.hash:08x}"):
        dictionary.check_hash(tm(3, 25, bytes(4) + b"\1\0\0\0\7"))  # its length also differs
