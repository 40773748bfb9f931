"""Packets like those of an instrument, and products made from them."""

import csv
from dataclasses import replace

from dorn.dictionary import Dictionary, Packet
from dorn.products.products import Products

DICTIONARY = Dictionary.load()


def packet(name, time_s=0.0, **fields):
    layout = DICTIONARY.telemetry[name]
    missing = {f.name for f in layout.fields} - set(fields)
    scalars = {f.name: 0 for f in layout.fields if f.name in missing and f.length is None}
    arrays = {f.name: [0] * 16 for f in layout.fields if f.name in missing and f.length is not None}
    return Packet(name, layout.service, layout.subtype, 0, 0, 100, time_s, scalars | arrays | fields)


def spectrum(detector, counts, first=0, total=None, integration=1, live_us=900):
    kind = {"detector": detector, "event_class": detector % 2, "integration": integration}
    times = {"real_us": 1000, "live_us": live_us}
    size = {"first": first, "count": len(counts), "total": sum(counts) if total is None else total}
    return packet("spectrum", **kind, **times, **size, counts=counts)


def replaced(one, time_s=None, **fields):
    return replace(one, time_s=one.time_s if time_s is None else time_s, fields=one.fields | fields)


def coincidences(unit, counts, first=0):
    size = {"first": first, "count": len(counts), "total": sum(counts), "counts": counts}
    return packet("coincidence_spectrum", unit=unit, event_class=2, integration=1, **size)


def products(*packets):
    collected = Products(DICTIONARY)
    for one in packets:
        collected.add(one)
    return collected


def rows(path):
    with open(path, newline="") as file:
        return list(csv.DictReader(file))
