"""Spectra of the running acquisition for a display: sums over all front and all back detectors, and coincidences.

A packet has a part of one detector's spectrum of one integration. The sums are cleared when a new acquisition starts or
the instrument changes.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator

from dorn.dictionary import Dictionary, Packet
from dorn.exports.lines import line_kev
from dorn.exports.xtce_local import Local

SIDES = ("front", "back")  # of even and odd detectors
KINDS = (*SIDES, "coincidence")
FLOOR = 0.5  # counts: the lower end of a logarithmic axis, which starts at the smallest value drawn


class Spectra:
    def __init__(self, dictionary: Dictionary):
        self._dictionary = dictionary
        instrument = dictionary.instrument
        # codes per channel, and channels
        self._widths: dict[str, int] = dict.fromkeys(SIDES, instrument["codes_per_channel"])
        self._widths["coincidence"] = instrument["codes_per_coincidence_channel"]
        self._lengths: dict[str, int] = dict.fromkeys(SIDES, instrument["channels"])
        self._lengths["coincidence"] = instrument["coincidence_channels"]
        self._started = dictionary.enums["event"]["acquisition_started"]
        self._lines_mev = [kev / 1000 for kev in line_kev(dictionary).values()]
        self._origin = 0
        self._clear()

    def _clear(self) -> None:
        self._sums = {kind: [0] * length for kind, length in self._lengths.items()}
        # for each detector: the integration added last, as (number, start), and the live time of all integrations
        self._counted: dict[int, tuple[int, int]] = {}
        self._live_us: Counter[int] = Counter()

    def parameters(self) -> Iterator[Local]:
        channel = "energy at the centre of each channel, default calibration"
        yield Local("energy", "float", "MeV", self._lengths["front"], channel)
        yield Local("coincidence_energy", "float", "MeV", self._lengths["coincidence"], channel)
        for kind in KINDS:
            about = "received from the running acquisition, in each channel"
            yield Local(kind, "integer", "counts", self._lengths[kind], about)
            yield Local(f"{kind}_total", "integer", "counts", about="received from the running acquisition")
        points = 3 * len(self._lines_mev)
        yield Local("lines_energy", "float", "MeV", points, "the lines of the dictionary, drawn as vertical strokes")
        yield Local("lines_height", "float", "counts", points)
        yield Local("live_time", "float", "s", about="of these spectra, for the detector with the longest")

    def initial(self) -> dict:
        energies = {
            name: [
                self._dictionary.instrument["kev_per_code"]
                * (self._widths[kind] * (n + 0.5) - self._dictionary.instrument["zero_code"])
                / 1000
                for n in range(self._lengths[kind])
            ]
            for name, kind in (("energy", "front"), ("coincidence_energy", "coincidence"))
        }
        lines = {"lines_energy": [mev for mev in self._lines_mev for _ in range(3)]}
        return energies | lines | self._values(KINDS)

    def take(self, packet: Packet) -> dict:
        """The parameters that a packet changes."""
        f = packet.fields
        if packet.name == "event_info" and f["event"] == self._started:
            self._clear()
            return self._values(KINDS)
        kind = {"spectrum": SIDES[f.get("detector", 0) & 1], "coincidence_spectrum": "coincidence"}.get(packet.name)
        if kind is None or f["first"] + len(f["counts"]) > self._lengths[kind]:
            return {}
        changed = (kind,)
        if f["origin"] != self._origin:
            if self._origin:
                self._clear()
                changed = KINDS
            self._origin = f["origin"]
        if kind in SIDES:
            integration = f["integration"], f["start_us"]
            if self._counted.get(f["detector"]) != integration:
                self._counted[f["detector"]] = integration
                self._live_us[f["detector"]] += f["live_us"]
        sums = self._sums[kind]
        for channel, counts in enumerate(f["counts"], f["first"]):
            sums[channel] += counts
        return self._values(changed)

    def _values(self, kinds) -> dict:
        values: dict = {"live_time": max(self._live_us.values(), default=0) / 1e6}
        for kind in kinds:
            sums = self._sums[kind]
            values[kind] = list(sums)
            values[f"{kind}_total"] = sum(sums)
        top = float(max(1, *(max(self._sums[side]) for side in SIDES)))
        values["lines_height"] = [FLOOR, top, FLOOR] * len(self._lines_mev)
        return values
