"""Products: the contents of the packets appear in the files, count for count."""

import pytest
from dorn.errors import UserError
from dorn.products.products import Products
from hypothesis import given
from hypothesis import strategies as st
from support.products import DICTIONARY, packet, products, replaced, spectrum


def test_spectra_add_up_over_integrations_beyond_16_bits():
    collected = products(*(spectrum(3, [0, 65535], integration=n) for n in range(1, 70001)))
    found = collected.all_spectra()["back", 3]
    assert found.counts[1] == 65535 * 70000 > 2**32
    assert (found.real_us, found.live_us) == (1000 * 70000, 900 * 70000)
    assert collected.incomplete_spectra == 0


def test_times_are_counted_once_for_an_integration_of_several_packets_in_any_order():
    parts = [spectrum(0, [1, 2], total=10), spectrum(0, [3, 4], first=512, total=10)]
    for order in (parts, parts[::-1], [parts[0], parts[0], parts[1], parts[1]]):
        found = products(*order).all_spectra()["front", 0]
        assert found.counts[[0, 1, 512, 513]].tolist() == [1, 2, 3, 4]
        assert found.counts.sum() == 10
        assert (found.real_us, found.live_us) == (1000, 900)


def test_a_missing_packet_is_counted_and_received_channels_are_kept():
    collected = products(spectrum(0, [1, 2], total=10), spectrum(1, [5]), spectrum(0, [4], integration=2))
    assert collected.incomplete_spectra == 1
    assert collected.all_spectra()["front", 0].counts[:2].tolist() == [5, 2]
    assert collected.summary()["in_spectra"] == 12
    assert collected.summary()["incomplete_spectra"] == 1
    assert collected.summary()["spectra_live_s"]["front_0"] == 0.0018  # of two integrations
    collected.add(spectrum(0, [7], first=100, total=10))  # it arrives late
    assert collected.incomplete_spectra == 0


def test_an_empty_spectrum_is_complete():
    assert products(spectrum(0, [])).incomplete_spectra == 0


def test_an_integration_is_identified_by_its_start_unless_the_clock_was_lost():
    first, again, later = (replaced(spectrum(0, [3]), start_us=us) for us in (5, 5, 6))
    assert products(first, again, later).all_spectra()["front", 0].counts[0] == 6
    one, other = (packet("housekeeping", time_s=t, boot_count=1) for t in (7.0, 0.5))
    assert products(first, one, other, again).all_spectra()["front", 0].counts[0] == 6


def test_retrieved_packets_are_counted_once_whenever_they_arrive():
    live = [replaced(spectrum(d, [3]), time_s=1.0 * d, record=10 + d, start_us=1) for d in range(4)]
    hk = [packet("housekeeping", time_s=t, boot_count=n, record=9 + 5 * n) for t, n in ((0.0, 0), (9.0, 1))]
    for late in ([live[1]], [live[1], live[3]], live, live[::-1]):
        kept = [p for p in live if p not in late]
        collected = products(hk[0], *kept, hk[1], *late, *late)
        assert {k: int(s.counts[0]) for k, s in collected.all_spectra().items()} == {
            (("front", "back")[d % 2], d): 3 for d in range(4)
        }
        assert (collected.records.received, collected.records.repeated) == (6, len(late))
        assert collected.housekeeping["boot_count"] == 1


def test_late_rates_packets_split_their_interval():
    seen = [packet("rates", time_s=5.0 * n, real_us=5 * n, events=n * n, record=n) for n in range(1, 6)]
    boot = packet("event_info", time_s=26.0, event=DICTIONARY.enums["event"]["booted"], a=2, record=6)
    after = packet("rates", time_s=31.0, real_us=99, events=40, record=7)
    collected = products(*seen[:1], *seen[3:], boot, after, seen[2], seen[1])
    assert [r.time_s for r in collected.rates] == [5, 10, 15, 20, 25, 31]
    assert [r.count("events") for r in collected.rates] == [1, 3, 5, 7, 9, 40]
    assert collected.totals().real_us == 25 + 99


def test_an_integration_closed_by_a_reset_counts_unless_the_whole_one_arrives():
    by_reset = DICTIONARY.enums["closed_by"]["reset"]
    whole = replaced(spectrum(0, [5, 5]), start_us=7)
    part = replaced(spectrum(0, [3, 4]), start_us=7, closed_by=by_reset)
    half = replaced(spectrum(0, [3], total=7), start_us=7, closed_by=by_reset)
    for order, counts in (([part], [3, 4]), ([whole, part], [5, 5]), ([part, whole], [5, 5]), ([part, part], [3, 4])):
        collected = products(*order)
        assert collected.all_spectra()["front", 0].counts[:2].tolist() == counts
        assert collected.incomplete_spectra == 0
    assert products(half).incomplete_spectra == 1


def test_channels_beyond_the_spectrum_are_a_user_error():
    with pytest.raises(UserError, match=r"first \+ count: beyond channel 1023 \(1020 \+ 5\)"):
        products(spectrum(0, [1] * 5, first=1020))
    with pytest.raises(UserError, match=r"event_class: unknown \(9\)"):
        products(packet("spectrum", event_class=9))


def test_late_housekeeping_is_not_taken_for_a_reset():
    first = packet("rates", real_us=5, events=10)
    later = packet("rates", real_us=9, events=15)
    assert products(first, packet("housekeeping", boot_count=4), later).totals().count("events") == 15


@given(st.lists(st.integers(0, 2**31 - 1), min_size=1, max_size=20))
def test_wrapping_counters_add_up_to_the_true_total(steps):
    truth = 0
    collected = Products(DICTIONARY)
    for n, step in enumerate(steps):
        truth += step
        collected.add(packet("rates", real_us=n, events=truth % 2**32, over_range=[truth % 2**32] * 16))
    assert collected.totals().count("events") == truth
    assert collected.totals().count("over_range") == 16 * truth
