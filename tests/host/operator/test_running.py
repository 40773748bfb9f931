"""Execution of procedures, up to the first failing statement."""

import os
import signal

import pytest
from dorn.cli import main
from dorn.dictionary import Dictionary
from dorn.link import frames
from dorn.operator import procedure
from dorn.operator.parsing import parse, parse_all
from dorn.operator.running import Runner
from dorn.operator.statements import Wait
from dorn.operator.telecommands import resolved
from dorn.targets import TargetError
from support.instrument import instrument

DICTIONARY = Dictionary.load()


def run(i, *lines):
    return procedure.run(i, parse_all("\n".join(lines), "p.txt", DICTIONARY))


def test_commissioning_is_found_by_its_name_and_recorded(tmp_path, capsys):
    assert main(["procedure", "commissioning", "--target", "unix", "--out", str(tmp_path / "out")]) == 0
    output = capsys.readouterr().out
    assert "FAILED" not in output and "ok: housekeeping.bias_state is on" in output
    assert "parameter_value  parameter=threshold_15  value=150" in output
    assert main(["decode", str(tmp_path / "out/telemetry.ccsds"), "--out", str(tmp_path / "decoded")]) == 0


def test_the_first_failure_ends_the_procedure_with_the_reason(write, capsys):
    path = write("p.txt", "say well\ncheck housekeeping.mode == science\nsend ping\n")
    assert main(["procedure", str(path), "--target", "unix"]) == 1
    lines = capsys.readouterr().out.splitlines()
    assert [line.split(" s  ", 1)[1] for line in lines] == [
        "well",
        "2: FAILED: check housekeeping.mode == science: housekeeping.mode is standby",
    ]


@pytest.mark.parametrize(
    "lines, reason",
    [
        (["send function function=bias_on"], "function function=bias_on: start_failure: not_armed (detail 16)"),
        (["refused not_armed ping"], "ping: completed instead of being refused with not_armed"),
        (["refused wrong_mode function function=bias_on"], "start_failure: not_armed (detail 16)"),
        (["check rates.events == 0"], "no rates received"),
        (["until rates.events > 5 within 7"], "not within 7 s: rates.events is 0"),
        (
            ["until housekeeping.mode == standby within 2"],
            "2 s: no new packet; the last one: housekeeping.mode is standby",
        ),
        (["until event bias_off within 1"], "not within 1 s: events since the last telecommand: none"),
        (
            ["send function function=start", "until event acquisition_started a == 9 within 1"],
            "events since the last telecommand: 0.502 s event_info acquisition_started a=1 (integration)",
        ),
    ],
)
def test_the_reason_of_a_failure_is_printed(lines, reason, capsys):
    with instrument("unix") as i:
        assert not run(i, *lines)
    assert reason in capsys.readouterr().out.splitlines()[-1]


def test_an_event_report_during_the_execution_of_its_telecommand_is_accepted():
    with instrument("unix") as i:
        assert run(
            i,
            "send function function=start",
            "until event acquisition_started a == 1 within 1",
            "check event acquisition_started",
            "wait 3",
            "until event acquisition_started within 1",
        )


def test_an_event_report_before_the_last_telecommand_is_ignored():
    with instrument("unix") as i:
        assert not run(i, "send function function=start", "send ping", "until event acquisition_started within 1")


def test_a_later_event_report_is_waited_for():
    with instrument("unix") as i:
        assert run(
            i,
            "set bias 10000",
            "send function function=arm",
            "send function function=bias_on",
            "until event bias_reached a == 10000 within 20",
        )
        assert 2e6 < i.reported_at_us("bias_reached") < 20e6


def test_an_event_report_retrieved_from_the_packet_store_is_ignored(capsys):
    with instrument("unix") as i:
        i.command("function", function="start")
        i.command("function", function="stop")
        i.advance(70)  # the event reports are on flash
        other = type(i)(i.target)  # has not received them
        other.connect()
        assert not run(
            other,
            "send retrieve_records first=1 last=10",
            "until retrieval_end.count > 3 within 20",
            "check event acquisition_started",
        )
        assert other.events("acquisition_started")


def test_a_telecommand_inside_another_is_encoded_as_if_sent_directly():
    line = "send insert_activity at_s=+20 at_fraction=0 telecommand=(set_parameter parameter=rates_period value=3)"
    encode = lambda name, **fields: DICTIONARY.encode(name, 7, ack=0b1000, **fields)  # noqa: E731
    assert resolved(parse(line, DICTIONARY).fields, 17.9, encode) == {
        "at_s": 37,
        "at_fraction": 0,
        "telecommand": encode("set_parameter", parameter="rates_period", value=3),
    }
    with instrument("unix") as i:
        sent = []
        send = i.target.send
        i.target.send = lambda data: (sent.append(data), send(data))
        assert run(i, "send ping", line, "send report_schedule", "send enable_schedule", "wait 25")
        (packet,) = frames.Deframer().feed(sent[1])
        carried = DICTIONARY.encode("set_parameter", 1, ack=0b1000, parameter="rates_period", value=3)
        assert packet[2:4] == b"\xc0\2" and carried in packet
        assert i.last("schedule_report")["request_sequence"] == [0xC001]
        report = next(
            p for p in i.received if p.name == "completion_success" and p.fields["request_sequence"] == 0xC001
        )
        assert report.time_s == pytest.approx(i.last("schedule_report")["at_s"][0], abs=0.6)


def test_until_waits_for_a_new_packet():
    with instrument("unix") as i:
        assert i.housekeeping.text("mode") == "standby"
        begin_us = i.target.now_us
        assert run(i, "until housekeeping.mode == standby within 20")
        assert i.target.now_us - begin_us > 5e6


def test_wait_takes_the_given_time(capsys):
    with instrument("unix") as i:
        begin_us = i.target.now_us
        assert run(i, "wait 12.5")
        assert i.target.now_us - begin_us == pytest.approx(12.5e6, abs=1e4)
    first, last = (float(line.split()[0]) for line in capsys.readouterr().out.splitlines())
    assert last - first == pytest.approx(12.5, abs=0.01)  # on-board time


def test_other_listeners_of_a_session_still_get_its_packets():
    with instrument("unix") as i:
        before = len(i.received)
        Runner(i).run(parse("send ping", DICTIONARY))
        assert [p.name for p in i.received[before:]] == ["acceptance_success", "pong", "completion_success"]


def test_ctrl_c_ends_a_wait(write, capsys):
    with instrument("unix") as i:
        runner = Runner(i)
        runner.on_packet = lambda packet: os.kill(os.getpid(), signal.SIGINT)
        with pytest.raises(KeyboardInterrupt):
            runner.run(Wait(1e9))
        runner.on_packet = lambda packet: None
        runner.run(parse("send ping", DICTIONARY))


def test_an_instrument_that_does_not_answer_is_a_failure(monkeypatch):
    with instrument("unix") as i:
        i.target.send = lambda data: None
        with pytest.raises(TargetError, match="ping: no report of completion or failure within 2 s"):
            Runner(i).run(parse("send ping within 2", DICTIONARY))
