"""Rows of a table that are missing because their channels are empty: the channels are put back, with 0 counts."""

from __future__ import annotations

import numpy as np

from dorn.util.checks import SourceError

_MOST_CHANNELS = 1 << 20
_UNEVEN = "rows are not evenly apart: channels are taken to meet halfway"
_GROWTH = 2.5  # steps that all grow, or all shrink, by up to this factor are those of channels, none of them left out
_OFF = 0.05  # of the narrowest step, by which others may differ from its multiples
_WIDER = 1.5  # a step that is so much wider than those on both sides is a gap


def in_channels(path, name: str, channels: np.ndarray, counts: np.ndarray) -> tuple[np.ndarray, tuple[str, ...]]:
    """(counts of all channels from the first to the last, notes); channels: float64[n], whole and increasing."""
    size = int(channels[-1] - channels[0]) + 1
    if size > _MOST_CHANNELS:
        raise SourceError.at(path, name, f"more than {_MOST_CHANNELS} channels, with those left out", size)
    filled = np.zeros(size, np.int64)
    filled[(channels - channels[0]).astype(int)] = counts
    return filled, _notes(size - len(counts))


def in_table(positions: np.ndarray, counts: np.ndarray) -> tuple[np.ndarray, np.ndarray, tuple[str, ...]]:
    """(positions, counts, notes) with rows put into the gaps, as far apart as those beside them."""
    missing = _missing(np.diff(positions))
    if len(positions) + missing.sum() > _MOST_CHANNELS:
        return positions, counts, (_UNEVEN,)
    at = np.repeat(np.arange(1, len(positions)), missing.astype(int))
    wide = np.flatnonzero(missing).tolist()
    between = [np.linspace(positions[n], positions[n + 1], int(missing[n]) + 2)[1:-1] for n in wide]
    filled = np.insert(positions, at, np.concatenate([*between, []])), np.insert(counts, at, 0)
    return *filled, _notes(len(at))


def _missing(steps: np.ndarray) -> np.ndarray:
    """How many rows are missing in each step."""
    with np.errstate(over="ignore", invalid="ignore"):
        growth = steps[1:] / steps[:-1]
        growth = 1 / growth if len(growth) and growth[0] < 1 else growth
        if ((growth >= 1) & (growth <= _GROWTH)).all():
            return np.zeros(len(steps))
        widths = np.round(steps / steps.min())  # in channels, if these are even
        even = steps.sum() / widths.sum()
        if (np.abs(steps - widths * even) <= _OFF * even).all():
            return widths - 1
        # the narrowest step before each, and that behind it; of the first and the last, the narrower of the next two
        before = np.append(steps[1:3].min(), np.minimum.accumulate(steps)[:-1])
        behind = np.append(np.minimum.accumulate(steps[::-1])[::-1][1:], steps[-3:-1].min())
        usual = np.maximum(before, behind)  # as widths may grow
        return np.where(steps > _WIDER * usual, np.round(steps / usual) - 1, 0)


def half_widths(positions: np.ndarray) -> np.ndarray:
    """Half of the distance of each position to the next; the last as the one before."""
    steps = np.diff(positions)
    return np.append(steps, steps[-1:]) / 2 if len(steps) else np.zeros(1)


def _notes(missing: int) -> tuple[str, ...]:
    return (f"rows of {missing} channels are not in the file: taken as empty",) if missing else ()
