"""`python tests/requirements.py`: generates firmware/REQUIREMENTS.md from firmware/requirements.toml.

`--check` only compares them and checks that every named test exists. With `--results FILE ...`, JUnit files of pytest,
the exit status is 1 if a named test has not passed.
"""

from __future__ import annotations

import argparse
import re
import sys
import tomllib
import xml.etree.ElementTree as ElementTree
from collections.abc import Iterable
from pathlib import Path

ROOT = Path(__file__).resolve().parents[1]
TABLE, DOCUMENT = ROOT / "firmware" / "requirements.toml", ROOT / "firmware" / "REQUIREMENTS.md"
METHODS = ("test", "analysis", "inspection")
_FUNCTION = re.compile(r"^def (test_\w+)", re.MULTILINE)


def document(tables: dict) -> str:
    """The text of REQUIREMENTS.md."""
    lines = [
        "# Requirements",
        "",
        "Generated from requirements.toml by `python tests/requirements.py`: edit that file, not this one.",
        "",
    ]
    lines += ["| | requirement | rationale | method | tests |", "|---|---|---|---|---|"]
    for r in tables["requirement"]:
        lines.append(f"| {r['id']} | {r['text']} | {r['rationale']} | {_method(r)} | {_links(r['tests'])} |")
    lines += ["", "## Failure modes", ""]
    lines += ["| failure mode | detection | compensation | tests |", "|---|---|---|---|"]
    lines += [f"| {f['name']} | {f['detection']} | {f['response']} | {_links(f['tests'])} |" for f in tables["failure"]]
    return "\n".join(lines) + "\n"


def _method(requirement: dict) -> str:
    return requirement.get("method", "test")


def _links(tests: Iterable[str]) -> str:
    return "<br>".join(f"[{test.partition('::')[2]}](../{test.partition('::')[0]})" for test in tests)


def wanted(tables: dict) -> tuple[set[str], list[str]]:
    """Tests named in the tables, as FILE::FUNCTION, with `*` for all of a file; and messages about invalid entries."""
    found = set()
    wrong = [f"{r['id']}: method {_method(r)!r}" for r in tables["requirement"] if _method(r) not in METHODS]
    for entry in (*tables["requirement"], *tables["failure"]):
        for test in entry["tests"]:
            file, _, function = test.partition("::")
            defined = _FUNCTION.findall((ROOT / file).read_text()) if (ROOT / file).is_file() else []
            functions = defined if function == "*" else [function]
            if not functions or set(functions) - set(defined):
                wrong.append(f"{entry.get('id') or entry['name']}: there is no test {test}")
            found |= {f"{file}::{name}" for name in functions}
    return found, wrong


def passed(files: Iterable[Path]) -> set[str]:
    """Tests that have passed in these JUnit files, without a case that failed or was skipped."""
    good, bad = set(), set()
    for file in files:
        for case in ElementTree.parse(file).iter("testcase"):
            name = f"{case.get('classname', '').replace('.', '/')}.py::{case.get('name', '').partition('[')[0]}"
            (bad if {"failure", "error", "skipped"} & {child.tag for child in case} else good).add(name)
    return good - bad


def main() -> int:
    parser = argparse.ArgumentParser(prog="tests/requirements.py", description=__doc__.partition("\n")[0])
    parser.add_argument(
        "--check", action="store_true", help="change nothing; exit status 1 if the table or the document is wrong"
    )
    parser.add_argument(
        "--results", type=Path, nargs="+", metavar="FILE", help="JUnit files in which every named test must have passed"
    )
    args = parser.parse_args()
    tables = tomllib.loads(TABLE.read_text(encoding="utf-8"))
    text = document(tables)
    tests, wrong = wanted(tables)
    if args.results:
        wrong += [f"{test}: has not passed" for test in sorted(tests - passed(args.results))]
    elif args.check:
        if not DOCUMENT.is_file() or DOCUMENT.read_text() != text:
            wrong.append("REQUIREMENTS.md is out of date: run python tests/requirements.py")
    else:
        DOCUMENT.write_text(text)
    for line in wrong:
        print(f"requirements: {line}", file=sys.stderr)
    return bool(wrong)


if __name__ == "__main__":
    sys.exit(main())
