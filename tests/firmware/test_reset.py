"""Commanded resets, maintenance, reset causes, and instruments without optional services."""

from functools import cache

import pytest
from dorn.image import firmware
from dorn.link import frames
from dorn.session import CommandFailed
from dorn.targets import identity
from particles import regular
from support.chip import until_prompt
from support.instrument import DICTIONARY, both, both_if_long, instrument, play

CAUSE = DICTIONARY.enums["reset_cause"]
BOARD = {"unix": "unix", "rp2040": "pico"}


def function(i, name, **options):
    return i.command("function", function=name, **options)


def housekeeping(i, limit_s=15):
    return i.wait_for(lambda packet: packet.name == "housekeeping", limit_s).fields


def all_at_once(i, *functions):
    """Send telecommands of these functions in one write, with sequence counts from 100."""
    packets = (i.dictionary.encode("function", 100 + n, function=name) for n, name in enumerate(functions))
    i.target.send(b"".join(map(frames.encode, packets)))


@both
def test_each_reset_must_be_armed_within_ten_seconds_before_it(where):
    with instrument(where) as i:
        for name in ("reset", "maintenance"):
            with pytest.raises(CommandFailed, match="not_armed"):
                function(i, name)
        function(i, "arm")
        i.advance(10.1)
        with pytest.raises(CommandFailed, match="not_armed"):
            function(i, "reset")
        function(i, "arm")
        i.advance(9.5)
        function(i, "start")  # does not need to be armed, so `arm` stays in effect
        function(i, "reset")
        hk = housekeeping(i)
        assert (hk["boot_count"], hk["reset_cause"], hk["mode"]) == (
            2,
            CAUSE["commanded"],
            DICTIONARY.enums["mode"]["standby"],
        )
        assert i.events("booted")[-1] == (2, CAUSE["commanded"]) and i.target.resets == 1
        with pytest.raises(CommandFailed, match="not_armed"):
            function(i, "reset")


@both_if_long
def test_the_report_is_sent_before_the_reset_even_after_many_packets(where):
    """Spectra of 16 detectors wait for the link when the telecommands arrive in one write."""
    with instrument(where) as i:
        i.start()
        play(i, ((k * 100_000, k % 16, 1000.0 + k) for k in range(1, 4000)))
        begin = lambda: all_at_once(i, "stop", "arm", "reset")  # noqa: E731
        i.wait_for(lambda p: p.name == "event_info" and p.fields["a"] == 2, 10, begin=begin)
        sequences = [p.fields["request_sequence"] & 0x3FFF for p in i.received if p.name == "completion_success"]
        assert sequences[-3:] == [100, 101, 102]


@both_if_long
def test_in_maintenance_nothing_runs_and_no_output_is_driven(where):
    with instrument(where) as i:
        function(i, "arm")
        function(i, "maintenance")
        i.received.clear()
        written = []
        i.target.slow_control.dac.write = written.append
        i.target.send(frames.encode(i.dictionary.encode("ping", 1)))
        i.advance(30)  # longer than the watchdog timeout
        assert (i.received, i.target.resets) == ([], 1)
        assert set(written) <= {0x44}  # the bias level, once: off


def test_maintenance_gives_the_repl_until_the_next_reset():
    with instrument("rp2040") as i:
        function(i, "arm")
        function(i, "maintenance")
        assert b"maintenance" in until_prompt(i.target, 3)
        i.target.send(b"import machine; machine.reset()\r\n")
        hk = housekeeping(i, 5)
        # maintenance does not count as a boot of the instrument
        assert (hk["boot_count"], hk["reset_cause"]) == (2, CAUSE["commanded"])


def test_reset_pin_and_power_on_are_distinguished():
    """Either reset ends maintenance."""
    from rp2040py.reset_cause import ResetCause

    with instrument("rp2040") as i:
        assert i.last("housekeeping")["reset_cause"] == CAUSE["power_on"]
        for cause, name in ((ResetCause.RUN_PIN, "reset_pin"), (ResetCause.POWER_ON, "power_on")):
            function(i, "arm")
            function(i, "maintenance")
            i.advance(0.5)
            i.target._device.hard_reset(cause=cause)
            assert housekeeping(i)["reset_cause"] == CAUSE[name]


@both_if_long
def test_housekeeping_reports_the_manifest_of_the_running_firmware(where):
    with instrument(where) as i:
        assert i.last("housekeeping")["manifest"] == firmware.manifest_id(BOARD[where])


@pytest.mark.parametrize("damaged", [None, b"", b"not hex!\n"], ids=["none", "empty", "no number"])
def test_a_missing_manifest_is_not_a_fault(damaged):
    files = firmware.files("unix")
    del files["manifest"]
    if damaged is not None:
        files["manifest"] = damaged
    with instrument("unix", files=files) as i:
        assert i.last("housekeeping")["manifest"] == 0


@cache
def heap_free_of_all(where):
    with instrument(where) as whole:
        return whole.last("housekeeping")["heap_free"]


EACH = [(name,) for name in DICTIONARY.optional]
ALL = tuple(DICTIONARY.optional)


@pytest.mark.parametrize(("where", "without"), [*(("unix", w) for w in (*EACH, ALL)), ("rp2040", ALL)], ids=str)
def test_an_instrument_without_optional_services_measures(where, without, monkeypatch):
    monkeypatch.setattr(identity.secrets, "randbits", lambda bits: 1)  # ids of different sizes take different heap
    heap_free = heap_free_of_all(where)
    with instrument(where, files=firmware.files(BOARD[where], without=without)) as i:
        hk = i.last("housekeeping")
        assert hk["manifest"] == firmware.manifest_id(BOARD[where], without)
        print(f"{where} without {', '.join(without)}: {hk['heap_free'] - heap_free} more bytes of free heap")
        assert hk["heap_free"] > heap_free
        i.start()
        play(i, regular(50, 40_000))
        function(i, "stop")
        i.advance(6)
        assert sum(i.counts().values()) == 50
        if "test" in without:
            with pytest.raises(CommandFailed, match="unknown_service"):
                i.command("ping")
        else:
            i.command("ping")
        assert bool([p for p in i.received if p.name == "rates"]) == ("rates" not in without)
        assert housekeeping(i)["task_failures"] == 0
