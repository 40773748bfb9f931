"""ST[09], time management: on-board time can be reported and set, and never goes backwards."""

import itertools

import pytest
from support.instrument import both_if_long, instrument, refused

PACKET_S = 2**-16  # resolution of a packet's time


def on_board_s(i):
    """Present on-board time, from a packet sent on request."""
    i.command("ping")
    return i.received[-1].time_s


def interval(i, seconds):
    i.command("set_time_interval", interval=seconds)


def reports(i):
    return [p for p in i.received if p.name == "time_report"]


def test_without_an_interval_there_are_no_reports():
    with instrument("unix") as i:
        i.advance(30)
        assert not reports(i)


@both_if_long
def test_time_reports_relate_packet_time_to_the_clock(where):
    """Time minus clock is constant until the time is set; the clock runs with target time."""
    with instrument(where) as i:
        interval(i, 1)
        i.advance(5)
        first = [p.time_s - p.fields["uptime_us"] / 1e6 for p in reports(i)]
        assert 4 <= len(first) <= 6
        assert max(first) - min(first) < 0.001 and {p.fields["interval"] for p in reports(i)} == {1}
        spacing_s = reports(i)[-1].fields["uptime_us"] / 1e6 - reports(i)[-2].fields["uptime_us"] / 1e6
        assert spacing_s == pytest.approx(1, abs=0.3)
        n = len(reports(i))
        i.command("set_time", seconds=50_000, fraction=0)
        i.advance(3)
        then = [p.time_s - p.fields["uptime_us"] / 1e6 for p in reports(i)[n:]]
        assert max(then) - min(then) < 0.001 and min(then) > 49_900


def test_a_new_interval_applies_immediately_and_survives_a_reset():
    with instrument("unix") as i:
        interval(i, 86_400)
        i.advance(20)
        assert not reports(i)
        interval(i, 2)
        i.advance(5)
        assert 2 <= len(reports(i)) <= 3
        i.command("report_parameter", parameter="time_interval")
        assert i.last("parameter_value")["value"] == 2
        i.reboot(i.target.power_cycle)
        n = len(reports(i))
        i.advance(6)
        assert len(reports(i)) > n
        interval(i, 0)
        i.advance(1)
        n = len(reports(i))
        i.advance(10)
        assert len(reports(i)) == n
        refused(i, "out_of_range", "set_time_interval", interval=86_401)


@both_if_long
def test_time_is_set_to_the_fraction_and_continues(where):
    with instrument(where) as i:
        before_s = on_board_s(i)
        i.function("arm")
        i.command("set_time", seconds=700_000_000, fraction=0x8000)
        at_us = i.target.now_us
        ((seconds_before, seconds_after),) = i.events("time_set")
        assert abs(seconds_before - before_s) <= 1.5 and seconds_after == 700_000_000
        assert i.reported_at_us("time_set") / 1e6 == pytest.approx(
            700_000_000.5, abs=0.1
        )  # the boot record is written first
        i.advance(3)
        found_s = on_board_s(i)
        assert found_s == pytest.approx(700_000_000.5 + (i.target.now_us - at_us) / 1e6, abs=0.15)


def test_time_never_goes_backwards():
    with instrument("unix") as i:
        i.command("set_time", seconds=1000, fraction=0)
        for seconds in (0, 999, 1000):
            refused(i, "out_of_range", "set_time", seconds=seconds, fraction=0)
        assert 1000 <= on_board_s(i) < 1001 and len(i.events("time_set")) == 1
        refused(i, "out_of_range", "set_time", seconds=4_000_000_001, fraction=0)
        i.function("arm")
        i.command("set_time", seconds=4_000_000_000, fraction=0)
        assert on_board_s(i) == pytest.approx(4_000_000_000, abs=0.5)


@pytest.mark.parametrize("kind", ["commanded", "power", "pin"])
def test_time_continues_across_a_reset(kind):
    begin = {
        "commanded": lambda i: i.armed("reset"),
        "power": lambda i: i.target.power_cycle(),
        "pin": lambda i: i.target.reset(),
    }[kind]
    with instrument("unix") as i:
        i.command("set_time", seconds=5000, fraction=0)
        i.advance(1)
        before_s = on_board_s(i)
        i.reboot(lambda: begin(i))
        assert before_s < on_board_s(i) < before_s + 700  # at most ten minutes had been reserved


def test_an_acquisition_keeps_its_real_time_when_the_time_is_set():
    with instrument("unix") as i:
        i.start()
        begin_us = i.reported_at_us("acquisition_started")
        i.advance(2)
        i.function("arm")
        i.command("set_time", seconds=90_000, fraction=0)
        i.advance(2)
        rates = i.stop()
        assert rates["real_us"] == pytest.approx(4e6, abs=0.2e6)
        spectra = [p.fields for p in i.received if p.name == "spectrum"]
        assert len(spectra) == 16 and {f["real_us"] for f in spectra} == {rates["real_us"]}
        # in the new time, the start was 4 s before the stop
        stopped_us = i.reported_at_us("acquisition_stopped")
        assert {f["start_us"] for f in spectra} == {spectra[0]["start_us"]}
        assert spectra[0]["start_us"] == pytest.approx(stopped_us - 4e6, abs=0.2e6) and begin_us < 60e6


def test_packets_before_and_after_setting_the_time_have_increasing_times():
    with instrument("unix") as i:
        interval(i, 1)
        i.advance(3)
        i.command("set_time", seconds=3000, fraction=1)
        i.advance(3)
        times_s = [p.time_s for p in i.received]
        assert all(b >= a - PACKET_S for a, b in itertools.pairwise(times_s))
