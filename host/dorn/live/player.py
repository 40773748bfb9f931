"""Reads an archive into a measurement, all at once or at a given speed, and follows it as it grows."""

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
_OCTETS = 1 << 18  # decoded between two checks of the clock
_PIECE = 1 << 20  # octets of a growing archive read at once
_SLICES = 256  # approximate number in a replayed archive
_LATE_S = 5.0  # wall time without late packets after which the archive is read again


class Player:
    """measurement: what has been played; replaced by a new one if the archive is read again.

    Unless a speed is given, the archive is read from its start as if it were growing. If it does not exist, wait for
    it. Packets that arrive late, such as those retrieved from the packet store, are put in their places: once no more
    of them arrive, the archive is read again, sorted by origin and time.
    """

    def __init__(
        self,
        path: Path,
        dictionary: Dictionary,
        speed: float = ALL,
        clock: Callable[[], float] = time.monotonic,
    ):
        """speed: multiple of real time, or ALL. clock: wall time, s."""
        self.path, self.dictionary = path, dictionary
        self.speed = speed
        self.paused = False
        self.fault = ""  # why the archive cannot be followed
        self._clock = clock
        self._file: tuple[int, int] | None = None  # device and inode of the file that is followed
        self._archive: Archive | None = None  # the archive being played, sorted; None while following
        self.measurement = self._into = Measurement(dictionary)
        self._restart()

    def _restart(self) -> None:
        self.close()
        self._at = 0  # index of the next packet to play
        self._size = self._end = 0  # of the file; offset up to which it has been read
        self._late_s: float | None = None
        self._latest: dict[int, int] = {}  # origin -> stamp of its last packet
        self._played_s, self._since_s = 0.0, self._clock()

    def begin(self) -> None:
        """Play from the beginning. Raises UserError if the file exists but is not an archive of this instrument."""
        self._restart()
        self.measurement = self._into = Measurement(self.dictionary)
        self._size = self.path.stat().st_size if self.path.exists() else 0
        if self._size and not (self._take() if self.speed == ALL else self._open()):
            raise UserError.at(self.path, "packets", "none of this instrument")

    def _open(self) -> bool:
        """Start to play all packets in order. Returns whether there are any."""
        archive = Archive(self.dictionary, self.path)
        index = archive.index
        if not len(index):
            archive.close()
            return False
        stamps = (index["stamp"] >> np.uint64(16)).astype(np.int64)
        steps = np.diff(stamps, prepend=stamps[:1])
        steps[1:][index["origin"][1:] != index["origin"][:-1]] = 0
        self._times_s = np.cumsum(np.maximum(steps, 0)) / 65536  # since the first packet; origins one after another
        self._at, self._end, self._archive = 0, _end(index), archive
        doublings = np.ceil(np.log2(max(self._times_s[-1], 1.0) / SHORTEST_S / _SLICES))
        is_shown = self._into is self.measurement
        self._into = Measurement(self.dictionary, float(SHORTEST_S * 2 ** max(0.0, doublings)))
        if is_shown and self.speed != ALL:
            self.measurement = self._into
        return True

    @property
    def is_playing(self) -> bool:
        """Whether part of the archive, as last seen, has not been played."""
        return self._archive is not None or self._end < self._size

    @property
    def part(self) -> float:
        """Fraction of the archive, as last seen, that has been played: 0 to 1."""
        if self._archive is not None:
            return self._at / len(self._archive.index)
        return self._end / self._size if self._size else 1.0

    def step(self, limit_s: float = 0.15) -> None:
        """Play what is due, for about `limit_s` of wall time at most."""
        now_s = self._clock()
        elapsed_s, self._since_s = now_s - self._since_s, now_s
        if self.paused:
            return
        try:
            if self._archive is not None:
                self._play(self._archive, elapsed_s, now_s + limit_s)
            else:
                self._follow(now_s, now_s + limit_s)
            self.fault = ""
        except UserError as error:
            self.fault = str(error)

    def _play(self, archive: Archive, elapsed_s: float, until_s: float) -> None:
        index, due = archive.index, len(archive.index)
        if self.speed != ALL and self._into is self.measurement:
            self._played_s += elapsed_s * self.speed
            due = int(np.searchsorted(self._times_s, self._played_s, "right"))
        while self._at < due:
            octets = np.cumsum(index["octets"][self._at : min(due, self._at + _OCTETS // 32)], dtype=np.int64)
            n = max(1, int(np.searchsorted(octets, _OCTETS, "right")))
            self._add(archive.part(index[self._at : self._at + n]))
            self._at += n
            if self._clock() >= until_s:
                break
        if self._at < due:  # the computer cannot keep up
            self._played_s = float(self._times_s[self._at])
        if self._at == len(index):
            self.close()
            if self._into is not self.measurement:
                self._into.version = self.measurement.version + 1
                self.measurement = self._into

    def _add(self, part: Part) -> None:
        self._into.add(part)
        for origin, stamp in zip(part.index["origin"].tolist(), part.index["stamp"].tolist(), strict=True):
            self._latest[origin] = max(stamp, self._latest.get(origin, 0))

    def _follow(self, now_s: float, until_s: float) -> None:
        """Read what has been appended to the file."""
        try:
            about = self.path.stat()
        except FileNotFoundError:
            return
        self._size, file = about.st_size, (about.st_dev, about.st_ino)
        if self._size < self._end or self._file not in (None, file):  # another run has replaced it
            self.begin()
        self._file = file
        while self._end < self._size and self._take() and self._clock() < until_s:
            pass
        if self._late_s is not None and now_s > self._late_s + _LATE_S:
            self._restart()
            self._into = Measurement(self.dictionary)
            self._open()

    def _take(self) -> bool:
        """Read a piece of the file. Returns whether the reading position has advanced."""
        with Archive(self.dictionary, self.path, since=self._end, most=_PIECE, chunk=_PIECE) as piece:
            end = _end(piece.index)
            if not end and piece.octets >= _PIECE:  # octets without a packet
                end = _PIECE // 2
            self._end += end
            late = self._is_late(piece.index)
            if late.any():
                self._late_s = self._clock()
            if not late.all():
                self._add(piece.part(piece.index[~late]))
        return end > 0

    def _is_late(self, index: np.ndarray) -> np.ndarray:
        """bool[n]: packets older than the latest one of their origin."""
        late = np.zeros(len(index), bool)
        for origin, stamp in self._latest.items():
            late |= (index["origin"] == origin) & (index["stamp"] < stamp)
        return late

    def close(self) -> None:
        if self._archive is not None:
            self._archive.close()
            self._archive = None


def _end(index: np.ndarray) -> int:
    """Offset of the end of the last intact packet: a packet still being written may follow."""
    return int((index["offset"] + index["octets"]).max()) if len(index) else 0
