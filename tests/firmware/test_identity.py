"""The unique id of the board and the origin of the boot record: how packets identify their instrument."""

from functools import partial

import pytest
from support import every_packet
from support.instrument import DICTIONARY, both_if_long, instrument
from support.kept import damage

BOOTED, IDENTIFIED = (DICTIONARY.enums["event"][name] for name in ("booted", "identified"))


def origins(i):
    """The origins in all packets received; each kind of stored packet has one."""
    stored = [p for p in i.received if DICTIONARY.telemetry[p.name].store_priority]
    assert {p.name for p in stored} >= {"housekeeping", "event_info"}
    return {p.fields["origin"] for p in stored}


def identity(i):
    """(unique id, origin), the same in housekeeping and in the event report of every start."""
    hk = i.housekeeping.fields
    unique_id = hk["unique_id"]
    assert set(i.events("identified")) == {(unique_id >> 32, unique_id & 0xFFFFFFFF)}
    assert origins(i) == {hk["origin"]} and 1 <= hk["origin"] <= 0xFFFF
    return unique_id, hk["origin"]


@both_if_long
def test_an_instrument_has_one_identity_across_resets_of_every_kind_and_two_have_two(where, tmp_path):
    found = []
    for folder in (tmp_path / "one", tmp_path / "two"):
        with instrument(where, folder) as i:
            target = i.target
            for begin in (target.reset, target.power_cycle, partial(target.stall, 9), partial(i.armed, "reset")):
                i.reboot(begin)
            i.next("housekeeping")
            found.append(identity(i))
            assert found[-1][0] == target.unique_id
        with instrument(where, folder) as i:
            assert i.housekeeping.fields["boot_count"] == 6 and identity(i) == found[-1]
    (one, origin), (two, other) = found
    assert one != two and origin != other


def test_every_kind_of_packet_that_is_stored_carries_the_origin(tmp_path):
    path = tmp_path / "telemetry.ccsds"
    every_packet.record(path)
    packets = [DICTIONARY.decode(packet) for packet in every_packet.split(path, DICTIONARY)]
    stored = {layout.name for layout in DICTIONARY.telemetry.values() if layout.store_priority}
    assert {p.name for p in packets if "origin" in p.fields} == stored
    (origin,) = {p.fields["origin"] for p in packets if p.name in stored}
    assert origin


def test_the_board_is_identified_directly_after_the_boot():
    with instrument("unix") as i:
        reports = [p.fields["event"] for p in i.received if p.name == "event_info"]
        assert reports[:2] == [BOOTED, IDENTIFIED]


def test_one_damaged_copy_does_not_change_the_origin(flash):
    with instrument("unix", flash) as i:
        before = identity(i)
    for name in ("boot.0", "boot.1"):
        damage(flash / "kept" / name)
        with instrument("unix", flash) as i:
            assert i.events("boot_record_damaged") == [(1, 0)] and identity(i) == before


@pytest.mark.parametrize("harm", ["damage", "remove"])
def test_with_both_copies_lost_the_origin_is_a_new_one(flash, harm):
    with instrument("unix", flash) as i:
        unique_id, origin = identity(i)
        i.advance(30)
    for copy in (flash / "kept").glob("boot.?"):
        damage(copy) if harm == "damage" else copy.unlink()
    with instrument("unix", flash) as i:
        assert i.events("boot_record_damaged") == [(2, 0)]
        i.function("standby")
        i.next("housekeeping")
        new = identity(i)
        assert new[0] == unique_id and new[1] != origin
    with instrument("unix", flash) as i:
        assert identity(i) == new
