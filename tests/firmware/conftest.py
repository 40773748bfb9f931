"""Tests of the firmware: of whole instruments, and of single components.

Tests of single components run under MicroPython: functions test_... of the files onboard_*.py, each in its own process.
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
    """Path of the flash folder for an instrument on the unix port; not created yet."""
    return tmp_path / "flash"


@pytest.fixture
def littlefs(flash):
    """A littlefs in the flash folder, whose flash can be made to fail."""
    return Littlefs(flash, BLOCKS)
