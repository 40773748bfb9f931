"""Studies: measurements of the instrument itself, with tables, plots and acceptance limits.

Each is a module with `study(report, short, ...)`. `short` uses fewer seeds and events; the limits are the same.
"""

from __future__ import annotations

import os
from collections.abc import Callable, Iterable, Iterator, Sequence
from concurrent.futures import ProcessPoolExecutor
from pathlib import Path
from typing import TextIO

from matplotlib.figure import Figure

from dorn.errors import UserError
from dorn.products.style import png


class Report:
    """Results of a study: printed as they come in, and saved as NAME.txt and plots in the folder `out`.

    An earlier report is replaced only when there is a first result: a study that refuses its input leaves it.
    """

    def __init__(self, name: str, out: Path):
        self.out = Path(out)
        self._name = name
        self._text: TextIO | None = None
        self._bounds: list[tuple[str, str, str, bool]] = []

    def say(self, text: str = "") -> None:
        if self._text is None:
            self._text = self._begin()
        print(text, flush=True)
        print(text, file=self._text, flush=True)

    def _begin(self) -> TextIO:
        try:
            self.out.mkdir(parents=True, exist_ok=True)
            return (self.out / f"{self._name}.txt").open("w", encoding="utf-8")
        except OSError as error:
            raise UserError.at(self.out, "directory", f"cannot be written: {error.strerror}") from None

    def _close(self) -> None:
        if self._text is not None:
            self._text.close()

    def table(self, title: str, columns: Sequence[str], rows: Iterable[Sequence[object]]) -> None:
        """Print a table: the first column left-aligned, the others right-aligned."""
        lines = [[str(cell) for cell in row] for row in (columns, *rows)]
        widths = [max(len(cell) for cell in column) for column in zip(*lines, strict=True)]
        self.say(f"\n{title}")
        for line in lines:
            first, *others = (
                cell.ljust(width) if not i else cell.rjust(width)
                for i, (cell, width) in enumerate(zip(line, widths, strict=True))
            )
            self.say("  ".join([first, *others]).rstrip())

    def bound(self, what: str, figure: str, limit: str, kept: bool) -> None:
        """Record a figure, its limit and whether the limit is kept, for the verdict of `finish`."""
        self._bounds.append((what, figure, limit, bool(kept)))

    def plot(self, name: str, figure: Figure) -> None:
        self.out.mkdir(parents=True, exist_ok=True)
        (self.out / f"{name}.png").write_bytes(png(figure))

    def abandon(self) -> None:
        """Close the report of an interrupted study, without a verdict."""
        if self._text is not None:
            self.say("\nabandoned: no verdict")
        self._close()

    def finish(self) -> bool:
        """Print all limits with their verdicts. Returns whether there are any and all are met."""
        verdicts = ("FAIL", "PASS")
        self.table(
            "acceptance limits",
            ("", "result", "limit", ""),
            [(what, figure, limit, verdicts[kept]) for what, figure, limit, kept in self._bounds],
        )
        self._close()
        return bool(self._bounds) and all(kept for *_, kept in self._bounds)


def spread(function: Callable, jobs: Iterable) -> Iterator:
    """Run `function(job)` for every job, on all cores; yield results in job order. Both must be picklable."""
    with ProcessPoolExecutor(os.cpu_count()) as pool:
        yield from pool.map(function, jobs)
