"""A recorded run of the unix target in which the instrument sends every kind of telemetry packet."""

from pathlib import Path

import pytest
from dorn.dictionary import Ack, Dictionary
from dorn.head.front_end import FrontEnd, Head
from dorn.link import frames
from dorn.session import CommandFailed
from dorn.session.instrument import Instrument
from dorn.targets.unix import UnixTarget
from particles import poisson
from spacepackets.ecss.tc import PusTc
from stimuli import HeadStimulus

ALL_SUCCESSES = Ack.ACCEPTANCE | Ack.START | Ack.COMPLETION


def record(path: Path) -> None:
    """Write the packets of the run to `path`, concatenated."""
    with UnixTarget(Head(FrontEnd())) as target:
        i = Instrument(target)
        i.record(path)
        i.connect()
        _acquire(i)
        _scan(i)
        _ask(i)
        _fail(i)
        i.function("safe")  # event_high
        i.advance(1)
        i.close()


def _acquire(i: Instrument) -> None:
    i.set("rates_period", 1)
    i.start()
    HeadStimulus(i.target, i).play(poisson(100, 5, seed=1, pairs=0.3))
    i.advance(2)
    i.stop()


def _scan(i: Instrument) -> None:
    for name, value in {"steps": 2, "dwell": 1}.items():
        i.set(f"scan_{name}", value)
    i.calibrate()
    i.function("threshold_scan")
    i.advance(4)
    i.stop()


def _ask(i: Instrument) -> None:
    """Trigger packets that are sent on request only."""
    for name in ("disabled_events", "schedule", "out_of_limits"):  # nothing to report yet: arrays of 0 elements
        i.command(f"report_{name}")
    i.set("monitor_interval", 1)
    for monitor in ("heap", "temperature_head"):  # event_low, event_medium
        i.command("modify_monitor", monitor=monitor, low=2**32 - 2, high=2**32 - 1, repetition=1)
    i.command("disable_event", event="scan_ended")
    i.command("disable_event", event="storm_begin")
    telecommand = i.dictionary.encode("ping", 1, ack=0)
    for at_s in (40_000, 50_000):
        i.command("insert_activity", at_s=at_s, at_fraction=77, telecommand=telecommand)
    i.command("set_time_interval", interval=1)
    i.advance(3)
    i.command("ping", ack=ALL_SUCCESSES)
    for name in ("disabled_events", "schedule", "monitors", "out_of_limits", "actions", "storage"):
        i.command(f"report_{name}")
    i.command("report_parameter", parameter="threshold_15")
    i.command("dump_memory", region="counters", offset=0, count=256)
    i.command("check_memory", region="spectra", offset=0, count=32768)
    i.command("retrieve_records", first=1, last=3)
    i.advance(3)


def _fail(i: Instrument) -> None:
    """Trigger every kind of failure report."""
    good = i.dictionary.encode("ping", 500)
    i.target.send(frames.encode(good[:-1] + bytes([good[-1] ^ 1])))  # acceptance_failure
    unknown = PusTc(service=99, message_subtype=1, apid=i.dictionary.mission["apid"])
    i.target.send(frames.encode(bytes(unknown.pack())))  # routing_failure
    with pytest.raises(CommandFailed, match="start_failure"):
        i.command("set_parameter", check=False, parameter="bias", value=100_001)
    i.target.slow_control.dac.answers = False
    with pytest.raises(CommandFailed, match="completion_failure"):
        i.command("set_parameter", parameter="comparator_front", value=90)
    i.target.slow_control.dac.answers = True


def split(path: Path, dictionary: Dictionary) -> list[bytes]:
    """The packets of the recording, separated by their length fields."""
    data, packets = path.read_bytes(), []
    while data:
        size = int.from_bytes(data[4:6], "big") + 7
        packets.append(data[:size])
        data = data[size:]
    assert {dictionary.decode(packet).name for packet in packets} == set(dictionary.telemetry)
    return packets
