"""Report of a run: a table of outcomes, the survivors, and the mutants that pytest could not judge."""

from __future__ import annotations

import collections

from mutants import Mutant
from runs import ERROR, TIMED_OUT
from trial import OTHERS, OWN, SURVIVED

EQUIVALENT = "equivalent"
COLUMNS = {
    EQUIVALENT: "equivalent",
    OWN: "killed by the file's own tests",
    OTHERS: "by others",
    TIMED_OUT: "timed out",
    SURVIVED: "survived",
    ERROR: "error",
}


class Report:
    """Number of mutants by folder and outcome, and details of survivors and errors."""

    def __init__(self):
        self._rows = collections.defaultdict(collections.Counter)
        self._survivors, self._errors = [], []

    def add(self, mutant: Mutant, outcome: str, output: str) -> None:
        self._rows[mutant.path.rpartition("/")[0] or "fsw"][outcome] += 1
        if outcome == SURVIVED:
            self._survivors.append(mutant)
        elif outcome == ERROR:
            self._errors.append((mutant, output))

    def __str__(self) -> str:
        """Markdown table with a line per folder and a total, followed by survivors and errors."""
        lines = [f"| | mutants | {' | '.join(COLUMNS.values())} | detected |", "|---" * (len(COLUMNS) + 3) + "|"]
        total = sum(self._rows.values(), collections.Counter())
        for name, row in [*sorted(self._rows.items()), ("all", total)]:
            judged = _judged(row)
            detected = f"{100 * (judged - row[SURVIVED]) / judged:.1f} %" if judged else ""
            lines.append(
                f"| {' | '.join(map(str, [name, row.total(), *(row[column] for column in COLUMNS), detected]))} |"
            )
        lines += [_diff(mutant) for mutant in sorted(self._survivors, key=_place)]
        lines += [f"{_diff(mutant)}\n{ERROR}:\n{output}" for mutant, output in self._errors]
        return "\n".join(lines)

    def status(self, allowed_percent: float) -> int:
        judged = sum(map(_judged, self._rows.values()))
        return int(bool(self._errors) or 100 * len(self._survivors) > allowed_percent * judged)


def _judged(row: collections.Counter) -> int:
    return row.total() - row[EQUIVALENT] - row[ERROR]


def _place(mutant: Mutant) -> tuple:
    return mutant.path, mutant.line, mutant.operator, mutant.number


def _diff(mutant: Mutant) -> str:
    was, now = (text.replace("\n", f"\n{sign} ") for text, sign in zip(mutant.lines(), "-+", strict=True))
    return f"\n{mutant.path} {mutant.function()}\n- {was}\n+ {now}"
