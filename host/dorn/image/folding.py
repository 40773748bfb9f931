"""Sources made shorter for the chip: numbers in place of named constants, and short private names."""

from __future__ import annotations

import itertools
import re
import string
from functools import cache

from dorn.util.paths import onboard_root

# Modules of constants, by the name they are imported as: on the chip numbers stand in place of these constants, or each
# would take 30 octets of RAM for its name and 5 wherever it is used.
_CONSTANTS = {"icd": "fsw/icd.py", "k": "fsw/spectra/kernel.py"}
_CONSTANT = re.compile(r"^([A-Z]\w*) = const\((.*?)\)", re.MULTILINE)

# Private names, which nothing outside the firmware uses: on the chip they are a few characters long, as each takes RAM
# and, wherever it is used, room in a file. Those of MicroPython itself are left alone.
_PRIVATE = re.compile(r"\b_[a-z]\w*\b")
_MICROPYTHON_S = frozenset(("_machine", "_mpy", "_thread"))


def folded(text: str, path: str = "") -> str:
    """Source of a module, or of a script, for the chip: numbers in place of other modules' constants, and short private
    names, line by line.

    In a module of constants, `path`, they get names of which mpy-cross keeps nothing.
    """
    for alias, source in _CONSTANTS.items():
        values = _constants(source)
        names = "|".join(values)
        text = re.sub(rf"\b{alias}\.({names})\b", lambda match, values=values: values[match[1]], text)
        if path == source:
            text = re.sub(rf"\b({names})\b", r"_\1", text)
    short = _short_names()
    return _PRIVATE.sub(lambda match: short.get(match[0], match[0]), text)


@cache
def _short_names() -> dict[str, str]:
    """Private name of the firmware -> short one, which nothing else has."""
    root = onboard_root()
    sources = [*(root / "firmware" / "fsw").rglob("*.py"), *(root / "boards").rglob("*.py")]
    text = "\n".join(path.read_text() for path in sorted(sources))
    private = sorted(set(_PRIVATE.findall(text)) - _MICROPYTHON_S)
    taken = set(re.findall(r"\w+", text))
    letters = string.ascii_lowercase
    free = ("_" + "".join(pair) for pair in itertools.product(letters, letters + string.digits))
    return dict(zip(private, (name for name in free if name not in taken), strict=False))


@cache
def _constants(source: str) -> dict[str, str]:
    return dict(_CONSTANT.findall((onboard_root() / "firmware" / source).read_text()))
