"""Tables of a report: the account of particles and packets, anomalies, and repeated requests."""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass

import numpy as np

from dorn.dictionary.headers import EVENT_REPORTING
from dorn.link.records import Records
from dorn.products.exchange import Exchange
from dorn.products.packet_columns import packet_columns
from dorn.products.rates import COUNTERS, PER_DETECTOR
from dorn.products.slices import DETECTORS
from dorn.products.tables import report_rows

SEVERITIES = ("", "info", "low", "medium", "high")  # by the subtype of an event report
_CHECKED = "monitor_transition"
_FATES = {
    "recorded": "recorded",
    "lost_dead_time": "lost in dead time",
    "merged": "merged with another pulse of the same detector",
    "below_threshold": "below threshold",
    "over_range": "over range",
    "disabled": "from disabled detectors",
    "lost_overrun": "lost in ring overruns",
}
_CLASSES = {
    "front": "front detector only",
    "back": "back detector only",
    "front_back": "front and back of one detection unit",
    "several_units": "several detection units: in no spectrum",
    "none_accepted": "no hit within thresholds",
}


@dataclass(frozen=True)
class Table:
    heading: tuple[str, ...]
    rows: list[tuple]


@dataclass(frozen=True)
class Report:
    """An event report, or the failure of a telecommand."""

    origin: int
    time_s: float
    severity: str  # one of SEVERITIES
    name: str
    text: str


def particles(exchange: Exchange) -> list[Table]:
    """Pulses by their fate, events by class, and the counters of each detector."""
    summary, totals = exchange.summary, exchange.products.totals()
    fates = [(text, summary[name]) for name, text in _FATES.items() if summary[name] is not None]
    known = sum(n for _, n in fates)
    if summary["injected"] is not None:
        lost = summary["injected"] - known
        fates += [("not accounted for, such as between the last counters and a reset", lost)]
        fates += [("all pulses of the simulated detectors", summary["injected"])]
    else:
        fates += [("all pulses that the instrument counted", known)]
    found = [Table(("detector pulses", "number"), fates)]
    if totals is None:
        return found
    classes = [(text, totals.count(name)) for name, text in _CLASSES.items()]
    found.append(Table(("events", "number"), [*classes, ("all events", totals.count("events"))]))
    spectra = [("counts in the spectra received", summary["in_spectra"])]
    spectra.append(
        (
            "counts in spectra not received, such as those after the last checkpoint before a reset",
            summary["missing_in_spectra"],
        )
    )
    found.append(Table(("spectra", "number"), spectra))
    firsts = [COUNTERS.index(f"{name}_0") for name in PER_DETECTOR]
    columns = [totals.counters[first : first + DETECTORS].tolist() for first in firsts]
    rows = [(f"{('front', 'back')[d % 2]} {d}", *counts) for d, counts in enumerate(zip(*columns, strict=True))]
    found.append(Table(("detector", *(name.replace("_", " ") for name in PER_DETECTOR)), rows))
    return found


def packets(exchange: Exchange) -> list[Table]:
    """Packets by type, faults of packets, and record numbers by origin."""
    archive, summary = exchange.archive, exchange.summary
    index = archive.index
    rows = []
    for layout in archive.dictionary.telemetry.values():
        of = index["kind"] == layout.kind
        if of.any():
            about = layout.about.partition(". ")[0].partition(";")[0]
            rows.append((layout.name, int(of.sum()), int(index["octets"][of].sum(dtype=np.int64)), about))
    found = [Table(("packet", "number", "octets", "contents"), rows)]
    faults = {
        "received more than once, counted once": archive.repeated,
        "damaged": summary["crc_errors"],
        "intact, but not conforming to the dictionary": summary["not_understood"],
        "of other instruments (APIDs)": summary["foreign_packets"],
        "places where the sequence count does not increase by one": summary["sequence_gaps"],
        "record numbers with two different packets": summary["conflicting_records"],
        "spectra of integrations received in part": summary["incomplete_spectra"],
    }
    found.append(Table(("packets", "number"), [(text, int(n or 0)) for text, n in faults.items()]))
    records = []
    for origin, (numbers, missing) in _records(exchange).items():
        lost = sum(last - first + 1 for first, last in missing)
        records.append((str(origin), numbers[0], numbers[-1], len(numbers), lost))
    heading = ("origin", "first record", "last record", "received", "not received")
    found.append(Table(heading, records))
    return found


