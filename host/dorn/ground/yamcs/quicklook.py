"""The spectra of the latest integration, summed over the front and over the back detectors, for a display of Yamcs.

A spectrum packet has a part of one detector's spectrum; what adds them up is an outlet of the bridge and gives its sums
to Yamcs as local parameters (quicklook.xml).
"""

from __future__ import annotations

from collections import Counter

from dorn.dictionary import Dictionary, PacketError
from dorn.link.records import Records

CHANNELS = 1024
AXES = {"channel": CHANNELS, "region": 128, "detector": 16}  # a plot without an array along x plots none along y
SIDES = ("front", "back")  # of an even detector, of an odd one


class Quicklook:
    """publish(name, numbers) -> whether Yamcs took it: an array of quicklook.xml, of spectra when a part has come."""

    def __init__(self, dictionary: Dictionary, publish):
        self.dropped = Counter()
        self._records = Records()
        self._dictionary = dictionary
        self._publish = publish
        self._integration = None
        self._sums = {}
        for name, length in AXES.items():
            publish(name, list(range(length)))

    def sockets(self) -> list:
        return []

    def take(self) -> tuple:
        return ()

    def put(self, packet: bytes) -> None:
        try:
            decoded = self._dictionary.decode(packet)
        except PacketError:
            return
        late, new = self._records.take(decoded)
        f = decoded.fields
        if late or not new or decoded.name != "spectrum" or f["first"] + len(f["counts"]) > CHANNELS:
            return
        if f["integration"] != self._integration:
            self._integration = f["integration"]
            self._sums = {side: [0] * CHANNELS for side in SIDES}
        side = SIDES[f["detector"] & 1]
        for channel, counts in enumerate(f["counts"], f["first"]):
            self._sums[side][channel] += counts
        if f["counts"] and not self._publish(side, self._sums[side]):
            self.dropped["quick look not taken"] += 1

    def close(self) -> None:
        pass
