"""The files of the stimulus board, a second Pico (boards/stimulus)."""

from __future__ import annotations

from dorn.image import firmware
from dorn.util.paths import onboard_root

_PROCESSOR = "armv6m"


def files() -> dict[str, bytes]:
    """Path on the board's file system -> content: main.py, everything else as .mpy."""
    root = onboard_root()
    boards = root / "boards"
    paths = {path.relative_to(root).with_suffix(".mpy").as_posix(): path for path in (boards / "stimulus").glob("*.py")}
    main = paths.pop("boards/stimulus/main.mpy")
    paths["boards/rp2/rings.mpy"] = boards / "rp2" / "rings.py"
    paths["boards/constants.mpy"] = boards / "pico" / "constants.py"  # those of the instrument
    texts = {name: firmware.compile_source(path, path.read_text(), _PROCESSOR) for name, path in paths.items()}
    return {"main.py": main.read_bytes(), **texts}
