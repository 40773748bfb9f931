"""An archive of an instrument with all spectra, for exports: made by packets, without an instrument."""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np

from support.products import DICTIONARY, ORIGIN, Made, coincidences, packet, spectrum

CHANNELS = DICTIONARY.instrument["channels"]
ON_BOARD_S = 1000.5  # of the begin of the acquisition
BEGAN = "2026-01-31T12:00:00.000000Z"  # UTC of on-board time 1000 s


def counts(n: int, size: int) -> np.ndarray:
    """Of spectrum n: every channel has some, the first and last ones, too."""
    return np.random.default_rng(n).integers(1, 200, size)


def archive(folder: Path, with_run: bool = True, spectra: bool = True) -> Path:
    """An archive of one acquisition in folder, with run.json beside it."""
    start_us = int(ON_BOARD_S * 1e6)
    times = {"start_us": start_us, "real_us": 60_000_400}
    made = [packet("housekeeping", ON_BOARD_S - 1, mode=2, version_major=1, version_minor=2, version_patch=3)]
    made.append(event("mode_changed", ON_BOARD_S + 0.001, a=2, b=3))
    for n in range(16 if spectra else 0):
        for first in range(0, CHANNELS, 256):  # as large as a packet may be
            some = counts(n, CHANNELS)[first : first + 256]
            whole = {"first": first, "total": int(counts(n, CHANNELS).sum()), "live_us": 59_000_100 + n}
            made.append(spectrum(n, some, **whole, time_s=ON_BOARD_S + 61, **times))
    for u in range(8 if spectra else 0):
        one = coincidences(u, counts(16 + u, 256))
        made.append(one.but(ON_BOARD_S + 61, live_us=58_000_100 + u, **times))
    made.append(event("mode_changed", ON_BOARD_S + 62, a=3, b=2))
    path = folder / "telemetry.ccsds"
    folder.mkdir(parents=True, exist_ok=True)
    path.write_bytes(b"".join(one.octets for one in made))
    if with_run:
        pairs = [(1000.0, BEGAN), (1100.0, BEGAN.replace("12:00", "12:01").replace(":00.0", ":40.0"))]
        correlations = [{"origin": ORIGIN, "on_board_s": at_s, "utc": utc} for at_s, utc in pairs]
        run = {"target": "unix", "source": "some.toml", "command": "dorn run", "archive": path.name}
        (folder / "run.json").write_text(json.dumps(run | {"time_correlations": correlations}))
    return path


def event(name: str, time_s: float, **fields) -> Made:
    """An event report."""
    subtype = DICTIONARY.events[name].subtype
    layout = next(one for one in DICTIONARY.telemetry.values() if (one.service, one.subtype) == (5, subtype))
    return packet(layout.name, time_s, event=DICTIONARY.events[name].id, **fields)
