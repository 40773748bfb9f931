"""The simulated spacecraft: execution of timelines, and the conformance report."""

import json
import re

import pytest
from dorn.dictionary import Dictionary
from dorn.errors import UserError
from dorn.ground import lander
from dorn.ground.conformance import RULES, Conformance
from dorn.head.front_end import FrontEnd, Head
from dorn.link.key import Key
from dorn.targets import open_target
from dorn.targets.unix import UnixTarget
from hypothesis import given
from hypothesis import strategies as st
from spacepackets.ecss.tc import PusTc
from spacepackets.ecss.tm import PusTm
from support.packets import TIME

DICTIONARY = Dictionary.load()
MISSION = DICTIONARY.mission
TIMES = 80


def play(target, text, tmp_path, key=None, times=1.0):
    path = tmp_path / "timeline.txt"
    path.write_text(text)
    output = []
    spacecraft = lander.Lander(target, DICTIONARY, key, times=times, say=output.append)
    return spacecraft.run(lander.load(str(path), DICTIONARY)), spacecraft, output


def test_the_mission_timeline_runs_and_its_report_is_clean():
    with open_target("unix", Head(FrontEnd(), 1)) as target:
        spacecraft = lander.Lander(target, DICTIONARY, times=TIMES, say=lambda text: None)
        ok = spacecraft.run(lander.load("dorn", DICTIONARY))
        hours = target.now_us / 3.6e9
    report = spacecraft.conformance
    assert ok, report.text()
    assert hours >= 176 / TIMES
    assert all(finding.checked for finding in report.findings.values())
    assert report.text().startswith(f"PASSED: {len(RULES)} rules kept\n")
    assert report.packets["spectrum"] > 16 and report.packets["event_info"] > 8
    assert spacecraft.collected > 100 and spacecraft.lost == 0
    assert report.findings["start"].checked >= 3  # the last power cut happens while the link is down


def test_with_a_key_the_report_sees_telecommands_without_their_signature(tmp_path, monkeypatch):
    from dorn.image import firmware

    key, files = Key.create(tmp_path / "key"), firmware.files
    monkeypatch.setattr(firmware, "files", lambda *a, **k: files(*a, **k) | {"key": key.board_file})
    with UnixTarget() as target:
        ok, spacecraft, _ = play(target, "send ping\npower off 2\nsend ping\n", tmp_path, key)
    assert ok, spacecraft.conformance.text()
    assert spacecraft.conformance.telecommands["ping"] >= 2  # the first after a reset may be replayed


def test_the_first_failing_statement_ends_the_timeline_and_is_reported(tmp_path):
    with open_target("unix") as target:
        ok, spacecraft, output = play(target, "send ping\nsend function function=bias_on\nsend ping\n", tmp_path)
    assert not ok
    assert "2: FAILED" in output[-1] and "not_armed" in output[-1]
    first = spacecraft.conformance.text().splitlines()[0]
    assert first.startswith("FAILED: the timeline ended at line 2: ") and "not_armed" in first
    assert first.endswith(" rules kept")
    content = json.loads(spacecraft.conformance.json())
    assert content["verdict"] == first and content["clean"] is False
    assert not any(rule["broken"] for rule in content["rules"].values())


def test_a_timeline_that_was_interrupted_has_not_passed(tmp_path, monkeypatch):
    def interrupted(*_):
        raise KeyboardInterrupt

    monkeypatch.setattr(lander.Lander, "_collect", interrupted)
    path = tmp_path / "timeline.txt"
    path.write_text("send ping\ncollect\n")
    with open_target("unix") as target:
        spacecraft = lander.Lander(target, DICTIONARY, say=lambda text: None)
        with pytest.raises(KeyboardInterrupt):
            spacecraft.run(lander.load(str(path), DICTIONARY))
    assert re.fullmatch(r"FAILED: the timeline was interrupted; \d+ rules kept", spacecraft.conformance.verdict)
    assert not spacecraft.conformance.clean


def test_packets_of_a_link_outage_are_retrieved_afterwards(tmp_path):
    text = "link down\nwait 30\nlink up\nsend ping\ncollect\n"
    with open_target("unix") as target:
        ok, spacecraft, _ = play(target, text, tmp_path)
    assert ok, spacecraft.conformance.text()
    # housekeeping of the outage of 30 s
    assert spacecraft.collected >= 3


