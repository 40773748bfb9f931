"""Folding of the firmware's sources yields an equivalent program."""

import ast

import pytest
from dorn.image import firmware, folding
from dorn.util.paths import onboard_root
from support.instrument import instrument

FIRMWARE = onboard_root() / "firmware"
SOURCES = sorted((FIRMWARE / "fsw").rglob("*.py"))


def shape(text):
    """Type and line of every node except those that folding replaces or leaves out."""
    # a constant becomes its value; an import of constants only is left out
    numbers = (ast.Attribute, ast.Constant, ast.Load, ast.Name, ast.ImportFrom, ast.alias)
    tree = ast.parse(text)
    return [(type(n).__name__, getattr(n, "lineno", 0)) for n in ast.walk(tree) if not isinstance(n, numbers)]


@pytest.mark.parametrize("path", SOURCES, ids=lambda path: path.stem)
def test_folding_keeps_statements_and_lines(path):
    text = path.read_text()
    new = folding.folded(text, path.relative_to(FIRMWARE).as_posix())
    assert sorted(shape(new)) == sorted(shape(text))


def test_the_folded_firmware_runs(tmp_path):
    files = firmware.files("unix")
    for path in files:
        if path.startswith("fsw/") and path != "fsw/icd.py":  # files that are not folded on unix use its names
            files[path] = folding.folded(files[path].decode()).encode()
    with instrument("unix", tmp_path, files) as i:
        i.set_parameters(threshold_3=1234, storage_delay=1)
        i.start()
        i.advance(12)
        i.stop()
        assert i.housekeeping.fields["task_failures"] == 0
        i.function("self_test")
        assert i.events("task_failed") == []


def test_an_import_of_constants_is_left_out_unless_something_else_of_the_module_is_used():
    first, second = "from fsw.spectra import kernel as k\n", "from fsw import icd, memory\n"
    assert folding.folded(first + second + "a = k.READ + icd.APID\n").splitlines()[:2] == ["", "from fsw import memory"]
    assert folding.folded(first + "k.sort()\n").splitlines()[0] == first.rstrip()
    assert folding.folded(second + "b = icd.RATES\n").splitlines()[0] == second.rstrip()
    assert folding.folded(first + "def f(k):\n    return k.READ\n").splitlines()[0] == ""


def test_parameters_of_assembler_functions_are_kept():
    text = "import micropython\n\n\n@micropython.asm_thumb\ndef f(r0, r1):\n    add(r0, r0, r1)\n"
    assert folding.folded(text) == text


def test_a_constant_in_an_f_string_is_rejected():
    with pytest.raises(ValueError, match="icd"):
        folding.folded('def f(value):\n    return f"{icd.APID} {value}"\n')


def test_names_used_in_a_call_or_an_f_string_are_kept():
    text = 'def f(value, named, other):\n    return f"{other}{value}" if named else f(value, named=1)\n'
    new = folding.folded(text.replace("{value}", ""))
    assert "f(A, named, other)" in new and "{other}" in new and "value" not in new
