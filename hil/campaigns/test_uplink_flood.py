"""Telecommands faster than they can be executed: each is executed, rejected or counted as lost, and no detector hits
are lost."""

import pytest
from bench import missing
from dorn.dictionary import Dictionary
from dorn.head.front_end import FrontEnd, Head
from dorn.link import frames
from dorn.session.instrument import Instrument
from dorn.targets import open_target
from particles import poisson

DICTIONARY = Dictionary.load()
CASES = {"unix": ("usb", 20_000, 20_000), "flight link": ("uart", 120, 20_000), "USB link": ("usb", 50, 3000)}
CPS = 500


@pytest.fixture(params=CASES)
def flooded(request, long, seed):
    """-> (instrument, number of telecommands, name of the case)"""
    link, short, full = CASES[request.param]
    target = "unix" if request.param == "unix" else "rp2040"
    lacking = missing(target)
    if lacking:
        request.node.listed_skip = True
        pytest.skip(lacking)
    n = full if long else short
    with open_target(target, Head(FrontEnd(), seed), link=link, unique_id=seed) as target:
        i = Instrument(target)
        i.connect()
        yield i, n, request.param


def test_every_telecommand_is_executed_rejected_or_counted_as_lost(flooded, seed, totals):
    i, n, name = flooded
    encoded = [
        DICTIONARY.encode("set_parameter", k & 0x3FFF, check=False, parameter="bias", value=200_000)
        if k % 17 == 16
        else DICTIONARY.encode("ping", k & 0x3FFF)
        for k in range(n)
    ]
    data = [frames.encode(packet) for packet in encoded]
    i.set("housekeeping_period", 2)
    i.start()
    before = i.next("housekeeping")
    i.target.inject(poisson(CPS, 3600, seed))
    i.target.send(b"".join(data))
    counted, hk = -1, before
    while hk["commands_accepted"] + hk["commands_rejected"] != counted:  # until the counters stop
        counted = hk["commands_accepted"] + hk["commands_rejected"]
        hk = i.next("housekeeping", 25)
    i.target.head.cut()
    i.target.send(b"\0")
    rates = i.stop()
    hk = i.next("housekeeping", 25)
    accepted = hk["commands_accepted"] - before["commands_accepted"] - 1  # without the stop
    refused = hk["commands_rejected"] - before["commands_rejected"]
    lost, bad = hk["uplink_lost"], hk["frames_bad"]
    totals(
        f"{name}: {n} telecommands in one write: {accepted} executed, {refused} rejected, {lost} octets lost in {bad}"
        f" places, {hk['packets_dropped']} reports dropped"
    )
    assert i.target.resets == 0 and hk["boot_count"] == before["boot_count"] and hk["task_failures"] == 0
    if name == "flight link":
        octets = len(b"".join(data)) - accepted * len(data[0]) - refused * len(data[16])
        assert 0 <= octets - lost <= bad * (len(data[0]) + len(data[16])), "the rest belongs to damaged frames"
        assert (lost > 0) == bool(i.events("uplink_overrun"))
    else:
        assert lost == bad == 0 and (accepted, refused) == (n - n // 17, n // 17)
    hits = sum(sum(rates[c]) for c in ("accepted", "below_threshold", "over_range", "disabled")) + rates["overrun_hits"]
    assert i.target.head.fates.delivered == hits > CPS


def test_a_flood_of_dump_requests_loses_no_packet_on_unix(totals):
    """216 dumps of 512 octets in one write: telecommands wait until there is room for their reports."""
    with open_target("unix") as target:
        i = Instrument(target)
        i.connect()
        i.send(*[("dump_memory", {"region": "spectra", "offset": 512 * (k % 64), "count": 512}) for k in range(216)])
        i.advance(5)
        dumps = [p.fields for p in i.received if p.name == "memory_dump"]
        assert [f["offset"] for f in dumps] == [512 * (k % 64) for k in range(216)]
        assert i.sequence_gaps == 0


def test_a_long_retrieval_loses_no_packet_on_unix():
    with open_target("unix") as target:
        i = Instrument(target)
        i.connect()
        for name, value in {"rates_period": 1, "storage_delay": 1, "storage_per_day": 100_000_000}.items():
            i.set(name, value)
        i.start()
        i.advance(300)
        i.stop()
        i.advance(5)
        repeated = i.records.repeated
        i.command("retrieve_records", first=1, last=500)
        i.until(lambda: any(p.name == "retrieval_end" for p in i.received), 60)
        assert i.last("retrieval_end")["count"] == i.records.repeated - repeated == 500
        assert i.sequence_gaps == 0