@pytest.mark.parametrize(
    ("line", "why"),
    [
        ("at soon", "at: SECONDS: not a usable number .soon"),
        ("power on 3", "power: unknown"),
        ("power off", "power: expected `power off SECONDS`"),
        ("link sideways", "link: unknown"),
        ("source nowhere.toml", "nowhere.toml: file: cannot be read"),
        ("procedure nowhere", "procedure: FILE: neither a file nor one of"),
        ("fly 3", "statement: unknown"),
        ("send pong", "telecommand: unknown"),
        ("at 5\nat 4", "at: before the previous one, 5 "),
    ],
)
def test_an_invalid_line_is_rejected_before_anything_is_done(line, why, tmp_path):
    path = tmp_path / "timeline.txt"
    path.write_text(f"send ping\n{line}\n")
    with pytest.raises(UserError, match=f"timeline.txt:{2 + line.count(chr(10))}: .*{why}"):
        lander.load(str(path), DICTIONARY)


def test_an_unknown_timeline_is_rejected_with_the_known_ones():
    with pytest.raises(UserError, match=r"timeline: FILE: neither a file nor one of dorn \(dron\)"):
        lander.load("dron", DICTIONARY)


def test_an_empty_timeline_is_rejected(tmp_path):
    path = tmp_path / "timeline.txt"
    path.write_text("# nothing\n")
    with pytest.raises(UserError, match="has no statement"):
        lander.load(str(path), DICTIONARY)


# -- the rules, on packets and telecommands built by spacepackets ------------------------------------------------------


def tm(name, count, message_count=0, time=TIME, data=None, **header):
    layout = DICTIONARY.telemetry[name]
    data = (
        bytes(sum(f.size * (f.length if isinstance(f.length, int) else 1) for f in layout.fields))
        if data is None
        else data
    )
    packet = PusTm(
        service=layout.service,
        message_subtype=layout.subtype,
        timestamp=time,
        source_data=data,
        apid=header.get("apid", MISSION["apid"]),
        seq_count=count,
        message_counter=message_count,
        destination_id=MISSION["destination_id"],
    )
    return bytes(packet.pack())


def tc(count, ack=0b1001, service=17, subtype=1):
    packet = PusTc(service=service, message_subtype=subtype, apid=MISSION["apid"], seq_count=count, ack_flags=ack)
    return bytes(packet.pack())


def report(name, count, n, message_count=0):
    """Verification report for the telecommand with sequence count `count`; n: the report's own sequence count."""
    request = (0x1800 | MISSION["apid"]).to_bytes(2, "big") + (0xC000 | count).to_bytes(2, "big")
    return tm(name, n, message_count, data=request)


def booted(count=0):
    return tm("event_info", count, data=bytes(6) + bytes([DICTIONARY.enums["event"]["booted"]]) + bytes(8))


def stored(count, message_count, text):
    """A stored packet with record number 1 and the given text."""
    n = sum(f.size * f.length if isinstance(f.length, int) else f.size for f in DICTIONARY.telemetry["rates"].fields)
    return tm("rates", count, message_count, data=bytes([0, 0, 0, 1, 0, 1]) + text + bytes(n - 7))


def up(packet):
    return lambda c, at_s: c.up(packet, at_s)


def down(packet):
    return lambda c, at_s: c.down(packet, at_s)


PONG = [down(tm("pong", n, n)) for n in range(3)]
BROKEN = {
    "frame": [lambda c, at_s: c.frames(1, 1, at_s)],
    "packet": [down(tm("pong", 0)[:-1] + b"\0")],
    "dictionary": [down(tm("housekeeping", 0))],
    "sequence": [PONG[0], PONG[2]],
    "message count": [PONG[0], down(tm("pong", 1, 2))],
    "time": [PONG[0], down(tm("pong", 1, 1, time=bytes([0, 0, 0, 1, 0x7F, 0])))],
    "start": [lambda c, at_s: c.powered(at_s), PONG[0]],
    "verification": [up(tc(5)), down(report("completion_success", 5, 0))],
    "completion": [up(tc(5)), down(report("acceptance_success", 5, 0)), *[down(tm("pong", n)) for n in range(1, 14)]],
    "telecommand": [up(tc(5, service=99))],
    "count": [up(tc(5)), up(tc(7))],
    "value": [down(tm("acceptance_failure", 0, data=bytes.fromhex("1864c000c8") + bytes(4)))],
    "record": [down(tm("pong", 0)), *[down(stored(n, n, text)) for n, text in ((1, b"a"), (2, b"b"))]],
}  # fmt: skip


