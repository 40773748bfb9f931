"""Published test data, not part of the project, in the folder named by the environment variable DORN_DATA."""

import json
import os
from pathlib import Path

import pytest


def data(*parts: str) -> Path:
    """A file or folder of the data; skips the test with a reason if it is missing."""
    folder = os.environ.get("DORN_DATA")
    if not folder:
        pytest.skip("DORN_DATA is not set")
    path = Path(folder, *parts)
    if not path.exists():
        pytest.skip(f"DORN_DATA has no {'/'.join(parts)}")
    return path


def fault(name: str) -> Path:
    """A file of the folder `faults` beside the data; skips the test with a reason if it is missing."""
    path = data().parent / "faults" / name
    if not path.exists():
        pytest.skip(f"no folder faults with {name} beside DORN_DATA")
    return path


def vectors(name: str):
    """Contents of a JSON file in the folder `framing`."""
    return json.loads(data("framing", name).read_text())
