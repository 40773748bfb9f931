"""`python -m dorn.exports`: write all committed files generated from `firmware/icd.toml`: `fsw/icd.py`, the tables of
`firmware/OPERATIONS.md`, and the exports; with `--check`, only report whether they are up to date."""

import argparse
import sys
from pathlib import Path

from dorn import exports
from dorn.dictionary import Dictionary
from dorn.errors import UserError
from dorn.exports import generate, manual


def main() -> int:
    parser = argparse.ArgumentParser(prog="python -m dorn.exports", description=__doc__)
    parser.add_argument("--check", action="store_true", help="write nothing; exit status 1 if a file is out of date")
    check = parser.parse_args().check
    try:
        return _write(check)
    except UserError as error:
        print(f"dorn.exports: {error}", file=sys.stderr)
        return 2


def _write(check: bool) -> int:
    dictionary, status = Dictionary.load(), 0
    texts: dict[Path, str | None] = {path: None for path in exports.folder().rglob("*.*")}  # None: no longer generated
    texts |= {exports.folder() / name: text for name, text in exports.files(dictionary).items()}
    texts[generate.path()] = generate.generate(dictionary)
    texts[manual.path()] = manual.filled(manual.path().read_text(encoding="utf-8"), dictionary)
    for path, text in texts.items():
        there = path.read_text(encoding="utf-8") if path.is_file() else None
        if there == text:
            continue
        if check:
            print(f"{path} is out of date: run python -m dorn.exports")
            status = 1
            continue
        print(path)
        if text is None:
            path.unlink()
        else:
            path.parent.mkdir(parents=True, exist_ok=True)
            path.write_text(text, encoding="utf-8")
    return status


if __name__ == "__main__":
    sys.exit(main())
