"""What `dorn yamcs` computes from packets for the displays and stacks: spectra, rates, conditions."""

import re

import numpy as np
from dorn.ground.yamcs import displays, spectra, stacks, trends
from dorn.ground.yamcs.conditions import COMPLETED, Conditions
from dorn.ground.yamcs.mission_control import event_text
from dorn.operator import parsing
from dorn.products.health import GROUPS
from hypothesis import given
from hypothesis import strategies as st
from support.products import DICTIONARY, coincidences, packet, spectrum

EVENT = DICTIONARY.enums["event"]


def taken(view, *made):
    """The values after these packets."""
    values = view.initial()
    for each in made:
        values.update(view.take(DICTIONARY.decode(each.octets)))
    return values


def as_parameters(view, values):
    """Every value has a parameter and its type; an array has the parameter's length, or is shorter in a new trend."""
    known = {parameter.name: parameter for parameter in view.parameters()}
    types = {"integer": int, "float": float, "boolean": bool}
    for name, value in values.items():
        length = known[name].length
        elements = value if isinstance(value, list) else [value]
        assert {type(element) for element in elements} <= {types[known[name].kind]}, name
        assert isinstance(value, list) == bool(length), name
        assert not length or len(value) <= length, name


# -- spectra -----------------------------------------------------------------------------------------------------------


def test_spectra_of_a_side_add_up():
    numbers = np.random.default_rng(3)
    made = [
        spectrum(detector, numbers.integers(0, 50, 64), first=first, total=9999, integration=integration)
        for integration in (1, 2)
        for detector in range(4)
        for first in (0, 512, 960)
    ]
    made.append(coincidences(2, numbers.integers(0, 9, 32), first=64).but(live_us=900))
    view = spectra.Spectra(DICTIONARY)
    values = taken(view, *made)
    as_parameters(view, values)
    for side in (0, 1):
        wanted = np.zeros(1024, int)
        for each in made[:-1]:
            if each.fields["detector"] % 2 == side:
                counts = DICTIONARY.decode(each.octets).fields["counts"]
                wanted[each.fields["first"] :][: len(counts)] += counts
        assert values[spectra.SIDES[side]] == wanted.tolist()
        assert values[f"{spectra.SIDES[side]}_total"] == wanted.sum()
    assert values["coincidence_total"] == sum(DICTIONARY.decode(made[-1].octets).fields["counts"])
    assert values["live_time"] == 2 * 900 / 1e6  # two integrations, whatever the number of packets


def test_the_live_time_is_that_of_a_detector_although_integrations_begin_one_after_the_other():
    made = [
        spectrum(d, [1] * 16, first=first, integration=n, start_us=1000 * n + d, live_us=100 + d)
        for n in (1, 2, 3)
        for d in range(4)
        for first in (0, 16)
    ]
    assert taken(spectra.Spectra(DICTIONARY), *made)["live_time"] == 3 * 103 / 1e6


def test_a_new_acquisition_and_another_instrument_begin_new_spectra():
    view = spectra.Spectra(DICTIONARY)
    first = spectrum(0, [5] * 16)
    assert taken(view, first, first)["front_total"] == 160
    started = packet("event_info", event=EVENT["acquisition_started"])
    assert taken(view, started)["front_total"] == 0
    assert taken(view, first)["front_total"] == 80
    values = taken(view, first.but(origin=5))
    assert (values["front_total"], values["live_time"]) == (80, 900e-6)  # not 160: the same integration number


def test_a_packet_beyond_the_last_channel_is_left_out():
    view = spectra.Spectra(DICTIONARY)
    assert taken(view, spectrum(0, [5] * 16, first=1024))["front_total"] == 0


# -- rates -------------------------------------------------------------------------------------------------------------


def rates(real_s, live_s, **counters):
    return packet("rates", time_s=real_s + 100, real_us=int(real_s * 1e6), live_us=int(live_s * 1e6), **counters)


def test_rates_are_differences_per_second_of_live_time():
    accepted = [10] * 16
    values = taken(
        view := trends.Trends(DICTIONARY),
        rates(10, 10, events=100),
        rates(20, 15, events=600, front=200, accepted=accepted),
    )
    as_parameters(view, values)
    assert values["trigger_rate"] == 100 and values["live_share"] == 50
    assert values["rate_triggers"] == [100] and values["rate_front"] == [40] and values["rate_minutes"] == [0]
    assert values["detector_accepted"] == [2] * 16
    values = taken(view, rates(80, 75, events=600, front=200, accepted=accepted))
    assert values["rate_triggers"] == [100, 0] and values["rate_minutes"] == [-1, 0]


