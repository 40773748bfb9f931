"""The order of packets by what they say themselves: origin, on-board time and sequence count.

An *index* has one row a packet (dorn.link.index); its `origin` is 0 for packets that carry none.
"""

from __future__ import annotations

from collections.abc import Callable

import numpy as np

from dorn.dictionary.headers import LAST_COUNT

_WRAPPED = 1 << 13  # a step of the sequence count, at the same time, which means that the count has wrapped
_KEY = ["kind", "record", "octets", "stamp", "origin"]  # of the order, least significant first


def with_origins(index: np.ndarray, read: Callable[[np.void], bytes]) -> np.ndarray:
    """The index with an origin for the packets that carry none: that of the packets between which time and sequence
    count place them. Identical ones are dropped but for one. read: as for `in_order`."""
    bare = in_order(index[index["origin"] == 0], read)
    if not len(bare):
        return index
    index = index[index["origin"] > 0]
    origins = np.unique(index["origin"])
    if len(origins) == 1:
        bare["origin"] = origins[0]
    elif len(origins):
        _place(bare, {origin: np.sort(index["stamp"][index["origin"] == origin]) for origin in origins.tolist()})
    return np.concatenate([index, bare])


def _place(bare: np.ndarray, stamps: dict[int, np.ndarray]) -> None:
    """Give each of these packets, in place, the origin that has the place for it nearest to a known packet; a place has
    room for one. stamps: of the known packets of each origin, in order."""
    sequence = bare["stamp"].astype(np.int64)
    distances, places = [], []
    for known in stamps.values():
        at = np.searchsorted(known, bare["stamp"])
        since = sequence - known[np.maximum(at - 1, 0)].astype(np.int64) & LAST_COUNT
        until = known[np.minimum(at, len(known) - 1)].astype(np.int64) - sequence & LAST_COUNT
        inside = (at > 0) & (at < len(known))
        gap = np.where(inside, known[np.minimum(at, len(known) - 1)] - known[np.maximum(at - 1, 0)], 0)
        fits = (since > 0) & (until > 0) & (since + until == gap.astype(np.int64) & LAST_COUNT)
        nearest = np.where(at > 0, since, until)
        distances.append(np.where(inside, np.where(fits, np.minimum(since, until), LAST_COUNT), nearest))
        places.append(at)
    taken = set()
    origins = list(stamps)
    ranked = np.argsort(distances, axis=0, kind="stable").T.tolist()
    for n, (ranks, count) in enumerate(zip(ranked, (sequence & LAST_COUNT).tolist(), strict=True)):
        free = [rank for rank in ranks if (rank, int(places[rank][n]), count) not in taken]
        rank = (free or ranks)[0]
        taken.add((rank, int(places[rank][n]), count))
        bare["origin"][n] = origins[rank]


def in_order(index: np.ndarray, read: Callable[[np.void], bytes]) -> np.ndarray:
    """The index in the order of origin and time, each packet once.

    read(row): octets of a packet. Packets with equal rows are compared, and identical ones dropped but for the first.
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
    """Drop the packets that are identical to another one; those that only have the same row are put in order."""
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
    """Places where the sequence count does not increase by one. After a start it begins again: that is none."""
    sequence = index["stamp"].astype(np.int64)
    step = (sequence[1:] - sequence[:-1]) & LAST_COUNT
    same = index["origin"][1:] == index["origin"][:-1]
    return int((same & (step != 1) & ~index["booted"][1:]).sum())


def conflicts(index: np.ndarray) -> np.ndarray:
    """Origins, uint16[...], of the record numbers that two different packets of an origin have, one for each."""
    numbered = index[index["record"] > 0]
    records = numbered["origin"].astype(np.uint64) << np.uint64(32) | numbered["record"]
    if (records[1:] > records[:-1]).all():
        return np.zeros(0, np.uint16)
    records.sort()
    return (records[1:][records[1:] == records[:-1]] >> np.uint64(32)).astype(np.uint16)
