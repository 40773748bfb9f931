"""Half-lives from event lists as arrays, with one origin and with several. (test_event_list.py: from an instrument.)"""

import math
import random
from dataclasses import fields, replace

import numpy as np
from dorn.analysis import event_list
from dorn.analysis.event_list import CLASSES, Event, EventList
from dorn.analysis.event_table import EventTable

HALF_LIFE_S, DETECTED, SECONDS = 0.144, 0.8, 2000
PARENT, DAUGHTER = (2133, 2158), (2296, 2322)
BETWEEN_S = 0.01, 2


def listed(seed, detector=0):
    """Pairs at 3/s in one detector, with occasional over-range or failed hits in another; all are listed."""
    rng = random.Random(seed)
    events, t_s = [], 0.0
    while (t_s := t_s + rng.expovariate(3)) < SECONDS:
        other = rng.choice(({}, {detector + 2: 4095}, {detector + 2: 1 << 15 | 2300}, {detector + 4: 100}))
        events.append((t_s, {detector: rng.randint(*PARENT)} | other))
        if rng.random() < DETECTED:
            events.append((t_s + rng.expovariate(math.log(2) / HALF_LIFE_S), {detector: rng.randint(*DAUGHTER)}))
    made = [Event(round(1e6 * t_s), detector & 1, codes) for t_s, codes in events]
    return EventList(sorted(made, key=lambda event: event.time_us), [[(0, SECONDS * 1_000_000)] for _ in CLASSES])


def joined(*tables):
    """Several tables joined into one, with the origins 1, 2, ..."""
    marked = [replace(t, origin=t.origin + n, window_origin=t.window_origin + n) for n, t in enumerate(tables, 1)]
    arrays = [item.name for item in fields(EventTable) if item.type == "np.ndarray"]
    return replace(tables[0], **{name: np.concatenate([getattr(t, name) for t in marked]) for name in arrays})


def pairs(events):
    return event_list.pairs(events, PARENT, DAUGHTER, BETWEEN_S)


def test_a_table_gives_the_same_as_the_list():
    events = listed(1, detector=3)
    found = pairs(events.table())
    assert found == pairs(events)
    assert abs(found.half_life_s - HALF_LIFE_S) < 2 * found.half_life_error_s < 0.02
    assert abs(found.per_parent - DETECTED) < 0.05 and found.accidental_cps < 0.1


def test_origins_have_clocks_of_their_own():
    """Tables whose times overlap are fitted together, but no parent in one has a daughter in the other."""
    tables = [listed(seed).table() for seed in (1, 2)]
    both, parts = pairs(joined(*tables)), [pairs(table) for table in tables]
    assert min(p.half_life_s for p in parts) < both.half_life_s < max(p.half_life_s for p in parts)
    assert both.half_life_error_s < 0.8 * min(p.half_life_error_s for p in parts)
    assert abs(both.per_parent - DETECTED) < 0.05


def test_only_the_highest_accepted_hit_of_an_event_counts():
    """A hit in the parent's range below a higher hit, or in a coincidence, is not a parent."""
    events = listed(1)
    higher = [Event(event.time_us, 0, event.codes | {6: 3000}) for event in events.events[::50]]
    through = [Event(event.time_us, 2, event.codes | {1: 1000}) for event in events.events[25::50]]
    others = sorted([*events.events, *higher, *through], key=lambda event: event.time_us)
    assert pairs(EventList(others, events.windows).table()) == pairs(events)