@given(st.integers(0, 2**32 - 1), st.integers(0, 10**6))
def test_counters_that_wrap_around_give_the_same_rate(before, more):
    values = taken(trends.Trends(DICTIONARY), rates(1, 1, events=before), rates(2, 2, events=(before + more) % 2**32))
    assert values["rate_triggers"] == [more]


def test_cleared_counters_and_another_instrument_give_no_rate():
    first = rates(10, 10, events=100, accepted=[9] * 16)
    cleared = rates(11, 11, events=900, accepted=[0] * 16)  # and has counted since
    for second in (rates(1, 1), rates(11, 11, events=5), cleared, rates(20, 20, events=900).but(origin=9)):
        assert "rate_triggers" not in taken(trends.Trends(DICTIONARY), first, second)


def test_line_rates_are_sums_over_the_detectors_per_minute():
    before = packet("line_rates", real_us=0, counts=[65535] * 128)
    after = packet("line_rates", real_us=30_000_000, counts=[1 if n % 8 == 2 else 65535 for n in range(128)])
    view = trends.Trends(DICTIONARY)
    values = taken(view, before, after)
    as_parameters(view, values)
    names = list(DICTIONARY.lines)
    assert values[f"line_{names[2]}"] == [2 * 2 * 16] and values[f"line_{names[0]}"] == [0]


def test_a_trend_keeps_its_latest_points():
    view = trends.Trends(DICTIONARY)
    values = taken(view, *(rates(n, n, events=n * n) for n in range(1, 300)))
    as_parameters(view, values)
    assert len(values["rate_triggers"]) == trends.POINTS and values["rate_triggers"][-1] == 299**2 - 298**2


# -- conditions of the procedures --------------------------------------------------------------------------------------


def statements(text):
    return [(line, statement) for _, line, statement in parsing.parse_all(text, "test", DICTIONARY)]


def conditions(text):
    return Conditions(stacks.stack(statements(text), DICTIONARY).conditions)


def test_a_condition_on_the_last_packet_follows_it():
    view = conditions("check housekeeping.bias_mv > 9000")
    name = "last_housekeeping_bias_mv_gt_9000"
    assert view.initial() == {COMPLETED: "", name: False}
    assert taken(view, packet("housekeeping", bias_mv=9001))[name]
    assert not taken(view, packet("housekeeping", bias_mv=9000))[name]


def test_a_wait_needs_a_packet_since_the_last_telecommand():
    view = conditions("until event bias_reached a > 9000 within 20\nuntil rates.accepted[3] >= 5 within 5")
    event, counter = "since_event_bias_reached_a_gt_9000", "since_rates_accepted_3_ge_5"
    reached = packet("event_info", event=EVENT["bias_reached"], a=9001)
    values = taken(view, reached.but(a=9000), packet("rates", accepted=[5] * 16))
    assert not values[event] and values[counter]
    assert taken(view, reached, reached.but(a=0))[event]  # once met, it stays met
    assert view.sent(DICTIONARY.encode("ping", 7)) == {COMPLETED: "", event: False, counter: False}


def test_a_telecommand_counts_as_completed_by_its_own_report():
    view = conditions("check housekeeping.mode == standby")
    ping, start = DICTIONARY.encode("ping", 7), DICTIONARY.encode("function", 8, function="start")
    view.sent(ping)
    report = packet("completion_success", request_sequence=0xC000 | 9)
    assert taken(view, report)[COMPLETED] == ""  # for another client's telecommand
    assert taken(view, report.but(request_sequence=0xC007))[COMPLETED] == "(17,1)"
    view.sent(start)
    assert taken(view, packet("start_failure", request_sequence=0xC008))[COMPLETED] == ""
    view.sent(ping)  # after a telecommand that was refused
    assert taken(view, report.but(request_sequence=0xC007))[COMPLETED] == "(17,1)"


def test_a_new_value_is_repeated_for_a_while_and_a_completion_is_then_over():
    now_s = [0.0]
    view = Conditions(stacks.stack(statements("until event booted within 1"), DICTIONARY).conditions, lambda: now_s[0])
    view.sent(DICTIONARY.encode("ping", 7))
    taken(view, packet("event_info", event=EVENT["booted"]), packet("completion_success", request_sequence=0xC007))
    for _ in range(2):
        assert view.repeated() == {COMPLETED: "(17,1)", "since_event_booted": True}
    now_s[0] = 4.0
    assert view.repeated() == {COMPLETED: ""}  # otherwise the next ping would appear completed immediately
    assert view.repeated() == {}


