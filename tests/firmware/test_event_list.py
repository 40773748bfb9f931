"""ST[129], the event list: events as the head delivered them, by time and amplitude, so many of each class a second."""

import itertools

import pytest
from instrument import both, instrument, play
from particles import poisson

IN_PACKET = 280  # 16-bit words
LATEST_S = 12  # an event waits 10 s at the most
RN_220_KEV, PO_216_KEV = 6288.1, 6778.3


def entries(i):
    """(on-board time, us; {detector: code}) of every event in the list, as it came"""
    for f in (p.fields for p in i.said if p.name == "event_list"):
        words = f["words"]
        while words:
            stamp, detectors = words[0] | words[1] << 16, [d for d in range(16) if words[2] >> d & 1]
            codes, words = words[3 : 3 + len(detectors)], words[3 + len(detectors) :]
            assert len(codes) == len(detectors) > 0, "whole events only"
            yield f["time_us"] - ((f["clock_us"] - stamp) & 0xFFFFFFFF), dict(zip(detectors, codes, strict=True))


def listed(i):
    i.advance(LATEST_S)
    return list(entries(i))


def code(energy_kev):
    return int(energy_kev / 3 + 50)


def compare(found, particles, begin_us):
    """Every event is one of the particles, (time ns, detector, energy), at its time and with its code."""
    expected = [(t_ns / 1000 + begin_us, {d: code(kev)}) for t_ns, d, kev in particles]
    assert len(found) == len(expected)
    delays_us = [us - t_us for (us, _), (t_us, _) in zip(found, expected, strict=True)]
    assert max(delays_us) - min(delays_us) < 12, "all are stamped as long after the pulse"
    for (_, hit), (_, wanted) in zip(found, expected, strict=True):
        assert hit.keys() == wanted.keys()
        assert all(abs(hit[d] - wanted[d]) <= 1 for d in hit)
    return delays_us


@both
def test_events_are_those_of_the_head_by_time_and_amplitude(where):
    n = 100 if where == "unix" else 40  # 8 of each class in a second
    particles = [(60_000_000 * k, (3 * k) % 16, 2000.0 + 61.0 * k) for k in range(1, n + 1)]
    with instrument(where) as i:
        i.start()
        i.target.inject(particles)
        # on-board time runs with target time: the start's report was built just now, within a cycle
        began_us, now_us = i.said_at("acquisition_started"), i.target.now_us
        i.advance(0.06 * n)
        found = listed(i)
        delays_us = compare(found, particles, began_us)
        assert 0 < min(delays_us) < 50_000 and now_us > 0
        assert [us for us, _ in found] == sorted(us for us, _ in found)
        i.command("report_structure", structure="health")
        assert i.last("housekeeping")["events_listed"] == len(found)
        assert all(p.fields["count"] <= IN_PACKET for p in i.said if p.name == "event_list")


def test_hits_of_one_event_stand_with_it_also_those_not_counted():
    """Front and back of a unit, several units, and a hit below threshold beside one above."""
    with instrument("unix") as i:
        i.set("threshold_9", 2000)
        i.start()
        groups = [{4: 3000.0, 5: 4000.0}, {0: 5000.0, 6: 5500.0, 15: 2500.0}, {8: 6000.0, 9: 3000.0}, {2: 7000.0}]
        play(i, ((10_000_000 * k, d, kev) for k, g in enumerate(groups, 1) for d, kev in g.items()))
        found = [hit for _, hit in listed(i)]
        expected = [{d: code(kev) for d, kev in g.items()} for g in groups]
        assert [hit.keys() for hit in found] == [hit.keys() for hit in expected]
        assert all(abs(a[d] - b[d]) <= 1 for a, b in zip(found, expected, strict=True) for d in a)


@pytest.mark.parametrize("quota", [0, 3, 50])
def test_each_class_has_its_quota_and_none_takes_another_ones(quota):
    """The back detectors at 400/s, the front ones at 5/s, for 5 s."""
    with instrument("unix") as i:
        i.set("quota_1", quota)
        i.start()
        i.advance(1.1)
        back = [(2_500_000 * k, 1 + 2 * (k % 8), 3000.0) for k in range(1, 2000)]
        front = [(200_000_000 * k + 1_000_000, 4, 6000.0) for k in range(1, 25)]
        play(i, sorted(back + front))
        found = listed(i)
        times_us = [us for us, hit in found if 4 in hit]
        assert len(times_us) == len(front)
        spacings_us = [b - a for a, b in itertools.pairwise(times_us)]
        assert all(abs(us - 200_000) <= 2 for us in spacings_us)
        n = len(found) - len(front)
        # of 5 s and the second that was begun before and the one after
        assert 4 * quota <= n <= 6 * quota
        seconds = {}
        for us, hit in found:
            if 4 not in hit:
                seconds[us // 1_000_000] = seconds.get(us // 1_000_000, 0) + 1
        assert max(seconds.values(), default=0) <= 2 * quota


def test_pairs_of_rn_220_and_po_216_are_found_by_time_under_noise_of_other_classes():
    """144 ms apart, in one detector each; what is random stands beside them."""
    pairs = [(300_000_000 * k, 2 * (k % 8), RN_220_KEV) for k in range(1, 31)]
    pairs += [(t + 144_000_000, d, PO_216_KEV) for t, d, _ in pairs]
    noise = list(poisson(300, 10, 4, energies=(1500.0, 2500.0), detectors=range(1, 16, 2)))
    with instrument("unix") as i:
        i.start()
        play(i, sorted(pairs + noise))
        events = listed(i)
        radon = [(us, d) for us, hit in events for d, c in hit.items() if abs(c - code(RN_220_KEV)) < 10]
        polonium = [(us, d) for us, hit in events for d, c in hit.items() if abs(c - code(PO_216_KEV)) < 10]
        found = [b - a for a, d in radon for b, e in polonium if d == e and 143_900 < b - a < 144_100]
        assert len(radon) == len(polonium) == len(found) == 30
        assert max(found) - min(found) <= 2
        assert any(1 in hit or 3 in hit for _, hit in events)


def test_no_event_is_listed_twice_and_none_is_lost_within_the_quota():
    """Packets begin and end within events of one hit, two and sixteen."""
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
        found = listed(i)
        assert len(found) == 180
        times_us = [us for us, _ in found]
        assert all(abs(b - a - 30_000) < 60 for a, b in itertools.pairwise(times_us))
        for k, (_, hit) in enumerate(found, 1):
            assert len(hit) == {0: 1, 1: 2, 2: 16}[k % 3]
            assert all(abs(c - code(2000.0 + 20 * k)) <= 1 for c in hit.values())
        assert len([p for p in i.said if p.name == "event_list"]) > 3


def test_spectra_have_all_events_whatever_the_list_takes():
    with instrument("unix") as i:
        for n in range(4):
            i.set(f"quota_{n}", 0)
        i.advance(1.1)
        i.start()
        play(i, poisson(1000, 1, 9))
        rates = i.stop()
        assert sum(rates["accepted"]) == i.target.head.fates.delivered > 900
        assert listed(i) == [] and i.next("housekeeping")["events_listed"] == 0


def test_what_is_under_way_when_it_stops_is_sent():
    with instrument("unix") as i:
        i.start()
        play(i, ((10_000_000 * k, 3, 5000.0) for k in range(1, 6)))
        i.stop()
        assert len(listed(i)) == 5
        i.start()
        play(i, [(1_000_000, 4, 5000.0)])
        assert [*listed(i)[-1][1]] == [4] and len(list(entries(i))) == 6
