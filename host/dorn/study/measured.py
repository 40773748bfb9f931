"""Published alpha spectra, with their authors' figures, read from files of many formats into one structure.

They are read in place from the folder DATA; each set has a PROVENANCE.txt and figures derived from it
(EXPECTED_derived.json). Channel c of a file spans c - 0.5 to c + 0.5.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import uproot

from dorn.errors import UserError
from dorn.files import chn, columns, report, spe
from dorn.nuclides import lines, main_kev
from dorn.util.checks import text_of
from dorn.util.gaussian import FWHM
from dorn.util.tables import Table

TRIPLE = ("Pu-239", "Am-241", "Cm-244")
TRIPLE_KEV = tuple(map(main_kev, TRIPLE))


@dataclass(frozen=True)
class Line:
    """A line of a file and its stated values, in channels of the file."""

    first: int  # search range
    last: int
    centroid: float
    fwhm: float
    by: str = "authors"  # "derived": by a Gaussian fit, in EXPECTED_derived.json
    nuclide: str | None = None  # whose lines they are, on a scale through channel 0; None: a single line


@dataclass(frozen=True)
class Measured:
    """One file."""

    set: str
    file: str
    counts: np.ndarray  # int64[channels]
    sums: tuple[tuple[str, int, int, int], ...]  # name, first and last channel, counts between them
    lines: tuple[Line, ...] = ()
    smoothed_peak: int | None = None  # derived highest channel after smoothing as in `smoothed_peak` below
    authors_peak: float | None = None  # the same from the authors' table
    stated: bool = True  # whether others stated the sums


ANY = "files"  # the set of all files that belong to no other


def files(data: Path, name: str) -> list[str]:
    """The files of a set, sorted. Raises UserError if there are none."""
    folder, pattern = SETS[name][1]
    found = sorted(str(path.relative_to(data / name)) for path in (data / name / folder).rglob(pattern))
    if not found:
        raise UserError.at(data, name, f"has no {pattern}")
    return found


def read(data: Path, name: str, file: str) -> Measured:
    """Read a file of a set. Raises UserError if it cannot be read."""
    try:
        one = SETS[name][0](Path(data), file)
        if not one.counts.any():
            raise ValueError("no counts")
        return one
    except UserError:
        raise
    except (ValueError, LookupError, AttributeError, OverflowError) as error:  # a damaged file
        raise UserError.at(Path(data) / name / file, "file", f"not in the format of its set: {error}") from None


def known(data: Path) -> set[Path]:
    """The files that a set or `strips` reads."""
    found = {data / LEUVEN / f"{name}.root" for name in strip_files(data)}
    for name, (_, (folder, pattern)) in SETS.items():
        found |= set((data / name / folder).rglob(pattern))
    return found


def _expected(data, name, file):
    """The figures derived from a file; None if there are none: then only its counts are compared."""
    path = data / name / "EXPECTED_derived.json"
    if not path.is_file():
        return None
    for one in Table.read(path).tables("spectra"):
        if one.text("file") == file:
            return one
    return None


# ---- Lisbon: Am-241 and pulser, an MCA's report at the foot of each file ---------------------------------------------

# pulser energies from Logbook_Alfa.md in keV, in the order of the regions; the first run had no 5750
_PULSER_KEV = (5000, 5500, 5750, 6000)
LISBON_PULSER_KEV = {"1Cal.dat": (5000, 5500, 6000), "2Cal.dat": _PULSER_KEV, "Prateleira_4_c_vacuo.dat": _PULSER_KEV}


def lisbon_calibration(one: Measured) -> tuple[float, float]:
    """(offset_kev, kev_per_channel): straight-line fit of the logbook's pulser energies to the MCA's centroids."""
    pulser_kev = LISBON_PULSER_KEV.get(one.file, ())
    if len(pulser_kev) != len(one.lines):
        raise UserError.at(one.file, "regions", "the energies of the pulser are not known", str(len(one.lines)))
    kev_per_channel, offset_kev = np.polyfit([line.centroid for line in one.lines], pulser_kev, 1)
    return float(offset_kev), float(kev_per_channel)


def _lisbon(data, file):
    path = data / "am241-lisbon" / file
    counts = report.read(path).counts
    number = r"\s*([\d.]+) (?:Chn|cts)\s*"
    form = rf"Beg:{number}End:{number}Ctrd:{number}Fwhm:{number}Gross Integral:{number}"
    found = re.findall(form, text_of(path))
    regions = [(int(first), int(last), *map(float, others)) for first, last, *others in found]
    sums = tuple((f"gross {first}-{last}", first, last, int(gross)) for first, last, _, _, gross in regions)
    lines = tuple(Line(first, last, centroid, fwhm) for first, last, centroid, fwhm, _ in regions)
    return Measured("am241-lisbon", file, counts, sums, lines)


# ---- Cologne: Am-241 through air, fitted by the authors with hdtv ----------------------------------------------------

_COLOGNE_KEV_PER_CHANNEL = 5486 / 10450.4  # calibration.log


def _cologne(data, file):
    counts = columns.read(data / "am241-cologne" / file).counts
    expected = _expected(data, "am241-cologne", file)
    if expected is None:
        return _counted("am241-cologne", file, counts)
    lines = ()
    if expected.get("author_hdtv_fit") is not None:
        # id, stat, chi, channel(err), position, volume, width, left tail
        channel, _, _, width_kev = re.findall(r"([\d.]+)\(\d[\d.]*\)", expected.text("author_hdtv_fit"))[:4]
        centroid, fwhm = float(channel), float(width_kev) / _COLOGNE_KEV_PER_CHANNEL
        lines = (_around(centroid, fwhm, "authors"),)
    return Measured("am241-cologne", file, counts, _total(counts, expected.count("total")), lines)


def main_line(centroid: float, fwhm: float, nuclide: str | None) -> float:
    """Channel of the main line of a nuclide, from the derived figures: a Gaussian fitted to all its lines above half
    height. Its centroid is taken as their highest point; channel 0 has energy 0."""
    if nuclide is None:
        return centroid
    offsets, shares = np.array([(kev / main_kev(nuclide) - 1, share) for kev, share in lines(nuclide)]).T
    x = np.linspace(-fwhm, fwhm, 2001)
    distances = (x[:, None] - centroid * offsets) / (fwhm / FWHM)
    return centroid - float(x[np.argmax(np.exp(-(distances**2) / 2) @ shares)])


def _total(counts, stated):
    return (("total", 0, len(counts) - 1, stated),)


def _counted(name, file, counts):
    """A file without derived figures."""
    return Measured(name, file, counts, _total(counts, int(counts.sum())), stated=False)


# ---- Milano: Am-241 and pulser against bias and shaping time ---------------------------------------------------------


def _milano(data, file):
    name = "am241-milano"
    counts = chn.read(data / name / file).counts
    expected = _expected(data, name, file)
    if expected is None:
        return _counted(name, file, counts)
    # the lower peak is the pulser, the upper one Am-241
    peaks = [(peak.above_zero("centroid"), peak.above_zero("fwhm")) for peak in expected.tables("peaks", 2)]
    nuclides = (None, "Am-241")
    lines = [
        _around(main_line(*peak, nuclide), peak[1], "derived", nuclide)
        for peak, nuclide in zip(peaks, nuclides, strict=True)
    ]
    stated_kev = _milano_resolution(data / name / file)
    if stated_kev:
        channels_per_kev = peaks[1][0] / main_kev("Am-241")
        source_kev, pulser_kev = stated_kev
        for (centroid, _), fwhm_kev, nuclide in zip(peaks, (pulser_kev, source_kev), nuclides, strict=True):
            by = f"authors, {nuclide or 'pulser'}"
            lines.append(_around(centroid, fwhm_kev * channels_per_kev, by, nuclide))
    return Measured(name, file, counts, _total(counts, expected.count("total")), tuple(lines))


def _around(centroid, fwhm, by, nuclide=None):
    return Line(max(0, int(centroid - 2 * fwhm)), int(centroid + 2 * fwhm), centroid, fwhm, by, nuclide)


def _milano_resolution(path):
    """(source, pulser) FWHM in keV from the author's table for this bias or shaping time, or None."""
    begin = re.match(r"\d+(\.\d+)?", path.name)
    setting = float(begin.group(0)) if begin else None
    table = path.parents[1] / "elaborated_data.txt"
    for row in text_of(table).splitlines() if table.is_file() else ():
        words = row.split()
        if words and not words[0].startswith("#") and float(words[0]) == setting:
            return float(words[1]), float(words[3])
    return None


