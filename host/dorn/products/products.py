"""Files made from decoded telemetry, in one directory."""

import json
from pathlib import Path

from dorn.dictionary import Dictionary
from dorn.products import event_files
from dorn.products.collection import Collection
from dorn.products.files import table, write_files
from dorn.products.plot import spectrum_png
from dorn.products.scaled import SIDES, summed
from dorn.products.slice_arrays import write_slices
from dorn.products.slices import DETECTORS
from dorn.products.summary import summary_of
from dorn.products.tables import packet_rows, rates_rows, report_rows, spectra_rows

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


class Products(Collection):
    """The products of an archive."""

    def summary(self, run=None):
        """The content of summary.json. run: that of run.json."""
        return summary_of(self, run)

    def write(self, out, run=None, tables=False, events_csv=False):
        """Write FILES into the directory `out` (created if necessary) and return the summary. The archive must be open.

        Each file is replaced atomically. run: content of run.json. tables: also a table of the packets of each layout,
        in `out`/TABLES. events_csv: also EVENTS_CSV.
        """
        about = self.summary(run)
        png = spectrum_png(self.sides(), about, self.totals())
        files = self.tables(about) | {"spectrum.png": lambda file: file.write(png)}
        if events_csv:
            files[EVENTS_CSV] = lambda file: file.writelines(event_files.csv(self.events))
        write_files(out, files)
        _remove_optional(out, events_csv, tables)
        if tables:
            layouts = self.dictionary.telemetry.values()
            contents = {f"{layout.name}.csv": table(packet_rows(self.archive, layout)) for layout in layouts}
            write_files(Path(out) / TABLES, contents)
        return about

    def tables(self, about):
        """Name -> function that writes it, for all files except the picture. about: content of summary.json."""
        spectra = self.all_spectra()
        return {
            "spectra.csv": table(spectra_rows(spectra, self.instrument, self.calibration, False)),
            "coincidences.csv": table(spectra_rows(spectra, self.instrument, self.calibration, True)),
            "rates.csv": table(rates_rows(self.rates_in_parts())),
            "housekeeping.csv": table(packet_rows(self.archive, self.dictionary.telemetry["housekeeping"])),
            "reports.csv": table(report_rows(self.archive)),
            "events.npz": lambda file: event_files.write_npz(file, self.events),
            "slices.npz": lambda file: write_slices(file, self.slices, self.states, self.instrument, self.calibration),
            "summary.json": lambda file: file.write((json.dumps(about, indent=2) + "\n").encode()),
        }

    def sides(self):
        """ "front", "back" and "coincidences" -> (edges_kev, counts): sum of the spectra of all front or all back
        detectors or of all units, on the energy scale of the default calibration; counts of those with another scale
        are shared by its channels."""
        spectra = self.all_spectra().items()
        numbered = {n + (DETECTORS if name == "front_back" else 0): one for (name, n), one in spectra}
        return {name: summed(numbered, of, self.calibration, self.instrument) for name, of in SIDES.items()}


def remove_files(out):
    """Remove the products of an earlier run from the directory `out`."""
    for name in FILES:
        (Path(out) / name).unlink(missing_ok=True)
    _remove_optional(out, False, False)


def _remove_optional(out, events_csv, tables):
    """Remove the optional products of an earlier run that were not requested now; other files of these names stay."""
    path = Path(out) / EVENTS_CSV
    if not events_csv and path.is_file():
        with path.open("rb") as file:
            ours = file.readline() == event_files.HEADING
        if ours:
            path.unlink()
    if not tables and (Path(out) / TABLES).is_dir():
        for layout in Dictionary.load().telemetry:
            (Path(out) / TABLES / f"{layout}.csv").unlink(missing_ok=True)
