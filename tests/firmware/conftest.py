"""Tests of the firmware: of a whole instrument, and of one part alone, which run under MicroPython themselves.

The latter are the functions test_... of the files onboard_*.py, each in a process of its own.
"""

import pytest
from kept_flash import Littlefs
from support.onboard import OnboardFile

BLOCKS = 100


def pytest_pycollect_makemodule(module_path, parent):
    if module_path.name.startswith("onboard_"):
        return OnboardFile.from_parent(parent, path=module_path)
    return None


@pytest.fixture
def flash(tmp_path):
    """A folder in the place of a flash for an instrument on the unix port; it is not there yet."""
    return tmp_path / "flash"


@pytest.fixture
def littlefs(flash):
    """A littlefs in it, whose flash can be made to fail."""
    return Littlefs(flash, BLOCKS)
