"""Content of a multichannel analyser file, independent of its format; and what the readers of all formats share.

A file is read if its counts can be read. Anything else that cannot be read is left out, and `faults` says why: only a
command that needs it refuses the file, with that reason.
"""

from __future__ import annotations

import math
import re
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime
from xml.etree import ElementTree
from xml.etree.ElementTree import Element

import numpy as np

from dorn.util.checks import SourceError, octets_of

_MOST = 1e18  # as in dorn.util.checks.number
KEV = {"ev": 1e-3, "kev": 1.0, "mev": 1000.0}
NUMBER = r"[+-]?(?:\d+(?:[.,]\d*)?|[.,]\d+)(?:[eE][+-]?\d+)?"
_NUMBER = re.compile(NUMBER)
_APART = re.compile(r"(?<=\d)(?=[A-Za-z])(?![eE][+-]?\d)")  # between a number and its unit
_BEGIN = "+-.,0123456789"  # of a number


class OtherKind(SourceError):
    """A file that is not of the kind that its name tells."""


@dataclass
class McaFile:
    """One spectrum, as read or to be written; only the counts are checked."""

    counts: np.ndarray  # int64, one per channel
    first_channel: int
    live_s: float | None
    real_s: float | None
    coefficients: tuple  # stored calibration: E in keV = c0 + c1 channel + c2 channel^2 + ...; () if none
    calibration_text: str = ""  # as in the file, used in messages
    name: str = ""  # of the detector
    start: datetime | None = None  # without a time zone if the format has none
    remarks: tuple[str, ...] = ()
    # "counts", "calibration", "times" or "start" -> why it was left out
    faults: dict[str, str] = field(default_factory=dict)
    notes: tuple[str, ...] = ()  # what should be known about the file

    def optional(self, fault: str, parse: Callable[..., None], *values) -> None:
        """Call `parse(self, *values)`, which sets fields that are not required, and note why if it cannot."""
        try:
            parse(self, *values)
        except ValueError as error:
            self.faults[fault] = str(error)


def without_counts(name: str, error: Exception) -> McaFile:
    """In place of one of several spectra in a file whose counts cannot be read; its fault says why."""
    return McaFile(np.zeros(0, np.int64), 0, None, None, (), name=name, faults={"counts": str(error)})


def check_any(files: Iterable[McaFile]) -> None:
    """Raise SourceError if there are spectra, but not the counts of any."""
    faults = [one.faults.get("counts") for one in files]
    if faults and faults[0] and all(faults):
        raise SourceError(faults[0])


def xml_root(path) -> Element:
    """The root of an XML file; names are without their namespaces. Raises SourceError."""
    try:
        root = ElementTree.fromstring(octets_of(path))
    except (ElementTree.ParseError, ValueError, LookupError) as error:  # LookupError: an unknown encoding
        raise OtherKind.at(path, "file", f"not XML: {error}") from None
    for one in root.iter():
        one.tag = one.tag.rpartition("}")[2]
    return root


def one_line(text: str) -> str:
    """Text as one line of ASCII: other characters become question marks."""
    return " ".join(text.split()).encode("ascii", "replace").decode()


def without_zone(start: datetime) -> datetime:
    """UTC to the second, for formats without time zone or fraction."""
    if start.tzinfo is not None:
        start = start.astimezone(UTC)
    return start.replace(microsecond=0, tzinfo=None)


def decimal(word: object) -> float:
    """A finite number, with a decimal point or comma, at most 1e18. Raises ValueError."""
    text = str(word).strip()
    value = float(text.replace(",", ".")) if _NUMBER.fullmatch(text) else math.nan
    if not abs(value) <= _MOST:
        raise ValueError(f"not a usable number ({text[:20]})")
    return value


def numbers(text: str) -> tuple[list[float], str]:
    """The numbers at the beginning of a line, and the word after them, "" if it is not a word; the rest is a comment.

    Numbers are separated by blanks, semicolons or commas; a comma within a number is a decimal comma, unless commas are
    the only separators. Raises ValueError for a number that is not usable.
    """
    words = [word.rstrip(",") for word in re.split(r"[;\s]+", _APART.sub(" ", text)) if word.strip(",")]
    if words and (words[0].count(",") > 1 or len(words) == 1 or words[1][0] not in _BEGIN):
        words[:1] = filter(None, words[0].split(","))
    found = []
    for word in words:
        if word[0].isalpha() and word.lower() not in ("nan", "inf", "infinity"):
            return found, re.split(r"[^A-Za-z]", word)[0]
        if word[0] not in _BEGIN and not word[0].isalpha():
            break
        found.append(decimal(word))
    return found, ""


def energy_terms(text: str) -> tuple[float, ...]:
    """Calibration terms in keV from a line such as `100 50 0 keV`; () if they mean that there is no calibration: all 0,
    or the channel as its own energy, which programs store then. Raises ValueError."""
    found, unit = numbers(text)
    unit = unit.lower() or "kev"
    if unit not in KEV:
        raise ValueError(f"unit is neither eV, keV nor MeV ({text})")
    return calibrated([KEV[unit] * term for term in found]) if found else ()


def calibrated(terms: Sequence[float]) -> tuple[float, ...]:
    """The terms; () if they are all 0, or those of a file without a calibration (0 1 0). Raises ValueError for a
    constant."""
    if not any(terms) or (tuple(terms[:2]) == (0.0, 1.0) and not any(terms[2:])):
        return ()
    if len(terms) < 2:
        raise ValueError(f"only one term ({terms[0]:g})")
    return tuple(terms)


def shifted(terms: Sequence[float], by: float) -> tuple[float, ...]:
    """The terms of E(c + by), from those of E(c): for formats whose channel c extends from c to c + 1, by 0.5."""
    at = range(len(terms))
    return tuple(math.fsum(terms[k] * math.comb(k, j) * by ** (k - j) for k in at if k >= j) for j in at)
