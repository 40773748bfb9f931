"""The order of packets by their own fields: origin, on-board time and sequence count.

An *index* has one row per packet (dorn.link.index); its `origin` is 0 for packets that carry none.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable

import numpy as np

from dorn.dictionary.headers import LAST_COUNT

_WRAPPED = 1 << 13  # a larger step of the sequence count at the same time means that the count has wrapped
_MOST_ORIGINS = 256  # more cannot come from real instruments; time and memory grow with their number
_LONGEST_GAP = 64  # consecutive packets without an origin; more mean that the sequence count has restarted
_BLOCK = 1024  # packets placed at once
Place = tuple[int, int, int]  # number of the origin, place among its known packets, sequence count
_KEY = ["kind", "record", "octets", "stamp", "origin"]  # sort keys, least significant first


def with_origins(index: np.ndarray, read: Callable[[np.void], bytes]) -> np.ndarray:
    """The index with an origin for the packets that carry none: the origin of the packets between which their time and
    sequence count place them. Copies of a packet are dropped, unless each has a place of its own. read: as for
    `in_order`."""
    origins = np.unique(index["origin"][index["origin"] > 0])
    if len(origins) == 1:  # the usual case: the order of the file is kept, as it is mostly right
        index["origin"] = origins[0]
    if len(origins) < 2 or len(origins) > _MOST_ORIGINS:
        return index
    bare, index = index[index["origin"] == 0], index[index["origin"] > 0]
    bare = bare[np.lexsort([bare[name] for name in _KEY])]
    copies = _copies(bare, read)
    known = {origin: np.sort(index["stamp"][index["origin"] == origin]) for origin in origins.tolist()}
    bare, again = bare[~copies], bare[copies]
    taken: set[Place] = set()
    _place(bare, known, taken, ends=True)
    return np.concatenate([index, bare, again[_place(again, known, taken, ends=False)]])


def _copies(bare: np.ndarray, read: Callable[[np.void], bytes]) -> np.ndarray:
    """bool[n]: whether a packet is identical to an earlier one."""
    seen: set[tuple] = set()
    rows = list(zip(*(bare[name].tolist() for name in ("stamp", "kind", "octets")), strict=True))
    alike = Counter(rows)
    copies = np.zeros(len(bare), bool)
    for n, row in enumerate(rows):
        if alike[row] > 1:
            what = row, read(bare[n])
            copies[n] = what in seen
            seen.add(what)
    return copies


def _place(bare: np.ndarray, stamps: dict[int, np.ndarray], taken: set[Place], ends: bool) -> np.ndarray:
    """Give each of these packets, in place, the origin it belongs to: the one between whose known packets its time and
    sequence count fit. A place has room for one packet; the nearest place is tried first, and packets that fit only one
    origin are placed before the others.

    stamps: origin -> stamps of its known packets, in order. taken: places that have a packet. ends: packets may also be
    placed before the first or after the last known packet, or where the count may have restarted. Returns bool[n]:
    whether a packet was given a place; packets without one get the origin of the nearest packet.
    """
    origins = list(stamps)
    placed = np.zeros(len(bare), bool)
    blocks = [slice(at, at + _BLOCK) for at in range(0, len(bare), _BLOCK)]
    for only_one in (True, False):
        for block in blocks:
            distance, places = _fits(bare[block], stamps, ends)
            fits = distance < LAST_COUNT
            counts = (bare["stamp"][block].astype(np.int64) & LAST_COUNT).tolist()
            ranked = np.argsort(distance, axis=0, kind="stable").T
            for n in np.flatnonzero((fits.sum(0) == 1) == only_one).tolist():
                spots = ((int(rank), int(places[rank, n]), counts[n]) for rank in ranked[n] if fits[rank, n])
                free = [spot for spot in spots if spot not in taken][:1]
                bare["origin"][block.start + n] = origins[free[0][0] if free else ranked[n][0]]
                placed[block.start + n] = bool(free)
                taken.update(free)
    return placed


def _fits(bare: np.ndarray, stamps: dict[int, np.ndarray], ends: bool) -> tuple[np.ndarray, np.ndarray]:
    """Two arrays int64[origins, n]: the distance of each packet from the nearest known packet, in sequence counts,
    LAST_COUNT if it does not fit; and its place among the known packets, by time."""
    sequence = bare["stamp"].astype(np.int64)
    distances, places = [], []
    for known in stamps.values():
        at = np.searchsorted(known, bare["stamp"])
        before, after = (
            known[np.maximum(at - 1, 0)].astype(np.int64),
            known[np.minimum(at, len(known) - 1)].astype(np.int64),
        )
        since, until = sequence - before & LAST_COUNT, after - sequence & LAST_COUNT
        gap, inside = after - before & LAST_COUNT, (at > 0) & (at < len(known))
        fits = (since > 0) & (until > 0) & np.where(inside, since + until == gap, ends) & (ends | (gap < _LONGEST_GAP))
        nearest = np.where(inside, np.minimum(since, until), np.where(at > 0, since, until))
        distances.append(np.where(fits, nearest, LAST_COUNT))
        places.append(at)
    return np.array(distances), np.array(places)


def in_order(index: np.ndarray, read: Callable[[np.void], bytes]) -> np.ndarray:
    """The index sorted by origin and time, each packet once.

    read(row): octets of a packet. Packets with equal rows are compared; of identical packets only the first is kept.
    """
    origin, stamp = index["origin"], index["stamp"]
    later = (origin[1:] > origin[:-1]) | ((origin[1:] == origin[:-1]) & (stamp[1:] > stamp[:-1]))
    if not later.all():
        index = index[np.lexsort([index[name] for name in _KEY])]
    index = _unwrapped(index)
    return index if later.all() else _once(index, read)


def _unwrapped(index: np.ndarray) -> np.ndarray:
    """Order packets of the same time whose sequence count wraps between them."""
    stamp = index["stamp"]
    same_time = (index["origin"][1:] == index["origin"][:-1]) & (stamp[1:] >> 16 == stamp[:-1] >> 16)
    jumps = np.flatnonzero(same_time & (stamp[1:] - stamp[:-1] > _WRAPPED))
    for jump in jumps.tolist():
        first = jump
        while first and same_time[first - 1]:
            first -= 1
        stamp[first : jump + 1] += LAST_COUNT + 1
    return index[np.lexsort([index[name] for name in _KEY])] if len(jumps) else index


def _once(index: np.ndarray, read: Callable[[np.void], bytes]) -> np.ndarray:
    """Keep one of each set of identical packets; different packets with equal rows are sorted by their octets."""
    alike = np.ones(len(index) - 1, bool)
    for name in _KEY:
        alike &= index[name][1:] == index[name][:-1]
    keep = np.ones(len(index), bool)
    edges = np.flatnonzero(np.diff(np.concatenate([[False], alike, [False]]).astype(np.int8)))
    for first, last in edges.reshape(-1, 2).tolist():
        distinct = {read(row): row for row in index[first : last + 1].copy()}
        for at, octets in enumerate(sorted(distinct), first):
            index[at] = distinct[octets]
        keep[first + len(distinct) : last + 1] = False
    return index[keep]


def gaps(index: np.ndarray) -> int:
    """Number of places where the sequence count does not increase by one, except where it restarts after a boot."""
    sequence = index["stamp"].astype(np.int64)
    step = (sequence[1:] - sequence[:-1]) & LAST_COUNT
    same = index["origin"][1:] == index["origin"][:-1]
    return int((same & (step != 1) & ~index["booted"][1:]).sum())


def conflicts(index: np.ndarray) -> np.ndarray:
    """uint16[...]: the origin of each record number that two different packets of that origin have."""
    numbered = index[index["record"] > 0]
    records = numbered["origin"].astype(np.uint64) << np.uint64(32) | numbered["record"]
    if (records[1:] > records[:-1]).all():
        return np.zeros(0, np.uint16)
    records.sort()
    return (records[1:][records[1:] == records[:-1]] >> np.uint64(32)).astype(np.uint16)
