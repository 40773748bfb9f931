"""ST[05], enabling of event reports, and ST[03], enabling and interval of housekeeping structures."""

import pytest
from support.instrument import DICTIONARY, both_if_long, instrument, refused


def disabled(i):
    i.command("report_disabled_events")
    return i.last("disabled_events")["events"]


# -- ST[05] ----------------------------------------------------------------------------------------


@both_if_long
def test_a_disabled_event_is_not_reported_until_it_is_enabled(where):
    with instrument(where) as i:
        number = DICTIONARY.events["cleared"].id
        assert disabled(i) == []
        i.command("disable_event", event="cleared")
        i.command("disable_event", event="cleared")  # disabled twice, but listed once
        i.command("disable_event", event="mode_changed")
        assert disabled(i) == [number, DICTIONARY.events["mode_changed"].id]
        i.function("clear")
        i.start()
        i.advance(0.2)
        assert not i.events("cleared") and len(i.events("acquisition_started")) == 1
        i.command("enable_event", event="cleared")
        i.command("enable_event", event="cleared")
        i.function("clear")
        assert len(i.events("cleared")) == 1
        assert disabled(i) == [DICTIONARY.events["mode_changed"].id]
        i.reboot(i.target.power_cycle)
        assert disabled(i) == []


def test_all_events_can_be_disabled_together():
    with instrument("unix") as i:
        for event in DICTIONARY.events:
            i.command("disable_event", event=event)
        numbers = [event.id for event in DICTIONARY.events.values()]
        assert disabled(i) == numbers
        before = sum("event" in p.fields and p.service == 5 for p in i.received)
        i.start()
        i.function("clear")
        i.stop()
        assert sum("event" in p.fields and p.service == 5 for p in i.received) == before
        for event in DICTIONARY.events:
            i.command("enable_event", event=event)
        assert disabled(i) == []


def test_an_unknown_event_is_rejected():
    with instrument("unix") as i:
        known = {event.id for event in DICTIONARY.events.values()}
        for number in {*range(256)} - known:
            refused(i, "unknown_entry", "disable_event", event=number)
        refused(i, "unknown_entry", "enable_event", event=0)
        assert disabled(i) == []


# -- ST[03] ----------------------------------------------------------------------------------------

PACKETS = {"health": ["housekeeping"], "science": ["rates", "line_rates"]}
PERIOD = {"health": "housekeeping_period", "science": "rates_period"}


def reported(i, structure):
    """Number of packets of each kind of a structure."""
    return [sum(p.name == name for p in i.received) for name in PACKETS[structure]]


@pytest.mark.parametrize("structure", PACKETS)
def test_a_structure_is_sent_periodically_or_on_request(structure):
    n = len(PACKETS[structure])
    with instrument("unix") as i:
        i.command("set_collection_interval", structure=structure, interval=2)
        i.advance(0.5)
        before = reported(i, structure)
        i.advance(10)
        assert reported(i, structure) == [count + 5 for count in before]
        i.command("report_parameter", parameter=PERIOD[structure])
        assert i.last("parameter_value")["value"] == 2
        i.command("disable_structure", structure=structure)
        i.advance(0.5)
        before = reported(i, structure)
        i.advance(10)
        assert reported(i, structure) == before
        i.command("report_structure", structure=structure)
        assert reported(i, structure) == [count + 1 for count in before]
        i.command("enable_structure", structure=structure)
        i.advance(10)
        assert reported(i, structure) == pytest.approx([count + 6 for count in before], abs=1)
        assert len(reported(i, structure)) == n
        i.command("disable_structure", structure=structure)
        before = reported(i, structure)
        i.reboot(i.target.power_cycle)
        i.advance(3)
        assert min(reported(i, structure)) > max(before)  # enabled again, with the same interval


def test_structures_are_independent():
    with instrument("unix") as i:
        i.command("disable_structure", structure="science")
        i.command("set_collection_interval", structure="health", interval=1)
        i.advance(1)
        health, science = reported(i, "health"), reported(i, "science")
        i.advance(20)
        assert reported(i, "health") == [health[0] + 20] and reported(i, "science") == science


def test_invalid_requests_are_rejected_and_change_nothing():
    with instrument("unix") as i:
        for number in (0, 3, 255):
            refused(i, "unknown_entry", "report_structure", structure=number)
            refused(i, "unknown_entry", "set_collection_interval", structure=number, interval=1)
        for interval in (0, 3601, 2**32 - 1):
            refused(i, "out_of_range", "set_collection_interval", structure="health", interval=interval)
        i.command("report_parameter", parameter="housekeeping_period")
        assert i.last("parameter_value")["value"] == DICTIONARY.parameters["housekeeping_period"].default


def test_in_safe_only_housekeeping_is_sent_unrequested_and_intervals_cannot_be_set():
    with instrument("unix") as i:
        i.function("safe")
        refused(i, "wrong_mode", "set_collection_interval", structure="health", interval=1)
        health, science = reported(i, "health"), reported(i, "science")
        i.command("report_structure", structure="health")
        i.advance(20)
        assert reported(i, "science") == science
        i.command("report_structure", structure="science")
        assert reported(i, "science") == [n + 1 for n in science] and reported(i, "health")[0] >= health[0] + 3
