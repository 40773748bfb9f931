"""The event list: events with their times, the windows in which they were listed, and half-lives from event pairs.

While the window of a class is open the instrument lists every event of the class, otherwise none (packet `event_list`
of the ICD). Whether it is open at t, Y(t) = 1, depends only on past events, excluding those of the last second. For a
daughter that decays in the detector of its parent within that time (Po-216 after Rn-220), the expected rate in detector
d, given all parents, is thus the same whether it is observed or not:

    b_d + p x(t),   x(t) = lambda times the expected number of daughters not yet decayed, for p = 1.

b_d is constant: the rate of other events with an energy of the daughter. x decays with lambda, each listed parent adds
lambda to it, and while the window is closed it tends to r_d, the rate of the unlisted parents: this accounts for pairs
split by the start or end of a window. p is the fraction of parents whose daughter is detected. Activities are taken as
constant. lambda, p and the scale of b_d maximise

    log L = sum over the listed daughters of log rate(t) - integral of Y(t) rate(t)

(Daley and Vere-Jones, *An Introduction to the Theory of Point Processes*, 2003, section 7.3; for observation with Y(t):
Andersen, Borgan, Gill and Keiding, *Statistical Models Based on Counting Processes*, 1993, chapter III).
"""

from __future__ import annotations

import math
from collections.abc import Iterable, Iterator
from dataclasses import dataclass

import numpy as np

from dorn.analysis.event_table import EventTable

FRONT, BACK, FRONT_BACK, SEVERAL = CLASSES = range(4)  # numbered as in packet `event_list`
_FULL_SCALE = 4095
_OPENS, _CLOSES, _PARENT, _DAUGHTER = 0, 3, 1, 2  # in the order of processing within a microsecond


@dataclass(frozen=True)
class Event:
    time_us: int  # on-board time
    event_class: int
    codes: dict[int, int]  # detector -> ADC code (bit 15: conversion failed), including hits that were not accepted


@dataclass(frozen=True)
class EventList:
    events: list[Event]  # in time order
    windows: list[list[tuple[int, int]]]  # per class: on-board times of start and end, us, in order

    def exposure_s(self, event_class: int) -> float:
        """Total time that the window of a class was open."""
        return sum(end - begin for begin, end in self.windows[event_class]) / 1e6

    def table(self) -> EventTable:
        """The event list as arrays, with origin 0 and without a calibration."""
        windows = [(event_class, *w) for event_class in CLASSES for w in self.windows[event_class]]
        window = np.array(windows, np.int64).reshape(-1, 3).T
        hits = [sum(1 << detector for detector in event.codes) for event in self.events]
        return EventTable(
            time_us=np.array([event.time_us for event in self.events], np.int64),
            origin=np.zeros(len(self.events), np.uint16),
            event_class=np.array([event.event_class for event in self.events], np.uint8),
            hits=np.array(hits, np.uint16),
            codes=np.array([code for event in self.events for _, code in sorted(event.codes.items())], np.uint16),
            window_origin=np.zeros(len(windows), np.uint16),
            window_class=window[0].astype(np.uint8),
            window_begin_us=window[1],
            window_end_us=window[2],
            kev_per_code=np.full(16, np.nan),
            zero_code=np.full(16, np.nan),
        )


def read(packets: Iterable) -> EventList:
    """Decode packets `event_list`, each given once, in any order; other packets are ignored. A window continues across
    adjoining packets; where a packet is missing, the window is taken as closed. Raises ValueError for words that are
    not an event list."""
    events: list[Event] = []
    windows: list[list[tuple[int, int]]] = [[] for _ in CLASSES]

    def exposed(event_class: int, begin_us: int, end_us: int) -> None:
        before = windows[event_class]
        if before and before[-1][1] == begin_us:
            begin_us = before.pop()[0]
        before.append((begin_us, end_us))

    for fields in sorted((p.fields for p in packets if p.name == "event_list"), key=lambda fields: fields["time_us"]):
        time_us, clock_us, words = fields["time_us"], fields["clock_us"], list(fields["words"])
        open_us: dict[int, int] = {}  # class -> start of its open window
        event_class, at = None, 0
        while at < len(words):
            if at + 4 > len(words):
                raise ValueError(f"event_list: words: incomplete event or mark at the end ({words[at:]})")
            low, high, pattern, mark = words[at : at + 4]
            at_us = time_us - ((clock_us - (low | high << 16)) & 0xFFFFFFFF)
            if pattern == 0:
                event_class, opens, at = mark >> 8, mark & 1, at + 4
                if event_class not in CLASSES:
                    raise ValueError(f"event_list: words: mark of an unknown class ({event_class})")
                if opens:
                    open_us[event_class] = at_us
                elif event_class in open_us:
                    exposed(event_class, open_us.pop(event_class), at_us)
                continue
            detectors = [d for d in range(16) if pattern >> d & 1]
            codes, at = words[at + 3 : at + 3 + len(detectors)], at + 3 + len(detectors)
            if event_class not in open_us or len(codes) < len(detectors):
                raise ValueError(f"event_list: words: event outside a window, or incomplete (at {at_us} us)")
            events.append(Event(at_us, event_class, dict(zip(detectors, codes, strict=True))))
        for event_class, begin_us in open_us.items():
            exposed(event_class, begin_us, time_us)
    events.sort(key=lambda event: event.time_us)
    return EventList(events, windows)


@dataclass(frozen=True)
class Pairs:
    """Result of `pairs`; errors are one standard deviation."""

    half_life_s: float
    half_life_error_s: float
    per_parent: float  # fraction of the parents whose daughter is detected
    accidental_cps: float  # events with the daughter's energy but without a parent, all detectors


