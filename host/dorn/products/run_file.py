"""run.json: what is known about a run besides its telemetry: source, command, computer, times.

It is beside the archive from the start of the run, so that the products can also be made after a crash.
"""

from __future__ import annotations

import datetime
import json
from pathlib import Path

from dorn import nuclides
from dorn.dictionary import Packet
from dorn.errors import UserError
from dorn.products.files import write_files
from dorn.util.dates import YEARS, utc_text

NAME = "run.json"
_SAME_S = 2.0  # change of UTC minus on-board time over a run that delays of the link may cause


def utc() -> str:
    """Now, as in 2026-01-31T12:34:56.789Z."""
    return utc_text(datetime.datetime.now(datetime.UTC))


def correlation(packet: Packet) -> dict:
    """On-board time and UTC at the arrival of a packet with an origin, including the delay of the link."""
    return {"origin": packet.fields["origin"], "on_board_s": packet.time_s, "utc": utc()}


def utc_of(run: dict, origin: int, on_board_s: float) -> str | None:
    """UTC of an on-board time; None if the run does not tell."""
    epoch = epoch_of(run, origin)
    return epoch and utc_text(epoch + datetime.timedelta(seconds=on_board_s))


def epoch_of(run: dict, origin: int) -> datetime.datetime | None:
    """UTC of on-board time 0. None unless the run has correlations for this origin at its start and end, or if the
    clock was set, or stepped in a reset, between them."""
    pairs = run.get("time_correlations") or []
    if len(pairs) < 2 or {pair["origin"] for pair in pairs} != {origin}:
        return None
    (first_s, first), (last_s, last) = (
        (pair["on_board_s"], datetime.datetime.fromisoformat(pair["utc"])) for pair in (pairs[0], pairs[-1])
    )
    if abs((last - first).total_seconds() - (last_s - first_s)) > _SAME_S:
        return None
    return first - datetime.timedelta(seconds=first_s)


def write(out: Path, run: dict) -> None:
    """Write run.json into the directory `out`. Raises UserError if that fails."""
    write_files(out, {NAME: lambda file: file.write((json.dumps(run, indent=2) + "\n").encode())})


def read(archive: Path) -> tuple[dict | None, str]:
    """The run.json beside an archive, and what the operator should know about it.

    None if it does not exist or is about another archive. The counters of the run are left out if the archive has grown
    since. Raises UserError if the file is invalid.
    """
    path = archive.parent / NAME
    try:
        run = json.loads(path.read_text())
    except FileNotFoundError:
        return None, ""
    except (OSError, ValueError) as error:
        raise UserError.at(path, "file", f"cannot be read: {error}") from None
    if not isinstance(run, dict):
        raise UserError.at(path, "file", "does not describe a run")
    _check(path, run)
    octets, size = run.get("archive_octets"), archive.stat().st_size
    if run.get("archive") != archive.name or size < (octets or 0):
        return None, f"{path} is about another archive: not used"
    if octets not in (None, size):
        rest = {name: value for name, value in run.items() if name not in ("head", "link")}
        return rest, f"{archive} has grown since its run: the counters in {path} are not used"
    return run, ""


def _check(path: Path, run: dict) -> None:
    """Raise UserError for a field of the wrong type that the products use."""
    for name, kind, what in (("target", str, "a text"), ("archive_octets", int, "a number of octets")):
        if run.get(name) is not None and not isinstance(run[name], kind):
            raise UserError.at(path, name, f"not {what}", run[name])
    for name in ("head", "link"):
        counters = run.get(name)
        if counters is None:
            continue
        if not isinstance(counters, dict) or not all(isinstance(value, int) for value in counters.values()):
            raise UserError.at(path, name, "not a table of counters", counters)
    lines = run.get("lines") or []
    if not isinstance(lines, list) or not all(name in nuclides.names() and nuclides.lines(name) for name in lines):
        raise UserError.at(path, "lines", "not a list of nuclides with alpha lines", lines)
    pairs = run.get("time_correlations") or []
    if not isinstance(pairs, list):
        raise UserError.at(path, "time_correlations", "not a list", pairs)
    for pair in pairs:
        try:
            if not isinstance(pair["on_board_s"], int | float) or not isinstance(pair["origin"], int):
                raise TypeError
            first = datetime.datetime.fromisoformat(pair["utc"])
            if first.tzinfo is None or not YEARS[0] <= first.year < YEARS[1] or not 0 <= pair["on_board_s"] < 2**32:
                raise ValueError
        except (TypeError, KeyError, ValueError, OverflowError):
            raise UserError.at(path, "time_correlations", "not origin, on_board_s and utc", pair) from None
