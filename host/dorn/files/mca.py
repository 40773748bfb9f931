"""Content of a multichannel analyser file, independent of its format."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import UTC, datetime

import numpy as np


@dataclass
class McaFile:
    """One spectrum, as read or to be written; only the counts are checked."""

    counts: np.ndarray  # int64, one per channel
    first_channel: int
    live_s: float | None
    real_s: float | None
    coefficients: tuple  # stored calibration: E in keV = c0 + c1 channel + c2 channel^2; () if none
    calibration_text: str = ""  # as in the file, used in messages
    name: str = ""  # of the detector
    start: datetime | None = None  # without a time zone if the format has none
    remarks: tuple[str, ...] = ()


def one_line(text: str) -> str:
    """Text as one line of ASCII: other characters become question marks."""
    return " ".join(text.split()).encode("ascii", "replace").decode()


def without_zone(start: datetime) -> datetime:
    """UTC to the second, for formats without time zone or fraction."""
    if start.tzinfo is not None:
        start = start.astimezone(UTC)
    return start.replace(microsecond=0, tzinfo=None)
