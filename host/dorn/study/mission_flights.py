"""Missions flown by the firmware on the unix target, kept as archives, for `dorn study missions`."""

from __future__ import annotations

from pathlib import Path

from dorn.dictionary import Dictionary
from dorn.head.front_end import FrontEnd
from dorn.link import archive
from dorn.study import archives, mission_scenarios
from dorn.study.mission_scenarios import SLICE_S, STORM_CPS, STORM_HOLD_S

_PERIOD_S = 60  # period of housekeeping, which reports storm mode; rates are not used


def flown(folder: Path, seed: int, duration_s: float) -> Path:
    """The archive of a mission in `folder`, flown now unless it exists. An interrupted mission leaves no archive."""
    path = folder / f"mission-{seed}-{duration_s:g}s" / archive.NAME
    if not path.exists():
        path.parent.mkdir(parents=True, exist_ok=True)
        partial = path.with_suffix(".partial")
        source = mission_scenarios.source(seed, duration_s)
        archives.acquire(
            partial,
            source,
            FrontEnd.from_table(source.head, Dictionary.load().instrument),
            seed,
            source.rate_cps,
            duration_s,
            0,
            integration_time=SLICE_S,
            storm_rate=STORM_CPS,
            storm_hold=STORM_HOLD_S,
            housekeeping_period=_PERIOD_S,
            rates_period=SLICE_S,
        )
        partial.rename(path)
    return path
