"""Definitions in the dictionary: parameters, functions, monitors, event reports, fields and layouts of packets."""

import struct
from dataclasses import dataclass, field
from typing import NamedTuple

from dorn.errors import UserError

TYPES = {"u8": "B", "u16": "H", "u32": "I", "u64": "Q"}  # type -> struct code, all big-endian
CODINGS = {"raw", "ccsds121"}  # values of [enum.coding], the enumeration of the field `coding`
SEVERITIES = {"info": 1, "low": 2, "medium": 3, "high": 4}  # -> subtype of service 5 (ECSS-E-ST-70-41C 6.5)


class DictionaryError(UserError):
    """An invalid dictionary; the message names the entry and the value."""


class Parameter(NamedTuple):
    """One parameter; `low` and `high` are inclusive, in `unit`."""

    id: int
    unit: str
    low: int
    high: int
    default: int


class Function(NamedTuple):
    """One function of service 8. modes: mode in which it can be performed -> resulting mode."""

    id: int
    armed: bool
    modes: dict[str, str]
    about: str


class Monitor(NamedTuple):
    """One monitor of service 12: limits at boot, inclusive, in `unit`.

    repetition: number of consecutive checks out of limits after which the value is reported as out of limits.
    """

    id: int
    unit: str
    low: int
    high: int
    repetition: int


class EventReport(NamedTuple):
    """One event report of service 5; `a` and `b` describe its two values."""

    id: int
    subtype: int
    a: str
    b: str


@dataclass(frozen=True)
class Field:
    """One field; `length` is None for a scalar, else a number or the name of the field that holds it.

    valid: minimum and maximum accepted in a telecommand's scalar, if narrower than its type.
    limits: monitor that checks this telemetry field; all ones in such a field mean not read.
    codes: array coded in these octets of telemetry, in the coding that the scalar `coding` gives.
    """

    name: str
    type: str
    length: int | str | None = None
    enum: str | None = None
    unit: str = ""
    about: str = ""
    valid: tuple[int, int] | None = None
    limits: str | None = None
    codes: "Field | None" = None

    @property
    def size(self) -> int:
        """Octets of one element."""
        return struct.calcsize(">" + TYPES[self.type])

    @property
    def high(self) -> int:
        """The largest value the type holds."""
        return 2 ** (8 * self.size) - 1


@dataclass(frozen=True)
class Layout:
    """Source data of a telemetry packet or application data of a telecommand: scalars, then arrays.

    store_priority: 0 for a packet that is never stored on board; else its first fields are `record`, its record number,
        and `origin`.
    refused: failure -> condition under which this telecommand is refused, besides the failures common to all.
    """

    name: str
    service: int
    subtype: int
    fields: tuple[Field, ...]
    about: str = ""
    store_priority: int = 0
    refused: dict[str, str] = field(default_factory=dict, hash=False)

    @property
    def kind(self) -> int:
        """Service and subtype as one number."""
        return self.service << 8 | self.subtype

    @property
    def scalars(self) -> tuple[Field, ...]:
        return tuple(field for field in self.fields if field.length is None)

    @property
    def arrays(self) -> tuple[Field, ...]:
        return tuple(field for field in self.fields if field.length is not None)

    @property
    def format(self) -> str:
        """`struct` format of the scalars."""
        return ">" + "".join(TYPES[field.type] for field in self.scalars)
