"""Plays an archive into a measurement, all at once or at a speed, and follows it as it grows."""

from __future__ import annotations

import time
from collections.abc import Callable
from pathlib import Path

import numpy as np

from dorn.dictionary import Dictionary
from dorn.errors import UserError
from dorn.link.archive import Archive, Part
from dorn.live.measurement import SHORTEST_S, Measurement

ALL = 0.0  # speed: all at once
_OCTETS = 1 << 18  # decoded between two looks at the clock
_SLICES = 256  # of a whole archive, about
_LATE_S = 5.0  # wall time without late packets after which all is read again
_LARGEST_TAIL = 1 << 26  # octets read at once


class Player:
    """measurement: what has been played; another one if the archive was read again.

    An archive that does not exist yet is waited for. Packets that come late, such as those retrieved from the packet
    store, are put in their places: the archive is read again once no more of them arrive.
    """

    def __init__(
        self,
        path: Path,
        dictionary: Dictionary,
        speed: float = ALL,
        clock: Callable[[], float] = time.monotonic,
    ):
        """speed: times real time, or ALL. clock: wall time, s."""
        self.path, self.dictionary = path, dictionary
        self.speed = speed
        self.paused = False
        self.fault = ""  # why the archive cannot be followed
        self._clock = clock
        self._archive: Archive | None = None  # what is being played
        self._latest: dict[int, int] = {}  # origin -> stamp of its last packet
        self._late_s: float | None = None
        self._end = 0  # offset in the file up to which it has been taken
        self.measurement = Measurement(dictionary)
        self._restart()

    def _restart(self) -> None:
        self.close()
        self._at, self._end, self._late_s, self._latest = 0, 0, None, {}
        self._played_s, self._since_s = 0.0, self._clock()

    def begin(self) -> None:
        """Play from the beginning. Raises UserError if the archive cannot be read."""
        self._restart()
        self.measurement = Measurement(self.dictionary)
        if not self.path.exists() or not self.path.stat().st_size:
            return
        archive = Archive(self.dictionary, self.path)
        index = archive.index
        if not len(index):
            archive.close()
            raise UserError.at(self.path, "packets", "none of this instrument")
        stamps = index["stamp"] >> np.uint64(16)
        steps = np.diff(stamps.astype(np.int64), prepend=stamps[:1].astype(np.int64))
        steps[1:][index["origin"][1:] != index["origin"][:-1]] = 0
        self._times_s = np.cumsum(np.maximum(steps, 0)) / 65536  # since the first packet; origins one after another
        self._end, self._archive = _end(index), archive
        doublings = np.ceil(np.log2(max(self.length_s, 1.0) / SHORTEST_S / _SLICES))
        self.measurement = Measurement(self.dictionary, float(SHORTEST_S * 2 ** max(0.0, doublings)))

    @property
    def is_playing(self) -> bool:
        """Whether some of what was in the archive has not been played."""
        return self._archive is not None

    @property
    def length_s(self) -> float:
        """On-board time from the first to the last packet of what is being played."""
        return float(self._times_s[-1]) if self._archive is not None and len(self._times_s) else 0.0

    @property
    def played_s(self) -> float:
        """How much of it has been played."""
        return self._played_s

    def step(self, limit_s: float = 0.25) -> None:
        """Play what is due, for about `limit_s` of wall time at most."""
        now_s = self._clock()
        elapsed_s, self._since_s = now_s - self._since_s, now_s
        try:
            if self._archive is not None:
                if not self.paused:
                    self._play(elapsed_s, now_s + limit_s)
            else:
                self._follow(now_s)
            self.fault = ""
        except UserError as error:
            self.fault = str(error)

    def _play(self, elapsed_s: float, until_s: float) -> None:
        archive, index = self._archive, self._archive.index if self._archive else None
        if archive is None or index is None:
            return
        due = len(index)
        if self.speed != ALL:
            due = int(np.searchsorted(self._times_s, self._played_s + elapsed_s * self.speed, "right"))
        while self._at < due:
            octets = np.cumsum(index["octets"][self._at : min(due, self._at + _OCTETS // 32)], dtype=np.int64)
            n = max(1, int(np.searchsorted(octets, _OCTETS, "right")))
            self._add(archive.part(index[self._at : self._at + n]))
            self._at += n
            if self._clock() >= until_s:
                break
        if self._at < due or self.speed == ALL:
            self._played_s = float(self._times_s[self._at - 1]) if self._at else 0.0
        else:
            self._played_s += elapsed_s * self.speed
        if self._at == len(index):
            self.close()

    def _add(self, part: Part) -> None:
        self.measurement.add(part)
        self._latest[int(part.index["origin"][-1])] = int(part.index["stamp"][-1])

    def _follow(self, now_s: float) -> None:
        """Take what has been added to the file."""
        try:
            size = self.path.stat().st_size
        except FileNotFoundError:
            return
        if size < self._end or (size and not self._end):  # another run has replaced it, or it is there now
            self.begin()
        elif size - self._end > _LARGEST_TAIL:
            self._read_again()
        elif size > self._end:
            with Archive(self.dictionary, self.path, since=self._end) as tail:
                self._end += _end(tail.index)
                late = self._is_late(tail.index)
                if late.any():
                    self._late_s = now_s
                if not late.all():
                    self._add(tail.part(tail.index[~late]))
        if self._late_s is not None and now_s > self._late_s + _LATE_S:
            self._read_again()

    def _is_late(self, index: np.ndarray) -> np.ndarray:
        """bool[n]: packets from before the last one of their origin."""
        late = np.zeros(len(index), bool)
        for origin, stamp in self._latest.items():
            late |= (index["origin"] == origin) & (index["stamp"] < stamp)
        return late

    def _read_again(self) -> None:
        """All that is in the archive, in its order; the measurement so far is shown until then."""
        shown = self.measurement
        self.begin()
        read, self.measurement = self.measurement, shown
        if self._archive is not None:
            for part in self._archive.parts():
                read.add(part)
                self._latest[int(part.index["origin"][-1])] = int(part.index["stamp"][-1])
        self.close()
        read.version = shown.version + 1
        self.measurement = read

    def close(self) -> None:
        if self._archive is not None:
            self._archive.close()
            self._archive = None


def _end(index: np.ndarray) -> int:
    """Offset of the end of the last intact packet: what follows may be the begin of one that is being written."""
    return int((index["offset"] + index["octets"]).max()) if len(index) else 0
