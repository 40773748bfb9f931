"""Constants of a board, from its `boards/NAME/constants.py`: one source for board, simulation and flashing."""

from types import SimpleNamespace
from typing import Any

from dorn.util.paths import onboard_root


def constants(board: str) -> dict[str, Any]:
    """Name -> int, tuple of int, or str. Raises FileNotFoundError for a board without constants."""
    path = onboard_root() / "boards" / board / "constants.py"
    micropython = SimpleNamespace(const=int)  # the only module that these files import
    values: dict = {"__builtins__": {"__import__": lambda *_: micropython}}
    exec(compile(path.read_text(encoding="utf-8"), path, "exec"), values)
    return {name: value for name, value in values.items() if type(value) in (int, tuple, str) and name != "__name__"}