# ---- Kentucky: Po-210 through air ------------------------------------------------------------------------------------

KENTUCKY_NOISE = 10  # channels below this hold electronic noise: there was no discriminator
_KENTUCKY_CHANNELS = 6.01, (418.60 - 6.01) / 5.300  # at 0 MeV, and per MeV: the authors' calibration, not the stored


def _kentucky(data, file):
    name = "po210-kentucky"
    counts = spe.read(data / name / file).counts
    expected = _expected(data, name, file)
    if expected is None:
        return _counted(name, file, counts)
    above = ("from channel 10 up", KENTUCKY_NOISE, len(counts) - 1, expected.count("counts_ch10_up"))
    sums = (*_total(counts, expected.count("total_counts")), above)
    known = expected.get("pressure_torr_from_name") is not None
    authors_peak = _kentucky_table(data / name, expected.number("pressure_torr_from_name")) if known else None
    return Measured(name, file, counts, sums, (), expected.count("hamming15_peak_channel"), authors_peak)


def smoothed_peak(counts: np.ndarray) -> int:
    """The highest channel above the noise after smoothing with a Hamming window of 15 channels, as the authors do."""
    return KENTUCKY_NOISE + int(np.argmax(np.convolve(counts[KENTUCKY_NOISE:], np.hamming(15), "same")))


