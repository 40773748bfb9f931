"""ST[11], time-based scheduling: release times, and the schedule across modes, resets and time changes."""

import pytest
from dorn.link import frames
from support.instrument import DICTIONARY, both_if_long, instrument, refused

LATE_S = 0.6  # one step of operations, one of commands, and the report
PLACES = 16
ACK = 0b1001  # acceptance and completion are reported


def cuc(at_s):
    """(seconds, fraction of 2^-16 s) of an on-board time."""
    whole = int(at_s * 65536)
    return whole >> 16, whole & 0xFFFF


def insert(i, when_s, name, sequence, ack=ACK, **fields):
    """Schedule a telecommand for an on-board time, with this sequence count."""
    seconds, fraction = cuc(when_s)
    telecommand = DICTIONARY.encode(name, sequence, ack=ack, **fields)
    i.command("insert_activity", at_s=seconds, at_fraction=fraction, telecommand=telecommand)


def on_board_s(i):
    """Present on-board time, from a packet sent on request."""
    i.command("report_schedule")
    return i.received[-1].time_s


def report(i):
    """(enabled, sequence counts in time order, on-board times)"""
    i.command("report_schedule")
    f = i.last("schedule_report")
    times_s = [s + fraction / 65536 for s, fraction in zip(f["at_s"], f["at_fraction"], strict=True)]
    return f["enabled"], [sequence & 0x3FFF for sequence in f["request_sequence"]], times_s


def completed(i):
    """sequence count -> on-board time of its completion"""
    done = (p for p in i.received if p.name == "completion_success")
    return {p.fields["request_sequence"] & 0x3FFF: p.time_s for p in done if p.fields["request_sequence"] & 0x3000}


def first(n):
    """Sequence counts not used by directly sent telecommands."""
    return 0x1000 + n


@both_if_long
def test_telecommands_are_released_in_order_of_time_and_never_early(where):
    with instrument(where) as i:
        begin_s = on_board_s(i)
        wanted_s = {first(0): begin_s + 4.25, first(1): begin_s + 2.5, first(2): begin_s + 3.0}
        for sequence, at_s in wanted_s.items():
            insert(i, at_s, "ping", sequence)
        enabled, sequences, times_s = report(i)
        assert (enabled, sequences) == (0, [first(1), first(2), first(0)])
        # times are kept to the microsecond, and a release is never early
        assert times_s == pytest.approx(sorted(wanted_s.values()), abs=2**-16)
        i.command("enable_schedule")
        i.advance(5)
        found_s = completed(i)
        assert list(found_s) == [first(1), first(2), first(0)]
        for sequence, at_s in wanted_s.items():
            assert at_s <= found_s[sequence] + 2**-15 and found_s[sequence] < at_s + LATE_S
        assert len([p for p in i.received if p.name == "pong"]) == 3
        assert report(i)[1] == []


def test_a_released_telecommand_is_verified_as_its_flags_request():
    with instrument("unix") as i:
        at_s = on_board_s(i) + 1
        for n, ack in enumerate((0, 0b1111, 0b0001)):
            insert(i, at_s, "ping", first(n), ack=ack)
        i.command("enable_schedule")
        i.advance(3)
        reports = [p for p in i.received if p.service == 1]
        reports = [(p.fields["request_sequence"] & 0x3FFF, p.name) for p in reports]
        assert [one for one in reports if one[0] >= first(0)] == [
            (first(1), "acceptance_success"),
            (first(1), "start_success"),
            (first(1), "completion_success"),
            (first(2), "acceptance_success"),
        ]
        assert len([p for p in i.received if p.name == "pong"]) == 3


def test_invalid_entries_are_rejected_and_change_nothing():
    with instrument("unix") as i:
        i.advance(2)
        begin_s = on_board_s(i)
        ping = DICTIONARY.encode("ping", 1)
        long = DICTIONARY.encode("load_memory", 1, region="thresholds", offset=0, data=bytes(45))
        assert len(long) == 65
        damaged = ping[:-1] + bytes([ping[-1] ^ 1])
        later = dict(at_s=int(begin_s) + 1000, at_fraction=0)
        for failure, fields in (
            ("out_of_range", dict(at_s=int(begin_s) - 1, at_fraction=0, telecommand=ping)),
            ("out_of_range", dict(later, telecommand=long)),
            ("bad_crc", dict(later, telecommand=damaged)),
            ("bad_length", dict(later, telecommand=ping[:-1])),
            ("bad_length", dict(later, telecommand=b"")),
        ):
            refused(i, failure, "insert_activity", **fields)
        assert report(i)[1] == []
        for n in range(PLACES):
            insert(i, begin_s + 1000 + n, "ping", first(n))
        refused(i, "no_room", "insert_activity", **later, telecommand=ping)
        assert report(i)[1] == [first(n) for n in range(PLACES)]
        assert i.next("housekeeping")["scheduled"] == PLACES


def test_entries_are_deleted_by_sequence_count_or_all_together():
    with instrument("unix") as i:
        at_s = on_board_s(i) + 1
        for n in (0, 1, 0, 2):
            insert(i, at_s, "ping", first(n))
        i.command("delete_activity", request_sequence=0xC000 | first(0))
        refused(i, "unknown_entry", "delete_activity", request_sequence=0xC000 | first(0))
        assert report(i)[:2] == (0, [first(1), first(2)])
        i.command("enable_schedule")
        i.command("reset_schedule")
        assert report(i)[:2] == (0, [])
        i.advance(3)
        assert not completed(i)


