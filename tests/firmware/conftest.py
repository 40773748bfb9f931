"""A flash for an instrument on the unix port."""

import pytest
from kept_flash import Littlefs

BLOCKS = 100


@pytest.fixture
def flash(tmp_path):
    """A folder in its place, which is not there yet."""
    return tmp_path / "flash"


@pytest.fixture
def littlefs(flash):
    """A littlefs in it, whose flash can be made to fail."""
    return Littlefs(flash, BLOCKS)
