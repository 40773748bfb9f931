"""The files of the stimulus board, a second Pico (boards/stimulus)."""

from __future__ import annotations

from dorn.image import firmware
from dorn.util.paths import onboard_root

_PROCESSOR = "armv6m"


def files() -> dict[str, bytes]:
    """Path on the board's file system -> content: main.py, everything else as .mpy."""
    root = onboard_root()
    out = {}
    for path in (*sorted((root / "boards" / "stimulus").glob("*.py")), root / "boards" / "rp2" / "rings.py"):
        if path.name == "main.py":
            out["main.py"] = path.read_bytes()
        else:
            name = path.relative_to(root).with_suffix(".mpy").as_posix()
            out[name] = firmware.compile_source(path, path.read_text(encoding="utf-8"), _PROCESSOR)
    return out
