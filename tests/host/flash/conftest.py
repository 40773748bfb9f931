"""An emulated board on a port, and the list of files written to it."""

from types import SimpleNamespace

import pytest
from mpremote.transport_serial import SerialTransport
from support.chip import firmware_files
from support.desk import desk


@pytest.fixture(scope="module")
def board():
    """A board with the firmware. Each test flashes over whatever the previous one left."""
    with desk(firmware_files()) as board:
        board.housekeeping(starting=True)
        yield board


@pytest.fixture
def written(monkeypatch):
    """`paths` written, in order. `fail(n, action)`: call the action halfway through the write of paths[n]."""
    paths = []
    state = SimpleNamespace(paths=paths, at=None)
    original = SerialTransport.fs_writefile

    def fail(n, action):
        paths.clear()
        state.at, state.action = n, action

    def write(self, path, content, **options):
        if len(paths) == state.at:
            state.at = None
            self.exec(f"f=open({path!r},'wb')\nf.write(b'half')")
            state.action()
        paths.append(path)
        return original(self, path, content, **options)

    state.fail = fail
    monkeypatch.setattr(SerialTransport, "fs_writefile", write)
    return state
