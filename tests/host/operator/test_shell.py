"""dorn shell from a pipe and at a prompt: completion, output and exit status."""

import os
import signal
import threading

import pytest
from dorn.cli import main
from dorn.dictionary import Dictionary
from dorn.operator import completion
from dorn.operator.shell import Shell, _completer
from dorn.operator.telecommands import written
from dorn.session import Session
from dorn.targets import TargetError
from dorn.targets.unix import UnixTarget
from prompt_toolkit.document import Document
from prompt_toolkit.input import create_pipe_input
from prompt_toolkit.output import DummyOutput

DICTIONARY = Dictionary.load()


@pytest.fixture(autouse=True)
def state(tmp_path, monkeypatch):
    monkeypatch.setenv("XDG_STATE_HOME", str(tmp_path / "state"))
    return tmp_path / "state"


@pytest.fixture
def piped(monkeypatch, capsys):
    """piped(text, *options) -> exit status, stdout, stderr."""

    def piped(text, *options):
        end, other = os.pipe()
        os.write(other, text.encode())
        os.close(other)
        with open(end) as stdin:
            monkeypatch.setattr("sys.stdin", stdin)
            status = main(["shell", "--target", "unix", *options])
        return status, *capsys.readouterr()

    return piped


# ---- from a pipe -------------------------------------------------------------------------------------


def test_telecommands_and_statements_from_a_pipe(piped, tmp_path):
    status, out, error = piped(
        "ping\n"
        "\n# the same, and a wait\n"
        "send ping\n"
        "set bias 10000\n"
        "report_parameter parameter=bias\n"
        "check parameter_value.value == 10000\n"
        "wait 10\n"
        "until housekeeping.mode == standby within 11\n"
        "refused not_armed function function=bias_on",  # no line end
        "--out",
        str(tmp_path / "out"),
    )
    assert (status, error) == (0, "")
    assert out.count("  pong\n") == 2 and "  housekeeping  " in out and "parameter_value.value is 10000" in out
    assert "refused: not_armed" in out
    assert main(["decode", str(tmp_path / "out/telemetry.ccsds"), "--out", str(tmp_path / "decoded")]) == 0


NOT_ARMED = "function function=bias_on: start_failure: not_armed (detail 16)"


@pytest.mark.parametrize(
    "text, status, output",
    [
        ("", 0, ""),
        ("quit\nfly\n", 0, ""),
        (
            "function function=bias_on\nping\n",
            1,
            "line 1: function function=bias_on: start_failure: not_armed (detail 16)",
        ),
        ("ping\nuntil event bias_off within 1\n", 1, "line 2: not within 1 s: events since the last telecommand: none"),
        (
            "function function=bias_on\nfly\n",
            2,
            "line 2: statement or telecommand: unknown (fly); one of send,",
        ),
        ("set bias 100001\nping\n", 2, "line 1: set_parameter: bias 100001 is not from 0 to 100000 mV"),
        ("ping a=1\n\xff\n", 2, "line 1: ping: field: unknown (a); there are none"),
    ],
)
def test_the_exit_status_is_that_of_the_worst_line(text, status, output, piped):
    found, out, error = piped(text)
    assert found == status
    assert output in error and all(line.startswith("dorn: line ") for line in error.splitlines())
    assert out.count("pong") == (text.count("ping\n"))  # later lines are executed


def test_help(piped):
    status, out, error = piped("help\nhelp set bias housekeeping booted function fly\n")
    assert (status, error) == (0, "")
    for output in (
        "send NAME FIELD=VALUE ... [within SECONDS]\n",
        f"telecommands: {', '.join([*DICTIONARY.commands][:2])},",
        "set PARAMETER VALUE  -- short for send set_parameter",
        "    bias: 0 to 100000 mV, default 40000  -- level of the detector bias",
        "housekeeping (3,25)  -- health of the instrument",
        "    mode: boot, safe, standby, science, calibration\n",
        "event booted  a: boot count; b: reset cause",
        "    function: start, stop,",
        "fly: no such name",
    ):
        assert output in out


def test_an_unusable_out_folder_is_reported_first(piped, write):
    status, out, error = piped("ping\n", "--out", str(write("file", "")))
    assert (status, out) == (2, "") and error.startswith("dorn: --out: DIR: not a directory")


# ---- at a prompt -------------------------------------------------------------------------------------


class RealTime(UnixTarget):
    """A target whose time passes while the prompt waits, as with a serial port."""

    def __init__(self):
        super().__init__()
        self.name = "/dev/ttyACM0"


def converse(target, *typed, on_print=None):
    """Run the prompt with typed text; `on_print(packet, write)` is called with every packet and can type more."""
    with target, create_pipe_input() as keyboard:
        session = Session(target)
        session.connect()
        shell = Shell(session)
        show = shell._show
        for text in typed:
            keyboard.send_text(text)

        def seen(packet):
            show(packet)
            if on_print:
                on_print(packet, keyboard.send_text)

        shell._runner.on_packet = seen
        shell.converse(input=keyboard, output=DummyOutput())


def test_a_prompt_with_history(state, capsys):
    converse(UnixTarget(), "ping\r", "fly\r", "set bias 10\r", "quit\r")
    out, error = capsys.readouterr()
    assert out.count("  pong\n") == 1 and "unknown (fly)" in error
    assert [line for line in (state / "dorn/history").read_text().splitlines() if line.startswith("+")] == [
        "+ping",
        "+fly",
        "+set bias 10",
        "+quit",
    ]


