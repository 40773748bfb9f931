"""State shared by all browsers: the archive as played so far, and the calibration in use."""

from __future__ import annotations

from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import TYPE_CHECKING, Protocol

from dorn.analysis import calibration as calibrations
from dorn.analysis.calibration import Calibration
from dorn.live.player import Player
from dorn.products.files import write_files

if TYPE_CHECKING:
    from dorn.analysis.energy_scale import Scale

CALIBRATION = "calibration.toml"  # beside the archive


class Commander(Protocol):
    """Sends telecommands to the instrument. state: description of the link to it."""

    state: str

    def send(self, text: str) -> None:
        """Queue a telecommand, written as for `dorn tc`. Raises UserError if it is invalid."""
        ...

    def ask(self, spectra: int) -> None:
        """Queue a request for the current state of these spectra (mask)."""
        ...

    def log(self) -> list[str]:
        """The latest telecommands and their outcomes, newest first."""
        ...


@dataclass(eq=False)
class Shared:
    """title: title of the page. may_write: whether files may be written beside the archive. commander: None if there is
    no instrument. is_temporary: the archive is deleted at the end."""

    title: str
    player: Player
    calibration: Calibration
    may_write: bool = True
    commander: Commander | None = None
    is_temporary: bool = False
    lines: tuple[str, ...] = ()  # nuclides whose lines are shown at first
    scales: dict[int, Scale] = field(default_factory=dict)  # found on this page, by detector
    _kept: bytes = b""  # content of the file as written by this page

    def use(self, scales: dict[int, Scale], lines: list[str]) -> str:
        """Use these scales, and save all scales found so far beside the archive, unless a file written by others exists
        there. Returns a description of what was done. Raises UserError if the file cannot be written."""
        self.scales |= scales
        self.calibration = _with(self.calibration, scales)
        path = self.player.path.parent / CALIBRATION
        if not self.may_write:
            return "in use on this page; not saved, as the page is read-only"
        if self.is_temporary:
            return "in use on this page; not saved, as nothing is without --out DIR"
        if path.exists() and not (path.is_file() and path.read_bytes() == self._kept):
            return f"in use on this page; not saved: {path} exists and is not replaced"
        kept = self._text(lines).encode()
        write_files(path.parent, {CALIBRATION: lambda file: file.write(kept)})
        self._kept = kept
        return f"in use, and saved in {path}"

    def _text(self, lines: list[str]) -> str:
        housekeeping, path = self.player.measurement.housekeeping, str(self.player.path)
        boards = [f"{housekeeping['unique_id']:016x}"] if housekeeping else []
        about = {"command": f"dorn live {path}", "source": [path], "lines": lines, "boards": boards}
        return calibrations.text({str(n): self.scales[n] for n in sorted(self.scales)}, "code", about)


def _with(calibration: Calibration, scales: dict[int, Scale]) -> Calibration:
    """The calibration with these scales in place of those of the same detectors."""
    arrays = {name: getattr(calibration, name).copy() for name in ("kev_per_code", "zero_code", "covariance")}
    for number, scale in scales.items():
        arrays["kev_per_code"][number], arrays["zero_code"][number] = scale.kev_per_unit, scale.zero
        arrays["covariance"][number] = scale.covariance
    return replace(calibration, source="found on this page", drift=None, **arrays)


def beside(path: Path, instrument: dict) -> Calibration:
    """The calibration file beside the archive if it exists, else the default. Raises UserError if it is invalid."""
    found = path.parent / CALIBRATION
    return Calibration.load(found, instrument) if found.exists() else Calibration.default(instrument)
