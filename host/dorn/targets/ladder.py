"""Levels of a stimulus board's ladder, as codes of the converter that they are wired to: ideal, or measured once."""

from __future__ import annotations

import math
import os
import tomllib
from bisect import bisect
from dataclasses import dataclass
from datetime import datetime
from functools import cache, cached_property
from pathlib import Path

from dorn.dictionary import Dictionary
from dorn.errors import UserError

LEVELS = 256  # a ladder of 8 bits
CODES_PER_LEVEL = 16  # of a converter of 12 bits
FULL_SCALE = 4095  # its highest code: over range
FILE = "levels.toml"  # of a table, by default
_PER_LINE = 16
_TITLE = "# Levels of the ladder of a stimulus board, in codes of the converter of the instrument: dorn levels\n"


@cache
def _scale() -> tuple[float, float]:
    instrument = Dictionary.load().instrument
    return instrument["zero_code"], instrument["kev_per_code"]


@dataclass(frozen=True)
class Ladder:
    """codes: of the levels 0 to 255; full scale: over range."""

    codes: tuple[float, ...]

    @cached_property
    def _usable(self) -> list[tuple[float, int]]:
        """(code, level) of those that show an energy, lowest code first. A ladder need not be monotonic."""
        return sorted((code, n) for n, code in enumerate(self.codes) if n and code < FULL_SCALE)

    @property
    def highest_kev(self) -> float:
        """The highest energy that it can show."""
        zero, kev = _scale()
        return (self._usable[-1][0] - zero) * kev

    def level(self, energy_kev: float) -> int:
        """Level, 1 to 255, nearest to an energy: steps of about 48 keV. Raises UserError for an energy that is more
        than a step beyond them."""
        zero, kev = _scale()
        code, usable = energy_kev / kev + zero, self._usable
        lowest, highest = usable[0][0] - CODES_PER_LEVEL, usable[-1][0] + CODES_PER_LEVEL
        if not lowest <= code <= highest:  # also if it is no number
            what = f"the ladder has {(usable[0][0] - zero) * kev:.0f} to {self.highest_kev:.0f} keV"
            raise UserError.at("stimulus", "energy_kev", what, energy_kev)
        at = bisect(usable, (code, 0))
        return min(usable[max(0, at - 1) : at + 1], key=lambda found: abs(found[0] - code))[1]

    def nearest(self, energy_kev: float) -> float:
        """The energy that the ladder can show nearest to `energy_kev`. Raises UserError as `level` does."""
        zero, kev = _scale()
        return (self.codes[self.level(energy_kev)] - zero) * kev


IDEAL = Ladder(tuple(float(CODES_PER_LEVEL * n) for n in range(LEVELS)))


@dataclass(frozen=True)
class Table:
    """A measured ladder. measured: UTC, ISO 8601. pulses: number at each level. instrument, stimulus: facts of the two
    boards, with their unique_id."""

    ladder: Ladder
    measured: str
    pulses: int
    instrument: dict[str, str]
    stimulus: dict[str, str]

    def write(self, path: Path, force: bool = False) -> None:
        """Raises UserError if the file exists, unless `force`, or cannot be written; an existing one is then kept."""
        lines = [_TITLE, f'measured = "{self.measured}"\npulses = {self.pulses}  # at each level\n', "codes = [\n"]
        for n in range(0, LEVELS, _PER_LINE):
            row = ", ".join(f"{code:.1f}" for code in self.ladder.codes[n : n + _PER_LINE])
            lines.append(f"    {row},  # {n} to {n + _PER_LINE - 1}\n")
        lines.append("]\n")
        for name, facts in (("instrument", self.instrument), ("stimulus", self.stimulus)):
            lines += [f"\n[{name}]\n", *(f'{fact} = "{value}"\n' for fact, value in facts.items())]
        check_new(path, force)
        part = path.with_name(f".{path.name}.part")
        try:
            part.write_text("".join(lines), encoding="utf-8")
            os.replace(part, path)
        except OSError as error:
            raise UserError.at(path, "levels", f"cannot be written: {error.strerror}") from None
        finally:
            part.unlink(missing_ok=True)

    def check(self, path: object, instrument_id: str, stimulus_id: str) -> None:
        """Raises UserError if it was measured with other boards than these."""
        for name, facts, found in (
            ("instrument", self.instrument, instrument_id),
            ("stimulus", self.stimulus, stimulus_id),
        ):
            if facts["unique_id"] != found:
                what = f"the table is of another board; this one is {found}: measure its levels with dorn levels"
                raise UserError.at(path, f"{name}.unique_id", what, facts["unique_id"])


def check_new(path: Path, force: bool = False) -> None:
    """Raises UserError if the file exists, unless `force`, is a folder, or is in none that can be written to."""
    if path.is_dir():
        raise UserError.at(path, "levels", "is a folder: give the name of a file")
    if path.exists() and not force:
        raise UserError.at(path, "levels", "exists; give another name, or --force to replace it")
    if not path.parent.is_dir():
        raise UserError.at(path, "levels", "its folder does not exist")
    if not os.access(path.parent, os.W_OK):
        raise UserError.at(path, "levels", "its folder cannot be written to")


def read(path: Path) -> Table:
    """Raises UserError naming file, field and value for a table that is not as `Table.write` writes it."""
    try:
        found = tomllib.loads(path.read_text(encoding="utf-8"))
    except OSError as error:
        raise UserError.at(path, "levels", f"cannot be read: {error.strerror}") from None
    except ValueError as error:  # TOML, or UTF-8
        raise UserError.at(path, "levels", f"not a table of levels: {error}") from None

    def field(name: str, kind: type, what: str):
        if name not in found:
            raise UserError.at(path, name, "is missing")
        value = found.pop(name)
        if not isinstance(value, kind) or isinstance(value, bool):
            raise UserError.at(path, name, f"not {what}", value)
        return value

    measured, pulses = field("measured", str, "a date"), field("pulses", int, "a whole number")
    try:
        datetime.fromisoformat(measured)
    except ValueError:
        raise UserError.at(path, "measured", "not a date, as 2026-01-31T12:00:00Z", measured) from None
    if pulses < 1:
        raise UserError.at(path, "pulses", "less than 1", pulses)
    ladder = Ladder(_codes(path, field("codes", list, "a list")))
    boards = {}
    for name in ("instrument", "stimulus"):
        boards[name] = field(name, dict, "a table")
        if not isinstance(boards[name].get("unique_id"), str):
            raise UserError.at(path, f"{name}.unique_id", "not a text", boards[name].get("unique_id"))
    for name in found:
        raise UserError.at(path, name, "unknown")
    return Table(ladder, measured, pulses, **boards)


def _codes(path: Path, codes: list) -> tuple[float, ...]:
    if len(codes) != LEVELS:
        raise UserError.at(path, "codes", f"not {LEVELS} levels", len(codes))
    for n, code in enumerate(codes):
        number = isinstance(code, int | float) and not isinstance(code, bool) and math.isfinite(code)
        if not number or not 0 <= code <= FULL_SCALE:
            raise UserError.at(path, f"codes, level {n}", f"not a code from 0 to {FULL_SCALE}", code)
    if not any(code < FULL_SCALE for code in codes[1:]):
        raise UserError.at(path, "codes", "all are over range", codes[1])
    return tuple(float(code) for code in codes)
