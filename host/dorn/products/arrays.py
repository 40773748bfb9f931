"""Everything in an archive as arrays with units, for formats that hold arrays: HDF5 and ROOT."""

from __future__ import annotations

import json
from collections.abc import Iterable

import numpy as np

from dorn.dictionary.headers import LAST_COUNT
from dorn.files.hdf5_file import Column
from dorn.products.exchange import NAMES, Exchange
from dorn.products.packet_columns import packet_columns
from dorn.products.rates import COUNTERS, PER_DETECTOR, SCALARS
from dorn.products.slice_arrays import energies_kev, scales
from dorn.products.tables import report_rows
from dorn.util.dates import utc_text

Group = dict[str, Column]
_ON_BOARD = "on-board time"
_SPECTRA = "of 16 detectors, then of the summed energies of 8 detection units"


def measurements(exchange: Exchange) -> Group:
    """A row for each phase or slice with spectra."""
    intervals = exchange.intervals
    slices = [interval.slice for interval in intervals]
    times_us = np.array([one.times_us for one in slices], np.int64)
    starts = [exchange.utc(one.origin, int(one.times_us[0])) for one in slices]
    calibration = exchange.products.calibration
    origins = np.array([one.origin for one in slices], np.uint16)
    states = exchange.products.states.over(exchange.products.slices)
    seconds = {name: np.array([getattr(one, f"{name}_us") for one in slices]) / 1e6 for name in ("real", "live")}
    return {
        "phase": Column(_texts(interval.name for interval in intervals), "", "observation table and mode"),
        "origin": Column(origins, "", "of the packets; each has a clock of its own"),
        "start_s": Column(times_us[:, 0] / 1e6, "s", f"{_ON_BOARD} of the start of the first integration"),
        "stop_s": Column(times_us[:, 1] / 1e6, "s", f"{_ON_BOARD} of the end of the last integration"),
        "start_utc": Column(_texts(start and utc_text(start) for start in starts), "", "empty: unknown"),
        "real_s": Column(seconds["real"], "s", f"real time, {_SPECTRA}"),
        "live_s": Column(seconds["live"], "s", f"live time, {_SPECTRA}"),
        "mode": Column(states["mode"], "", "highest value in the interval, as in the dictionary; 0: no reading"),
        "storm": Column(states["storm"], "", "1: storm mode during a part of the interval"),
        "temperature_k": Column(states["temperature_k"], "K", "of head and electronics, mean values"),
        "po_209_code": Column(states["po_209_code"], "ADC code", "position of the Po-209 line, mean value"),
        "gain": Column(calibration.gains(origins, times_us.mean(1) / 1e6), "", "by the drift in the calibration"),
        "counts": Column(np.array([one.counts for one in slices]), "counts", "channels of each detector"),
        "coincidences": Column(np.array([one.coincidences for one in slices]), "counts", "channels of each unit"),
    }


def energies(exchange: Exchange) -> Group:
    """The energy scale of each spectrum."""
    instrument, calibration = exchange.products.instrument, exchange.products.calibration
    kev_per_code, zero_code = map(
        np.concatenate, zip(*(scales(calibration, instrument, u) for u in (False, True)), strict=True)
    )
    return {
        "name": Column(_texts(NAMES), "", "of each spectrum"),
        "kev_per_code": Column(kev_per_code, "keV", "energy = kev_per_code * (ADC code - zero_code)"),
        "zero_code": Column(zero_code, "ADC code", ""),
        "energy_kev": Column(energies_kev(calibration, instrument, False), "keV", "of the midpoint of each channel"),
        "coincidence_energy_kev": Column(energies_kev(calibration, instrument, True), "keV", "the same, of each unit"),
    }


def rates(exchange: Exchange) -> Group:
    """A row for each interval between packets `rates`."""
    found = exchange.products.rates()
    counters = found.counters.astype(np.uint32)  # stored in the narrowest type that holds their values
    group = {
        "origin": Column(found.origin, "", "of the packets"),
        "time_s": Column(found.time_s, "s", f"{_ON_BOARD} of the end of the interval"),
        "real_us": Column(found.real_us, "us", "real time"),
        "live_us": Column(found.live_us, "us", "live time"),
    }
    about = {item.name: item.about for item in exchange.products.dictionary.telemetry["rates"].fields}
    for name in SCALARS:
        group[name] = Column(counters[:, COUNTERS.index(name)], "counts", about.get(name, ""))
    for name in PER_DETECTOR:
        first = COUNTERS.index(f"{name}_0")
        group[name] = Column(counters[:, first : first + 16], "counts", about.get(name, ""))
    return group


def events(exchange: Exchange) -> Group:
    """The event list: a row for each event, for each hit (codes), and for each window."""
    table = exchange.products.events
    units = {"time_us": "us", "window_begin_us": "us", "window_end_us": "us", "codes": "ADC code"}
    about = {
        "time_us": _ON_BOARD,
        "event_class": "0, 1, 2, 3: front, back, front and back of a unit, several units",
        "hits": "hit pattern: bit d is detector d",
        "codes": "of each hit, lowest detector of an event first; bit 15: conversion failed",
        "first": "index in codes of the first code of each event",
        "window_class": "class whose events are all listed between begin and end",
    }
    names = ("time_us", "origin", "event_class", "hits", "first", "codes")
    names += ("window_origin", "window_class", "window_begin_us", "window_end_us")
    return {name: Column(getattr(table, name), units.get(name, ""), about.get(name, "")) for name in names}


def packets(exchange: Exchange, names: Iterable[str] | None = None) -> dict[str, Group]:
    """Layout -> its packets: all fields except arrays of variable length. names: only these layouts."""
    dictionary, found = exchange.products.dictionary, {}
    for name, packets in packet_columns(exchange.archive, names).items():
        group = {
            "time_s": Column(packets.time_s, "s", f"{_ON_BOARD} of the packet"),
            "sequence": Column(packets.sequence, "", f"sequence count, modulo {LAST_COUNT + 1}"),
            "origin": Column(packets.origin, "", "of the packet"),
        }
        for item in packets.layout.fields:
            if item.name in packets.fields and item.name not in group:
                values = dictionary.texts.get(item.enum or "", {})
                named = ", ".join(f"{number}: {text}" for number, text in values.items())
                about = "; ".join(filter(None, [item.about, named]))
                group[item.name] = Column(packets.fields[item.name], item.unit, about)
        found[name] = group
    return found


def reports(exchange: Exchange) -> Group:
    """Event reports and verification reports of telecommands, as text."""
    heading, *rows = report_rows(exchange.archive)
    columns = list(zip(*rows, strict=True)) or [()] * len(heading)
    group = {name: Column(_texts(map(str, column))) for name, column in zip(heading, columns, strict=True)}
    group["origin"] = Column(np.array(columns[0], np.uint16), "", "of the packet")
    group["time_s"] = Column(np.array(columns[1], float), "s", _ON_BOARD)
    return group


def summary(exchange: Exchange) -> str:
    """The content of summary.json."""
    return json.dumps(exchange.summary)


def _texts(values: Iterable[str | None]) -> np.ndarray:
    return np.array([value or "" for value in values], object)
