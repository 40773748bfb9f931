"""Telemetry packets of an instrument, and products made from them."""

import csv
import tempfile
import weakref
from dataclasses import dataclass, field, replace
from itertools import count

import numpy as np
from dorn.dictionary import Dictionary
from dorn.link.archive import Archive
from dorn.products.products import Products
from spacepackets.ecss.tm import PusTm

from support import libaec
from support.packets import APID, source_data

DICTIONARY = Dictionary.load()
ORIGIN = 4711
_made = count(1)


@dataclass(frozen=True)
class Made:
    """A packet to be built. Packets are sent in the order in which they are made, unless their times disagree."""

    name: str
    fields: dict
    time_s: float
    sequence: int = field(default_factory=lambda: next(_made) & 0x3FFF)

    @property
    def octets(self) -> bytes:
        layout = DICTIONARY.telemetry[self.name]
        seconds, fraction = divmod(round(self.time_s * 65536), 65536)
        packet = PusTm(
            service=layout.service,
            message_subtype=layout.subtype,
            timestamp=seconds.to_bytes(4, "big") + fraction.to_bytes(2, "big"),
            source_data=source_data(layout, self.fields),
            apid=APID,
            seq_count=self.sequence,
        )
        return bytes(packet.pack())

    def but(self, time_s=None, **fields) -> "Made":
        """A copy with these fields changed."""
        time_s = self.time_s if time_s is None else time_s
        return replace(self, time_s=time_s, fields=self.fields | fields, sequence=next(_made) & 0x3FFF)


def packet(name, time_s=1.0, **fields) -> Made:
    layout = DICTIONARY.telemetry[name]
    scalars = {item.name: 0 for item in layout.fields if item.length is None}
    arrays = {item.name: [0] * (item.length if isinstance(item.length, int) else 0) for item in layout.arrays}
    if "origin" in scalars:
        scalars["origin"] = ORIGIN
    if name == "housekeeping":
        scalars |= {"dictionary": DICTIONARY.hash, "unique_id": 2**64 - 1}
    return Made(name, scalars | arrays | fields, time_s)


def spectrum(detector, counts, first=0, total=None, integration=1, live_us=900, **more) -> Made:
    kind = {"detector": detector, "event_class": detector % 2, "integration": integration}
    times = {"real_us": 1000, "live_us": live_us}
    return packet("spectrum", **kind | times | _range(counts, first, total) | more)


def coincidences(unit, counts, first=0) -> Made:
    kind = {"unit": unit, "event_class": DICTIONARY.enums["event_class"]["front_back"], "integration": 1}
    return packet("coincidence_spectrum", **kind, **_range(counts, first, None))


def _range(counts, first, total) -> dict:
    counts = list(map(int, counts))
    coded = len(counts) > 256  # too long for a packet otherwise
    data = libaec.encode(counts, 16) if coded else b"".join(n.to_bytes(2, "big") for n in counts)
    sizes = {"first": first, "count": len(counts), "coding": int(coded), "octets": len(data), "data": list(data)}
    return sizes | {"total": sum(counts) if total is None else total}


def decoded(octets: bytes, **options) -> Products:
    """The products of an archive with this content. options: arguments of Products."""
    with tempfile.NamedTemporaryFile() as file:
        file.write(octets)
        file.flush()
        archive = Archive(DICTIONARY, file.name)
        made = Products(archive, **options)
        weakref.finalize(made, archive.close)
        return made


def products(*packets: Made) -> Products:
    return decoded(b"".join(made.octets for made in packets))


def content(collected: Products) -> tuple:
    """Everything that the files are made from, except the tables of packets."""
    spectra = {key: (s.counts.tobytes(), s.real_us, s.live_us) for key, s in collected.all_spectra().items()}
    rates = [column.tobytes() for column in vars(collected.rates()).values()]
    slices = [(one.origin, one.start_us, one.counts.tobytes(), one.live_us.tobytes()) for one in collected.slices]
    events = [column.tobytes() for column in vars(collected.events).values() if isinstance(column, np.ndarray)]
    return collected.summary(), list(spectra.items()), rates, slices, events


def rows(path):
    with open(path, newline="") as file:
        return list(csv.DictReader(file))
