"""A real Yamcs server, headless, with the exported dictionary: its archive, its events, its command verifiers."""

import contextlib
import json
import re
import socket
import time
from collections import Counter

import pytest
from dorn import cli
from dorn.dictionary import Ack
from dorn.dictionary.headers import VERIFICATION
from dorn.ground import yamcs
from support import every_packet
from support.yamcs import DICTIONARY, HERE, LIMIT_S, Live, Yamcs, instrument
from yamcs.client import YamcsError

SPEED = 60
FIRST_COUNT = 1  # sequence count of the server's first telecommand


def events_of(packets):
    """Names of the event reports among packets, in order."""
    decoded = [DICTIONARY.decode(packet) for packet in packets]
    return [packet.text("event") for packet in decoded if packet.service == 5 and "event" in packet.fields]


def test_every_packet_type_is_decoded_and_archived_and_every_event_report_is_an_event(tmp_path, monkeypatch):
    monkeypatch.delenv("no_proxy", raising=False)
    monkeypatch.setenv("http_proxy", f"http://{HERE}:9")  # nothing listens there
    path = tmp_path / "telemetry.ccsds"
    every_packet.record(path)
    packets = every_packet.split(path, DICTIONARY)
    wanted = Counter(DICTIONARY.decode(packet).name for packet in packets)
    assert set(wanted) == set(DICTIONARY.telemetry)
    times_s = [DICTIONARY.decode(packet).time_s for packet in packets]
    with Yamcs(tmp_path) as control:
        now_s = [0.0]
        outlet = control.outlet(lambda: now_s[0])
        began_s = time.time()
        for packet, time_s in zip(packets, times_s, strict=True):
            now_s[0] = began_s + time_s
            outlet.put(packet)
        control.until(lambda: sum(control.packets().values()) >= len(packets))
        assert control.packets() == wanted
        assert control.warnings() == []
        assert not outlet.dropped
        control.until(lambda: len(control.events()) >= len(events_of(packets)))
        assert Counter(event.event_type for event in control.events()) == Counter(events_of(packets))
        packet = next(iter(control.archive.list_packets(name="/DORN/pong")))
        wanted_s = began_s + next(t for p, t in zip(packets, times_s, strict=True) if p[7:9] == b"\x11\x02")
        assert packet.generation_time.timestamp() == pytest.approx(wanted_s, abs=0.002)
        outlet.close()


def test_ten_minutes_with_telecommands_a_damaged_packet_and_a_reset(tmp_path):
    with Yamcs(tmp_path) as control, instrument() as target, Live(control, target, SPEED) as live:
        control.until(lambda: target.now_us > 300e6)

        connection = control.processor.create_command_connection()
        good = connection.issue("/DORN/ping")
        good.await_complete(LIMIT_S)
        assert good.is_success() and good.error is None
        refused = connection.issue("/DORN/function_bias_on")
        refused.await_complete(LIMIT_S)
        assert not refused.is_success() and refused.error.startswith("not_armed")
        with pytest.raises(YamcsError, match="range"):
            control.processor.issue_command("/DORN/set_parameter_integration_time", args={"value": 0})
        for name, args in {
            "function": {"function": "bias_on"},
            "set_parameter": {"parameter": "bias", "value": 1},
        }.items():
            with pytest.raises(YamcsError, match="abstract"):  # neither asks for confirmation nor checks the range
                control.processor.issue_command(f"/DORN/{name}", args=args)
        assert control.warnings() == []

        # a damaged packet affects neither the previous nor the next one
        before = len(live.sent.packets)
        damaged = bytearray(live.sent.packets[-1])
        damaged[-1] ^= 1
        live.do(lambda: live.outlet.put(bytes(damaged)))
        control.until(lambda: any("orrupted" in text for text in control.warnings()))
        control.until(lambda: len(live.sent.packets) > before)

        # on-board time continues across a reset, so that no packet is mistaken for another
        live.do(target.power_cycle)
        control.until(lambda: target.now_us > 600e6)
        live.do(lambda: None)
        wanted = live.sent.names()
        control.until(lambda: sum(control.packets().values()) >= sum(wanted.values()))
        archived = control.packets()
        assert all(archived[name] >= wanted[name] for name in wanted)  # acquisition continues
        assert len([text for text in control.warnings() if "orrupted" in text]) == 1
        assert control.processor.get_parameter_value("/DORN/housekeeping_boot_count").eng_value == 2
        assert sum(control.processor.get_parameter_value("/spectra/front").eng_value) > 0
        assert control.processor.get_parameter_value("/rates/trigger_rate").eng_value > 0


@contextlib.contextmanager
def losing(tmp_path, lost):
    """A server that does not receive packets with a name in `lost`, its bridge, and a connection for telecommands."""
    with Yamcs(tmp_path) as control, instrument() as target, Live(control, target, 20, acquires=False) as live:
        archived = live.outlet.put
        live.outlet.put = lambda packet: DICTIONARY.decode(packet).name in lost or archived(packet)
        yield control, live, control.processor.create_command_connection()


def stages(command):
    return [command.acknowledgments[f"Verifier_{name}"].status for name in ("Accepted", "Started", "Complete")]


def test_a_report_that_was_lost_is_replaced_by_one_of_a_later_stage(tmp_path):
    lost = {"acceptance_success", "start_success"}
    with losing(tmp_path, lost) as (control, _, connection):
        command = connection.issue("/DORN/ping")
        command.await_complete(LIMIT_S)
        assert command.is_success() and command.error is None
        assert stages(command) == ["OK"] * 3
        assert not lost & set(control.packets())


