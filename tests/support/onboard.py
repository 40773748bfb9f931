"""Scripts that tests run under MicroPython: the files of tests/onboard."""

from pathlib import Path

FOLDER = Path(__file__).parents[1] / "onboard"


def script(name: str) -> str:
    """The text of a script."""
    return (FOLDER / f"{name}.py").read_text()
