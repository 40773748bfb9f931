"""Run a script on the emulated Pico instead of the firmware, with the firmware's modules on its file system."""

import pytest
from dorn.errors import UserError
from dorn.head.front_end import Head
from dorn.image import firmware, micropython
from dorn.image.folding import folded
from dorn.targets.rp2040 import Rp2040Target
from dorn.util.paths import onboard_root

_FILES = {}


def firmware_files():
    """The compiled files of the Pico; compiled once per test run."""
    if not _FILES:
        _FILES.update(firmware.files("pico"))
    return dict(_FILES)


def required():
    """Skip the test if there is no emulator or no image."""
    pytest.importorskip("rp2040py")
    try:
        micropython.image()
    except UserError as error:
        pytest.skip(str(error))


def open_chip(script=None, head: Head | None = None, files=None, flash=None, **options):
    """An Rp2040Target, with `script` as main.py. Without `flash`, which has an id of its own, always the same unique
    id, so that a test can be repeated. Skips the test if there is no emulator or no image."""
    required()
    files = firmware_files() if files is None else files
    if script is not None:
        files["main.py"] = folded(script).encode()
    return Rp2040Target(head, flash, files, **{"unique_id": None if flash else 1, **options})


def until_prompt(target, limit_s: float) -> bytes:
    """What the target prints until its MicroPython prompt, within `limit_s` of target time."""
    output = bytearray()

    def prompt():
        output.extend(target.receive())
        return output.endswith(b">>> ")

    target.wait_for(prompt, limit_s)
    return bytes(output)


def run(script: str, limit_s: float = 60.0, files=None) -> str:
    """Output of `script`. Raises AssertionError with its traceback if it fails."""
    with open_chip(script, files=files) as target:
        output = until_prompt(target, limit_s)
    text = output.decode(errors="replace").partition("\r\nMicroPython v")[0].replace("\r\n", "\n")
    assert "Traceback" not in text, text
    return text


def broken(path, old, new, *others):
    """Files of the Pico with one replacement in one source file. others: (path, old, new) in further files."""
    changed = {}
    for file, before, after in ((path, old, new), *others):
        root = onboard_root() if file.startswith("boards/") else onboard_root() / "firmware"
        source = (root / file).read_text()
        assert source.count(before) == 1
        changed[file] = source.replace(before, after)
    return firmware.files("pico", changed=changed)
