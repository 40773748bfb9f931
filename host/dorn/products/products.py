"""Files made from decoded telemetry: tables, summary, event list and picture in one directory."""

import csv
import io
import json
import os
from itertools import islice
from pathlib import Path

import numpy as np

from dorn.analysis import accidentals
from dorn.errors import UserError
from dorn.products import event_files
from dorn.products.collection import Collection
from dorn.products.plot import spectrum_png
from dorn.products.rates import COUNTERS, PER_DETECTOR

HEAD = ("injected", "delivered", "lost_dead_time", "merged", "below_threshold", "disabled", "spurious")
FILES = ("spectra.csv", "rates.csv", "events.npz", "summary.json", "spectrum.png")
EVENTS_CSV = "events.csv"  # only on request
LINK = ("packets", "sequence_gaps", "crc_errors")
_ROWS = 1024  # of a table, written at once


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

    def write(self, out, target=None, link=None, head=None, events_csv=False):
        """Write FILES, and EVENTS_CSV if `events_csv`, into the directory `out` (created if necessary) and return the
        summary.

        Each file is replaced atomically. Other arguments as for `summary`.
        """
        summary = self.summary(target, link, head)
        png = spectrum_png(self.sides(), summary, self.totals())
        files = self.tables(summary) | {"spectrum.png": [png], "events.npz": event_files.npz(self.events)}
        if events_csv:
            files[EVENTS_CSV] = event_files.csv(self.events)
        write_files(out, files)
        if not events_csv:
            (Path(out) / EVENTS_CSV).unlink(missing_ok=True)  # of another archive
        return summary

    def tables(self, summary):
        """Name -> pieces of the content of the tables and the summary. summary: of `summary`."""
        return {
            "spectra.csv": _csv(self._spectra_rows()),
            "rates.csv": _csv(self._rates_rows()),
            "summary.json": [(json.dumps(summary, indent=2) + "\n").encode()],
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

    def _spectra_rows(self):
        yield ["detector", "class", "channel", "energy_kev", "counts"]
        i = self.instrument
        for (event_class, detector), spectrum in self.all_spectra().items():
            # coincidences: code = front + back - zero_code, which is the code of the summed energy
            pair = event_class == "front_back"
            codes = i["codes_per_coincidence_channel"] if pair else i["codes_per_channel"]
            for channel, counts in enumerate(spectrum.counts.tolist()):
                energy_kev = i["kev_per_code"] * (codes * channel + (codes - 1) / 2 - i["zero_code"])
                yield [detector, event_class, channel, f"{energy_kev:g}", counts]

    def _rates_rows(self):
        yield ["origin", "time_s", "real_s", "live_s", *COUNTERS]
        for rates in self.rates_in_parts():
            columns = (column.tolist() for column in vars(rates).values())
            for origin, time_s, real_us, live_us, counts in zip(*columns, strict=True):
                yield [origin, f"{time_s:.3f}", f"{real_us / 1e6:.6f}", f"{live_us / 1e6:.6f}", *counts]


def _sum(values):
    known = [value for value in values if value is not None]
    return sum(known) if known else None


def _csv(rows):
    """Yield the rows of a table as octets, some at a time."""
    rows = iter(rows)
    while some := list(islice(rows, _ROWS)):
        text = io.StringIO()
        csv.writer(text, lineterminator="\n").writerows(some)
        yield text.getvalue().encode()


def remove_files(out):
    """Remove the products of an earlier run from the directory `out`."""
    for name in (*FILES, EVENTS_CSV):
        (Path(out) / name).unlink(missing_ok=True)


def write_files(out, contents):
    """Write {name: pieces of its content} into the directory `out`: all under temporary names first, then renamed."""
    out = Path(out)
    try:
        out.mkdir(parents=True, exist_ok=True)
        for name, pieces in contents.items():
            with (out / f".{name}.part").open("wb") as file:
                file.writelines(pieces)
        for name in contents:
            os.replace(out / f".{name}.part", out / name)
    except OSError as error:
        raise UserError.at(out, "directory", f"cannot be written: {error.strerror}") from None
    finally:
        for name in contents:
            if out.is_dir():
                (out / f".{name}.part").unlink(missing_ok=True)
