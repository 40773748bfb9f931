"""Quantities that change with time, linear between given points: temperatures, and rates of particles."""

from __future__ import annotations

from collections.abc import Iterable

import numpy as np


class Profile:
    """Values at times_s, linear in between and constant outside. Two points at the same time are a step."""

    def __init__(self, times_s, values):
        self.times_s, self.values = np.array(times_s, float), np.array(values, float)

    @classmethod
    def from_pairs(cls, pairs, least: float = -1e6, most: float = 1e18):
        """From a list of [time, value]. Raises ValueError if it is not such a list, or if a number is out of range."""
        if not isinstance(pairs, list) or not pairs:
            raise ValueError("not a list of [time, value]")
        for i, pair in enumerate(pairs):
            if not isinstance(pair, list) or len(pair) != 2 or any(type(part) not in (int, float) for part in pair):
                raise ValueError(f"entry {i}: not [time, value]: {pair!r}")
            time_s, value = pair
            if not 0 <= time_s <= 1e18 or (i and time_s < pairs[i - 1][0]):
                raise ValueError(f"entry {i}: time below 0 or before the previous one: {time_s}")
            if not least <= value <= most:
                raise ValueError(f"entry {i}: value not from {least:g} to {most:g}: {value}")
        return cls(*zip(*pairs, strict=True))

    def at(self, time_s):
        """The value at each time."""
        return np.interp(time_s, self.times_s, self.values)


class Rate(Profile):
    """A rate in 1/s, not below 0, and 0 before the first and after the last of its times."""

    def __init__(self, times_s, values):
        super().__init__(times_s, values)
        steps = np.diff(self.times_s)
        rises = np.diff(self.values)
        self._slopes = np.append(np.divide(rises, steps, out=np.zeros_like(steps), where=steps > 0), 0.0)
        self._counts = np.append(0.0, np.cumsum(steps * (self.values[:-1] + self.values[1:]) / 2))

    @property
    def total(self) -> float:
        """The integral of the rate over all times."""
        return float(self._counts[-1])

    def until(self, end_s: float) -> Rate:
        """The same rate, but 0 after end_s, which must be after its first time."""
        if end_s >= self.times_s[-1]:
            return self
        n = int(np.searchsorted(self.times_s, end_s))
        last = self.values[n - 1] + self._slopes[n - 1] * (end_s - self.times_s[n - 1])  # before a step at end_s
        return Rate(np.append(self.times_s[:n], end_s), np.append(self.values[:n], last))

    def scaled(self, factor: float, begin_s: float = 0.0) -> Rate:
        """The rate times a factor, and delayed by begin_s."""
        return Rate(self.times_s + begin_s, factor * self.values)

    def counts(self, time_s):
        """Integral of the rate until each time."""
        time_s = np.clip(time_s, self.times_s[0], self.times_s[-1])
        i = np.searchsorted(self.times_s, time_s, side="right") - 1
        since = time_s - self.times_s[i]
        return self._counts[i] + since * (self.values[i] + self._slopes[i] * since / 2)

    def when(self, counts):
        """The times at which the integral reaches these counts, above 0 and at most `total`: inverse of `counts`."""
        i = np.maximum(np.searchsorted(self._counts, counts, side="left") - 1, 0)
        left, value, slope = counts - self._counts[i], self.values[i], self._slopes[i]
        # the root of slope / 2 t^2 + value t = left, in the form without cancellation
        root = np.sqrt(np.maximum(value**2 + 2 * slope * left, 0))
        return np.minimum(self.times_s[i] + 2 * left / (value + root), self.times_s[i + 1])

    def waiting(self, mean_s: float, time_s: float) -> float:
        """Expected number of arrivals at this rate that are still waiting at time_s, if waiting times are exponential
        with this mean: the solution of n' = rate - n / mean_s, segment by segment."""
        n = 0.0
        ends = np.append(self.times_s[1:], np.inf)
        values = np.append(self.values[:-1], 0.0)  # after the last time the rate is 0
        for begin, end, value, slope in zip(self.times_s, ends, values, self._slopes, strict=True):
            step = min(end, time_s) - begin
            if step < 0:
                break
            settled = mean_s * (value - slope * mean_s)
            n = (n - settled) * np.exp(-step / mean_s) + settled + slope * mean_s * step
        return float(n)


def mean_cps(rates: Iterable[Rate], duration_s: float) -> float:
    """The sum of the rates, averaged from 0 to duration_s."""
    return sum(float(rate.counts(duration_s)) for rate in rates) / duration_s
