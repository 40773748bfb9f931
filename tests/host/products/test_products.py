"""Products: the contents of the packets appear in the files, count for count."""

import pytest
from hypothesis import given
from hypothesis import strategies as st
from support.packets import tm
from support.products import DICTIONARY, coincidences, decoded, packet, products, spectrum

CLOSED_BY = DICTIONARY.enums["closed_by"]
BOOTED = DICTIONARY.enums["event"]["booted"]


def test_spectra_add_up_over_integrations_beyond_16_bits():
    collected = products(*(spectrum(3, [0, 65535], integration=n) for n in range(1, 10001)))
    found = collected.all_spectra()["back", 3]
    assert found.counts[1] == 65535 * 10000 > 2**29
    assert (found.real_us, found.live_us) == (1000 * 10000, 900 * 10000)
    assert collected.incomplete_spectra == 0


def test_times_are_counted_once_for_an_integration_of_several_packets_in_any_order():
    parts = [spectrum(0, [1, 2], total=10), spectrum(0, [3, 4], first=512, total=10)]
    for order in (parts, parts[::-1], [parts[0], parts[0], parts[1], parts[1]]):
        found = products(*order).all_spectra()["front", 0]
        assert found.counts[[0, 1, 512, 513]].tolist() == [1, 2, 3, 4]
        assert found.counts.sum() == 10
        assert (found.real_us, found.live_us) == (1000, 900)


def test_a_missing_packet_is_counted_and_received_channels_are_kept():
    received = [spectrum(0, [1, 2], total=10), spectrum(1, [5]), spectrum(0, [4], integration=2)]
    collected = products(*received)
    assert collected.incomplete_spectra == 1
    assert collected.all_spectra()["front", 0].counts[:2].tolist() == [5, 2]
    assert collected.summary()["in_spectra"] == 12
    assert collected.summary()["incomplete_spectra"] == 1
    assert collected.summary()["spectra_live_s"]["front_0"] == 0.0018  # of two integrations
    assert products(*received, spectrum(0, [7], first=100, total=10)).incomplete_spectra == 0


def test_an_empty_spectrum_is_complete():
    assert products(spectrum(0, [])).incomplete_spectra == 0


def test_an_integration_is_identified_by_its_start_and_its_origin():
    first, again, later = (spectrum(0, [3], start_us=us) for us in (5, 5, 6))
    assert products(first, again, later).all_spectra()["front", 0].counts[0] == 6
    assert products(first, again.but(origin=9)).all_spectra()["front", 0].counts[0] == 6


def test_a_running_spectrum_is_never_part_of_a_sum():
    running = spectrum(0, [1], start_us=7, closed_by=CLOSED_BY["running"])
    part = running.but(total=5)
    whole = spectrum(0, [3], start_us=7)
    for order in ([running, whole], [whole, running], [part, whole, part]):
        collected = products(*order)
        assert collected.all_spectra()["front", 0].counts[0] == 3 and collected.incomplete_spectra == 0
    assert products(running).all_spectra() == {} and products(part).incomplete_spectra == 0


def test_retrieved_packets_are_counted_once_wherever_they_are_in_the_archive():
    live = [spectrum(d, [3], record=10 + d, start_us=1) for d in range(4)]
    hk = [packet("housekeeping", time_s=t, boot_count=n, record=9 + 5 * n) for t, n in ((0.0, 0), (9.0, 1))]
    for late in ([live[1]], [live[1], live[3]], live, live[::-1]):
        kept = [p for p in live if p not in late]
        collected = products(hk[0], *kept, hk[1], *late, *late)
        assert {k: int(s.counts[0]) for k, s in collected.all_spectra().items()} == {
            (("front", "back")[d % 2], d): 3 for d in range(4)
        }
        assert collected.packets == 6
        assert collected.housekeeping["boot_count"] == 1


def test_rates_packets_split_their_interval_wherever_they_are_in_the_archive():
    seen = [packet("rates", time_s=5.0 * n, real_us=5 * n, events=n * n, record=n) for n in range(1, 6)]
    boot = packet("event_info", time_s=26.0, event=BOOTED, a=2, record=6)
    after = packet("rates", time_s=31.0, real_us=99, events=40, record=7)
    collected = products(*seen[:1], *seen[3:], boot, after, seen[2], seen[1])
    assert collected.rates().time_s.tolist() == [5, 10, 15, 20, 25, 31]
    assert collected.rates().count("events").tolist() == [1, 3, 5, 7, 9, 40]
    assert collected.totals().real_us == 25 + 99


def test_an_integration_closed_by_a_reset_counts_unless_the_whole_one_arrives():
    whole = spectrum(0, [5, 5], start_us=7)
    part = spectrum(0, [3, 4], start_us=7, closed_by=CLOSED_BY["reset"])
    half = spectrum(0, [3], total=7, start_us=7, closed_by=CLOSED_BY["reset"])
    for order, counts in (([part], [3, 4]), ([whole, part], [5, 5]), ([part, whole], [5, 5]), ([part, part], [3, 4])):
        collected = products(*order)
        assert collected.all_spectra()["front", 0].counts[:2].tolist() == counts
        assert collected.incomplete_spectra == 0
    assert products(half).incomplete_spectra == 1


