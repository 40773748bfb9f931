"""`python tests/mutation`: changes the firmware, one change at a time, and counts the changes that no test notices.

Each mutant meets the test files of its own file first, and all tests of the firmware on the unix port if it survives
them. The emulated Pico is left out. A table goes to standard output, and each survivor that equivalent.toml does not
list; exit status 1 if there are more of them than `--allow` says.
"""

from __future__ import annotations

import argparse
import collections
import json
import sys
import tomllib
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

from mutants import ROOT, Mutant, digest, every, files, removals, sample
from tqdm import tqdm
from trial import SURVIVED, Copies

EQUIVALENT = Path(__file__).parent / "equivalent.toml"


def listed(mutant: Mutant, entries: list[dict]) -> bool:
    """Whether the list of equivalent mutants has it: by file, function, and the changed lines, before and after."""
    wanted = (mutant.path, mutant.function(), *mutant.lines())
    return any(wanted == (e["file"], e["function"], e["was"], e["is"]) for e in entries)


def chosen(options: argparse.Namespace) -> list[Mutant]:
    paths = [path for path in files() if not options.only or path.startswith(tuple(options.only))]
    if not paths:
        sys.exit(f"--only: no file of firmware/fsw begins with {', '.join(options.only)}")
    mutants = list(removals(paths) if options.remove else every(paths))
    return list(sample(mutants, options.sample or len(mutants), options.seed))


class Results:
    """What became of each mutant, in a file that goes on where it was interrupted. It is void once its file, or a test,
    has changed: leave the file away then."""

    def __init__(self, path: Path | None):
        self._path = path
        self._found = {}
        if path and path.exists():
            for line in path.read_text().splitlines():
                *key, outcome = json.loads(line)
                self._found[tuple(key)] = outcome

    def get(self, mutant: Mutant) -> str | None:
        return self._found.get(self._key(mutant))

    def put(self, mutant: Mutant, outcome: str) -> None:
        self._found[self._key(mutant)] = outcome
        if self._path:
            with self._path.open("a") as file:
                file.write(json.dumps([*self._key(mutant), outcome]) + "\n")

    @staticmethod
    def _key(mutant: Mutant) -> tuple:
        return mutant.path, digest(mutant.path), mutant.operator, mutant.number


def table(rows: dict[str, collections.Counter]) -> str:
    """Markdown: a line for each folder, and one for all."""
    lines = ["| | mutants | equivalent | killed by the file's own tests | by others | survived | killed |"]
    lines += ["|---|---|---|---|---|---|---|"]
    total = sum(rows.values(), collections.Counter())
    for name, row in [*sorted(rows.items()), ("all", total)]:
        n = row.total()
        counted = n - row["equivalent"]
        killed = row["own"] + row["others"]
        percent = f"{100 * killed / counted:.1f} %" if counted else ""
        lines.append(
            f"| {name} | {n} | {row['equivalent']} | {row['own']} | {row['others']} | {row[SURVIVED]} | {percent} |"
        )
    return "\n".join(lines)


def main() -> int:
    parser = argparse.ArgumentParser(prog="python tests/mutation", description=__doc__.partition("\n")[0])
    parser.add_argument("--sample", type=int, metavar="N", help="so many mutants, drawn at random (default: all)")
    parser.add_argument("--seed", type=int, default=1, help="of the drawing (default: %(default)s)")
    parser.add_argument("--only", nargs="+", metavar="PATH", help="files of firmware/fsw that begin so, as store/slots")
    parser.add_argument(
        "--remove", action="store_true", help="leave statements out, instead of what cosmic-ray changes"
    )
    parser.add_argument("--own", action="store_true", help="only the tests of the file itself")
    parser.add_argument("--jobs", type=int, default=2, metavar="N", help="at a time (default: %(default)s)")
    parser.add_argument("--results", type=Path, metavar="FILE", help="kept there, and not found out again")
    parser.add_argument(
        "--allow", type=float, default=0.0, metavar="PERCENT", help="of survivors (default: %(default)s)"
    )
    options = parser.parse_args()
    entries = tomllib.loads(EQUIVALENT.read_text()).get("mutant", [])
    mutants, results = chosen(options), Results(options.results)
    rows, survivors = collections.defaultdict(collections.Counter), []
    with Copies(ROOT, options.jobs) as copies, ThreadPoolExecutor(options.jobs) as pool:

        def outcome(mutant: Mutant) -> str:
            if listed(mutant, entries):
                return "equivalent"
            found = results.get(mutant)
            if found is None:
                found = copies.trial(mutant, options.own)
                results.put(mutant, found)
            return found

        copies.check(sorted({mutant.path for mutant in mutants}))
        for mutant, found in zip(
            mutants, tqdm(pool.map(outcome, mutants), total=len(mutants), leave=False), strict=True
        ):
            rows[mutant.path.rpartition("/")[0] or "fsw"][found] += 1
            if found == SURVIVED:
                survivors.append(mutant)
    print(table(rows))
    for mutant in survivors:
        was, now = mutant.lines()
        print(f"\n{mutant.path} {mutant.function()}\n- {was}\n+ {now}")
    counted = sum(row.total() - row["equivalent"] for row in rows.values())
    return int(100 * len(survivors) > options.allow * counted)


if __name__ == "__main__":
    sys.exit(main())
