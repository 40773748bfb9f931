"""Phases, one time axis for several clocks, and slices that end with their phase."""

from datetime import UTC, datetime

import numpy as np
import pytest
from dorn.products.clock import Clock
from dorn.products.exchange import Exchange
from dorn.products.phases import Phase, cuts_us, phase_of, phases
from hypothesis import given
from hypothesis import strategies as st
from support.exported import event
from support.products import DICTIONARY, ORIGIN, decoded, packet, spectrum

STANDBY, SCIENCE = (DICTIONARY.enums["mode"][name] for name in ("standby", "science"))
ORBIT = DICTIONARY.enums["table"]["orbit"]


def found_in(*packets):
    products = decoded(b"".join(one.octets for one in packets))
    return phases(products.archive)


def mode(time_s, before, after):
    return event("mode_changed", time_s, a=before, b=after)


def seconds(found):
    return [(one.name, one.begin_us / 1e6, one.end_us / 1e6) for one in found]


def test_a_phase_lasts_from_one_change_to_the_next():
    found = found_in(
        packet("housekeeping", 10, mode=STANDBY),
        event("table_loaded", 20, a=ORBIT),
        mode(30, STANDBY, SCIENCE),
        packet("housekeeping", 40, mode=SCIENCE),
        mode(50, SCIENCE, STANDBY),
        packet("housekeeping", 60, mode=STANDBY),
    )
    wanted = [("standby", 10, 20), ("orbit standby", 20, 30), ("orbit science", 30, 50), ("orbit standby", 50, 60)]
    assert seconds(found) == wanted
    assert [one.acquires for one in found] == [False, False, True, False]


def test_housekeeping_tells_a_change_whose_report_was_lost():
    found = found_in(
        packet("housekeeping", 10, mode=STANDBY), packet("housekeeping", 40, mode=SCIENCE), packet("pong", 50)
    )
    assert seconds(found) == [("standby", 10, 40), ("science", 40, 50)]


def test_a_boot_ends_an_acquisition_but_not_the_table():
    found = found_in(
        event("table_loaded", 10, a=ORBIT),
        mode(20, STANDBY, SCIENCE),
        event("booted", 30, a=2),
        mode(31, 0, STANDBY),
        packet("pong", 40),
    )
    wanted = [("orbit unknown", 10, 20), ("orbit science", 20, 30), ("orbit boot", 30, 31), ("orbit standby", 31, 40)]
    assert seconds(found) == wanted


def test_a_setting_of_the_clock_is_no_time_that_passed():
    found = found_in(
        packet("housekeeping", 10, mode=STANDBY), event("time_set", 5000, a=20, b=5000), packet("pong", 5010)
    )
    assert seconds(found) == [("standby", 10, 21), ("standby", 5000, 5010)]
    clock = Clock(found)
    times_us = np.array([10, 15, 21, 3000, 5000, 5010]) * 10**6
    assert clock.hours(ORIGIN, times_us) * 3600 == pytest.approx([0, 5, 11, 11, 11, 21])
    assert clock.length_h * 3600 == pytest.approx(21)


def test_spectra_belong_to_the_phase_in_which_their_acquisition_ends():
    """The first integration may begin before the report of the start."""
    sent = [
        packet("housekeeping", 10, mode=STANDBY),
        mode(20.001, STANDBY, SCIENCE),
        spectrum(0, [5], start_us=20_000_000, integration=1, real_us=9_000_000, time_s=30),
        mode(30, SCIENCE, STANDBY),
        mode(40.001, STANDBY, SCIENCE),
        spectrum(0, [7], start_us=40_000_000, integration=2, real_us=5_000_000, time_s=50),
        mode(50, SCIENCE, STANDBY),
    ]
    octets = b"".join(one.octets for one in sent)
    whole = decoded(octets)
    found = phases(whole.archive)
    products = decoded(octets, slice_s=2.0**32, cuts_us=cuts_us(found))
    assert [int(one.counts.sum()) for one in products.slices] == [5, 7]
    assert [one.times_us.tolist() for one in products.slices] == [[20_000_000, 29_000_000], [40_000_000, 45_000_000]]
    assert [phase_of(found, one.origin, int(one.times_us[0])).begin_us for one in products.slices] == [
        round(20.001 * 65536) * 10**6 // 65536,
        round(40.001 * 65536) * 10**6 // 65536,
    ]


def test_a_slice_lasts_from_its_first_integration_to_its_last():
    """Regardless of the order in which integrations are received, and of their detectors."""
    sent = [
        spectrum(n % 3, [1], start_us=start_us, integration=n, real_us=2_000_000, time_s=100 + n)
        for n, start_us in enumerate((30_000_000, 10_000_000, 50_000_000, 20_000_000))
    ]
    for order in (sent, sent[::-1]):
        (one,) = decoded(b"".join(packet.octets for packet in order), slice_s=600).slices
        assert one.times_us.tolist() == [10_000_000, 52_000_000]
    several = decoded(b"".join(one.octets for one in sent), slice_s=25)
    assert [one.times_us.tolist() for one in several.slices] == [
        [10_000_000, 22_000_000],
        [30_000_000, 32_000_000],
        [50_000_000, 52_000_000],
    ]


def test_the_time_before_the_clock_was_set_has_no_utc():
    products = decoded(
        b"".join(
            one.octets
            for one in (
                spectrum(0, [1], start_us=10_000_000, real_us=1000, time_s=11),
                event("time_set", 5000, a=20, b=5000),
                spectrum(0, [1], start_us=5001_000_000, integration=2, real_us=1000, time_s=5010),
            )
        )
    )
    exchange = Exchange(products, phases(products.archive), None, datetime(2026, 1, 1, tzinfo=UTC))
    assert exchange.utc(ORIGIN, 19_000_000) is None
    assert exchange.utc(ORIGIN, 5_001_000_000) == datetime(2026, 1, 1, 1, 23, 21, tzinfo=UTC)
    assert exchange.dates_unknown


@given(st.lists(st.tuples(st.integers(0, 3), st.integers(1, 10**9), st.integers(0, 10**9)), min_size=1, max_size=8))
def test_elapsed_time_never_goes_back(drawn):
    found, end_us = [], {}
    for origin, length_us, gap_us in sorted(drawn, key=lambda one: one[0]):
        begin_us = end_us.get(origin, 0) + gap_us
        end_us[origin] = begin_us + length_us
        found.append(Phase(origin, begin_us, end_us[origin], "science", ""))
    clock = Clock(found)
    hours = [clock.hours(one.origin, np.array([one.begin_us, one.end_us])).tolist() for one in found]
    flat = [hour for pair in hours for hour in pair]
    assert flat == sorted(flat) and flat[-1] == pytest.approx(clock.length_h)
    assert clock.length_h == pytest.approx(sum(length_us for _, length_us, _ in drawn) / 3.6e9)
