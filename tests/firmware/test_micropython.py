"""The firmware runs on two versions of MicroPython: 1.28.0 on the chip, and the unix port of the simulated instrument,
which reports 1.29.0-preview. Both must behave alike in everything that the firmware relies on."""

import ast

import pytest
from dorn.util.paths import onboard_root
from support import chip, micropython
from support.onboard import script

# name in tests/onboard/relied_on.py -> results on unix and on the chip
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


def test_both_micropython_versions_behave_alike(unix):
    on_chip = results(chip.run(script("relied_on")))
    assert len(unix) > 80 and list(unix) == list(on_chip)
    assert {name: (unix[name], on_chip[name]) for name in unix if unix[name] != on_chip[name]} == DIFFERENT


def test_the_firmware_converts_no_signed_number_to_or_from_octets():
    """The versions differ for `signed=`, which this test finds in the source, and negative numbers, which it cannot."""
    for folder in ("firmware", "boards"):
        for path in (onboard_root() / folder).rglob("*.py"):
            for node in ast.walk(ast.parse(path.read_text())):
                if isinstance(node, ast.Call):
                    assert "signed" not in [keyword.arg for keyword in node.keywords], f"{path}:{node.lineno}"


def test_unix_results_match_the_assumptions_of_the_firmware(unix):
    assert unix["int of hex"] == "[298, 18, -18, 18, 4294967295]"  # signs and spaces pass: segments.py checks them
    assert unix["too large for its field"] == r"b'\x00\x00\x00'"
    assert unix["folder again"] == "OSError(17,)"
    assert unix["no errno"] == "5"  # first argument of any exception, so faults.py checks the class
    assert unix["a flash that answers 30"] == "OSError(30,)"
