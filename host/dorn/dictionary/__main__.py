"""`python -m dorn.dictionary`: write `fsw/icd.py`; with `--check` only say whether it is up to date."""

import argparse
import sys

from dorn.dictionary import Dictionary, generate


def main() -> int:
    parser = argparse.ArgumentParser(prog="python -m dorn.dictionary", description=__doc__)
    parser.add_argument("--check", action="store_true", help="write nothing; exit 1 if the file is out of date")
    check = parser.parse_args().check
    text, path = generate.generate(Dictionary.load()), generate.path()
    if not check:
        path.write_text(text, encoding="utf-8")
    elif not path.is_file() or path.read_text(encoding="utf-8") != text:
        print(f"{path} is out of date: run python -m dorn.dictionary")
        return 1
    return 0


if __name__ == "__main__":
    sys.exit(main())