def pairs(
    event_list: EventList | EventTable,
    parent: tuple[int, int],
    daughter: tuple[int, int],
    between_s: tuple[float, float],
) -> Pairs:
    """The half-life of a daughter from events in one detector alone, by maximum likelihood (see above).

    event_list: a list with one origin, or a table with several, each with its own clock and background.
    parent, daughter: first and last ADC code of their lines. between_s: search range for the half-life.
    Raises ValueError, in one line, if there are no parents or daughters, or a range is invalid.
    """
    if not (parent[0] <= parent[1] and daughter[0] <= daughter[1] and 0 < between_s[0] < between_s[1]):
        raise ValueError(f"parent, daughter, between_s: not valid ranges ({parent}, {daughter}, {between_s})")
    if parent[0] <= daughter[1] and daughter[0] <= parent[1]:
        raise ValueError(f"parent, daughter: ranges overlap ({parent}, {daughter})")
    table = event_list.table() if isinstance(event_list, EventList) else event_list
    timelines = (timeline for one in table.origins() for timeline in _timelines(one, parent, daughter))
    detectors = [timeline for timeline in timelines if timeline.daughters]
    if not detectors or not any(d.parents for d in detectors):
        raise ValueError(f"event_list: no events of both parent and daughter ({parent}, {daughter})")
    rates = np.concatenate([np.full(d.daughters, d.daughters / d.exposure_s) for d in detectors])

    def fit(log_half_life: float) -> tuple[float, float, float]:
        """(maximum of log L, fraction of b_d in the daughters' rate, p) for this half-life."""
        decay = math.log(2) / math.exp(log_half_life)
        found = [d.intensities(decay) for d in detectors]
        x, expected = np.concatenate([x for x, _ in found]), sum(integral for _, integral in found)
        # at the maximum, as many daughters are expected as counted: only one of p and the scale of b_d remains free
        scaled, low, high = x * (len(x) / expected), 0.0, 1.0
        for _ in range(50):
            part = (low + high) / 2
            rising = np.sum((rates - scaled) / (part * rates + (1 - part) * scaled)) > 0
            low, high = (part, high) if rising else (low, part)
        return float(np.sum(np.log(part * rates + (1 - part) * scaled))), part, (1 - part) * len(x) / expected

    best = _highest(lambda at: fit(at)[0], math.log(between_s[0]), math.log(between_s[1]))
    log_likelihood, part, per_parent = fit(best)
    step = 0.02
    curvature = (2 * log_likelihood - fit(best - step)[0] - fit(best + step)[0]) / step**2
    half_life_s = math.exp(best)
    error_s = half_life_s / math.sqrt(curvature) if curvature > 0 else math.inf
    return Pairs(half_life_s, error_s, per_parent, part * sum(d.daughters / d.exposure_s for d in detectors))


@dataclass(frozen=True)
class _Timeline:
    """Entries of one detector, in order: (s since the previous entry, kind)."""

    entries: list[tuple[float, int]]
    exposure_s: float
    parents: int
    daughters: int

    def intensities(self, decay: float) -> tuple[np.ndarray, float]:
        """x at each daughter, and its integral over the open windows, for a decay constant in 1/s."""
        r = self.parents / self.exposure_s
        x, integral, is_open, found = r, 0.0, False, []
        for passed_s, what in self.entries:
            left = math.exp(-decay * passed_s)
            if is_open:
                integral += x * (1 - left)
                x *= left
            else:
                x = r + (x - r) * left
            if what == _PARENT:
                x += decay
            elif what == _DAUGHTER:
                found.append(x)
            else:
                is_open = what == _OPENS
        return np.array(found), integral / decay


def _timelines(table: EventTable, parent: tuple[int, int], daughter: tuple[int, int]) -> Iterator[_Timeline]:
    """The timeline of each detector, with the events and windows of one origin."""
    event, detector = table.each_hit()
    side, codes = table.event_class[event], table.codes
    # of several hits, the accepted one: its code is neither over range nor failed, and is above those below threshold
    possible = np.where((detector & 1 == side) & (codes < _FULL_SCALE), codes.astype(np.int64), -1)
    highest = np.maximum.reduceat(possible, table.first) if len(table) else possible
    what = np.zeros(len(codes), np.int64)
    for kind, (first, last) in ((_PARENT, parent), (_DAUGHTER, daughter)):
        what[(possible >= 0) & (possible == highest[event]) & (first <= codes) & (codes <= last)] = kind
    for number in range(16):
        of = (detector == number) & (what > 0)
        event_class = BACK if number & 1 else FRONT
        windows_us = table.windows_us(event_class)
        us = np.concatenate([table.time_us[event[of]], windows_us.ravel()])
        kinds = np.concatenate([what[of], np.tile([_OPENS, _CLOSES], len(windows_us))])
        order = np.lexsort([kinds, us])
        us, kinds = us[order], kinds[order]
        passed_s = np.diff(us, prepend=us[:1]) / 1e6
        counts = (int(np.count_nonzero(what[of] == kind)) for kind in (_PARENT, _DAUGHTER))
        entries = list(zip(passed_s.tolist(), kinds.tolist(), strict=True))
        yield _Timeline(entries, table.exposure_s(event_class), *counts)


def _highest(function, low: float, high: float) -> float:
    """Position of the only maximum of a function, by golden-section search, to 1e-4."""
    golden = (math.sqrt(5) - 1) / 2
    left, right = high - golden * (high - low), low + golden * (high - low)
    at_left, at_right = function(left), function(right)
    while high - low > 1e-4:
        if at_left > at_right:
            high, right, at_right = right, left, at_left
            left = high - golden * (high - low)
            at_left = function(left)
        else:
            low, left, at_left = left, right, at_right
            right = low + golden * (high - low)
            at_right = function(right)
    return (low + high) / 2
