"""ST[129], the event list: events with the head's time and amplitude, every event of a class within its windows, and
on average no more than its quota."""

import itertools
import math
import random

import pytest
from dorn import nuclides
from dorn.analysis import event_list
from particles import poisson, regular
from support.instrument import both_if_long, instrument, play

IN_PACKET = 279  # 16-bit words
LATEST_S = 12  # an event waits at most 10 s
PART = 26  # single-hit events that fit in the part of a class
RN_220_KEV, PO_216_KEV = nuclides.main_kev("Rn-220"), nuclides.main_kev("Po-216")


def found(i):
    return event_list.read(i.received)


def entries(i):
    """(on-board time in us, {detector: code}) of every listed event, in time order"""
    return [(event.time_us, event.codes) for event in found(i).events]


def listed(i):
    i.advance(LATEST_S)
    return entries(i)


def code(energy_kev):
    return int(energy_kev / 3 + 50)


def check_whole(i, event_class, spacing_us):
    """Check that exactly the regular pulses within the windows of a class are listed.
    -> [(begin, end, events)], one for each window"""
    times_us = [e.time_us for e in found(i).events if e.event_class == event_class]
    out = []
    for begin_us, end_us in found(i).windows[event_class]:
        inside = [us for us in times_us if begin_us < us <= end_us]
        if inside:
            first, last = inside[0] == times_us[0], inside[-1] == times_us[-1]
            ends_us = 0 if first else inside[0] - begin_us, 0 if last else end_us - inside[-1]
            assert max(ends_us) <= spacing_us + 10, "neither the first nor the last events are missing"
            assert all(abs(b - a - spacing_us) <= 2 for a, b in itertools.pairwise(inside))
        out.append((begin_us, end_us, len(inside)))
    assert sum(n for *_, n in out) == len(times_us), "none is outside the windows"
    return out


def compare(events, particles, begin_us):
    """Check that every event is one of the particles, (time ns, detector, energy), with its time and code."""
    expected = [(t_ns / 1000 + begin_us, {d: code(kev)}) for t_ns, d, kev in particles]
    assert len(events) == len(expected)
    delays_us = [us - t_us for (us, _), (t_us, _) in zip(events, expected, strict=True)]
    assert max(delays_us) - min(delays_us) < 12, "all are stamped with the same delay after the pulse"
    for (_, hit), (_, wanted) in zip(events, expected, strict=True):
        assert hit.keys() == wanted.keys()
        assert all(abs(hit[d] - wanted[d]) <= 1 for d in hit)
    return delays_us


@both_if_long
def test_listed_events_match_the_head_in_time_and_amplitude(where):
    n = 100 if where == "unix" else 40  # 8 of each class per second
    particles = [(60_000_000 * k, (3 * k) % 16, 2000.0 + 61.0 * k) for k in range(1, n + 1)]
    with instrument(where) as i:
        i.start()
        i.target.inject(particles)
        # on-board time runs with target time; the report of the start is at most one cycle old
        began_us, now_us = i.reported_at_us("acquisition_started"), i.target.now_us
        i.advance(0.06 * n)
        events = listed(i)
        delays_us = compare(events, particles, began_us)
        assert 0 < min(delays_us) < 50_000 and now_us > 0
        i.command("report_structure", structure="health")
        assert i.last("housekeeping")["events_listed"] == len(events)
        assert all(p.fields["count"] <= IN_PACKET for p in i.received if p.name == "event_list")


def test_all_hits_of_an_event_are_listed_including_rejected_ones():
    """Front and back of a unit, several units, and a hit below threshold with one above."""
    with instrument("unix") as i:
        i.set("threshold_9", 2000)
        i.start()
        groups = [{4: 3000.0, 5: 4000.0}, {0: 5000.0, 6: 5500.0, 15: 2500.0}, {8: 6000.0, 9: 3000.0}, {2: 7000.0}]
        play(i, ((10_000_000 * k, d, kev) for k, g in enumerate(groups, 1) for d, kev in g.items()))
        i.advance(LATEST_S)
        assert [event.event_class for event in found(i).events] == [2, 3, 0, 0]
        hits = [hit for _, hit in entries(i)]
        expected = [{d: code(kev) for d, kev in g.items()} for g in groups]
        assert [hit.keys() for hit in hits] == [hit.keys() for hit in expected]
        assert all(abs(a[d] - b[d]) <= 1 for a, b in zip(hits, expected, strict=True) for d in a)


