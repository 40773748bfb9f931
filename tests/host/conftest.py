import pytest


@pytest.fixture
def write(tmp_path):
    """write(name, text or bytes) -> path of the new file"""

    def write(name, text):
        path = tmp_path / name
        path.write_bytes(text if isinstance(text, bytes) else text.encode())
        return path

    return write
