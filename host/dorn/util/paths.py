"""Paths of the instrument's files (firmware and boards), and checks of a command's output directory."""

import os
from pathlib import Path

from dorn.errors import UserError


def onboard_root() -> Path:
    """Return the folder that holds `firmware/` and `boards/`.

    An installed wheel carries them in `dorn/onboard/`; an editable checkout has them at its root.
    Raises FileNotFoundError if neither exists.
    """
    package = Path(__file__).resolve().parents[1]
    for root in (package / "onboard", package.parents[1]):
        if (root / "firmware" / "icd.toml").is_file():
            return root
    raise FileNotFoundError(f"no firmware/icd.toml in {package / 'onboard'} or {package.parents[1]}")


def check_directory(out, option="--out"):
    """Check before a long run that its files can be written. Raises UserError naming the option."""
    if not out.name and out == Path():
        raise UserError.at(option, "DIR", "is empty or the current directory", str(out))
    there = next(path for path in (out.absolute(), *out.absolute().parents) if path.exists())
    if not there.is_dir():
        raise UserError.at(option, "DIR", "not a directory", str(there))
    if not os.access(there, os.W_OK):
        raise UserError.at(option, "DIR", "cannot be written to", str(there))
