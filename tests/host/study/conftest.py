import pytest
from support import chip


@pytest.fixture
def emulator():
    """Skips without an emulator or image."""
    chip.required()
