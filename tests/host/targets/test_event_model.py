"""The model of the event builder against the event builder on the emulated chip, stepped cycle by cycle."""

import bisect
import random

import pytest
from dorn.errors import UserError
from dorn.head.front_end import DEFAULT_COMPARATOR_MV, MV_PER_MEV, FrontEnd, Head
from dorn.image.constants import constants
from dorn.study.event_builder import record
from dorn.targets.event_model import EventModel, board_times

TOLERANCE_NS = 4 * 8  # an event this close to a boundary may differ
BEGIN_US = 1000  # in the model's time
GAP_US = 150  # between clusters: longer than any cluster
TIMES = board_times(constants("pico"))


def clusters(seed, n):
    """n groups of particles (time_ns, detector, energy_kev) within a few us: single, pairs, pile-up, tails."""
    rng = random.Random(seed)
    for _ in range(n):
        kind = rng.randrange(5)
        unit, t = rng.randrange(8), 0
        group = [(0, 2 * unit + rng.randrange(2), rng.uniform(1000, 9000))]
        if kind == 1:  # front and back of one detection unit
            group.append((0, group[0][1] ^ 1, rng.uniform(1000, 9000)))
        elif kind == 2:  # accidental coincidences, before and after the hit pattern is sampled
            group += [
                (rng.randrange(4000), rng.randrange(16), rng.uniform(1000, 9000)) for _ in range(rng.randrange(1, 4))
            ]
        elif kind == 3:  # pile-up in one detector
            group += [(rng.randrange(12_000), group[0][1], rng.uniform(1000, 9000)) for _ in range(rng.randrange(1, 3))]
        elif kind == 4:  # a burst over many detectors, with tails from one event into the next
            for _ in range(rng.randrange(4, 12)):
                t += int(rng.expovariate(1 / 4000))
                group.append((t, rng.randrange(16), rng.uniform(1000, 9000)))
        yield sorted(group)


class Recorder(Head):
    """Records the times at which the model reads the head or converts."""

    def __init__(self, front_end):
        super().__init__(front_end)
        self.instants, self.edges, self._depth = [], [], 0

    def advance(self, now_ns):
        self.instants.append(now_ns)
        super().advance(now_ns)


def particles(groups):
    return [(i * GAP_US * 1000 + t, d, e) for i, group in enumerate(groups) for t, d, e in group]


def by_cluster(events, n):
    """Group events (time_us, pattern word, codes) by cluster."""
    out = [[] for _ in range(n)]
    for time_us, word, codes in events:
        if word >> 16:
            out[time_us // GAP_US].append((time_us, word, tuple(codes)))
    return out


def on_chip(front_end, groups):
    try:
        events, fates, dead = record(Head(front_end), particles(groups), (len(groups) + 1) * GAP_US * 1e-6)
    except UserError as error:
        pytest.skip(str(error))
    assert dead == TIMES.dead
    return by_cluster(((e.time_us, e.pattern << 16 | 0x7FFF - e.passes, e.codes) for e in events), len(groups)), fates


def by_model(front_end, groups):
    head = Recorder(front_end)
    model = EventModel(head, TIMES)
    model.start(0, 0xFFFF)
    head.inject(particles(groups), BEGIN_US * 1000 + 1000)
    _, events = model.run((BEGIN_US + (len(groups) + 1) * GAP_US) * 1000, 1 << 20)
    return by_cluster(((stamp_us - BEGIN_US, word, codes) for stamp_us, word, codes in events), len(groups)), head


def near_a_boundary(group, begin_ns, width_ns, instants):
    """Whether a comparator of the cluster rose or fell within the tolerance of one of the model's times."""
    for t, _, _ in group:
        for edge in (begin_ns + t, begin_ns + t + width_ns):
            at = bisect.bisect_left(instants, edge - TOLERANCE_NS)
            if at < len(instants) and instants[at] <= edge + TOLERANCE_NS:
                return True
    return False


def same_codes(ours, theirs, front_end, group):
    """Whether codes of full pulses are equal, and codes taken on a slope differ by at most slope times tolerance."""
    full = {min(4095, int(e / front_end.kev_per_code + front_end.zero_code + 0.5)) for _, _, e in group}
    slope = max(full) / min(front_end.peaking_ns, 1.2 * (front_end.width_ns - front_end.peaking_ns))
    return all(
        a == b or (abs(a - b) <= slope * TOLERANCE_NS and not (a in full and b in full))
        for a, b in zip(ours, theirs, strict=True)
    )


@pytest.mark.parametrize(("seed", "width_ns"), [(1, 4000), (2, 1800), (3, 15_000)])
def test_model_and_chip_record_the_same_events(seed, width_ns):
    front_end = FrontEnd(width_ns=width_ns)
    groups = list(clusters(seed, 300))
    chip, chip_fates = on_chip(front_end, groups)
    model, head = by_model(front_end, groups)
    instants = sorted(head.instants)
    listed = []
    for i, (ours, theirs) in enumerate(zip(chip, model, strict=True)):
        same = len(ours) == len(theirs) and all(
            a[1] == b[1] and abs(a[0] - b[0]) <= 2 and same_codes(a[2], b[2], front_end, groups[i])
            for a, b in zip(ours, theirs, strict=True)
        )
        if not same:
            begin_ns = BEGIN_US * 1000 + 1000 + i * GAP_US * 1000
            assert near_a_boundary(groups[i], begin_ns, width_ns, instants), (groups[i], ours, theirs)
            listed.append(i)
            print(f"cluster {i}, within {TOLERANCE_NS} ns of a boundary: chip {ours}, model {theirs}")
    events = sum(map(len, chip))
    print(
        f"width {width_ns} ns: {events} events on the chip, {sum(map(len, model))} by the model, {len(listed)} differ"
    )
    assert events > len(groups) and len(listed) <= 0.1 * len(groups)
    for fates in (chip_fates, head.fates):
        assert fates.injected == sum(map(len, groups)) == fates.delivered + fates.merged + fates.lost_dead_time
    assert chip_fates.spurious == head.fates.spurious == 0


def test_the_rest_of_a_pulse_stays_below_the_default_threshold():
    """The reset of a short event ends before the pulse is over; its peak-hold then keeps the rest of the pulse."""
    front_end = FrontEnd()
    full_scale_kev, small_kev = front_end.kev_per_code * (4095 - front_end.zero_code), 90.0
    rests_kev = []
    for d in range(16):
        head = Recorder(front_end)
        head.comparators(10, 10)
        model = EventModel(head, TIMES)
        model.start(0, 0xFFFF)
        head.inject([(0, d, full_scale_kev), (20_000, d, small_kev)], BEGIN_US * 1000)
        _, events = model.run((BEGIN_US + GAP_US) * 1000, 10)
        (code,) = events[-1][2]
        read_kev = front_end.kev_per_code * (code - front_end.zero_code)
        rests_kev.append(read_kev if abs(read_kev - small_kev) > front_end.kev_per_code else 0.0)
    print("kept of full scale in keV:", *(f"{rest:.0f}" for rest in rests_kev))
    assert max(rests_kev) < DEFAULT_COMPARATOR_MV * 1000 / MV_PER_MEV and not any(rests_kev[2:])
