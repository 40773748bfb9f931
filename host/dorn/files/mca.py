"""Content of a multichannel analyser file, independent of its format."""

from dataclasses import dataclass

import numpy as np


@dataclass
class McaFile:
    """One file as read; only the counts are checked."""

    counts: np.ndarray  # int64, one per channel
    first_channel: int
    live_s: float | None
    real_s: float | None
    coefficients: tuple  # stored calibration: E in keV = c0 + c1 channel + c2 channel^2; () if none
    calibration_text: str  # as in the file, for messages
