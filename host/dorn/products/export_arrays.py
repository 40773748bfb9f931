"""HDF5 and ROOT files of an archive."""

from __future__ import annotations

from typing import BinaryIO

import numpy as np

from dorn.analysis.event_table import HITS
from dorn.files import hdf5_file, root_file
from dorn.files.root_file import Histogram, Ragged
from dorn.products import arrays
from dorn.products.arrays import Group
from dorn.products.exchange import UNKNOWN, Exchange
from dorn.products.files import Write

HDF5, ROOT = "archive.h5", "archive.root"


def hdf5(exchange: Exchange) -> dict[str, Write]:
    """One file with everything, each array with its unit."""

    def write(file: BinaryIO) -> None:
        groups: dict[str, Group] = {
            "measurements": arrays.measurements(exchange),
            "energies": arrays.energies(exchange),
            "rates": arrays.rates(exchange),
            "events": arrays.events(exchange),
            "reports": arrays.reports(exchange),
        }
        groups |= {f"packets/{name}": group for name, group in arrays.packets(exchange).items()}
        hdf5_file.write(file, _about(exchange), groups)

    return {HDF5: write}


def root(exchange: Exchange) -> dict[str, Write]:
    """Histograms of the sums of all spectra, and trees of measurements, rates, events and packets."""

    def write(file: BinaryIO) -> None:
        groups = {"measurements": arrays.measurements(exchange), "rates": arrays.rates(exchange)}
        groups |= {f"packets_{name}": group for name, group in arrays.packets(exchange).items()}
        trees: dict[str, dict] = {name: _branches(group) for name, group in groups.items()}
        events = exchange.products.events
        trees["events"] = {name: getattr(events, name) for name in ("time_us", "origin", "event_class", "hits")}
        trees["events"]["codes"] = Ragged(HITS[events.hits], events.codes)
        units = [f"{name}.{title}: {column.unit}" for name, group in groups.items() for title, column in group.items()]
        texts = {"units": "\n".join(units)} | _about(exchange)
        root_file.write(file, _histograms(exchange), trees, {f"about_{name}": text for name, text in texts.items()})

    return {ROOT: write}


def _about(exchange: Exchange) -> dict[str, str]:
    found = dict(exchange.about) | {"summary": arrays.summary(exchange)}
    return found | ({"dates": UNKNOWN} if exchange.dates_unknown else {})


def _histograms(exchange: Exchange) -> dict[str, Histogram]:
    found = {}
    for one in exchange.total():
        offset_kev, kev, _ = one.coefficients
        edges_kev = offset_kev - kev / 2 + kev * np.arange(len(one.counts) + 1)
        title = f"{one.name}, {one.live_s:.6f} s live of {one.real_s:.6f} s"
        found[one.name] = Histogram(edges_kev, one.counts, title, "energy (keV)")
    return found


def _branches(group: Group) -> dict[str, np.ndarray]:
    """The numeric arrays: uproot cannot write branches of text."""
    return {name: column.values for name, column in group.items() if column.values.dtype != object}
