"""dorn tc: telecommands by name, their answers and exit status; invalid input sends nothing."""

import os
import signal

import pytest
from dorn.cli import main
from dorn.dictionary import Dictionary
from dorn.operator import lines
from dorn.operator.telecommands import telecommand, written
from dorn.session import Session
from dorn.targets.unix import UnixTarget

DICTIONARY = Dictionary.load()


def tc(text, capsys):
    """Returns exit status, names of the packets printed, stderr."""
    status = main(["tc", "--target", "unix", *text.split()])
    out, error = capsys.readouterr()
    return status, [line.split()[2] for line in out.splitlines()], error


@pytest.mark.parametrize(
    "text, answers",
    [
        ("ping", ["acceptance_success", "pong", "completion_success"]),
        ("ping --ack start", ["start_success", "pong", "completion_success"]),
        ("report_parameter parameter=bias --ack ", ["parameter_value", "completion_success"]),
        ("set_parameter value=0xC8 parameter=threshold_3", ["acceptance_success", "completion_success"]),
        ("function function=start", ["acceptance_success", *["event_info"] * 2, "completion_success"]),
    ],
)
def test_a_telecommand_is_executed_and_its_answers_are_printed(text, answers, capsys):
    words = text.split(" ")
    assert main(["tc", "--target", "unix", *words]) == 0
    out, error = capsys.readouterr()
    assert [line.split()[2] for line in out.splitlines()] == answers
    assert error == ""


def test_a_refused_telecommand_gives_status_1_with_code_and_detail(capsys):
    status, names, error = tc("function function=bias_on", capsys)
    assert (status, names) == (1, ["acceptance_success", "start_failure"])
    assert error == "dorn: function function=bias_on: start_failure: not_armed (detail 16)\n"


def test_wait_prints_packets_for_the_given_time(capsys):
    assert tc("ping --wait 9", capsys)[1][3:] == ["rates", "line_rates"]
    names = tc("ping --wait 10.5", capsys)[1][3:]
    assert names == ["rates", "line_rates", "rates", "housekeeping", "line_rates"]


@pytest.mark.parametrize(
    "text, message",
    {
        "fly": f"telecommand: unknown (fly); one of {', '.join([*DICTIONARY.commands][:2])},",
        "ping a": "ping: not FIELD=VALUE (a); fields: none",
        "ping a=1": "ping: field: unknown (a); there are none",
        "function": "function: no value for function",
        "set_parameter": "set_parameter: no value for parameter, value",
        "set_parameter value=1 parameter=threshold_16": "parameter: unknown (threshold_16); did you mean threshold_",
        "set_parameter value=1 value=2": "set_parameter: value: appears twice (2)",
        "set_parameter parameter=bias value=100001": "set_parameter: bias 100001 is not from 0 to 100000 mV",
        "set_parameter parameter=bias value=4294967296": "value: not a whole number from 0 to 4294967295 (4294967296)",
        "set_parameter parameter=bias value=-1": "(-1)",
        "set_parameter parameter=bias value=1.5": "(1.5)",
        "set_parameter parameter=bias value=1_0": "(1_0)",
        "set_parameter parameter=bias value=": "('')",
        "function function=fly": "function: function: unknown (fly); one of start, stop,",
        "function function=256": "function: not a whole number from 0 to 255 (256)",
        "load_memory region=thresholds offset=0 data=0": "data: neither octets in hex nor (TELECOMMAND",
        "load_memory region=thresholds offset=0 data=": "data: neither octets in hex",
        "load_memory region=thresholds offset=0 count=1 data=00": "load_memory: field: unknown (count)",
        f"insert_activity at_s=+9 at_fraction=0 telecommand={'00' * 256}": "count 256 is not an integer from 0 to 255",
        "add_action event=booted telecommand=(fly)": "add_action: telecommand: telecommand: unknown (fly)",
        "add_action event=booted telecommand=(ping": "telecommand: the telecommand's parenthesis is not closed ((ping)",
        "add_action event=booted telecommand=()": "telecommand: telecommand: no name",
        "ping --limit 0": "--limit: S: not above 0 (0)",
        "ping --wait -1": "--wait: S: below 0 (-1)",
        "ping --ack maybe": "--ack: STAGE: not one of acceptance, start, progress, completion (maybe)",
        "": "tc: NAME: is missing",
        "--list fly": "tc: NAME: no entry with this name (fly)",
    }.items(),
)
def test_invalid_input_gives_one_line_and_status_2_and_sends_nothing(text, message, capsys, monkeypatch):
    monkeypatch.setattr("dorn.targets.open_target", None)  # not reached
    assert main(["tc", "--target", "unix", *text.split()]) == 2
    out, error = capsys.readouterr()
    assert out == ""
    assert error.startswith("dorn: ") and error.count("\n") == 1 and message in error