def test_every_rule_has_a_case():
    assert set(BROKEN) == set(RULES)


@pytest.mark.parametrize("rule", RULES)
def test_a_broken_rule_is_reported(rule):
    conformance = Conformance(DICTIONARY)
    for n, step in enumerate(BROKEN[rule]):
        step(conformance, float(n))
    assert rule in {name for name, finding in conformance.findings.items() if finding.broken}
    assert not conformance.clean and "BROKEN" in conformance.text()
    assert re.match(rf"FAILED: \d+ of \d+ rules broken: .*{rule}", conformance.text())


def test_conforming_traffic_gives_a_clean_report():
    conformance = Conformance(DICTIONARY)
    conformance.powered(0.0)
    conformance.up(tc(5), 0.5)  # before the instrument has started: it may be lost
    conformance.down(booted(), 1.0)
    conformance.up(tc(6), 1.1)
    conformance.down(report("acceptance_success", 6, 1), 1.2)
    conformance.down(report("completion_success", 6, 2), 1.3)
    conformance.over(20.0)
    assert conformance.clean, conformance.text()
    assert conformance.findings["completion"].checked == 1


def test_a_link_outage_breaks_no_rule():
    conformance = Conformance(DICTIONARY)
    conformance.down(tm("pong", 5, 9), 1.0)
    conformance.up(tc(5), 1.0)
    conformance.interrupted()
    conformance.down(tm("pong", 9, 30), 30.0)
    conformance.down(tm("pong", 10, 31), 31.0)
    conformance.over(60.0)
    assert conformance.clean, conformance.text()


def test_retrieved_packets_may_have_old_times_until_the_retrieval_ends():
    numbers = [(1).to_bytes(4, "big"), (9).to_bytes(4, "big")]
    conformance = Conformance(DICTIONARY)
    conformance.down(tm("pong", 0, 0), 1.0)
    packet = DICTIONARY.encode("retrieve_records", 5, ack=0, first=1, last=9)
    conformance.up(packet, 1.0)
    old = bytes([0, 0, 0, 1, 0, 0])
    conformance.down(tm("rates", 99, 99, time=old, data=stored(0, 0, b"a")[19:-2]), 1.1)
    conformance.down(tm("retrieval_end", 1, 0, data=b"".join(numbers) + bytes(4)), 1.2)
    assert conformance.clean, conformance.text()
    conformance.down(tm("rates", 2, 0, time=old, data=(2).to_bytes(4, "big") + stored(0, 0, b"a")[23:-2]), 1.3)
    assert [rule for rule, finding in conformance.findings.items() if finding.broken] == ["time"]


def test_on_a_real_instrument_power_off_is_rejected_and_sources_are_ignored(tmp_path, monkeypatch):
    monkeypatch.setattr(UnixTarget, "in_real_time", True)
    with open_target("unix") as target:
        path = tmp_path / "timeline.txt"
        path.write_text("send ping\npower off 3\n")
        with pytest.raises(UserError, match="line 2: power off 3: not possible on target unix"):
            lander.Lander(target, DICTIONARY).run(lander.load(str(path), DICTIONARY))
        path.write_text(f"source {lander.TIMELINES / 'cruise.toml'}\nsend ping\n")
        output = []
        assert lander.Lander(target, DICTIONARY, say=output.append).run(lander.load(str(path), DICTIONARY))
        assert "detectors are real" in output[1]


@given(st.lists(st.tuples(st.booleans(), st.binary(max_size=80)), max_size=10))
def test_arbitrary_octets_do_not_break_the_report(octets):
    conformance = Conformance(DICTIONARY)
    for at_s, (is_up, data) in enumerate(octets):
        (conformance.up if is_up else conformance.down)(data, float(at_s))
    assert not conformance.clean
    assert conformance.verdict.startswith("FAILED: ") and ("nothing was checked" in conformance.verdict) == (not octets)
    assert conformance.text() and conformance.json()
