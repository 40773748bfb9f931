"""A board on a port, and what is written to it."""

from types import SimpleNamespace

import pytest
from mpremote.transport_serial import SerialTransport
from support.chip import firmware_files
from support.desk import desk


@pytest.fixture(scope="module")
def board():
    """One that has the firmware: what a test leaves on it is flashed over."""
    with desk(firmware_files()) as board:
        board.housekeeping(starting=True)
        yield board


@pytest.fixture
def written(monkeypatch):
    """The paths that are written, in order; `written.fail(n, error)`: the n-th fails in its middle."""
    paths = []
    state = SimpleNamespace(paths=paths, at=None)
    whole = SerialTransport.fs_writefile

    def fail(n, action):
        paths.clear()
        state.at, state.action = n, action

    def write(self, path, content, **options):
        if len(paths) == state.at:
            state.at = None
            self.exec(f"f=open({path!r},'wb')\nf.write(b'half')")
            state.action()
        paths.append(path)
        return whole(self, path, content, **options)

    state.fail = fail
    monkeypatch.setattr(SerialTransport, "fs_writefile", write)
    return state
