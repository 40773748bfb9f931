"""Files made from decoded telemetry, in one directory."""

import json
from pathlib import Path

import numpy as np

from dorn.analysis import accidentals
from dorn.dictionary import Dictionary
from dorn.products import event_files
from dorn.products.collection import Collection
from dorn.products.files import table, write_files
from dorn.products.plot import spectrum_png
from dorn.products.rates import PER_DETECTOR
from dorn.products.slice_arrays import write_slices
from dorn.products.tables import packet_rows, rates_rows, report_rows, spectra_rows

HEAD = ("injected", "delivered", "lost_dead_time", "merged", "below_threshold", "disabled", "spurious")
FILES = (
    "spectra.csv",
    "coincidences.csv",
    "rates.csv",
    "housekeeping.csv",
    "reports.csv",
    "slices.npz",
    "events.npz",
    "summary.json",
    "spectrum.png",
)
TABLES = "tables"  # folder of the tables of packets
EVENTS_CSV = "events.csv"  # only on request
LINK = ("packets", "sequence_gaps", "crc_errors")


class Products(Collection):
    """The products of an archive."""

    def summary(self, target=None, link=None, head=None):
        """The content of summary.json: counters in detector pulses, each counted where it occurred.

        target: name of the target; default: the board named in housekeeping.
        link: LINK as counted by a session; default: of the archive. head: counters of the simulated head, HEAD.
        Quantities that were not counted are None.
        """
        hk = self.housekeeping
        head = head or dict.fromkeys(HEAD)
        damaged, foreign = self.archive.skipped.damaged, sum(self.archive.skipped.foreign.values())
        link = link or dict(zip(LINK, (self.packets, self.archive.sequence_gaps, damaged), strict=True))
        totals = self.totals()
        firmware = {name: totals and totals.count(name) for name in PER_DETECTOR}
        parts = {name: {"head": head[name], "firmware": firmware[name]} for name in ("below_threshold", "disabled")}
        fates = {
            "recorded": firmware["accepted"],
            "lost_dead_time": head["lost_dead_time"],
            "merged": head["merged"],
            "below_threshold": _sum(parts["below_threshold"].values()),
            "over_range": firmware["over_range"],
            "disabled": _sum(parts["disabled"].values()),
            "lost_overrun": totals and totals.count("overrun_hits"),
        }
        return {
            "target": target or (hk and self.boards.get(hk["board"])),
            "firmware_version": hk and "{version_major}.{version_minor}.{version_patch}".format(**hk),
            "dictionary": hk and f"{hk['dictionary']:08x}",
            "injected": head["injected"],
            **fates,
            "spurious": head["spurious"],
            "delivered": head["delivered"],
            "below_threshold_parts": parts["below_threshold"],
            "disabled_parts": parts["disabled"],
            "real_time_s": totals and totals.real_us / 1e6,
            "live_time_s": totals and totals.live_us / 1e6,
            "events": totals and totals.count("events"),
            # for random arrivals, corrected for dead time; the rates below also for accidental coincidences
            "trigger_rate_cps": totals and (totals.count("events") / totals.live_us * 1e6 if totals.live_us else None),
            **self._particles(totals),
            **self._in_spectra(totals),
            "incomplete_spectra": self.incomplete_spectra,
            **{name: link[name] for name in LINK},
            "not_understood": self.not_understood.total(),
            "conflicting_records": self.archive.conflicts,
            "foreign_packets": foreign,
            "origins": self._origins(),
        }

    def _origins(self):
        """For each origin: unique id of its board, None if unknown, and number of packets."""
        origins, numbers = np.unique(self.archive.index["origin"], return_counts=True)
        ids = self.archive.unique_ids
        return {
            str(origin): {"unique_id": f"{ids[origin]:016x}" if origin in ids else None, "packets": n}
            for origin, n in zip(origins.tolist(), numbers.tolist(), strict=True)
        }

    def _in_spectra(self, totals):
        """Counts in the spectra received, counts in spectra not received, and the live time of each spectrum, by which
        counts are divided to obtain activities if spectra are missing."""
        spectra = self.all_spectra()
        counts = sum(int(s.counts.sum()) for s in spectra.values())
        on_board = totals and sum(totals.count(name) for name in ("front", "back", "front_back"))
        return {
            "in_spectra": counts,
            "missing_in_spectra": totals and max(on_board - counts, 0),
            "spectra_live_s": {f"{name}_{number}": s.live_us / 1e6 for (name, number), s in spectra.items()},
        }

    def _particles(self, totals):
        """Rates of particles derived from the event classes: [16] that stop in a detector, [8] that cross a unit."""
        singles, pairs = np.zeros(16), np.zeros(8)
        for (event_class, number), spectrum in self.all_spectra().items():
            (pairs if event_class == "front_back" else singles)[number] += spectrum.counts.sum()
        try:
            several, live_s = (totals.count("several_units"), totals.live_us / 1e6) if totals else (0, 0.0)
            found = accidentals.particles(singles, pairs, several, live_s)
        except ValueError:  # nothing was counted
            return {"alone_cps": None, "through_cps": None}
        return {"alone_cps": found.alone_cps.tolist(), "through_cps": found.through_cps.tolist()}

    def write(self, out, target=None, link=None, head=None, tables=False, events_csv=False):
        """Write FILES into the directory `out` (created if necessary) and return the summary. The archive must be open.

        Each file is replaced atomically. tables: also a table of the packets of each layout, in `out`/TABLES.
        events_csv: also EVENTS_CSV. Other arguments as for `summary`.
        """
        summary = self.summary(target, link, head)
        png = spectrum_png(self.sides(), summary, self.totals())
        files = self.tables(summary) | {"spectrum.png": lambda file: file.write(png)}
        if events_csv:
            files[EVENTS_CSV] = lambda file: file.writelines(event_files.csv(self.events))
        write_files(out, files)
        _remove_optional(out, events_csv, tables)
        if tables:
            layouts = self.dictionary.telemetry.values()
            contents = {f"{layout.name}.csv": table(packet_rows(self.archive, layout)) for layout in layouts}
            write_files(Path(out) / TABLES, contents)
        return summary

    def tables(self, summary):
        """Name -> how to write it, of the files but the picture. summary: of `summary`."""
        spectra = self.all_spectra()
        return {
            "spectra.csv": table(spectra_rows(spectra, self.instrument, False)),
            "coincidences.csv": table(spectra_rows(spectra, self.instrument, True)),
            "rates.csv": table(rates_rows(self.rates_in_parts())),
            "housekeeping.csv": table(packet_rows(self.archive, self.dictionary.telemetry["housekeeping"])),
            "reports.csv": table(report_rows(self.archive)),
            "events.npz": lambda file: event_files.write_npz(file, self.events),
            "slices.npz": lambda file: write_slices(file, self.slices, self.states, self.instrument),
            "summary.json": lambda file: file.write((json.dumps(summary, indent=2) + "\n").encode()),
        }

    def sides(self):
        """ "front" and "back" -> (edges_kev, counts): sum of the spectra of all front or all back detectors."""
        i = self.instrument
        edges_code = np.arange(i["channels"] + 1) * i["codes_per_channel"] - 0.5
        edges_kev = i["kev_per_code"] * (edges_code - i["zero_code"])
        sides = {name: (edges_kev, np.zeros(i["channels"], np.int64)) for name in ("front", "back")}
        for (event_class, _), spectrum in self.all_spectra().items():
            if event_class in sides:
                sides[event_class][1][:] += spectrum.counts
        return sides


def _sum(values):
    known = [value for value in values if value is not None]
    return sum(known) if known else None


def remove_files(out):
    """Remove the products of an earlier run from the directory `out`."""
    for name in FILES:
        (Path(out) / name).unlink(missing_ok=True)
    _remove_optional(out, False, False)


def _remove_optional(out, events_csv, tables):
    """Remove the optional products of an earlier run that are not wanted now; other files of these names stay."""
    path = Path(out) / EVENTS_CSV
    if not events_csv and path.is_file():
        with path.open("rb") as file:
            ours = file.readline() == event_files.HEADING
        if ours:
            path.unlink()
    if not tables and (Path(out) / TABLES).is_dir():
        for layout in Dictionary.load().telemetry:
            (Path(out) / TABLES / f"{layout}.csv").unlink(missing_ok=True)
