"""Files in a folder and below it: all written under temporary names first, then renamed."""

from __future__ import annotations

import contextlib
import csv
import io
import os
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from errno import EISDIR
from itertools import islice
from pathlib import Path
from typing import BinaryIO

from dorn.errors import UserError

Write = Callable[[BinaryIO], object]  # writes the content of a file
_ROWS = 1024  # rows of a table written at once


def table(rows: Iterable[Sequence]) -> Write:
    """A CSV file with these rows, written a number of rows at a time."""
    return lambda file: file.writelines(_pieces(iter(rows)))


def _pieces(rows: Iterator[Sequence]) -> Iterator[bytes]:
    while some := list(islice(rows, _ROWS)):
        text = io.StringIO()
        csv.writer(text, lineterminator="\n").writerows(some)
        yield text.getvalue().encode()


def write_files(out: Path | str, contents: Mapping[str, Write]) -> None:
    """Write files into the directory `out`, created if necessary, under their names, which may include folders. Raises
    UserError if that fails; if one cannot be written, existing files are unchanged, and new folders are removed."""
    out = Path(out)
    parts = {name: (out / name).parent / f".{Path(name).name}.part" for name in contents}
    created: list[Path] = []
    try:
        for folder in {out: None, **{path.parent: None for path in parts.values()}}:
            created += [path for path in (*reversed(folder.parents), folder) if not path.exists()]
            folder.mkdir(parents=True, exist_ok=True)
        for name in contents:
            if (out / name).is_dir():
                raise IsADirectoryError(EISDIR, f"{name} is a directory")
        for name, write in contents.items():
            with parts[name].open("w+b") as file:  # some libraries read what they have written
                write(file)
        for name in contents:
            os.replace(parts[name], out / name)
    except OSError as error:
        raise UserError.at(out, "directory", f"cannot be written: {error.strerror}") from None
    finally:
        for part in parts.values():
            if part.parent.is_dir():
                part.unlink(missing_ok=True)
        for folder in reversed(created):
            with contextlib.suppress(OSError):  # it has files, as it should
                folder.rmdir()