@pytest.mark.parametrize("quota", [0, 3, 50])
def test_each_class_has_its_own_quota(quota):
    """Back detectors at 40/s, front detectors at 5/s, for a minute."""
    with instrument("unix") as i:
        i.set("quota_1", quota)
        i.advance(1.1)  # a new quota takes effect after up to a second
        i.start()
        play(i, sorted([*regular(2400, 25_000_000, 1), *regular(300, 200_011_000, 4, 6000.0)]))
        i.advance(LATEST_S)
        assert sum(n for *_, n in check_whole(i, 0, 200_011)) == 300
        assert len(found(i).windows[0]) == 1
        back = check_whole(i, 1, 25_000)
        n = sum(n for *_, n in back)
        assert abs(n - min(60 * quota, 2400)) <= 60 and (n > 0) == (quota > 0)
        assert all(end_us - begin_us >= 1e6 for begin_us, end_us, _ in back), "at least a second"


def test_noise_fills_only_the_part_of_its_class():
    """50 000/s in one back detector: windows of its class end with the event that fills the part of the class."""
    with instrument("unix", width_ns=1000) as i:
        i.set("quota_0", 50)
        i.start()
        i.advance(1.1)
        play(i, sorted([*regular(150_000, 20_000, 1), *regular(150, 20_011_000, 4, 6000.0)]))
        i.advance(LATEST_S)
        windows = check_whole(i, 1, 20)
        assert windows[0][2] == PART
        front = [event for event in found(i).events if event.event_class == 0]
        assert len(found(i).windows[0]) == 1 and len(front) > 50  # the others coincided with noise


def test_windows_end_at_overruns_stops_and_clears():
    """Front detectors at 9.8/s are listed; back detectors at 1000/s fill the ring."""
    with instrument("unix") as i:
        i.set("quota_1", 0)
        i.start()
        front = ((t_ns + 500_000, d, kev) for t_ns, d, kev in regular(195, 102_002_000, 2))  # between back pulses
        i.target.inject(sorted([*regular(20_000, 1_000_000, 1), *front]))
        i.advance(2)
        i.target.stall(3)
        i.advance(5)
        i.function("clear")
        i.advance(2)
        i.stop()
        i.start()
        i.advance(2)
        i.stop()
        i.advance(LATEST_S)
        ((lost_us, _),) = i.events("ring_overrun")
        windows = check_whole(i, 0, 102_002)
        overrun_us = i.reported_at_us("ring_overrun")
        before, after = [[w for w in windows if (w[1] < overrun_us) == b] for b in (True, False)]
        assert len(before) == 1 and abs(before[0][2] - 20) <= 1
        assert abs(after[0][0] - before[0][1] - lost_us) < 1000 and lost_us > 2e6
        assert len(after) == 3 and all(n > 10 for *_, n in after)
        for moment, (_, end_us, _) in zip(("cleared", "acquisition_stopped"), after, strict=False):
            assert moment == "acquisition_stopped" or abs(i.reported_at_us(moment) - end_us) < 1000


def test_a_missing_packet_reduces_the_exposure():
    """Each packet can be decoded alone, and the remaining packets are consistent."""
    with instrument("unix") as i:
        i.set("quota_0", 50)
        i.start()
        play(i, regular(1200, 25_000_000))
        i.stop()
        i.advance(LATEST_S)
        ((begin_us, end_us, n),) = check_whole(i, 0, 25_000)
        assert n == 1200
        lists = [p for p in i.received if p.name == "event_list"]
        assert len(lists) > 5
        for missing in lists[1:-1]:
            i.received[:] = [p for p in lists if p is not missing]
            parts = check_whole(i, 0, 25_000)
            assert len(parts) == 2 and parts[0][0] == begin_us and parts[1][1] == end_us
            assert parts[1][0] == missing.fields["time_us"]
            assert sum(n for *_, n in parts) == n - sum(e.event_class == 0 for e in event_list.read([missing]).events)


@pytest.mark.parametrize("quota", [1, 10, 50])
@pytest.mark.parametrize("cps", [5, 22, 100])
def test_the_half_life_of_po_216_is_measured_at_any_rate_and_quota(cps, quota):
    """80 % of the daughters are detected; a fifth of the particles are background."""
    half_life_s, seconds = nuclides.half_life_s("Po-216"), 1000 if quota == 1 else 200
    seed = 100_000 + 1000 * cps + quota
    rng = random.Random(seed)
    thoron = []
    for t_ns, d, _ in poisson(0.8 / 1.8 * cps, seconds + 10, seed):
        thoron.append((t_ns, d, RN_220_KEV))
        if rng.random() < 0.8:
            thoron.append((t_ns + int(1e9 * rng.expovariate(math.log(2) / half_life_s)), d, PO_216_KEV))
    others = poisson(0.2 * cps, seconds + 10, seed + 1, energies=(3000.0, RN_220_KEV, PO_216_KEV, PO_216_KEV))
    with instrument("unix") as i:
        for n in range(4):
            i.set(f"quota_{n}", quota)
        i.start()
        i.target.inject(sorted([*thoron, *others]))
        i.advance(seconds)
        i.stop()
        i.advance(LATEST_S)
        parent, daughter = ((code(kev) - 10, code(kev) + 10) for kev in (RN_220_KEV, PO_216_KEV))
        pairs = event_list.pairs(found(i), parent, daughter, (0.01, 2))
        print(f"{cps} cps, quota {quota}: {len(found(i).events)} events,", pairs)
        assert abs(pairs.half_life_s - half_life_s) < 2 * pairs.half_life_error_s
        assert pairs.half_life_error_s < 0.3 * half_life_s
        assert len(found(i).events) < 2.2 * quota * seconds + 200


