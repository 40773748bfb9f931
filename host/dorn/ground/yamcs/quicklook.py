"""Spectra of the latest integration, summed over the front and over the back detectors, for a display of Yamcs.

A spectrum packet has a part of one detector's spectrum; this outlet of the bridge adds them up and sets the sums in
Yamcs as local parameters (quicklook.xml).
"""

from __future__ import annotations

from collections import Counter

from dorn.dictionary import Dictionary, PacketError
from dorn.link.records import Received

CHANNELS = 1024
AXES = {"channel": CHANNELS, "region": 128, "detector": 16}  # a plot of an array needs another one for its x axis
SIDES = ("front", "back")  # of even and odd detectors


class Quicklook:
    """publish(name, numbers) sets an array of quicklook.xml, for spectra on every part received, and returns whether
    Yamcs accepted it."""

    def __init__(self, dictionary: Dictionary, publish):
        self.dropped = Counter()
        self._received = Received()
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
        late, new = self._received.take(decoded)
        f = decoded.fields
        if late or not new or decoded.name != "spectrum" or f["first"] + len(f["counts"]) > CHANNELS:
            return
        if (f["origin"], f["integration"]) != self._integration:
            self._integration = f["origin"], f["integration"]
            self._sums = {side: [0] * CHANNELS for side in SIDES}
        side = SIDES[f["detector"] & 1]
        for channel, counts in enumerate(f["counts"], f["first"]):
            self._sums[side][channel] += counts
        if f["counts"] and not self._publish(side, self._sums[side]):
            self.dropped["quick look not accepted"] += 1

    def close(self) -> None:
        pass