def test_a_disabled_schedule_releases_nothing_and_everything_once_enabled():
    with instrument("unix") as i:
        at_s = on_board_s(i) + 1
        for n in range(12):  # more than the router handles in one step
            insert(i, at_s, "ping", first(n))
        i.command("enable_schedule")
        i.command("disable_schedule")
        i.advance(5)
        assert not completed(i) and len(report(i)[1]) == 12
        i.command("enable_schedule")
        i.advance(5)
        assert list(completed(i)) == [first(n) for n in range(12)]


def test_the_schedule_follows_a_time_change():
    with instrument("unix") as i:
        at_s = int(on_board_s(i)) + 5000
        insert(i, at_s, "ping", first(0))
        i.command("enable_schedule")
        i.advance(5)
        assert not completed(i)
        i.command("set_time", seconds=at_s - 2, fraction=0)
        i.advance(1)
        assert not completed(i)
        i.advance(2)
        assert at_s <= completed(i)[first(0)] < at_s + LATE_S


def test_the_schedule_survives_mode_changes_and_forbidden_functions_are_rejected():
    with instrument("unix") as i:
        at_s = on_board_s(i) + 3
        insert(i, at_s, "function", first(0), function="start")
        insert(i, at_s + 1, "function", first(1), function="calibrate")  # not allowed in science
        insert(i, at_s + 2, "function", first(2), function="stop")
        insert(i, at_s + 6, "function", first(3), function="calibrate")
        i.command("enable_schedule")
        i.advance(11)
        assert list(completed(i)) == [first(0), first(2), first(3)]
        (refusal,) = (p for p in i.received if p.name == "start_failure")
        assert (refusal.fields["request_sequence"] & 0x3FFF, refusal.text("failure")) == (first(1), "wrong_mode")
        mode = DICTIONARY.enums["mode"]
        changes = [(mode["standby"], mode["science"]), (mode["science"], mode["standby"])]
        assert i.events("mode_changed")[-3:] == [*changes, (mode["standby"], mode["calibration"])]


def test_safe_disables_the_schedule_and_keeps_its_entries():
    with instrument("unix") as i:
        at_s = on_board_s(i) + 2
        insert(i, at_s, "ping", first(0))
        i.command("enable_schedule")
        i.function("safe")
        i.advance(4)
        refused(i, "wrong_mode", "enable_schedule")
        assert report(i)[:2] == (0, [first(0)]) and not completed(i)
        i.function("standby")
        i.advance(2)
        assert report(i)[:2] == (0, [first(0)]) and not completed(i)
        i.command("enable_schedule")
        i.advance(1)
        assert list(completed(i)) == [first(0)]


@pytest.mark.parametrize("kind", ["commanded", "power", "watchdog"])
def test_a_reset_disables_and_empties_the_schedule(kind):
    begin = {
        "commanded": lambda i: i.armed("reset"),
        "power": lambda i: i.target.power_cycle(),
        "watchdog": lambda i: i.target.stall(9),
    }[kind]
    with instrument("unix") as i:
        insert(i, on_board_s(i) + 20, "ping", first(0))
        i.command("enable_schedule")
        i.reboot(lambda: begin(i))
        assert report(i)[:2] == (0, [])
        i.command("enable_schedule")
        i.advance(30)
        assert not completed(i)


@both_if_long
def test_a_reset_can_be_scheduled_if_armed(where):
    with instrument(where) as i:
        at_s = on_board_s(i) + 1.5
        insert(i, at_s, "function", first(0), function="reset")  # not armed
        insert(i, at_s + 1, "function", first(1), function="arm")
        insert(i, at_s + 1.5, "function", first(2), function="reset")
        i.command("enable_schedule")
        cause = DICTIONARY.enums["reset_cause"]["commanded"]
        assert i.reboot(lambda: None) == (2, cause)
        assert list(completed(i)) == [first(1), first(2)]
        (refusal,) = (p for p in i.received if p.name == "start_failure")
        assert refusal.text("failure") == "not_armed"


def test_commands_to_the_schedule_can_be_scheduled():
    """An entry that inserts another entry, and one that disables the schedule."""
    with instrument("unix") as i:
        begin_s = on_board_s(i)
        seconds, fraction = cuc(begin_s + 4)
        inner = DICTIONARY.encode("ping", first(9))
        insert(i, begin_s + 2, "insert_activity", first(0), at_s=seconds, at_fraction=fraction, telecommand=inner)
        insert(i, begin_s + 5, "disable_schedule", first(1))
        insert(i, begin_s + 6, "ping", first(2))
        i.command("enable_schedule")
        i.advance(8)
        assert list(completed(i)) == [first(0), first(9), first(1)]


def test_ground_and_released_telecommands_are_both_handled():
    with instrument("unix") as i:
        at_s = on_board_s(i) + 1
        for n in range(8):
            insert(i, at_s, "ping", first(n))
        i.command("enable_schedule")
        i.target.send(b"".join(frames.encode(DICTIONARY.encode("ping", n)) for n in range(500, 508)))
        i.advance(4)
        done = [p.fields["request_sequence"] & 0x3FFF for p in i.received if p.name == "completion_success"]
        assert {*range(500, 508)} <= {*done} and [*completed(i)] == [first(n) for n in range(8)]
