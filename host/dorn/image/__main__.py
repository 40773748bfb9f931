"""`python -m dorn.image BOARD DIR`: write the firmware's files into DIR, to be copied onto a board."""

import sys
from pathlib import Path

from dorn.errors import UserError
from dorn.image import firmware


def main() -> None:
    if len(sys.argv) != 3:
        raise UserError("expected a board and a directory")
    board, folder = sys.argv[1:]
    for path, content in firmware.files(board).items():
        target = Path(folder) / path
        target.parent.mkdir(parents=True, exist_ok=True)
        target.write_bytes(content)


if __name__ == "__main__":
    try:
        main()
    except (UserError, OSError) as error:
        sys.exit(f"usage: python -m dorn.image BOARD DIR: {error}")