ODD = {
    "detector": spectrum(16, [1], event_class=0),
    "unit": coincidences(8, [1]),
    "class": spectrum(0, [1], event_class=9),
    "class of a unit": spectrum(0, [1], event_class=2),
    "closed by": spectrum(0, [1], closed_by=200),
    "channels": spectrum(0, [1] * 5, first=1020),
    "coding": spectrum(0, [1], coding=7),
    "code": spectrum(0, [1] * 16, coding=1),
    "octets": spectrum(0, [1], count=2),
}


@pytest.mark.parametrize("odd", ODD.values(), ids=ODD)
def test_an_odd_packet_is_counted_and_the_rest_is_decoded(odd):
    good = spectrum(3, [5]), packet("rates", events=9, real_us=1)
    collected = products(good[0], odd, odd.but(integration=2), good[1])
    assert collected.packets == 2
    assert list(collected.not_understood.values()) == [2], "named once"
    assert next(iter(collected.not_understood)).startswith(odd.name)
    assert {key: s.counts.sum() for key, s in collected.all_spectra().items()} == {("back", 3): 5}
    assert collected.totals().count("events") == 9
    assert collected.summary()["not_understood"] == 2


def test_packets_that_the_dictionary_does_not_define_are_counted():
    collected = decoded(tm(5, 99, b"") + packet("rates").octets + tm(128, 77, bytes(40)) + tm(17, 2, b"\0"))
    assert collected.packets == 1
    assert collected.not_understood == {
        "unknown service and subtype (5, 99)": 1,
        "unknown service and subtype (128, 77)": 1,
        "pong: 1 octets of data, 0 expected": 1,
    }


def test_housekeeping_is_no_reset_unless_its_boot_count_changes():
    first, between, later = packet("rates", real_us=5, events=10), (4, 4), packet("rates", real_us=9, events=15)
    for boots, events in ((between, 15), ((4, 5), 25)):
        before, after = (packet("housekeeping", boot_count=n) for n in boots)
        made = before, first.but(time_s=2.0), after.but(time_s=3.0), later.but(time_s=4.0)
        assert products(*made).totals().count("events") == events
    only = packet("housekeeping", boot_count=4, time_s=1.5)
    assert products(first, only, later.but(time_s=2.0)).totals().count("events") == 15


def test_housekeeping_after_a_start_is_no_other_one():
    before = packet("housekeeping", boot_count=1), packet("rates", time_s=2, real_us=9, events=5)
    booted = packet("event_info", time_s=3, event=BOOTED, a=2)
    after = packet("rates", time_s=4, real_us=10, events=7), packet("housekeeping", time_s=5, boot_count=2)
    collected = products(*before, booted, *after, packet("rates", time_s=6, real_us=12, events=10))
    assert collected.rates().count("events").tolist() == [5, 7, 3]


def test_counters_restart_where_they_were_cleared():
    cleared = packet("event_info", time_s=3, event=DICTIONARY.enums["event"]["cleared"])
    before, after = packet("rates", time_s=2, real_us=5, events=50), packet("rates", time_s=4, real_us=9, events=70)
    assert products(before, cleared, after).totals().count("events") == 120
    assert products(before, cleared, after).totals().real_us == 14
    assert products(before, after).totals().count("events") == 70


def test_the_copy_of_a_checkpoint_counts_if_it_has_more_than_what_was_received_of_the_whole():
    fragment = spectrum(0, [1], total=100, start_us=7)
    copy = spectrum(0, [1, 90], start_us=7, closed_by=CLOSED_BY["reset"])
    for order in ([fragment, copy], [copy, fragment]):
        assert products(*order).all_spectra()["front", 0].counts.sum() == 91


def test_integrations_with_equal_starts_are_told_apart_by_their_numbers():
    numbers = [5, 3, 9, 3, 1, 9]
    made = [spectrum(0, [1], start_us=us, integration=n) for us in (7, 5, 7) for n in numbers]
    assert products(*made).all_spectra()["front", 0].counts[0] == 2 * len(set(numbers))


def test_counts_of_two_instruments_are_not_mixed():
    one = [packet("rates", time_s=t, real_us=1000 * t, events=1000 * t) for t in (1, 2, 3)]
    other = [packet("rates", time_s=t + 0.5, real_us=t, events=t, origin=7) for t in (1, 2)]
    collected = products(*one, *other)
    assert collected.totals().count("events") == 3000 + 2
    assert collected.rates().origin.tolist() == [7, 7, 4711, 4711, 4711]


@given(st.lists(st.integers(0, 2**31 - 1), min_size=1, max_size=20))
def test_wrapping_counters_add_up_to_the_true_total(steps):
    truth = 0
    made = []
    for n, step in enumerate(steps):
        truth += step
        made.append(packet("rates", time_s=n, real_us=n, events=truth % 2**32, over_range=[truth % 2**32] * 16))
    collected = products(*made)
    assert collected.totals().count("events") == truth
    assert collected.totals().count("over_range") == 16 * truth
