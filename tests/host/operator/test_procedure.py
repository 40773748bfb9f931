"""Procedures are parsed completely before anything is sent."""

import pytest
from dorn.cli import main
from dorn.dictionary import Dictionary
from dorn.errors import UserError
from dorn.operator import statements
from dorn.operator.parsing import parse, parse_all
from dorn.operator.statements import Check, Condition, FromNow, Say, Send, Until, Wait
from dorn.operator.telecommands import written
from hypothesis import given
from hypothesis import strategies as st

DICTIONARY = Dictionary.load()


def test_statements_are_parsed():
    limit_s = statements.COMPLETION_LIMIT_S
    event = DICTIONARY.enums["event"]
    for line, expected in {
        "send function function=start": Send("function", {"function": "start"}),
        "send ping within 2.5": Send("ping", {}, None, 2.5),
        "set bias 0x10": Send("set_parameter", {"parameter": "bias", "value": 16}),
        "refused out_of_range set_parameter value=5000 parameter=threshold_1  # too high": Send(
            "set_parameter", {"value": 5000, "parameter": "threshold_1"}, "out_of_range", limit_s
        ),
        "wait 3": Wait(3.0),
        "until housekeeping.bias_state == on within 20": Until(
            Condition("housekeeping", None, "bias_state", None, "==", 2), 20
        ),
        "until rates.accepted[15] >= 1 within 6": Until(Condition("rates", None, "accepted", 15, ">=", 1), 6),
        "until event booted within 3": Until(Condition("booted", event["booted"]), 3),
        "check event safe a != resets": Check(Condition("safe", event["safe"], "a", None, "!=", 2)),
        "until event mode_changed b == science within 5": Until(
            Condition("mode_changed", event["mode_changed"], "b", None, "==", 3), 5
        ),
        "send retrieve_by_time from_s=-60 from_fraction=0 to_s=+0 to_fraction=0x10": Send(
            "retrieve_by_time",
            {"from_s": FromNow(-60), "from_fraction": 0, "to_s": FromNow(0), "to_fraction": 16},
        ),
        "send load_memory region=thresholds offset=0 data=0a0B": Send(
            "load_memory", {"region": "thresholds", "offset": 0, "data": b"\n\x0b"}
        ),
        "say all  is well # really": Say("all is well"),
        "  # nothing": None,
        "": None,
    }.items():
        assert parse(line, DICTIONARY) == expected, line


BAD = {
    "send add_action event=booted telecommand=(set_parameter parameter=bias value=100001)": (
        "add_action: telecommand: set_parameter: bias 100001 is not from 0 to 100000 mV"
    ),
    "fly": "statement: unknown (fly); one of send, refused, set, wait, until, check, say",
    "send": "telecommand: no name",
    "send ping within": "send: expected `send NAME FIELD=VALUE ... [within SECONDS]`",
    "refused ping": "refused: expected `refused FAILURE NAME",
    "refused maybe ping": "refused: failure: unknown (maybe); one of bad_crc,",
    "set bias": "set: expected `set PARAMETER VALUE` (set bias)",
    "set bias 100001": "bias 100001 is not from 0 to 100000 mV",
    "set volume 11": "set: parameter: unknown (volume); one of integration_time,",
    "wait": "wait: expected `wait SECONDS` (wait)",
    "wait -1": "wait: SECONDS: not above 0 (-1)",
    "wait nan": "wait: SECONDS: not a usable number (nan)",
    "until housekeeping.mode == science": "until: expected `until PACKET.FIELD OP VALUE within SECONDS",
    "until housekeeping.mode == science within 0": "until: SECONDS: not above 0 (0)",
    "until housekeping.mode == science within 1": "until: packet: unknown (housekeping)",
    "check housekeeping.mod == science": "check: field of housekeeping: unknown (mod); did you mean mode",
    "check housekeeping.mode = science": "check: relation: unknown (=); one of ==, !=, <, <=, >, >=",
    "check housekeeping.mode == asleep": "check: housekeeping.mode: unknown (asleep); one of boot, safe, standby,",
    "check housekeeping == 1": "check: expected PACKET.FIELD, or PACKET.FIELD[INDEX] for an array (housekeeping)",
    "check rates.accepted > 0": "check: rates.accepted: is an array of 16: give an index, accepted[0]",
    "check rates.events[0] > 0": "check: rates.events: is not an array",
    "check rates.accepted[16] > 0": "check: rates.accepted: has elements 0 to 15 (16)",
    "check event flown": "check: event: unknown (flown)",
    "check event booted c == 1": "check: event booted: unknown (c); one of a, b",
}