def _records(exchange: Exchange) -> dict[int, tuple[list[int], list[tuple[int, int]]]]:
    """Origin -> (record numbers received, ranges not received). Numbers that do not exist, as shown by a
    retrieval, are not missing: an unexpected reset skips some."""
    index, found = exchange.archive.index, {}
    asked = requests(exchange)
    for origin in np.unique(index["origin"][index["record"] > 0]).tolist():
        numbers = np.unique(index["record"][(index["origin"] == origin) & (index["record"] > 0)])
        records = Records()
        breaks = np.flatnonzero(np.diff(numbers) > 1) + 1
        for run in np.split(numbers, breaks):
            records.settle(int(run[0]), int(run[-1]))
        for of, _, first, last, sent in asked:
            here = np.searchsorted(numbers, last, "right") - np.searchsorted(numbers, first)
            if of == origin and last and here >= sent:
                records.settle(first, last)
        found[origin] = numbers.tolist(), records.missing(int(numbers[0]), int(numbers[-1]))
    return found


def missing_records(exchange: Exchange) -> int:
    """Stored packets between the first and the last one of each origin that were not received."""
    return sum(last - first + 1 for _, missing in _records(exchange).values() for first, last in missing)


def reports(exchange: Exchange) -> list[Report]:
    """All event reports, sorted by origin and time."""
    layouts = exchange.archive.dictionary.telemetry
    rows = iter(report_rows(exchange.archive))
    next(rows)
    found = []
    for origin, time_s, name, what, text in rows:
        layout = layouts[name]
        if layout.service == EVENT_REPORTING:
            severity = SEVERITIES[layout.subtype] if layout.subtype < len(SEVERITIES) else ""
            found.append(Report(origin, float(time_s), severity, what, text))
        elif "failure" in name:
            found.append(Report(origin, float(time_s), "low", f"telecommand refused: {what}", text))
    return found


def anomalies(found: list[Report]) -> Table:
    """Reports of low severity and above, by name, and boots."""
    chosen = [one for one in found if one.severity not in ("", "info") or one.name == "booted"]
    numbers = Counter((one.severity, one.name) for one in chosen)
    rows = []
    for (severity, name), n in sorted(numbers.items(), key=lambda item: (-SEVERITIES.index(item[0][0]), item[0][1])):
        last = next(one for one in reversed(chosen) if (one.severity, one.name) == (severity, name))
        rows.append((severity, name.replace("_", " "), n, last.text))
    return Table(("severity", "report", "number", "the last one"), rows)


def limits(exchange: Exchange) -> Table:
    """How often monitored readings went out of limits, by monitor and limit."""
    columns = packet_columns(exchange.archive, [_CHECKED]).get(_CHECKED)
    if columns is None:
        return Table(("monitor", "status", "number"), [])
    texts = exchange.archive.dictionary.texts
    pairs = zip(columns.fields["monitor"].tolist(), columns.fields["after"].tolist(), strict=True)
    numbers = Counter((str(texts["monitor"].get(m, m)), str(texts["check_state"].get(s, s))) for m, s in pairs)
    rows = [(*key, n) for key, n in sorted(numbers.items()) if key[1] in ("below", "above")]
    return Table(("monitor", "status", "number"), rows)


def requests(exchange: Exchange) -> list[tuple[int, float, int, int, int]]:
    """(origin, time in s, first record, last record, packets sent) of each retrieval, in order."""
    columns = packet_columns(exchange.archive, ["retrieval_end"]).get("retrieval_end")
    if columns is None:
        return []
    fields = (columns.fields[name].tolist() for name in ("first", "last", "count"))
    return list(zip(columns.origin.tolist(), columns.time_s.tolist(), *fields, strict=True))


def verdict(exchange: Exchange) -> list[str]:
    """Descriptions of what is missing; empty if everything sent was received."""
    summary = exchange.summary
    found = {
        "stored packets not received": missing_records(exchange),
        "damaged packets": summary["crc_errors"],
        "packets not understood": summary["not_understood"],
        "spectra received in part": summary["incomplete_spectra"],
        "counts in spectra not received": summary["missing_in_spectra"],
    }
    return [f"{n:,} {text}".replace(",", "\u202f") for text, n in found.items() if n]
