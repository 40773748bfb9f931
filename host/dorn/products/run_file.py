"""run.json: what is known about a run beside its telemetry: source, command, computer, times.

It lies beside the archive from the start of the run, so that the products can be made from both after a crash, too.
"""

from __future__ import annotations

import datetime
import json
from pathlib import Path

from dorn.dictionary import Packet
from dorn.errors import UserError
from dorn.products.files import write_files

NAME = "run.json"
_TYPES = {"target": str, "archive_octets": int, "head": dict, "link": dict, "began_utc": str}


def utc() -> str:
    """Now, as in 2026-01-31T12:34:56.789Z."""
    now = datetime.datetime.now(datetime.UTC)
    return now.isoformat(timespec="milliseconds").replace("+00:00", "Z")


def correlation(housekeeping: Packet) -> dict:
    """On-board time and UTC at the arrival of a packet, with the delay of the link."""
    return {"origin": housekeeping.fields["origin"], "on_board_s": housekeeping.time_s, "utc": utc()}


def utc_of(run: dict | None, origin: int, on_board_s: float) -> str | None:
    """UTC of an on-board time, None without a correlation for the origin."""
    pair = (run or {}).get("time_correlation") or {}
    if pair.get("origin") != origin:
        return None
    then = datetime.datetime.fromisoformat(pair["utc"]) + datetime.timedelta(seconds=on_board_s - pair["on_board_s"])
    return then.isoformat(timespec="milliseconds").replace("+00:00", "Z")


def write(out: Path, run: dict) -> None:
    """Write run.json into the directory `out`. Raises UserError if that fails."""
    write_files(out, {NAME: lambda file: file.write((json.dumps(run, indent=2) + "\n").encode())})


def read(archive: Path) -> dict | None:
    """The run.json beside an archive; None without one, or if the archive has grown or shrunk since.

    Raises UserError if it is not such a file.
    """
    path = archive.parent / NAME
    try:
        run = json.loads(path.read_text())
    except FileNotFoundError:
        return None
    except (OSError, ValueError) as error:
        raise UserError.at(path, "file", f"cannot be read: {error}") from None
    if not isinstance(run, dict):
        raise UserError.at(path, "file", "is not that of a run")
    for name, kind in _TYPES.items():
        if run.get(name) is not None and not isinstance(run[name], kind):
            raise UserError.at(path, name, f"not a {kind.__name__}", run[name])
    octets = run.get("archive_octets")
    return run if octets in (None, archive.stat().st_size) else None
