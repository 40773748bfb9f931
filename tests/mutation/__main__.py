"""`python tests/mutation`: makes mutants of the firmware, one change each, and reports those that no test detects.

A mutant is tested with the tests of its own file and, if it survives, with all tests of the firmware on the unix port.
The emulated Pico is not used; boards/ and the generated icd.py are not mutated. Standard output is a table and each
survivor that equivalent.toml does not list.

Exit status: 1 if the survivors exceed `--allow`, or if pytest could not judge a mutant; 2 if an argument is invalid or
a test fails on the unchanged firmware; 130 after Ctrl-C, which prints the results so far.
"""

from __future__ import annotations

import argparse
import math
import signal
import sys
import tomllib
from collections.abc import Callable, Iterator
from pathlib import Path

from dorn.errors import UserError
from dorn.targets.unix import micropython
from mutants import Mutant, every, removals, sample, sources
from report import EQUIVALENT, Report
from results import Results
from runs import ERROR
from tqdm import tqdm
from trial import SURVIVED, Copies, UnfitTests

ROOT = Path(__file__).resolve().parents[2]
LIST = Path(__file__).with_name("equivalent.toml")


def between(kind: type, low: float, high: float = math.inf) -> Callable[[str], float]:
    """Type of a numeric argument with bounds."""
    wanted = f"from {low} to {high}" if high < math.inf else f"{low} or more"

    def convert(text: str) -> float:
        try:
            value = kind(text)
        except ValueError:
            value = math.nan
        if not low <= value <= high:
            raise argparse.ArgumentTypeError(f"{text!r} is not a number {wanted}")
        return value

    return convert


def arguments() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(prog="python tests/mutation", description=__doc__.partition("\n")[0])
    add = parser.add_argument
    add("--sample", type=between(int, 1), metavar="N", help="test N mutants, drawn at random (default: all)")
    add("--seed", type=int, default=1, metavar="N", help="seed of the sample (default: %(default)s)")
    add("--only", nargs="+", metavar="PATH", default=[], help="only files of firmware/fsw whose path starts with PATH")
    add("--remove", action="store_true", help="delete statements instead of the changes of cosmic-ray")
    add("--own", action="store_true", help="run only the tests of the file, or of its folder if it has none")
    add(
        "--jobs", type=between(int, 1), default=2, metavar="N", help="mutants tested in parallel (default: %(default)s)"
    )
    add("--results", type=Path, metavar="FILE", help="reuse and append outcomes in FILE")
    add(
        "--allow",
        type=between(float, 0, 100),
        default=0.0,
        metavar="PERCENT",
        help="exit 0 with up to PERCENT survivors (default: %(default)s)",
    )
    return parser


def chosen(texts: dict[str, str], only: list[str]) -> dict[str, str]:
    """Files selected by --only, all without it. Raises UserError if a path matches no file."""
    starts = [start.removeprefix("firmware/fsw/") for start in only]
    for given, start in zip(only, starts, strict=True):
        if not any(path.startswith(start) for path in texts):
            raise UserError(f"--only {given}: no mutated file of firmware/fsw starts with it")
    return {path: text for path, text in texts.items() if not only or path.startswith(tuple(starts))}


def listed(mutant: Mutant, entries: list[dict]) -> bool:
    """Whether the mutant is in equivalent.toml, with the same file, function, and changed lines before and after."""
    of_file = [entry for entry in entries if entry["file"] == mutant.path]
    wanted = of_file and (mutant.function(), *mutant.lines())
    return any(wanted == (entry["function"], entry["was"], entry["is"]) for entry in of_file)


def tested(
    copies: Copies, mutants: Iterator[Mutant], results: Results, entries: list[dict], own: bool
) -> Iterator[tuple[Mutant, str, str]]:
    """Each mutant with its outcome and the output of pytest, in order of completion."""

    def key(mutant: Mutant) -> tuple:
        return mutant.path, mutant.digest, copies.digest, mutant.operator, mutant.number

    def outcome(mutant: Mutant) -> tuple[str, str]:
        if listed(mutant, entries):
            return EQUIVALENT, ""
        found = results.get(key(mutant))
        return (found, "") if found else copies.trial(mutant, own)

    for mutant, (found, output) in copies.each(outcome, mutants):
        # not kept: outcomes that may differ next time, or with the tests of other files
        if found not in (EQUIVALENT, ERROR) and not (own and found == SURVIVED):
            results.put(key(mutant), found)
        yield mutant, found, output


def main() -> int:
    parser = arguments()
    options = parser.parse_args()
    entries = tomllib.loads(LIST.read_text())["mutant"]
    report = Report()
    try:
        micropython()
        results = Results(options.results)
        with Copies(ROOT, options.jobs) as copies:
            texts = chosen(sources(copies.firmware), options.only)
            if not options.own:
                print("all tests on the unchanged firmware ...", file=sys.stderr)
                copies.check_others()
            make = removals if options.remove else every
            mutants = [m for item in tqdm(texts.items(), "files", leave=False) for m in make(*item)]
            n = min(options.sample or len(mutants), len(mutants))
            drawn = sample(mutants, n, options.seed)
            found = tested(copies, drawn, results, entries, options.own)
            for result in tqdm(found, "mutants", n, leave=False):
                report.add(*result)
    except UserError as error:
        parser.error(str(error))
    except UnfitTests as error:
        print(report)
        print(f"\n{error}", file=sys.stderr)
        return 2
    except KeyboardInterrupt:
        print(report)
        return 130
    print(report)
    return report.status(options.allow)


if __name__ == "__main__":
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(143))  # removes the copies and stops pytest
    sys.exit(main())
