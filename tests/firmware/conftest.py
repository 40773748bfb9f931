"""Tests of the firmware: of a whole instrument, and of one part alone, which run under MicroPython themselves.

The latter are the functions test_... of the files onboard_*.py, each in a process of its own.
"""

import ast

import pytest
from kept_flash import Littlefs
from support import micropython
from support.onboard import FOLDER

BLOCKS = 100


def pytest_pycollect_makemodule(module_path, parent):
    if module_path.name.startswith("onboard_"):
        return OnboardFile.from_parent(parent, path=module_path)
    return None


class OnboardFile(pytest.File):
    """A file of tests that MicroPython imports."""

    def collect(self):
        for node in ast.parse(self.path.read_text()).body:
            if isinstance(node, ast.FunctionDef) and node.name.startswith("test_"):
                yield OnboardTest.from_parent(self, name=node.name, line=node.lineno)


class OnboardTest(pytest.Item):
    def __init__(self, *, line: int, **about):
        super().__init__(**about)
        self._line = line

    def runtest(self):
        script = f"from {self.path.stem} import {self.name} as test\ntest()"
        micropython.run(script, heap_kb=1024, path=[self.path.parent, FOLDER])

    def repr_failure(self, excinfo, style=None):
        return str(excinfo.value) if excinfo.errisinstance(AssertionError) else super().repr_failure(excinfo, style)

    def reportinfo(self):
        return self.path, self._line - 1, self.name


@pytest.fixture
def flash(tmp_path):
    """A folder in the place of a flash for an instrument on the unix port; it is not there yet."""
    return tmp_path / "flash"


@pytest.fixture
def littlefs(flash):
    """A littlefs in it, whose flash can be made to fail."""
    return Littlefs(flash, BLOCKS)
