"""Files of packets."""

import pytest


@pytest.fixture
def packet_file(tmp_path):
    """packet_file(*pieces) -> path of a file with them."""

    def written(*pieces: bytes, name: str = "a.bin"):
        path = tmp_path / name
        path.write_bytes(b"".join(pieces))
        return path

    return written
