"""A PDS4 bundle of an archive: raw, calibrated and derived data."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from datetime import UTC, datetime

import numpy as np

from dorn.files import pds4
from dorn.files.pds4 import COUNT, DATE, INTEGER, REAL, TEXT, Field, Table
from dorn.products import arrays, event_files
from dorn.products.analysis import activities_rows
from dorn.products.arrays import Group
from dorn.products.exchange import NAMES, UNKNOWN, Exchange
from dorn.products.files import Write
from dorn.products.nuclides_by_phase import Analysis, arrays_of, by_phase
from dorn.products.slices import DETECTORS
from dorn.util.dates import utc_text

_RAW, _CALIBRATED, _DERIVED = pds4.LEVELS
_FOLDER = "pds4"
_DIGITS = ".7g"  # format of rates
_SPECTRUM = (
    Field("measurement", COUNT, about="number of the phase or slice"),
    Field("phase", TEXT, about="observation table and mode"),
    Field("spectrum", TEXT, about="front or back detector, or front_back unit, with its number"),
    Field("origin", COUNT, about="origin of the packets; each has a clock of its own"),
    Field("start_s", REAL, "s", "on-board time of the start of the first integration"),
    Field("stop_s", REAL, "s", "on-board time of the end of the last integration"),
    Field("start_utc", DATE, about="the start in UTC; empty: unknown"),
    Field("real_s", REAL, "s", "real time"),
    Field("live_s", REAL, "s", "live time"),
)
_SCALE = (
    Field("first_kev", REAL, "keV", "energy of the midpoint of channel 0"),
    Field("kev_per_channel", REAL, "keV", "width of a channel"),
)
_EVENT = (
    Field("origin", COUNT, about="origin of the packet"),
    Field("time_s", REAL, "s", "on-board time"),
    Field("class", TEXT, about="front, back, front and back of a unit, several units"),
    Field("detectors", TEXT, about="detectors that were hit"),
    Field("codes", TEXT, about="ADC code of each hit"),
    Field("energies_kev", TEXT, "keV", "energy of each hit"),
)


def files(exchange: Exchange) -> dict[str, Write]:
    """The files of the bundle."""
    contents = pds4.files(_bundle(exchange), _tables(exchange))
    return {f"{_FOLDER}/{name}": _writing(content) for name, content in contents.items()}


def _writing(content: bytes) -> Write:
    return lambda file: file.write(content)


def _bundle(exchange: Exchange) -> pds4.Bundle:
    about = exchange.about
    ends = [(one.origin, int(at_us)) for one in exchange.products.slices for at_us in one.times_us]
    times = [exchange.utc(*end) for end in ends]
    known = [time for time in times if time is not None]
    known = known if len(known) == len(times) else []
    words = "; ".join(exchange.remarks)
    comment = f"{words}. {UNKNOWN}." if exchange.dates_unknown else words
    return pds4.Bundle(
        name="dorn_fsw",
        title=f"{about['instrument']}: alpha spectra",
        instrument=about["instrument"],
        about=f"alpha spectrometer of {DETECTORS} silicon detectors in back-to-back pairs",
        seen=about["source"],
        start=min(known, default=None),
        stop=max(known, default=None),
        year=datetime.now(UTC).year,
        comment=comment,
    )


def _tables(exchange: Exchange) -> Iterator[Table]:
    about = {False: "a record for each detector and phase or slice", True: "a record for each unit and phase or slice"}
    for of_units, raw, rate, title in (
        (False, "spectra", "spectra_rate", "Spectra of the detectors"),
        (True, "coincidences", "coincidences_rate", "Summed-energy spectra of the detection units"),
    ):
        channels = exchange.products.instrument["coincidence_channels" if of_units else "channels"]
        group = Field("count", COUNT, about="counts of a channel", repeated=channels)
        rows = _spectra(exchange, of_units, calibrated=False)
        yield Table(_RAW, raw, title, about[of_units], (*_SPECTRUM, group), rows)
        group = Field("rate", REAL, "count/s", "counts of a channel per live time", repeated=channels)
        rows = _spectra(exchange, of_units, calibrated=True)
        title = f"{title}: rates and energies"
        yield Table(_CALIBRATED, rate, title, about[of_units], (*_SPECTRUM, *_SCALE, group), rows)
    yield _of_group("rates", "Counters", "a record for each interval between packets", arrays.rates(exchange))
    health = arrays.packets(exchange, ["housekeeping"]).get("housekeeping", {})
    yield _of_group("housekeeping", "Housekeeping", "a record for each packet", health)
    yield _of_group("reports", "Reports", "event reports and verification of telecommands", arrays.reports(exchange))
    content = b"".join(event_files.csv(exchange.products.events))
    yield Table(_CALIBRATED, "events", "Event list", "a record for each listed event", _EVENT, content)
    heading, rows = _nuclides(exchange)
    fields = [Field(name, TEXT if name in _WORDS else REAL) for name in heading]
    yield Table(_DERIVED, "nuclides", "Nuclides", "counts per second and activities, by phase", fields, rows)


_WORDS = ("phase", "direction", "nuclide", "quantity", "unit", "status")


def _spectra(exchange: Exchange, of_units: bool, calibrated: bool) -> Iterator[Sequence[object]]:
    chosen = range(DETECTORS, len(NAMES)) if of_units else range(DETECTORS)
    for number, interval in enumerate(exchange.intervals, 1):
        one = interval.slice
        first_us, last_us = one.times_us.tolist()
        start = exchange.utc(one.origin, first_us)
        times = (first_us / 1e6, last_us / 1e6, utc_text(start) if start else "")
        for n in chosen:
            counts = one.coincidences[n - DETECTORS] if of_units else one.counts[n]
            live_s = float(one.live_us[n]) / 1e6
            about = (number, interval.name, NAMES[n], one.origin, *times, float(one.real_us[n]) / 1e6, live_s)
            if not calibrated:
                yield (*about, *counts.tolist())
                continue
            rates = [format(rate, _DIGITS) for rate in (counts / live_s).tolist()] if live_s else [""] * len(counts)
            yield (*about, *exchange.coefficients[n][:2], *rates)


def _of_group(name: str, title: str, about: str, group: Group) -> Table:
    """A table of arrays of the same length, with at most two dimensions."""
    kinds = {"u": COUNT, "i": INTEGER, "f": REAL, "O": TEXT}
    fields, columns = [], []
    for field, column in group.items():
        values = np.asarray(column.values)
        repeated = values.shape[1] if values.ndim > 1 else 1
        fields.append(Field(field, kinds[values.dtype.kind], column.unit, column.about, repeated))
        columns += values.reshape(len(values), -1).T.tolist() if len(values) else [[]] * repeated
    return Table(_RAW, name, title, about, fields, zip(*columns, strict=True))


def _nuclides(exchange: Exchange) -> tuple[list[str], list[tuple]]:
    """(names of the fields, records)."""
    heading: list[str] = ["phase"]
    rows: list[tuple] = []
    for phase, found in by_phase(exchange, arrays_of(exchange), Analysis()).items():
        title, *some = activities_rows(found.outcomes)
        heading = ["phase", *map(str, title)]
        rows += [(phase, *row) for row in some]
    return heading, rows
