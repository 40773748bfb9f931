"""dorn.dictionary.reading: which dictionaries are valid, and what their hash depends on."""

import copy

import pytest
from dorn.dictionary import Dictionary, DictionaryError
from dorn.exports import generate
from hypothesis import given
from hypothesis import strategies as st
from support.icd import named, tables

dictionary = Dictionary.load()
RECORD, ORIGIN = {"name": "record", "type": "u32"}, {"name": "origin", "type": "u16"}


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
            {"fields": [RECORD, ORIGIN]},
            r"housekeeping: begins with \[\('record', 'u32'\), \('origin', 'u16'\)\],",
        ),
        (
            entry("telemetry", "housekeeping"),
            {"fields": []},
            "housekeeping: store_priority 2: .* begin with u32 record, u16 origin",
        ),
        (
            entry("telemetry", "housekeeping"),
            {"fields": [RECORD]},
            "housekeeping: store_priority 2: .* begin with u32 record, u16 origin",
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
        (("parameter", 0), {"service": []}, r"service \[\] is not one of \[optional\]"),
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