def test_only_changes_are_returned():
    view = conditions("check housekeeping.mode == standby")
    standby = DICTIONARY.decode(packet("housekeeping", mode=DICTIONARY.enums["mode"]["standby"]).octets)
    assert list(view.take(standby)) == ["last_housekeeping_mode_eq_standby"]
    assert view.take(standby) == {}


# -- stacks ------------------------------------------------------------------------------------------------------------


def steps(text):
    return stacks.stack(statements(text), DICTIONARY).steps


def test_a_telecommand_must_complete_before_the_next_step():
    command, verify = steps("send function function=start")
    assert command == {"type": "command", "name": "/DORN/function_start", "arguments": []}
    (condition,) = verify["condition"]
    assert condition["parameter"] == "/procedures/completed" and condition["value"].startswith("(8,1) ")


def test_parameters_have_their_own_telecommand():
    command, _ = steps("set threshold_3 150")
    arguments = [{"name": "parameter", "value": "threshold_3"}, {"name": "value", "value": "150"}]
    assert command == {"type": "command", "name": "/DORN/set_parameter_threshold", "arguments": arguments}


def test_the_length_of_octets_is_an_argument():
    command, _ = steps("send load_memory region=parameters offset=3 data=0102ff")
    values = {argument["name"]: argument["value"] for argument in command["arguments"]}
    assert values["count"] == "3" and values["data"] == "0102ff"


def test_a_refusal_is_left_out_and_noted():
    assert steps("refused not_armed function function=bias_on") == [
        {"type": "text", "text": "left out: `refused not_armed function function=bias_on`"}
    ]


def test_numbers_in_a_statement_become_names():
    number = DICTIONARY.enums["function"]["start"]
    assert steps(f"send function function={number}")[0]["name"] == "/DORN/function_start"
    number = DICTIONARY.parameters["bias"].id
    command = steps(f"send set_parameter parameter={number} value=5000")[0]
    assert command["name"] == "/DORN/set_parameter_bias" and command["arguments"][0]["value"] == "bias"


def test_all_procedures_are_stacks_but_those_with_times_from_now():
    found = stacks.all_of(DICTIONARY)
    assert len(found) >= 8 and "commissioning" in found and "schedule" not in found
    for stack in found.values():
        assert all(f"/procedures/{name}" in stack.text() for name in stack.conditions)


# -- events ------------------------------------------------------------------------------------------------------------


def test_the_text_of_an_event_names_its_values():
    made = packet("event_info", event=EVENT["mode_changed"], a=DICTIONARY.enums["mode"]["standby"], b=3)
    text = event_text(DICTIONARY.decode(made.octets), DICTIONARY)
    assert text.startswith("mode_changed: ") and "standby" in text and "science" in text
    booted = packet("event_info", event=EVENT["booted"], a=3, b=DICTIONARY.enums["reset_cause"]["power_on"])
    assert event_text(DICTIONARY.decode(booted.octets), DICTIONARY) == "booted: boot count 3, reset cause power_on"
    unknown = packet("event_info", event=250)
    assert event_text(DICTIONARY.decode(unknown.octets), DICTIONARY) == "250"


# -- displays ----------------------------------------------------------------------------------------------------------


def test_the_health_display_has_every_value_of_housekeeping_once():
    shown = [name for names in GROUPS.values() for name in names]
    fields = [field.name for field in DICTIONARY.telemetry["housekeeping"].scalars]
    assert sorted([*shown, "record", "origin", "structure_id"]) == sorted(fields)
    text = displays.files(DICTIONARY)["health.opi"]
    assert all(f"<pv_name>/DORN/housekeeping_{name}</pv_name>" in text for name in shown)
    assert text.count("pv0 &gt;= ") == 2 * sum(1 for f in DICTIONARY.telemetry["housekeeping"].scalars if f.limits)


def test_displays_show_only_parameters_that_exist():
    known = set()
    for system, view in (("spectra", spectra.Spectra(DICTIONARY)), ("rates", trends.Trends(DICTIONARY))):
        known |= {f"/{system}/{parameter.name}" for parameter in view.parameters()}
    for name, text in displays.files(DICTIONARY).items():
        used = set(re.findall(r"(?:_pv|pv_name)>(/[^<]*)<", text))
        assert used and {one for one in used if not one.startswith("/DORN/")} <= known, name


def test_displays_fit_beside_the_menu_of_the_page():
    for name, text in displays.files(DICTIONARY).items():
        edges = re.findall(r"<x>(\d+)</x>\s*<y>\d+</y>\s*<width>(\d+)</width>", text)
        assert edges and max(int(x) + int(width) for x, width in edges) <= displays.WIDTH <= 1010, name