def test_without_a_target_nothing_is_sent(capsys):
    assert main(["tc", "ping"]) == 2
    assert capsys.readouterr().err == "dorn: tc: --target: is missing; ping was not sent\n"


def test_a_missing_answer_is_reported_after_the_limit(capsys, monkeypatch):
    monkeypatch.setattr(UnixTarget, "send", lambda self, data: None)
    status, names, error = tc("ping --limit 3 --wait 1", capsys)
    assert (status, names) == (1, [])
    assert error == "dorn: ping: no report of completion or failure within 3 s\n"


def test_ctrl_c_waits_for_the_verification_of_the_current_telecommand(capsys, monkeypatch):
    verified = Session._verified

    def interrupted(self, *args, **fields):
        os.kill(os.getpid(), signal.SIGINT)
        return verified(self, *args, **fields)

    monkeypatch.setattr(Session, "_verified", interrupted)
    status, names, error = tc("ping --wait 1000", capsys)
    assert (status, names[-1], error) == (130, "completion_success", "dorn: stopped\n")


def test_the_list_contains_every_telecommand_and_parameter(capsys):
    assert main(["tc", "--list"]) == 0
    out = capsys.readouterr().out
    for layout in DICTIONARY.commands.values():
        assert f"{layout.name} ({layout.service},{layout.subtype})  -- {layout.about}\n" in out
        assert all(f"    {name}: " in out for name in written(layout))
    for name, p in DICTIONARY.parameters.items():
        assert f"    {name}: {p.low} to {p.high}" in out and p.unit in out
    assert "hits of detector d with a lower code" in out
    assert main(["tc", "--list", "bias"]) == 0
    assert capsys.readouterr().out.startswith("    bias: 0 to 100000 mV, default 40000  -- level of")


def test_every_telecommand_of_the_dictionary_can_be_given_as_text():
    for layout in DICTIONARY.commands.values():
        words = []
        for field in written(layout).values():
            names = DICTIONARY.enums.get(field.enum)
            value = next(iter(names)) if names else "0A" if field.length else 1
            words.append(f"{field.name}={value}")
        fields = telecommand([layout.name, *words], DICTIONARY).fields
        assert set(fields) == set(written(layout))
        assert not {"limit_s", "check", "ack"} & set(fields)  # parameters of Session.command


def test_a_packet_is_printed_as_one_readable_line(capsys):
    with UnixTarget() as target:
        packets = []
        session = Session(target, packets.append)
        session.connect()
        session.command("function", function="start")
        session.advance(11)
        session.command("function", function="stop")
        session.advance(5)
    named = {packet.text("event") if "event" in packet.fields else packet.name: packet for packet in packets}
    message = {name: lines.packet_line(packet, DICTIONARY) for name, packet in named.items()}
    assert set(message) >= {"housekeeping", "rates", "acquisition_stopped", "completion_success"}
    assert all("\n" not in line for line in message.values())
    assert "  acquisition_stopped  a=1 (integration)  b=0 (events, low 32 bits)" in message["acquisition_stopped"]
    assert "  mode=science  " in message["housekeeping"] and "  bias_mv=" in message["housekeeping"]
    assert "  temperature_head=29415 (0.01 K)  " in message["housekeeping"]
    assert "  accepted=[0 0 0" in message["rates"]