@pytest.mark.parametrize("line", BAD)
def test_errors_are_reported_before_anything_is_sent(line, write, capsys, monkeypatch):
    monkeypatch.setattr("dorn.targets.open_target", None)  # not reached
    path = write("p.txt", f"send ping\n# a comment\n{line}\nfly\n")
    assert main(["procedure", str(path), "--target", "unix"]) == 2
    out, error = capsys.readouterr()
    assert out == "" and error.count("\n") == 1
    assert error.startswith(f"dorn: {path}:3: ") and BAD[line] in error


def test_a_missing_or_empty_procedure_is_reported(write, capsys):
    for name, message in {
        "none": "procedure: FILE: neither a file nor one of anomaly_bias_trip, ",
        str(write("empty.txt", "")): "empty.txt: file: is empty",
        str(write("comment.txt", "# all\n")): "comment.txt: procedure: has no statement",
        str(write("binary.txt", bytes(range(256)))): "binary.txt:1: statement: unknown",
    }.items():
        assert main(["procedure", name, "--target", "unix"]) == 2
        assert message in capsys.readouterr().err


@given(st.text() | st.lists(st.sampled_from([*statements.GRAMMAR, *statements.RELATIONS, "event", "a", "within", "3",
    "function", "function=start", "housekeeping.mode", "rates.accepted[3]", "safe", "#", "=", "9" * 5000, "0x"])).map(
    " ".join
))  # fmt: skip
def test_any_text_is_parsed_or_reported_in_one_line(text):
    try:
        assert parse_all(text, "p.txt", DICTIONARY)
    except UserError as error:
        assert str(error).startswith("p.txt:") and len(str(error).splitlines()) == 1


SET = Send("set_parameter", {"parameter": "rates_period", "value": 3})
seconds = st.floats(1e-3, 1e6)


@st.composite
def telecommands(draw):
    layout = draw(st.sampled_from([c for c in DICTIONARY.commands.values() if c.name != "set_parameter"]))
    fields = {}
    for field in draw(st.permutations([*written(layout).values()])):
        if field.length is not None:
            fields[field.name] = draw(st.binary(min_size=1, max_size=40) | st.just(Send("ping", {})) | st.just(SET))
            continue
        if field.name.endswith("_s") and draw(st.booleans()):
            fields[field.name] = FromNow(draw(st.integers(-99, 99)))
            continue
        low, high = field.valid or (0, field.high)
        names = st.sampled_from([*DICTIONARY.enums[field.enum]]) if field.enum else st.integers(low, min(high, 255))
        fields[field.name] = draw(names | st.integers(low, high))
    return layout.name, fields


def words(name, fields, form="{}"):
    return " ".join([name, *(f"{k}={word(v, form)}" for k, v in fields.items())])


def word(value, form):
    match value:
        case str():
            return value
        case bytes():
            return value.hex()
        case Send():
            return f"({words(value.name, value.fields, form)})"
        case FromNow():
            return f"{value.seconds:+d}"
    return form.format(value)


@given(telecommands(), seconds, st.sampled_from([*DICTIONARY.enums["failure"]]), st.sampled_from(["{}", "0x{:x}"]))
def test_a_written_telecommand_is_parsed_to_the_same_statement(telecommand, limit_s, failure, form):
    text = words(*telecommand, form)
    assert parse(f"send {text} within {limit_s}", DICTIONARY) == Send(*telecommand, None, limit_s)
    assert parse(f"refused {failure} {text} within {limit_s}", DICTIONARY) == Send(*telecommand, failure, limit_s)


@st.composite
def conditions(draw):
    layout = draw(st.sampled_from([t for t in DICTIONARY.telemetry.values() if t.fields]))
    field = draw(st.sampled_from(layout.fields))
    index = draw(st.integers(0, field.length - 1 if isinstance(field.length, int) else 99)) if field.length else None
    relation = draw(st.sampled_from([*statements.RELATIONS]))
    return Condition(layout.name, None, field.name, index, relation, draw(st.integers(0, field.high)))


@given(conditions(), seconds)
def test_a_written_condition_is_parsed_to_the_same_statement(condition, limit_s):
    index = "" if condition.index is None else f"[{condition.index}]"
    text = f"{condition.subject}.{condition.field}{index} {condition.relation} {condition.value}"
    assert parse(f"until {text} within {limit_s}", DICTIONARY) == Until(condition, limit_s)
    assert parse(f"check {text}", DICTIONARY) == Check(condition)
