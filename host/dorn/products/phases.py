"""Phases of a mission: intervals between mode changes, loads of observation tables, time settings and boots."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from dorn.dictionary import Dictionary
from dorn.dictionary.columns import AllColumns
from dorn.dictionary.headers import EVENT_REPORTING
from dorn.link.archive import Archive, Part
from dorn.products.slices import time_us

ACQUIRING = ("science", "calibration")
_CHANGES = ("mode_changed", "table_loaded", "time_set", "booted")


@dataclass(frozen=True)
class Phase:
    """One interval of on-board time of one origin."""

    origin: int
    begin_us: int
    end_us: int
    mode: str  # name in the dictionary; "unknown" before the first packet that reports it
    table: str  # observation table loaded last; "" if none was loaded

    @property
    def acquires(self) -> bool:
        return self.mode in ACQUIRING

    @property
    def name(self) -> str:
        return f"{self.table} {self.mode}".strip()


def phases(archive: Archive) -> list[Phase]:
    """All phases, sorted by origin and time; phases of zero length are left out."""
    index = archive.index
    changes = _changes(archive)
    found: list[Phase] = []
    for origin in np.unique(index["origin"]).tolist():
        times_us = time_us(index["stamp"][index["origin"] == origin])
        begin_us, state = int(times_us.min()), {"mode": "unknown", "table": ""}
        for at_us, what, value in [*changes.get(origin, []), (int(times_us.max()), "end", "")]:
            if state.get(what) == value:
                continue
            end_us = min(at_us, int(value)) if what == "time_set" else at_us
            if end_us > begin_us:
                found.append(Phase(origin, begin_us, end_us, **state))
            begin_us = at_us
            if what in state:
                state = state | {what: value}
    return found


def cuts_us(found: list[Phase]) -> dict[int, np.ndarray]:
    """Origin -> ends of the phases with acquisition. No integration starts between such an end and the next
    acquisition, but the report that an acquisition has started may be later than the start of its first integration."""
    origins = {phase.origin for phase in found}
    return {o: np.array([p.end_us for p in found if p.origin == o and p.acquires], np.int64) for o in origins}


def phase_of(found: list[Phase], origin: int, first_us: int) -> Phase | None:
    """The acquisition phase of the integration that started at this time."""
    return next((p for p in found if p.origin == origin and p.acquires and first_us < p.end_us), None)


def _changes(archive: Archive) -> dict[int, list[tuple[int, str, str]]]:
    """Origin -> (on-board time, what, value) of each start of a phase, in order; value for time_set: previous time, us.
    Modes are also taken from housekeeping, as event reports may be lost."""
    dictionary = archive.dictionary
    layouts = [layout for layout in dictionary.telemetry.values() if layout.service == EVENT_REPORTING]
    layouts.append(dictionary.telemetry["housekeeping"])
    columns = AllColumns(layouts)
    found: dict[int, list[tuple[int, str, str]]] = {}
    for part in archive.parts({layout.kind for layout in layouts}):
        octets = np.frombuffer(part.data, np.uint8)
        rows = columns.all(part.index["kind"], octets, part.starts, part.ends)
        for at, what, value in sorted(_in_part(part, rows, dictionary)):
            row = part.index[at]
            times = found.setdefault(int(row["origin"]), [])
            times.append((int(time_us(row["stamp"][None])[0]), what, value))
    return found


def _in_part(part: Part, rows: dict, dictionary: Dictionary) -> list[tuple[int, str, str]]:
    """(position, what, value) of each change in a part."""
    modes = dictionary.texts["mode"]
    tables = dictionary.texts["table"]
    events = {dictionary.enums["event"][name]: name for name in _CHANGES}
    found = []
    for name, (of, values) in rows.items():
        if name == "housekeeping":
            found += [
                (at, "mode", modes.get(mode, "unknown"))
                for at, mode in zip(of.tolist(), values["mode"].tolist(), strict=True)
            ]
        elif "event" in (values.dtype.names or ()):
            for at, event, a, b in zip(of.tolist(), *(values[n].tolist() for n in ("event", "a", "b")), strict=True):
                what = events.get(event)
                if what == "mode_changed":
                    found.append((at, "mode", modes.get(b, "unknown")))
                elif what == "table_loaded":
                    found.append((at, "table", tables.get(a, f"table {a}")))
                elif what == "time_set":
                    found.append((at, what, str((a + 1) * 1_000_000)))
                elif what == "booted":
                    found.append((at, "mode", "boot"))
    return found