def _kentucky_table(folder, pressure_torr):
    """The channel of the peak in the authors' table 1, or None if there is none. Its rows are areal densities of air,
    linear in pressure from the first, 7 torr, to the last, 642 torr (PROVENANCE.txt)."""
    rows = np.loadtxt(text_of(folder / "table1.txt").splitlines(), ndmin=2)
    pressures_torr = 7 + (642 - 7) * (rows[:, 0] - rows[0, 0]) / (rows[-1, 0] - rows[0, 0])
    at = int(np.argmin(abs(pressures_torr - pressure_torr)))
    zero, per_mev = _KENTUCKY_CHANNELS
    return zero + per_mev * rows[at, 1] if abs(pressures_torr[at] - pressure_torr) < 0.5 else None


# ---- Leuven: three nuclides in a detector of 32 strips ---------------------------------------------------------------

LEUVEN = "triple-alpha-leuven"
_LEUVEN_BINS = 25_000


@dataclass(frozen=True)
class Strip:
    """One strip; bins are one unit of the digitiser wide, bin b spans b to b + 1."""

    counts: np.ndarray  # int64[_LEUVEN_BINS]
    total: int  # as stated in EXPECTED
    centroids: tuple[float, ...]  # of the three lines, in units of the digitiser
    fwhm_kev: tuple[float, ...]


def strip_files(data: Path) -> list[str]:
    """Names of the ROOT files with derived figures, without suffix."""
    folder = Path(data) / LEUVEN
    return [
        path.stem for path in sorted(folder.glob("*.root")) if (folder / f"EXPECTED_derived_{path.stem}.json").exists()
    ]


def strips(data: Path, n: int = 16, name: str = "DSSD_3178-17_Front_80V") -> list[Strip]:
    """The first n strips of a file. Raises UserError if a file cannot be read or is invalid."""
    path = Path(data) / LEUVEN / f"EXPECTED_derived_{name}.json"
    expected = Table.read(path).tables("strips")
    if len(expected) < n:
        raise UserError.at(path, "strips", f"{len(expected)} entries, expected at least {n}")
    path = Path(data) / LEUVEN / f"{name}.root"
    try:
        with uproot.open(path) as file:  # pyright: ignore[reportGeneralTypeIssues] a file
            found = [file[f"h{i}"].values() for i in range(n)]
    except OSError as error:
        raise UserError.at(path, "file", f"cannot be read: {error.strerror or 'not a file'}") from None
    except Exception as error:  # a damaged file raises errors of struct, zlib, uproot and others
        raise UserError.at(path, "file", "not a ROOT file with these histograms", str(error)) from None
    return [
        Strip(_whole(path, i, values), e.count("total"), e.numbers("centroids", 3), e.numbers("fwhm_keV", 3))
        for i, (values, e) in enumerate(zip(found, expected[:n], strict=True))
    ]


def _whole(path, i, values):
    if values.shape != (_LEUVEN_BINS,):
        raise UserError.at(path, f"h{i}", f"not {_LEUVEN_BINS} bins", str(values.shape))
    wrong = values[~((values >= 0) & (values < 2**53) & (values == np.floor(values)))]
    if len(wrong):
        raise UserError.at(path, f"h{i}", "not a whole number of counts", str(wrong[0]))
    return values.astype(np.int64)


# set -> its reader, and the folder and pattern of its files
SETS = {
    "am241-lisbon": (_lisbon, (".", "*.dat")),
    "am241-cologne": (_cologne, (".", "*.spa")),
    "am241-milano": (_milano, (".", "*.Chn")),
    "po210-kentucky": (_kentucky, ("datafiles", "*.Spe")),
}