def test_pairs_of_rn_220_and_po_216_are_found_by_time_under_noise_of_other_classes():
    """Pairs 144 ms apart, each in one detector, on a random background."""
    pairs = [(300_000_000 * k, 2 * (k % 8), RN_220_KEV) for k in range(1, 31)]
    pairs += [(t + 144_000_000, d, PO_216_KEV) for t, d, _ in pairs]
    noise = list(poisson(300, 10, 4, energies=(1500.0, 2500.0), detectors=range(1, 16, 2)))
    with instrument("unix") as i:
        i.start()
        play(i, sorted(pairs + noise))
        events = listed(i)
        radon = [(us, d) for us, hit in events for d, c in hit.items() if abs(c - code(RN_220_KEV)) < 10]
        polonium = [(us, d) for us, hit in events for d, c in hit.items() if abs(c - code(PO_216_KEV)) < 10]
        apart = [b - a for a, d in radon for b, e in polonium if d == e and 143_900 < b - a < 144_100]
        assert len(radon) == len(polonium) == len(apart) == 30
        assert max(apart) - min(apart) <= 2
        assert any(1 in hit or 3 in hit for _, hit in events)


def test_no_event_is_listed_twice_and_none_is_lost_within_the_quota():
    """Packets begin and end within events with one, two and sixteen hits."""
    with instrument("unix") as i:
        for n in range(4):
            i.set(f"quota_{n}", 50)
        i.start()
        i.advance(1.1)
        moments = []
        for k in range(1, 181):
            detectors = {0: [k % 16], 1: [2 * (k % 8), 2 * (k % 8) + 1], 2: range(16)}[k % 3]
            moments += [(30_000_000 * k, d, 2000.0 + 20 * k) for d in detectors]
        play(i, moments)
        events = listed(i)
        assert len(events) == 180
        times_us = [us for us, _ in events]
        assert all(abs(b - a - 30_000) < 60 for a, b in itertools.pairwise(times_us))
        for k, (_, hit) in enumerate(events, 1):
            assert len(hit) == {0: 1, 1: 2, 2: 16}[k % 3]
            assert all(abs(c - code(2000.0 + 20 * k)) <= 1 for c in hit.values())
        assert len([p for p in i.received if p.name == "event_list"]) > 3


def test_spectra_have_all_events_whatever_is_listed():
    with instrument("unix") as i:
        for n in range(4):
            i.set(f"quota_{n}", 0)
        i.advance(1.1)
        i.start()
        play(i, poisson(1000, 1, 9))
        rates = i.stop()
        assert sum(rates["accepted"]) == i.target.head.fates.delivered > 900
        assert listed(i) == [] and i.next("housekeeping")["events_listed"] == 0


def test_listed_events_are_sent_at_a_stop():
    with instrument("unix") as i:
        i.start()
        play(i, ((10_000_000 * k, 3, 5000.0) for k in range(1, 6)))
        i.function("stop")
        i.advance(1)  # the list is sent at once, although the packet has room for more
        assert len(entries(i)) == 5
        i.next("rates")
        i.start()
        play(i, [(1_000_000, 4, 5000.0)])
        assert [*listed(i)[-1][1]] == [4] and len(entries(i)) == 6


@pytest.mark.parametrize("period_s, stall_s", [(0.2, 0.045), (0.03, 0.03)])
def test_repeated_overruns_leave_every_class_in_its_part(period_s, stall_s):
    """Two detectors of different units, and one alone: many stalls per second, each longer than the rings hold."""
    with instrument("unix", width_ns=1000) as i:
        i.advance(3.1)
        i.start()
        spacing_ns = 14_000
        i.target.inject(
            [(k * spacing_ns, d, 3000.0) for k in range(1, int(3e9) // spacing_ns) for d in ((0, 5) if k % 2 else (7,))]
        )
        while i.target.now_us < 6.5e6:
            i.advance(period_s)
            i.target.stall(stall_s)
        i.advance(LATEST_S)
        assert len(i.events("ring_overrun")) > 5
        assert i.events("task_failed") == [] and len(i.events("booted")) == 1
        for windows in found(i).windows:
            assert all(a[1] <= b[0] for a, b in itertools.pairwise(windows))