def test_ctrl_d_ends_the_prompt_and_ctrl_c_discards_the_line(capsys):
    converse(UnixTarget(), "ping\x03", "ping\r", "\x04")
    assert capsys.readouterr().out.count("  pong\n") == 1


def test_ctrl_c_ends_the_running_statement_and_returns_to_the_prompt(capsys):
    def interrupt(packet, write):
        if packet.name == "rates":
            os.kill(os.getpid(), signal.SIGINT)
        if packet.name == "pong":
            write("quit\r")

    converse(UnixTarget(), "wait 100000\r", "ping\r", on_print=interrupt)
    out, error = capsys.readouterr()
    assert error == "stopped\n" and "  pong\n" in out


def test_event_reports_are_printed_while_the_prompt_waits(capsys):
    received = []

    def reached(packet, write):
        received.append(packet.name)
        if packet.fields.get("event") == DICTIONARY.enums["event"]["bias_reached"]:
            write("quit\r")

    commands = ("set bias 50000\r", "function function=arm\r", "function function=bias_on\r")
    converse(RealTime(), *commands, on_print=reached)
    out = capsys.readouterr().out
    assert "bias_reached  a=50000 (bias level, mV)" in out
    assert "rates" in received and "  rates  " not in out and "  housekeeping  " not in out


def test_losing_the_port_ends_the_prompt(capsys):
    class Lost(RealTime):
        def advance(self, seconds):
            raise TargetError("lost; check its cable")

    before = threading.active_count()
    with pytest.raises(TargetError, match="check its cable"):
        converse(Lost())
    assert threading.active_count() == before  # no thread is left waiting for the keyboard


def test_telemetry_of_a_real_instrument_is_read_while_a_pipe_is_silent(capsys):
    end, other = os.pipe()
    with RealTime() as target, open(end) as pipe:
        session = Session(target)
        session.connect()
        session.command("function", function="start")
        shell = Shell(session)

        def seen(packet):
            if packet.name == "housekeeping":
                os.write(other, b"quit\n")

        session.on_packet, handle = lambda packet: (handle(packet), seen(packet)), session.on_packet
        assert shell.run_all(pipe.fileno()) == 0
    os.close(other)
    assert target.now_us > 10e6


def test_without_a_writable_state_directory_only_the_history_is_missing(monkeypatch, write, capsys):
    monkeypatch.setenv("XDG_STATE_HOME", str(write("file", "")))
    converse(UnixTarget(), "ping\r", "quit\r")
    assert "  pong\n" in capsys.readouterr().out


# ---- completion --------------------------------------------------------------------------------------


def names(of, start):
    """Names of the dictionary that begin with `start`, in the dictionary's order."""
    found = [name for name in of if name.startswith(start)]
    assert found
    return found


@pytest.mark.parametrize(
    "line, words",
    {
        "pin": names(DICTIONARY.commands, "pin"),
        "send pin": names(DICTIONARY.commands, "pin"),
        "function ": ["function="],
        "function function=bias": names(DICTIONARY.functions, "bias"),
        "send set_parameter parameter=threshold_1": names(DICTIONARY.parameters, "threshold_1"),
        "set_parameter parameter=bias ": ["value="],
        "set_parameter value=": [],
        "refused not_": ["not_armed"],
        "refused not_armed pi": names(DICTIONARY.commands, "pi"),
        "refused not_armed function ": ["function="],
        "set bia": names(DICTIONARY.parameters, "bia"),
        "until housek": ["housekeeping."],
        "until housekeeping.bias": ["housekeeping.bias_mv", "housekeeping.bias_state"],
        "check rates.acc": ["rates.accepted["],
        "until housekeeping.mode =": ["=="],
        "until housekeeping.mode == s": ["safe", "standby", "science"],
        "until housekeeping.mode == safe ": ["within"],
        "until event bias_o": names(DICTIONARY.events, "bias_o"),
        "until event safe ": ["a", "b", "within"],
        "check event safe a ": ["==", "!=", "<", "<=", ">", ">="],
        "check event safe a == r": ["resets"],
        "until event safe a == resets ": ["within"],
        "add_action event=booted telecommand=": ["("],
        "add_action event=booted telecommand=(pi": names(DICTIONARY.commands, "pi"),
        "send add_action telecommand=(set_parameter parameter=bia": names(DICTIONARY.parameters, "bia"),
        "send add_action telecommand=(set_parameter parameter=bias ": ["value="],
        "send add_action telecommand=(ping) ": ["event="],
        "help hou": ["housekeeping", "housekeeping_period"],
        "wait ": [],
        "fly away": [],
        "until fly.away == ": [],
    }.items(),
)
def test_possible_completions(line, words):
    begun, found = completion.possible(line, DICTIONARY)
    assert line.endswith(begun) and found == words


def test_a_completion_replaces_the_current_word():
    (found,) = _completer(DICTIONARY).get_completions(Document("set_parameter value=1 parameter=bia"), None)
    assert (found.text, found.start_position) == ("bias", -3)


def test_every_name_of_the_dictionary_is_completed():
    first = completion.possible("", DICTIONARY)[1]
    assert set(DICTIONARY.commands) <= set(first) and {"help", "quit", "until"} <= set(first)
    for name, layout in DICTIONARY.commands.items():
        assert completion.possible(f"{name} ", DICTIONARY)[1] == [f"{name}=" for name in written(layout)]
