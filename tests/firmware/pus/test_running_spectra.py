"""Spectra of running integrations: complete copies, never stored; no counts are lost or added."""

import pytest
from dorn.link.archive import Archive
from dorn.products.collection import Collection
from support.instrument import both_if_long, instrument, play, refused

ALL = (1 << 24) - 1


def running(i):
    """The packets of running spectra: (class, detector or unit) -> those since the last call."""
    found = {}
    for packet in i.received:
        if packet.fields.get("closed_by") == i.dictionary.enums["closed_by"]["running"]:
            found.setdefault((packet.name, packet.fields.get("detector", packet.fields.get("unit"))), []).append(packet)
    i.received.clear()
    return found


@both_if_long
def test_running_spectra_are_copies_and_the_integration_continues(where, tmp_path):
    with instrument(where) as i:
        i.record(tmp_path / "telemetry.ccsds")
        i.start()
        play(i, [(1_000_000 * n, 3, 5000.0) for n in range(1, 8)])
        play(i, [(i.target.now_us * 1000 + 1_000_000, detector, 3000.0) for detector in (4, 5)])  # one unit
        running(i)
        i.command("report_spectra", spectra=ALL)
        i.advance(8)
        first = running(i)
        assert len(first) == 24 and all(len(packets) == 1 for packets in first.values())
        (one,) = first["spectrum", 3]
        assert (one.fields["record"], one.fields["total"], sum(one.fields["counts"])) == (0, 7, 7)
        assert 0 < one.fields["live_us"] <= one.fields["real_us"]
        assert first["coincidence_spectrum", 2][0].fields["total"] == 1
        play(i, [(i.target.now_us * 1000 + 1_000_000, 3, 5000.0)])
        i.command("report_spectra", spectra=1 << 3)
        i.advance(1)
        ((again,),) = running(i).values()
        assert again.fields["total"] == 8 and again.fields["real_us"] > one.fields["real_us"]
        assert again.fields["start_us"] == one.fields["start_us"]
        i.stop()
        i.close()
        assert i.counts()[3, (5000 // 3 + 50) // 4] == 8
    with Archive(i.dictionary, tmp_path / "telemetry.ccsds") as archive:
        assert archive_sums(archive) == {("back", 3): 8, ("front_back", 2): 1}


def archive_sums(archive):
    """Sums that have counts."""
    return {key: int(one.counts.sum()) for key, one in Collection(archive).all_spectra().items() if one.counts.any()}


def test_running_spectra_are_not_stored():
    with instrument("unix") as i:
        i.start()
        i.received.clear()
        i.command("report_spectra", spectra=ALL)
        i.advance(5)
        kept = {packet.fields["record"] for packet in i.received if packet.fields.get("record")}
        assert len(running(i)) == 24
        i.command("report_structure", structure="health")
        health = i.last("housekeeping")
        later = {packet.fields["record"] for packet in i.received if packet.fields.get("record")} - kept
        # every record number in between is that of a packet of another kind
        assert max(later) - min(kept) + 1 == len(kept | later) and health["store_last"] <= max(later)


@pytest.mark.parametrize("spectra", [0, 1 << 24, 2**32 - 1])
def test_no_other_spectra_can_be_requested(spectra):
    with instrument("unix") as i:
        i.start()
        refused(i, "out_of_range", "report_spectra", spectra=spectra)


def test_a_stop_sends_the_closed_spectra_instead():
    with instrument("unix") as i:
        i.start()
        play(i, [(1_000_000, 3, 5000.0)])
        i.received.clear()
        i.send(("report_spectra", {"spectra": ALL}), ("function", {"function": "stop"}))
        i.until(lambda: any(packet.name == "rates" for packet in i.received), 10)
        i.advance(10)
        assert len(running(i)) < 24  # the others would be empty
        i.start()
        i.advance(10)
        assert not running(i)
