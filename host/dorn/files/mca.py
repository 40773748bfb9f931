"""What a file of a multichannel analyser holds, whatever its format."""

from dataclasses import dataclass

import numpy as np


@dataclass
class McaFile:
    """One file as it stands; nothing is judged but the counts."""

    counts: np.ndarray  # int64, one per channel
    first_channel: int
    live_s: float | None
    real_s: float | None
    coefficients: tuple  # stored calibration: E in keV = c0 + c1 channel + c2 channel^2; () where none
    calibration_text: str  # as in the file, for messages
