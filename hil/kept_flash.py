"""The firmware under the unix port on its own littlefs, whose flash can be made to fail."""

from __future__ import annotations

import contextlib
from collections.abc import Iterator
from pathlib import Path

from dorn.image import firmware
from dorn.session.instrument import Instrument
from dorn.targets.unix import UnixTarget

BLOCK = 4096
FLASH = "/littlefs"  # where it is mounted
_MAIN = Path(__file__).parent / "campaigns" / "onboard" / "kept_flash.py"


class Littlefs:
    """A flash of `blocks` blocks, stored in a folder."""

    def __init__(self, folder: Path, blocks: int):
        self._folder = folder
        folder.mkdir()
        (folder / "image").write_bytes(b"\xff" * BLOCK * blocks)
        self.fail(0)

    def fail(self, errno: int) -> None:
        """From now on, every erase and program fails with `errno`; 0: they succeed."""
        (self._folder / "errno").write_text(str(errno))

    @property
    def operations(self) -> int:
        """Erases and programs since the last start."""
        return int((self._folder / "operations").read_text())

    @contextlib.contextmanager
    def instrument(self, before: str = "") -> Iterator[Instrument]:
        """An instrument, connected. before: code that MicroPython runs in FLASH before it starts the firmware."""
        files = firmware.files("unix")
        files["firmware_main.py"] = files["main.py"]
        files["main.py"] = _MAIN.read_text().replace("import firmware_main", before + "\nimport firmware_main").encode()
        with UnixTarget(flash=self._folder, files=files) as target:
            i = Instrument(target)
            i.connect()
            yield i
