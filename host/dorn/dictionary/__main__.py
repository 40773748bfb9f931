"""`python -m dorn.dictionary`: write `fsw/icd.py` and the tables of `firmware/OPERATIONS.md`; with `--check` only say
whether they are up to date."""

import argparse
import sys

from dorn.dictionary import Dictionary, generate, manual


def main() -> int:
    parser = argparse.ArgumentParser(prog="python -m dorn.dictionary", description=__doc__)
    parser.add_argument("--check", action="store_true", help="write nothing; exit 1 if a file is out of date")
    check = parser.parse_args().check
    dictionary, status = Dictionary.load(), 0
    texts = {generate.path(): generate.generate(dictionary)}
    texts[manual.path()] = manual.filled(manual.path().read_text(encoding="utf-8"), dictionary)
    for path, text in texts.items():
        if not check:
            path.write_text(text, encoding="utf-8")
        elif not path.is_file() or path.read_text(encoding="utf-8") != text:
            print(f"{path} is out of date: run python -m dorn.dictionary")
            status = 1
    return status


if __name__ == "__main__":
    sys.exit(main())
