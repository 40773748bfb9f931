"""Files of the event list, in pieces: `events.npz` for analysis, `events.csv` for reading."""

from __future__ import annotations

from collections.abc import Iterator
from typing import BinaryIO

import numpy as np

from dorn.analysis.event_table import HITS, EventTable, detectors_of
from dorn.products import stored

CLASSES = ("front", "back", "front_back", "several_units")  # named as the counters of packet `rates`
_ROWS = 1 << 16  # rows written at a time
_CLASSES = np.array([f",{name}," for name in CLASSES], "S")
_THREE_DIGITS = np.array([f"{n:03d}" for n in range(1000)], "S")
HEADING = b"origin,time_s,class,detectors,codes,energies_kev\n"


def write_npz(file: BinaryIO, table: EventTable) -> None:
    """The arrays of a table, as `EventTable.load` or numpy.load reads them, and `first`. Not compressed, as there may
    be millions of events."""
    names = (*table.__dataclass_fields__, "first")
    stored.write_npz(file, {name: np.asarray(getattr(table, name)) for name in names}, compress=False)


def csv(table: EventTable) -> Iterator[bytes]:
    """One row per event, from columns of texts padded with zero octets, which are deleted afterwards."""
    yield HEADING
    for begin in range(0, len(table), _ROWS):
        some = slice(begin, begin + _ROWS)
        hits, first = table.hits[some], table.first[some]
        n = HITS[hits]
        codes = table.codes[first[0] : first[-1] + n[-1]]
        pairs, which = np.unique(detectors_of(hits).astype(np.uint32) << 16 | codes, return_inverse=True)
        codes, detectors = pairs & 0xFFFF, pairs >> 16
        first = first - first[0]
        columns = [
            *_times(table.origin[some], table.time_us[some]),
            _CLASSES[table.event_class[some]],
            _detectors(hits),
            *_numbers([str(code) for code in codes.tolist()], which, first, n),
            *_numbers([f"{energy:g}" for energy in table.energies_kev(codes, detectors).tolist()], which, first, n),
            np.full(len(hits), b"\n"),
        ]
        octets = [column.view(np.uint8).reshape(len(hits), -1) for column in columns]
        yield np.concatenate(octets, axis=1).tobytes().translate(None, b"\0")


def _times(origin: np.ndarray, time_us: np.ndarray) -> list[np.ndarray]:
    """Columns of origin and time."""
    seconds, us = np.divmod(np.abs(time_us), 1_000_000)
    new = np.ones(len(origin), bool)
    new[1:] = (origin[1:] != origin[:-1]) | (seconds[1:] != seconds[:-1]) | (time_us[1:] < 0) | (time_us[:-1] < 0)
    heads = zip(origin[new].tolist(), (time_us[new] < 0).tolist(), seconds[new].tolist(), strict=True)
    texts = np.array([f"{origin},{'-' * negative}{second}." for origin, negative, second in heads], "S")
    return [texts[np.cumsum(new) - 1], _THREE_DIGITS[us // 1000], _THREE_DIGITS[us % 1000]]


def _detectors(hits: np.ndarray) -> np.ndarray:
    patterns, which = np.unique(hits, return_inverse=True)
    texts = ["+".join([str(d) for d in range(16) if pattern >> d & 1]) for pattern in patterns.tolist()]
    return np.array(texts, "S")[which]


def _numbers(texts: list[str], which: np.ndarray, first: np.ndarray, n: np.ndarray) -> Iterator[np.ndarray]:
    """Columns of the first, second, ... hit of each event. which: index in `texts` for each hit; first, n: index of the
    first hit of each event, and number of its hits."""
    heads = np.array([f",{text}" for text in texts], "S")
    others = np.array([*(f"+{text}" for text in texts), ""], "S")  # the last one: no such hit
    yield heads[which[first]]
    for k in range(1, int(n.max())):
        has = n > k
        text = np.full(len(n), len(texts))
        text[has] = which[first[has] + k]
        yield others[text]
