"""Time correlation: the UTC assigned to packets in Yamcs."""

import pytest
from dorn.ground.yamcs.correlation import Correlation
from hypothesis import given
from hypothesis import strategies as st
from support.products import DICTIONARY, packet

UTC_S = 1_800_000_000.0


class Station:
    """Receives packets at a given UTC, and keeps the UTC of on-board time 0 after each packet."""

    def __init__(self, epoch_s=None):
        self.utc_s = UTC_S
        self.correlation = Correlation(lambda: self.utc_s, epoch_s)

    def receive(self, time_s, after_s=0.0, origin=1, is_late=False, sent_s=None):
        """A packet with the on-board time time_s, which arrives after_s later. sent_s: UTC at which it was built."""
        self.utc_s = (UTC_S + time_s if sent_s is None else sent_s) + after_s
        made = DICTIONARY.decode(packet("event_info", time_s=time_s, origin=origin).octets)
        return self.correlation.epoch_s(made, is_late) - UTC_S


@given(st.lists(st.floats(0, 0.9), min_size=1, max_size=80))
def test_delays_below_a_second_change_no_time(delays_s):
    station = Station()
    epochs_s = {station.receive(5.0 * n, delay_s) for n, delay_s in enumerate(delays_s)}
    assert len(epochs_s) == 1


def test_the_fastest_packet_counts():
    station = Station()
    assert station.receive(0, after_s=30) == pytest.approx(30, abs=1e-3)
    assert station.receive(10, after_s=0.02) == pytest.approx(0.02, abs=1e-3)
    assert station.receive(20, after_s=30) == pytest.approx(0.02, abs=1e-3)


@pytest.mark.parametrize("parts_per_million", [-50, 50])
def test_a_clock_that_drifts_is_followed_within_seconds(parts_per_million):
    station = Station()
    for n in range(2000):  # a week
        time_s = 300.0 * n
        sent_s = UTC_S + time_s * (1 + parts_per_million / 1e6)
        epoch_s = station.receive(time_s, after_s=0.02, sent_s=sent_s) + UTC_S
        # the tolerance, and the drift until all of the recent packets show it
        assert abs(epoch_s + time_s - sent_s) < 1.0 + 64 * 300 * 50e-6 + 0.1


def test_an_on_board_clock_that_begins_again_gets_the_present_time_within_three_packets():
    station = Station()
    station.receive(5000)
    now_s = station.utc_s + 7
    found = [station.receive(0.5 + n, sent_s=now_s + n) + UTC_S + 0.5 + n for n in range(3)]
    assert found[2] == pytest.approx(now_s + 2, abs=1e-3)


def test_an_on_board_clock_that_is_set_to_later_gets_the_present_time_at_once():
    station = Station()
    station.receive(5000)
    now_s = station.utc_s + 7
    assert station.receive(700_000_000.0, sent_s=now_s) + UTC_S + 700_000_000 == pytest.approx(now_s, abs=1e-3)


def test_a_backlog_after_a_long_stall_changes_no_time():
    station = Station()
    assert station.receive(0) == 0
    for n in range(200):  # packets half a second apart, read at once
        assert station.receive(1 + n / 2, after_s=100.0 - n / 2) == 0
    assert station.receive(110) == 0


def test_another_origin_gets_the_present_time_even_if_its_clock_is_close():
    station = Station()
    station.receive(5, origin=1)
    later_s = UTC_S + 40
    assert station.receive(6, origin=2, sent_s=later_s) + UTC_S == later_s - 6
    station = Station()
    station.receive(10, origin=0)  # a packet without origin, such as a verification report: same instrument
    assert station.receive(20, origin=1) == 0
    assert station.receive(21, origin=0) == 0
    later_s = UTC_S + 40
    assert station.receive(20, origin=2, sent_s=later_s) + UTC_S == later_s - 20


def test_a_retrieved_packet_keeps_the_time_at_which_it_was_built():
    station = Station()
    station.receive(100_000)
    assert station.receive(5, is_late=True, sent_s=UTC_S + 100_001) == 0
    assert station.receive(100_002) == 0


def test_a_given_epoch_applies_whatever_arrives():
    station = Station(epoch_s=1000.0)
    assert station.receive(5) == 1000 - UTC_S
    assert station.receive(5, origin=9, sent_s=UTC_S + 1e6) == 1000 - UTC_S
