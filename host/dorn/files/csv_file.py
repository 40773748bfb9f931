"""CSV sources: a list of events (`time_us,detector,energy_kev`) is read, a spectrum (`energy_kev,counts`) is written.

Blank lines and lines that begin with # are skipped. Spectra are read by `columns`.
"""

from collections.abc import Iterable

import numpy as np

from dorn.util.checks import SourceError, above_zero, at_least, text_of

SPECTRUM = ["energy_kev", "counts"]
EVENTS = ["time_us", "detector", "energy_kev"]
_MAX_TIME_US = 2**53 / 1000  # 104 days: whole nanoseconds are exact in a float up to here


def events(path, detectors):
    """(times in ns, detectors, energies in keV), lists; None if the header is not that of a list of events. Detectors
    are numbered from 0 to `detectors` - 1. Raises SourceError."""
    lines = enumerate(text_of(path).split("\n"), start=1)
    lines = [(at, line) for at, line in lines if line.strip(" ,\t") and not line.lstrip().startswith("#")]
    rows = [(at, [word.strip() for word in line.split(",")]) for at, line in lines]
    if not rows or rows.pop(0)[1] != EVENTS:
        return None
    if not rows:
        raise SourceError.at(path, EVENTS[0], "no rows")
    for at, words in rows:
        if len(words) != len(EVENTS):
            what = f"{len(words)} values, expected {len(EVENTS)}"
            raise SourceError.at(path, "row", what, ",".join(words), at)
    return _events(path, rows, detectors)


def write(energies_kev: np.ndarray, counts: np.ndarray, remarks: Iterable[str] = ()) -> bytes:
    """A spectrum, with energies in full precision, preceded by its remarks in lines that begin with #."""
    lines = [f"# {' '.join(remark.split())}" for remark in remarks]
    rows = (f"{energy!r},{n}" for energy, n in zip(energies_kev.tolist(), counts.tolist(), strict=True))
    return ("\n".join([*lines, ",".join(SPECTRUM), *rows]) + "\n").encode()


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