def test_a_packet_of_another_service_is_not_a_report(tmp_path):
    """The subtype of `action_status` is that of `completion_success`."""
    with losing(tmp_path, {"start_success", "completion_success"}) as (control, live, connection):
        command = connection.issue("/DORN/ping")
        control.until(lambda: control.packets()["acceptance_success"])
        live.do(lambda: live.bridge.send(DICTIONARY.encode("report_actions", 77, ack=Ack.NONE)))
        control.until(lambda: control.packets()["action_status"])
        assert stages(command) == ["OK", "PENDING", "PENDING"]


def test_a_report_received_before_a_telecommand_is_not_its_own(tmp_path):
    """Another client has sent one with the same sequence count."""
    lost = set()
    with losing(tmp_path, lost) as (control, live, connection):
        live.do(lambda: live.bridge.send(DICTIONARY.encode("ping", FIRST_COUNT)))
        control.until(lambda: control.packets()["completion_success"])
        lost |= {name for name, layout in DICTIONARY.telemetry.items() if layout.service == VERIFICATION}
        command = connection.issue("/DORN/ping")
        control.until(lambda: control.packets()["pong"] == 2)
        control.until(lambda: "ccsds-seqcount" in command.attributes)
        assert command.attributes["ccsds-seqcount"] == FIRST_COUNT
        live.do(lambda: live.bridge.send(DICTIONARY.encode("report_actions", 77, ack=Ack.NONE)))
        control.until(lambda: control.packets()["action_status"])
        assert stages(command) == ["PENDING"] * 3


def test_a_reset_a_restart_of_the_server_and_a_second_instrument_cost_no_packet(tmp_path):
    sent = Counter()

    def all_archived_after(seconds, target, resets=False):
        nonlocal sent
        with Yamcs(tmp_path) as control, Live(control, target, SPEED) as live:
            end_us = target.now_us + 1e6 * seconds
            if resets:
                control.until(lambda: target.now_us > end_us - 0.5e6 * seconds)
                live.do(target.power_cycle)
            control.until(lambda: target.now_us > end_us)
            live.stop()
            sent += live.sent.names()
            control.until(lambda: sum(control.packets().values()) >= sum(sent.values()))
            assert control.packets() == sent

    with instrument() as target:
        all_archived_after(80, target, resets=True)
        all_archived_after(40, target)  # the server starts again, the instrument continues
    with instrument() as target:  # on-board time restarts, with the same counts
        all_archived_after(40, target)


@pytest.mark.parametrize(
    "names",
    [("link_check", "parameter_restore", "storm", "memory_check"), ("calibration", "orbit", "cruise", "commissioning")],
)
def test_the_server_runs_procedures_from_their_stacks(names, tmp_path):
    with Yamcs(tmp_path) as control, instrument() as target, Live(control, target, 20, acquires=False) as live:
        for name in names:
            status, log = control.run_stack(name)
            assert status == "SUCCESSFUL", (name, log[-5:], events_of(live.sent.packets))


def test_a_stack_ends_at_a_telecommand_that_is_refused(tmp_path):
    with Yamcs(tmp_path) as control, instrument() as target, Live(control, target, 20, acquires=False):
        stack = json.loads((tmp_path / "stacks" / "commissioning.ycs").read_text())
        arm = [step.get("name") for step in stack["steps"]].index("/DORN/function_arm")
        del stack["steps"][: arm + 2]  # starts with bias_on, which is refused
        for step in stack["steps"]:
            step["timeout"] = 1500
        (tmp_path / "stacks" / "wrong.ycs").write_text(json.dumps(stack))
        status, log = control.run_stack("wrong")
        assert status == "FAILED" and "Running command /DORN/function_bias_on()" in log, log
        assert not [line for line in log if "function_start" in line]
        assert control.run_stack("link_check")[0] == "SUCCESSFUL"  # the refusal has no other effect


def test_a_port_or_folder_in_use_is_reported_before_anything_is_written(tmp_path, capsys):
    with socket.create_server((HERE, 0)) as other:
        port = other.getsockname()[1]
        assert cli.main(["yamcs", "--target", "unix", "--out", str(tmp_path), "--port", str(port)]) == 2
    assert re.match(f"dorn: yamcs: port {port}: Address already in use.*: give another one\n", capsys.readouterr().err)
    with contextlib.closing(yamcs.reserve(tmp_path, port)):
        assert cli.main(["yamcs", "--target", "unix", "--out", str(tmp_path), "--port", str(port)]) == 2
    assert f"yamcs {tmp_path}: in use by" in capsys.readouterr().err
    assert list(tmp_path.iterdir()) == []


def test_what_was_edited_in_yamcs_is_kept(tmp_path):
    with contextlib.closing(yamcs.link(DICTIONARY)) as link:
        yamcs.prepare(tmp_path, 1, link, DICTIONARY)
        edited, deleted = tmp_path / "stacks" / "storm.ycs", tmp_path / "displays" / "rates.opi"
        edited.write_text("{}")
        deleted.unlink()
        for _ in range(2):
            yamcs.prepare(tmp_path, 1, link, DICTIONARY)
            assert edited.read_text() == "{}" and deleted.exists()


@pytest.mark.parametrize("epoch", ["", "2026-01-01", "1969-12-31T23:59:59Z", "9999-01-01T00:00:00Z"])
def test_an_epoch_that_cannot_be_is_refused(epoch, tmp_path, capsys):
    assert cli.main(["yamcs", "--target", "unix", "--out", str(tmp_path), "--epoch", epoch]) == 2
    assert "--epoch: UTC: not" in capsys.readouterr().err
