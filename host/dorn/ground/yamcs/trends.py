"""Count rates over time for a display, from counters since the last clear, which wrap around."""

from __future__ import annotations

from collections import deque
from collections.abc import Iterator

from dorn.dictionary import Dictionary, Packet
from dorn.exports.xtce_local import Local

POINTS = 240  # points in a trend: 20 minutes with the default period of rates packets
CLASSES = {"triggers": "events", "front": "front", "back": "back", "coincidence": "front_back"}  # trend -> counter
_BY_DETECTOR = {"accepted": "hits accepted", "below_threshold": "hits below the threshold"}


class _Trend:
    """The latest rates, by name, and when they were measured."""

    def __init__(self, prefix: str, names: list[str], unit: str, about: str):
        self._prefix, self._unit, self._about = prefix, unit, about
        self._times_s: deque[float] = deque(maxlen=POINTS)
        self._rates: dict[str, deque[float]] = {name: deque(maxlen=POINTS) for name in names}

    def parameters(self) -> Iterator[Local]:
        yield Local(f"{self._prefix}_minutes", "float", "min", POINTS, "before the latest rate")
        for name in self._rates:
            yield Local(f"{self._prefix}_{name}", "float", self._unit, POINTS, self._about)

    def clear(self) -> None:
        self._times_s.clear()
        for rates in self._rates.values():
            rates.clear()

    def add(self, time_s: float, rates: dict[str, float]) -> dict:
        self._times_s.append(time_s)
        for name, rate in rates.items():
            self._rates[name].append(rate)
        trends = {f"{self._prefix}_{name}": list(values) for name, values in self._rates.items()}
        return trends | {f"{self._prefix}_minutes": [(then_s - time_s) / 60 for then_s in self._times_s]}


class Trends:
    def __init__(self, dictionary: Dictionary):
        self._detectors: int = dictionary.instrument["detectors"]
        self._line_names = list(dictionary.lines)
        self._rates = _Trend("rate", list(CLASSES), "1/s", "per second of live time")
        self._lines = _Trend(
            "line",
            self._line_names,
            "1/min",
            "in the line region, all detectors; up to 32 767 counts per detector between two packets",
        )
        self._before: dict[str, Packet] = {}  # the last packet of each kind
        self._origin = 0

    def parameters(self) -> Iterator[Local]:
        yield from self._rates.parameters()
        yield from self._lines.parameters()
        yield Local("trigger_rate", "float", "1/s", about="per second of live time, since the previous packet")
        yield Local("live_share", "float", "%", about="of the real time, since the previous packet")
        yield Local("zero", "float", length=1, about="0")
        yield Local("detector", "integer", "", self._detectors)
        for name, what in _BY_DETECTOR.items():
            yield Local(
                f"detector_{name}", "float", "1/s", self._detectors, f"{what}, by detector, per second of live time"
            )

    def initial(self) -> dict:
        return {"zero": [0.0], "detector": list(range(self._detectors))}

    def take(self, packet: Packet) -> dict:
        """The parameters that a packet changes."""
        if packet.name not in ("rates", "line_rates"):
            return {}
        if packet.fields["origin"] != self._origin:
            self._origin = packet.fields["origin"]
            self._before.clear()
            self._rates.clear()
            self._lines.clear()
        before, self._before[packet.name] = self._before.get(packet.name), packet
        if before is None or packet.fields["real_us"] <= before.fields["real_us"]:  # the counters were cleared
            return {}
        return self._of_rates(before, packet) if packet.name == "rates" else self._of_lines(before, packet)

    def _of_rates(self, before: Packet, now: Packet) -> dict:
        live_s = (now.fields["live_us"] - before.fields["live_us"]) / 1e6
        real_s = (now.fields["real_us"] - before.fields["real_us"]) / 1e6
        if live_s <= 0:
            return {}
        counted = {name: (now.fields[counter] - before.fields[counter]) % 2**32 for name, counter in CLASSES.items()}
        hits = {name: _differences(now.fields[name], before.fields[name], 2**32) for name in _BY_DETECTOR}
        if max(*counted.values(), *(n for each in hits.values() for n in each)) > 2**31:  # cleared
            return {}
        rates = {name: n / live_s for name, n in counted.items()}
        values = self._rates.add(now.time_s, rates)
        values |= {f"detector_{name}": [n / live_s for n in each] for name, each in hits.items()}
        return values | {"trigger_rate": rates["triggers"], "live_share": 100 * live_s / real_s}

    def _of_lines(self, before: Packet, now: Packet) -> dict:
        minutes = (now.fields["real_us"] - before.fields["real_us"]) / 60e6
        counts = _differences(now.fields["counts"], before.fields["counts"], 2**16)
        if max(counts) > 2**15:  # cleared
            return {}
        lines = self._line_names  # one set for each detector in turn
        rates = {name: sum(counts[n :: len(lines)]) / minutes for n, name in enumerate(lines)}
        return self._lines.add(now.time_s, rates)


def _differences(now: list[int], before: list[int], modulus: int) -> list[int]:
    return [(n - then) % modulus for n, then in zip(now, before, strict=True)]
