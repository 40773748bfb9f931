"""Storm mode: starts when the rate stays high, ignores short spikes, ends when the rate stays low; its effects."""

import pytest
from particles import changing, regular
from support.instrument import instrument

RATE_CPS, HOLD_S, STORM_S, INTEGRATION_S = 50, 6, 3, 600
HIGH_CPS, LOW_CPS, BETWEEN_CPS = 100, 10, 35  # BETWEEN: from half of the limit to the limit
CHECK_S = 2.5  # tolerance: one check per second, and random arrivals


def stormy(i, *rates):
    """Start acquiring, with arrivals at these rates: (seconds, cps)."""
    for name, value in (("rate", RATE_CPS), ("hold", HOLD_S), ("integration", STORM_S)):
        i.set(f"storm_{name}", value)
    i.set("integration_time", INTEGRATION_S)
    i.start()
    i.target.inject(changing(rates, 3))


def begun(i):
    return len(i.events("storm_begin"))


def ended(i):
    return len(i.events("storm_end"))


def storm(i):
    i.command("report_structure", structure="health")
    return i.last("housekeeping")["storm"]


def test_a_lasting_high_rate_starts_storm_mode_and_a_quiet_time_ends_it():
    with instrument("unix") as i:
        stormy(i, (30, HIGH_CPS), (30, LOW_CPS))
        begin_us = i.reported_at_us("acquisition_started")
        i.until(lambda: begun(i), 20)
        after_s = (i.reported_at_us("storm_begin") - begin_us) / 1e6
        assert 0.8 * HOLD_S <= after_s <= HOLD_S + CHECK_S  # nine tenths; the first may have begun earlier
        assert i.events("storm_begin")[0][0] == pytest.approx(HIGH_CPS, abs=45)
        assert storm(i) == 1 and i.last("housekeeping")["event_rate"] == pytest.approx(HIGH_CPS, abs=45)
        i.until(lambda: ended(i), 40)
        after_s = (i.reported_at_us("storm_end") - begin_us) / 1e6 - 30
        assert HOLD_S - CHECK_S <= after_s <= HOLD_S + CHECK_S
        cps, lasted_s = i.events("storm_end")[0]
        assert cps < RATE_CPS / 2
        assert lasted_s == pytest.approx(
            (i.reported_at_us("storm_end") - i.reported_at_us("storm_begin")) / 1e6, abs=1.1
        )
        assert storm(i) == 0 and begun(i) == ended(i) == 1


def test_short_spikes_do_not_start_storm_mode():
    """Several high spikes, each shorter than storm_hold."""
    with instrument("unix") as i:
        stormy(i, *((HOLD_S - CHECK_S, 300), (3, LOW_CPS)) * 4)
        i.advance(4 * (HOLD_S - CHECK_S + 3) + HOLD_S)
        assert not begun(i) and storm(i) == 0


def test_neither_short_lulls_nor_an_intermediate_rate_end_storm_mode():
    with instrument("unix") as i:
        stormy(i, (9, HIGH_CPS), *((HOLD_S - CHECK_S, LOW_CPS), (2.5, HIGH_CPS)) * 3, (15, BETWEEN_CPS))
        i.advance(9 + 3 * (HOLD_S - CHECK_S + 2.5) + 14)
        assert begun(i) == 1 and not ended(i) and storm(i) == 1


def test_storm_mode_shortens_integrations_and_stops_the_event_list():
    with instrument("unix") as i:
        stormy(i, (25, HIGH_CPS), (40, LOW_CPS))

        def listed():
            i.command("report_structure", structure="health")
            return i.last("housekeeping")["events_listed"]

        def closed():
            return len({p.fields["integration"] for p in i.received if p.name == "spectrum"})

        i.until(lambda: begun(i), 20)
        i.advance(1.5)  # quotas are replenished once per second
        in_storm, before = listed(), closed()
        i.advance(4 * STORM_S)
        assert listed() == in_storm > 0
        assert closed() - before == pytest.approx(4, abs=1)
        short = [p.fields for p in i.received if p.name == "spectrum"]
        by_time = i.dictionary.enums["closed_by"]["time"]
        assert {f["closed_by"] for f in short} == {by_time}
        assert all(f["real_us"] == pytest.approx(STORM_S * 1e6, abs=0.2e6) for f in short[32:])
        i.until(lambda: ended(i), 40)
        i.advance(STORM_S + 1)
        after, calm = closed(), listed()
        i.advance(10)
        assert closed() == after and listed() > calm
        assert sum(i.counts().values()) < i.target.head.fates.delivered  # the last integration is still running
        i.target.head.cut()
        i.stop()
        assert sum(i.counts().values()) == i.target.head.fates.delivered  # no counts were lost


def test_storm_integration_never_lengthens_an_integration():
    with instrument("unix") as i:
        stormy(i, (40, HIGH_CPS))
        i.set("integration_time", 2)
        i.until(lambda: begun(i), 20)
        i.received.clear()
        i.advance(10)
        real_us = [p.fields["real_us"] for p in i.received if p.name == "spectrum"]
        assert len(real_us) >= 16 * 4 and all(us == pytest.approx(2e6, abs=0.2e6) for us in real_us)


def test_parameters_apply_during_and_after_a_storm():
    """Set during a storm, storm_integration applies immediately, integration_time after the storm."""
    with instrument("unix") as i:
        stormy(i, (30, HIGH_CPS))
        i.until(lambda: begun(i), 20)
        i.set("storm_integration", 1)
        i.set("integration_time", 5)
        i.advance(1)  # the running integration was closed immediately
        i.received.clear()
        i.advance(5)
        assert len({p.fields["integration"] for p in i.received if p.name == "spectrum"}) == pytest.approx(5, abs=1)
        i.target.head.cut()
        i.until(lambda: ended(i), 20)
        i.advance(6)
        i.received.clear()
        i.advance(16)
        real_us = {p.fields["integration"]: p.fields["real_us"] for p in i.received if p.name == "spectrum"}
        assert len(real_us) >= 2 and all(us == pytest.approx(5e6, abs=0.2e6) for us in real_us.values())


def test_without_an_acquisition_storm_mode_ends_and_does_not_start():
    with instrument("unix") as i:
        stormy(i, (60, HIGH_CPS))
        i.until(lambda: begun(i), 20)
        i.stop()
        i.until(lambda: ended(i), HOLD_S + CHECK_S + 1)
        i.advance(2 * HOLD_S)
        assert begun(i) == 1


def test_a_clear_is_not_taken_for_a_quiet_time():
    with instrument("unix") as i:
        stormy(i, (1, LOW_CPS))
        i.target.head.cut()
        i.target.inject(regular(3000, 5_000_000))
        for _ in range(6):
            i.advance(1.7)
            i.function("clear")
        i.advance(HOLD_S + CHECK_S)
        assert begun(i) == 1
