"""One archive per type of packet, for readers that distinguish packets by APID only, which is the same for all."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from pathlib import Path

import numpy as np

from dorn.dictionary import Dictionary, Layout
from dorn.dictionary.columns import AllColumns
from dorn.errors import UserError
from dorn.link.archive import Archive
from dorn.products.files import write_files
from dorn.util.paths import check_directory

PACKETS = "packets"  # folder of these files


def check(out: Path, inputs: Sequence[Path | str], force: bool) -> None:
    """Raise UserError if `write` could not write its files, or would replace one of the inputs or, without `force`, any
    archive."""
    check_directory(out / PACKETS)
    there = [path for path in _paths(out) if path.exists()]
    for path in there:
        if not path.is_file():
            raise UserError.at(path, "archive", "cannot be written: not a file")
    replaced = {path.resolve() for path in there}
    for given in inputs:
        if Path(given).resolve() in replaced:
            raise UserError.at(given, "archive", "would be replaced by its own packets; give another --out")
    if there and not force:
        what = f"exists; give another --out; --force replaces all archives in {PACKETS}/"
        raise UserError.at(there[0], "archive", what)


def write(out: Path, archive: Archive) -> None:
    """Write `out`/PACKETS/NAME.ccsds for each layout among the packets: those with the length that their layout
    requires, sorted by origin and on-board time. Files of other layouts are removed. The archive must be open.
    """
    layouts = archive.dictionary.telemetry.values()
    columns = AllColumns(layouts)
    contents = {
        _name(layout): lambda file, layout=layout: file.writelines(_packets(archive, layout, columns))
        for layout in layouts
        if next(_packets(archive, layout, columns), None)
    }
    write_files(out / PACKETS, contents)
    for path in _paths(out):
        if path.name not in contents and path.is_file():
            path.unlink()


def _name(layout: Layout) -> str:
    return f"{layout.name}.ccsds"


def _paths(out: Path) -> list[Path]:
    return [out / PACKETS / _name(layout) for layout in Dictionary.load().telemetry.values()]


def _packets(archive: Archive, layout: Layout, columns: AllColumns) -> Iterator[bytes]:
    for part in archive.parts({layout.kind}):
        octets = np.frombuffer(part.data, np.uint8)
        of, _ = columns.of(layout.name, part.index["kind"], octets, part.starts, part.ends)
        starts, ends = part.starts[of].tolist(), part.ends[of].tolist()
        yield from (part.data[start:end] for start, end in zip(starts, ends, strict=True))
