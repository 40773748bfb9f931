"""Rows of tables: spectra, counters, and the packets of one layout."""

from __future__ import annotations

from collections.abc import Iterable, Iterator

import numpy as np

from dorn.analysis.calibration import Calibration
from dorn.dictionary import Dictionary, Layout, Packet, PacketError
from dorn.dictionary.columns import AllColumns
from dorn.dictionary.headers import CRC, EVENT_REPORTING, LAST_COUNT, VERIFICATION
from dorn.link.archive import Archive, Part
from dorn.products.rates import COUNTERS, Rates
from dorn.products.slice_arrays import energies_kev, scales
from dorn.products.spectra import Spectrum

_AT_ONCE = 1 << 18  # octets of packets converted to rows together: the text takes some 50 times as much
REPORTS = ("origin", "time_s", "report", "name", "text")


def spectra_rows(
    spectra: dict[tuple[str, int], Spectrum], instrument: dict, calibration: Calibration, coincidences: bool
) -> Iterator[list]:
    """One column per spectrum, of all detectors or of all units; first its live time and its energy scale, then its
    channels. Their energies are those of the default calibration, as they may differ between detectors."""
    classes = {"front_back"} if coincidences else {"front", "back"}
    chosen = {f"{name}_{number}": one for (name, number), one in spectra.items() if name in classes}
    chosen = dict(sorted(chosen.items(), key=lambda item: int(item[0].rpartition("_")[2])))
    yield ["channel", "energy_kev", *chosen]
    yield ["# live_s", "", *(f"{one.live_us / 1e6:.6f}" for one in chosen.values())]
    numbers = [int(name.rpartition("_")[2]) for name in chosen]
    for name, values in zip(("kev_per_code", "zero_code"), scales(calibration, instrument, coincidences), strict=True):
        yield [f"# {name}", "", *(f"{values[number]:.9g}" for number in numbers)]
    counts = [one.counts.tolist() for one in chosen.values()]
    default_kev = energies_kev(Calibration.default(instrument), instrument, coincidences)[0]
    for channel, energy_kev in enumerate(default_kev.tolist()):
        yield [channel, f"{energy_kev:g}", *(column[channel] for column in counts)]


def rates_rows(parts: Iterable[Rates]) -> Iterator[list]:
    """One row per interval."""
    yield ["origin", "time_s", "real_s", "live_s", *COUNTERS]
    for rates in parts:
        columns = (column.tolist() for column in vars(rates).values())
        for origin, time_s, real_us, live_us, counts in zip(*columns, strict=True):
            yield [origin, f"{time_s:.3f}", f"{real_us / 1e6:.6f}", f"{live_us / 1e6:.6f}", *counts]


def packet_rows(archive: Archive, layout: Layout) -> Iterator[list]:
    """One row per packet of a layout: fields with an enumeration as text, empty where a reading is missing; arrays of
    fixed length in one column per element, others in one column, octets in hexadecimal."""
    columns = AllColumns([layout])
    titles = []
    for item in layout.fields:
        titles += [f"{item.name}_{n}" for n in range(item.length)] if isinstance(item.length, int) else [item.name]
    texts = {item.name: archive.dictionary.texts[item.enum] for item in layout.scalars if item.enum}
    yield ["origin", "time_s", "sequence", *(name for name in titles if name != "origin")]
    for part in archive.parts({layout.kind}, _AT_ONCE):
        octets = np.frombuffer(part.data, np.uint8)
        of, rows = columns.of(layout.name, part.index["kind"], octets, part.starts, part.ends)
        cells = []
        for item in layout.fields:
            if isinstance(item.length, str):
                cells.append(_tails(part, of, layout, item, rows))
            elif item.length:
                cells += rows[item.name].T.tolist()
            elif item.name != "origin":
                values = rows[item.name].tolist()
                text = texts.get(item.name, {}) | ({item.high: ""} if item.limits else {})
                cells.append([text.get(value, value) for value in values] if text else values)
        yield from map(list, zip(*_about(part, of), *cells, strict=True))


def _about(part: Part, of: np.ndarray) -> tuple[list, list, list]:
    """Origin, time and sequence count of packets."""
    stamps = part.index["stamp"][of]
    times_s = (stamps >> np.uint64(16)) / 65536
    counts = stamps.astype(np.int64) & LAST_COUNT
    return part.index["origin"][of].tolist(), [f"{time_s:.3f}" for time_s in times_s.tolist()], counts.tolist()


def _tails(part: Part, of: np.ndarray, layout: Layout, item, rows: np.ndarray) -> list[str]:
    """An array of variable length of each packet; layouts have at most one, after all other fields."""
    ends = part.ends[of] - CRC
    starts = ends - rows[item.length].astype(np.int64) * item.size
    pieces = [part.data[start:end] for start, end in zip(starts.tolist(), ends.tolist(), strict=True)]
    if item.size == 1:
        return [piece.hex() for piece in pieces]
    return [" ".join(map(str, np.frombuffer(piece, f">u{item.size}").tolist())) for piece in pieces]


def report_rows(archive: Archive) -> Iterator[list]:
    """One row per event report or verification report, as text."""
    yield list(REPORTS)
    for part in archive.parts(report_kinds(archive.dictionary)):
        for origin, time_s, packet, name, text in reports(part, archive.dictionary):
            yield [origin, f"{time_s:.3f}", packet.name, name, text]


def report_kinds(dictionary: Dictionary) -> set[int]:
    """Service and subtype of the reports of events and of verification."""
    layouts = dictionary.telemetry.values()
    return {layout.kind for layout in layouts if layout.service in (EVENT_REPORTING, VERIFICATION)}


def reports(part: Part, dictionary: Dictionary) -> Iterator[tuple[int, float, Packet, str, str]]:
    """Origin, on-board time in s, packet, name and text of each report in a part of an archive."""
    of = np.flatnonzero(np.isin(part.index["kind"], list(report_kinds(dictionary))))
    for origin, start, end in zip(
        *(c[of].tolist() for c in (part.index["origin"], part.starts, part.ends)), strict=True
    ):
        try:
            packet = dictionary.decode(part.data[start:end])
        except PacketError:
            continue
        if "event" in packet.fields:
            name = packet.text("event")
            event = dictionary.events.get(name)
            values = ((getattr(event, which, ""), packet.fields[which]) for which in ("a", "b"))
            text = "; ".join(f"{meaning}: {value}" for meaning, value in values if meaning not in ("", "0"))
        elif "request_sequence" in packet.fields:
            name = packet.text("failure") if "failure" in packet.fields else "success"
            text = f"telecommand with sequence count {packet.fields['request_sequence'] & LAST_COUNT}"
            text += f"; detail: {packet.fields['detail']}" if packet.fields.get("detail") else ""
        else:
            continue
        yield origin, packet.time_s, packet, name, text
