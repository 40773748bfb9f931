"""fsw/pus: telecommands for parameters on flash and for the packet store."""

import struct

import pytest
from support.services import SUCCESS, dictionary, names

# -- parameters on flash -----------------------------------------------------------------------------------------------


def stored(bench):
    """number -> value in the slots"""
    return dict(struct.iter_unpack(">HI", bench.get("slots.saved")))


def test_a_parameter_is_on_flash_when_its_success_is_reported(bench):
    assert names(bench.command("set_parameter", parameter="rates_period", value=7)) == SUCCESS
    defaults = {p.id: p.default for p in dictionary.parameters.values()}
    assert stored(bench) == defaults | {dictionary.parameters["rates_period"].id: 7}


def test_a_failed_flash_leaves_the_old_value_and_is_reported(bench):
    bench.command("set_parameter", parameter="rates_period", value=7)
    bench.child.ask("setattr(slots, 'fails', True)")
    bench.later()
    (*_, report) = bench.command("set_parameter", parameter="rates_period", value=9)
    assert (report.name, report.fields["detail"]) == ("completion_failure", 28)
    assert bench.get("parameters.get(2)") == 7 and stored(bench)[2] == 7
    assert bench.get("changes[-2:]") == [(2, 9), (2, 7)]  # reverted


@pytest.mark.parametrize(
    "saved, value",
    [
        ("(2, 7)", 7),
        ("(2, 0)", 5),  # out of range: the default
        ("(9999, 1, 2, 8)", 8),  # a number from another version
        ("(2, 7, 2, 9)", 9),
    ],
)
def test_parameters_on_flash_are_used_as_far_as_this_version_knows_them(bench, saved, value):
    entries = eval(saved)
    data = b"".join(
        entries[i].to_bytes(2, "big") + entries[i + 1].to_bytes(4, "big") for i in range(0, len(entries), 2)
    )
    bench.child.ask(f"setattr(Slots, 'saved', {data!r})")
    try:
        bench.child.ask("new()")
        assert bench.get("parameters.get(2)") == value
    finally:
        bench.child.ask("setattr(Slots, 'saved', None)")


# -- storage -----------------------------------------------------------------------------------------------------------


def test_invalid_storage_commands_are_rejected(bench):
    for fields in (dict(first=9, last=8), dict(first=2**32 - 1, last=0)):
        (_, report) = bench.command("retrieve_records", **fields)
        assert (report.name, report.text("failure")) == ("start_failure", "out_of_range")
    window = dict(from_s=5, from_fraction=1, to_s=5, to_fraction=0)
    (_, report) = bench.command("retrieve_by_time", **window)
    assert (report.name, report.text("failure")) == ("start_failure", "out_of_range")
    assert bench.get("changes") == []


def test_storage_commands_reach_the_store(bench):
    bench.command("retrieve_records", first=8, last=9)
    begun = bench.command("retrieve_by_time", from_s=5, from_fraction=1, to_s=2**32 - 1, to_fraction=2)
    aborted = bench.command("abort_retrieval")
    retrieved = [tuple(p.fields.values()) for p in begun + aborted if p.name == "retrieval_end"]
    assert retrieved == [(8, 9, 0), (0, 0, 0)]  # a new retrieval ends the one in progress
    bench.command("delete_records", until=4)
    bench.command("disable_storage")
    assert bench.get("changes") == [("delete", 4), ("ask",)]


def test_in_safe_nothing_is_written(bench):
    bench.child.ask("modes.safe(0)")
    bench.child.ask("changes.clear()")
    for command, fields in (
        ("delete_records", dict(until=4)),
        ("disable_storage", {}),
        ("set_parameter", dict(parameter="rates_period", value=7)),
        ("function", dict(function="start")),
        ("function", dict(function="safe")),
    ):
        (_, report) = bench.command(command, **fields)
        assert (report.name, report.text("failure")) == ("start_failure", "wrong_mode")
        assert report.fields["detail"] == dictionary.enums["mode"]["safe"]
    assert bench.get("budget.number(1)") == 0
    assert bench.get("changes, slots.saved") == ([], None)
    assert names(bench.command("function", function="standby")) == [*SUCCESS[:2], "event_info", SUCCESS[2]]
    assert bench.get("modes.mode") == dictionary.enums["mode"]["standby"]


def test_the_budget_gives_events_and_science_the_lower_half(bench):
    bench.child.ask("budget.set(icd.P_STORAGE_PER_DAY, 8000)")  # an eighth of it is available immediately
    assert bench.get("budget.number(2)") == 7
    bench.child.ask("budget.append(bytes(500))")
    assert bench.get("(budget.number(2), budget.number(1))") == (0, 7)
    bench.child.ask("budget.append(bytes(500))")
    assert bench.get("(budget.number(1), budget.over)") == (0, 2)
    bench.child.ask("storage.step(86400 * 10 ** 6 // 16)")  # advance by a sixteenth of a day
    assert bench.get("(budget.number(2), budget.number(1))") == (0, 7)
    bench.child.ask("storage.step(86400 * 10 ** 6)")
    bench.child.ask("budget.append(bytes(499))")  # at most an eighth of the budget accumulates
    assert bench.get("(budget.number(2), budget.number(1))") == (7, 7)
    (report, *_) = [p for p in bench.command("report_storage") if p.name == "storage_report"]
    assert (report.fields["budget"], report.fields["over_budget"], report.fields["enabled"]) == (501, 3, 1)
    assert [report.fields[n] for n in ("first", "last", "next", "used", "size")] == [1, 5, 7, 4096, 1 << 20]
