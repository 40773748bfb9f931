"""Arguments shared by several commands."""

from __future__ import annotations

import contextlib
import textwrap
from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING

from dorn.errors import UserError
from dorn.util.checks import above_zero

if TYPE_CHECKING:
    from datetime import datetime

    from dorn.analysis.calibration import Calibration
    from dorn.link.key import Key
    from dorn.targets import Target

HERE = "127.0.0.1"
TARGET = "unix, rp2040, a serial port, socket://HOST:PORT, or bridge://HOST:PORT, the --tcp of a dorn bridge"
OUT = "folder for the files"
ARCHIVE = "folder for telemetry.ccsds, which is created or appended to"


def spectra() -> str:
    """Which kinds of spectra are read, for the help of a command."""
    from dorn.files import KINDS

    rest = (
        "Columns are counts, or channels or energies and counts, with any separator and a line of names such as "
        "energy_kev,counts; rows of empty channels may be missing. SpecUtils: pip install '.[files]'. Only the counts "
        "must be there: --calibration, --rate and --duration replace a calibration and times that cannot be read."
    )
    return textwrap.fill(f"Spectra: {KINDS}. {rest}", 104)


def add_session(command, out_required: bool = False) -> None:
    """Add --target, --key and --out, which an archived session with an instrument takes."""
    command.add_argument("--target", required=True, help=TARGET)
    add_key(command)
    command.add_argument("--out", type=Path, required=out_required, metavar="DIR", help=ARCHIVE)


def add_force(command) -> None:
    """Add --force to the parser of a command that starts a new archive."""
    command.add_argument("--force", action="store_true", help="replace an archive that already exists in DIR")


def add_spectrum(command) -> None:
    """Add the options of a measured spectrum that is played."""
    add = command.add_argument
    add(
        "--replay",
        action="store_true",
        help="play every count of a measured spectrum exactly once, at an energy drawn uniformly within its channel",
    )
    add(
        "--at-centres",
        action="store_true",
        help="with --replay: at the energy of the channel's centre, to compare count for count; channels narrower than "
        "the instrument's 12 keV then make a comb",
    )
    add("--calibration", metavar="OFFSET_KEV,KEV_PER_CHANNEL", help="use this instead of the one in the file")
    add("--spectrum", metavar="NAME", help="which spectrum, of a file with several")


def add_lines(command) -> None:
    """Add --lines to the parser of a command that draws spectra."""
    text = "nuclides whose lines the plots label (default: those of the scenario; none for a measurement)"
    command.add_argument("--lines", metavar="NUCLIDE,...", help=text)


def lines_of(args) -> list[str] | None:
    """The nuclides of --lines, if given. Raises UserError if one is unknown or has no alpha line, or is named twice."""
    if args.lines is None:
        return None
    from dorn import nuclides
    from dorn.cli.results import nuclides_of

    found = nuclides_of(args.lines)
    for name in found:
        nuclides.main_kev(name)
    return found


def add_calibration(command) -> None:
    """Add --instrument-calibration to the parser of a command whose products have energies."""
    command.add_argument(
        "--instrument-calibration",
        type=Path,
        metavar="FILE",
        help="energy scale of each detector, from `dorn calibrate` (default: the scale in the dictionary)",
    )


def calibration_of(args) -> Calibration | None:
    """The calibration of --instrument-calibration, if given. Raises UserError if it cannot be used."""
    if args.instrument_calibration is None:
        return None
    from dorn.analysis.calibration import Calibration
    from dorn.dictionary import Dictionary

    return Calibration.load(args.instrument_calibration, Dictionary.load().instrument)


def add_epoch(command, otherwise: str) -> None:
    """Add --epoch. otherwise: what is used without it."""
    command.add_argument("--epoch", metavar="UTC", help=f"UTC of on-board time 0 (default: {otherwise})")


def epoch_of(args) -> datetime | None:
    """The time of --epoch, if given. Raises UserError."""
    if args.epoch is None:
        return None
    from datetime import datetime

    try:
        found = datetime.strptime(f"{args.epoch}+0000", "%Y-%m-%dT%H:%M:%SZ%z")
    except ValueError:
        raise UserError.at("--epoch", "UTC", "not a time such as 2020-01-01T00:00:00Z", args.epoch) from None
    if not 1970 <= found.year < 2100:
        raise UserError.at("--epoch", "UTC", "not from 1970 to 2099", args.epoch)
    return found


def add_key(command) -> None:
    """Add --key to the parser of a command."""
    command.add_argument("--key", metavar="FILE", help="sign telecommands with this key, which the board must have")


def key_of(args) -> Key | None:
    """The key of --key, if given. Raises UserError if it cannot be used."""
    if args.key is None:
        return None
    from dorn.link.key import Key

    return Key.load(args.key)


def add_instrument(command, required: bool = True, or_speed: str = "") -> None:
    """Add --target with what a simulated instrument takes, and --key. or_speed: what else --speed is."""
    command.add_argument("--target", required=required, help=TARGET)
    command.add_argument(
        "--source", metavar="FILE", help="what a simulated instrument detects, repeated (default: the demo)"
    )
    command.add_argument("--flash", type=Path, metavar="DIR", help="where a simulated instrument keeps its flash")
    command.add_argument(
        "--speed", metavar="X", help=f"speed of a simulated instrument, times real time (default 1){or_speed}"
    )
    add_key(command)


@contextlib.contextmanager
def target_of(args) -> Iterator[Target]:
    """The target of the arguments; a simulated one plays its source repeatedly."""
    from dorn.dictionary import Dictionary
    from dorn.ground.bridge import AWAY_S
    from dorn.head import sources
    from dorn.head.front_end import FrontEnd, Head
    from dorn.targets import NAMES, open_target

    args.speed = above_zero(args.speed or "1", "--speed", "X")
    if args.target not in NAMES:
        for option in ("source", "flash"):
            if getattr(args, option) is not None:
                raise UserError.at(
                    f"--{option}", "FILE", "applies to simulated instruments only", str(getattr(args, option))
                )
        with open_target(args.target, away_s=AWAY_S) as target:
            yield target
        return
    source = sources.load(args.source or sources.DEMO)
    head = Head(FrontEnd.from_table(source.head, Dictionary.load().instrument, f"{source.path}: [head]"), 1)
    with open_target(args.target, head, args.flash) as target:
        target.inject(sources.endless(source))
        yield target
