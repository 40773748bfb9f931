"""The files of the stimulus board, a second Pico (boards/stimulus)."""

from __future__ import annotations

from functools import cache

from dorn.image import firmware
from dorn.util.paths import onboard_root

BOARD = "stimulus"  # for `dorn flash --board`
CHIP = "pico"  # the board it is: its constants are those of the instrument
_PROCESSOR = "armv6m"


def files() -> dict[str, bytes]:
    """Path on the board's file system -> content: main.py, the manifest, everything else as .mpy."""
    root = onboard_root()
    boards = root / "boards"
    paths = {path.relative_to(root).with_suffix(".mpy").as_posix(): path for path in (boards / BOARD).glob("*.py")}
    main = paths.pop("boards/stimulus/main.mpy")
    paths["boards/constants.mpy"] = boards / CHIP / "constants.py"
    texts = {name: firmware.compile_source(path, path.read_text(), _PROCESSOR) for name, path in paths.items()}
    out = {"main.py": main.read_bytes(), **texts}
    out[firmware.MANIFEST] = firmware.manifest(BOARD, [], out)
    return out


@cache
def manifest_id() -> int:
    """The manifest id that a stimulus board with these files answers to `identity`."""
    return firmware.id_of(files()[firmware.MANIFEST])
