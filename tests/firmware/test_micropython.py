"""The two versions of MicroPython that the firmware meets: 1.28.0 on the chip, and the unix port of the simulated
instrument, which calls itself 1.29.0-preview. What the firmware relies on is the same on both."""

import ast

import pytest
from dorn.util.paths import onboard_root
from support import chip, micropython
from support.onboard import script

# name in tests/onboard/relied_on.py -> what it gives on either
DIFFERENT = {
    "version": ("(1, 29, 0, 'preview')", "(1, 28, 0, '')"),  # README.md names them
    "negative to octets": ("OverflowError''", r"b'\xff\xff'"),
    "signed to octets": (r"b'\xff\xff'", "TypeError''"),
}


def results(text):
    return dict(line.split(": ", 1) for line in text.splitlines())


@pytest.fixture(scope="module")
def unix():
    return results(micropython.run(script("relied_on")))


def test_what_the_firmware_relies_on_is_the_same_on_the_unix_port_and_on_the_chip(unix):
    on_chip = results(chip.run(script("relied_on")))
    assert len(unix) > 80 and list(unix) == list(on_chip)
    assert {name: (unix[name], on_chip[name]) for name in unix if unix[name] != on_chip[name]} == DIFFERENT


def test_the_firmware_converts_no_signed_number_to_or_from_octets():
    """Of what differs, `signed=` can be seen in the text; struct.pack does that. A negative number cannot."""
    for folder in ("firmware", "boards"):
        for path in (onboard_root() / folder).rglob("*.py"):
            for node in ast.walk(ast.parse(path.read_text())):
                if isinstance(node, ast.Call):
                    assert "signed" not in [keyword.arg for keyword in node.keywords], f"{path}:{node.lineno}"


def test_unix_results_are_those_that_the_firmware_was_written_for(unix):
    assert unix["int of hex"] == "[298, 18, -18, 18, 4294967295]"  # signs and spaces: segments.py looks for itself
    assert unix["too large for its field"] == r"b'\x00\x00\x00'"
    assert unix["folder again"] == "OSError(17,)"
    assert unix["no errno"] == "5"  # of any exception it is the first argument: faults.py looks at the class
    assert unix["a flash that answers 30"] == "OSError(30,)"
