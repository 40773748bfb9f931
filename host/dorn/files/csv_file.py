"""CSV sources: a measured spectrum (`energy_kev,counts`) or a list of events (`time_us,detector,energy_kev`).

The header line identifies the kind. Blank lines and lines that begin with # are skipped.
"""

from collections.abc import Iterable

import numpy as np

from dorn.util.checks import SourceError, above_zero, at_least, count, number, text_of

SPECTRUM = ["energy_kev", "counts"]
EVENTS = ["time_us", "detector", "energy_kev"]
_MAX_TIME_US = 2**53 / 1000  # 104 days: whole nanoseconds are exact in a float up to here


def read(path, detectors):
    """Read (header, columns): SPECTRUM with lists of [energies in keV, counts], or EVENTS with lists of [times in ns,
    detectors, energies in keV]. Detectors are numbered from 0 to `detectors` - 1. Raises SourceError."""
    lines = enumerate(text_of(path).splitlines(), start=1)
    lines = [(at, line) for at, line in lines if line.strip(" ,\t") and not line.lstrip().startswith("#")]
    rows = [(at, [word.strip() for word in line.split(",")]) for at, line in lines]
    if not rows:
        raise SourceError.at(path, "header", "is missing")
    at, header = rows.pop(0)
    if header not in (SPECTRUM, EVENTS):
        unknown = next((name for name in header if name not in SPECTRUM + EVENTS), ",".join(header))
        what = f"neither {','.join(SPECTRUM)} nor {','.join(EVENTS)}"
        raise SourceError.at(path, "header", what, unknown, at)
    if not rows:
        raise SourceError.at(path, header[0], "no rows")
    for at, words in rows:
        if len(words) != len(header):
            what = f"{len(words)} values, expected {len(header)}"
            raise SourceError.at(path, "row", what, ",".join(words), at)
    return header, _spectrum(path, rows) if header == SPECTRUM else _events(path, rows, detectors)


def write(energies_kev: np.ndarray, counts: np.ndarray, remarks: Iterable[str] = ()) -> bytes:
    """A spectrum, with energies in full precision, preceded by its remarks in lines that begin with #."""
    lines = [f"# {' '.join(remark.split())}" for remark in remarks]
    rows = (f"{energy!r},{n}" for energy, n in zip(energies_kev.tolist(), counts.tolist(), strict=True))
    return ("\n".join([*lines, ",".join(SPECTRUM), *rows]) + "\n").encode()


def _spectrum(path, rows):
    energies_kev, counts = [], []
    for at, (energy, content) in rows:
        energy_kev = number(energy, path, "energy_kev", at)
        if energies_kev and energy_kev <= energies_kev[-1]:
            raise SourceError.at(path, "energy_kev", "not above the previous one", energy, at)
        energies_kev.append(energy_kev)
        counts.append(count(content, path, "counts", at))
    return energies_kev, counts


def _events(path, rows, detectors):
    times_ns, hit, energies_kev = [], [], []
    for at, (time, detector, energy) in rows:
        time_us = at_least(0, time, path, "time_us", at)
        if time_us > _MAX_TIME_US:
            raise SourceError.at(path, "time_us", "beyond 104 days", time, at)
        time_ns = round(time_us * 1000)
        if times_ns and time_ns < times_ns[-1]:
            raise SourceError.at(path, "time_us", "before the previous one", time, at)
        if not detector.isdecimal() or len(detector) > 2 or int(detector) >= detectors:
            what = f"not a whole number from 0 to {detectors - 1}"
            raise SourceError.at(path, "detector", what, detector, at)
        times_ns.append(time_ns)
        hit.append(int(detector))
        energies_kev.append(above_zero(energy, path, "energy_kev", at))
    return times_ns, hit, energies_kev
