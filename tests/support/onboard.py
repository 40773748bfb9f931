"""Tests that run under MicroPython: functions test_... of files onboard_*.py, with shared modules in tests/onboard."""

import ast
from pathlib import Path

import pytest

from support import micropython

FOLDER = Path(__file__).parents[1] / "onboard"
_FUNCTIONS = (ast.FunctionDef, ast.AsyncFunctionDef, ast.Lambda)
_END = "test completed"  # printed at the end: sys.exit(0) in a test is not a success


def script(name: str) -> str:
    """The text of a script in tests/onboard."""
    return (FOLDER / f"{name}.py").read_text()


class OnboardFile(pytest.File):
    """A file of tests that MicroPython imports. Raises CollectError for a test that would never run."""

    def collect(self):
        module = ast.parse(self.path.read_text())
        names = set()
        for node in ast.walk(module):
            if isinstance(node, _FUNCTIONS[:2]) and node.name.startswith("test_"):
                if fault := _fault(node, module, names):
                    raise self.CollectError(f"{self.path}:{node.lineno}: {node.name} {fault}")
                names.add(node.name)
                yield OnboardTest.from_parent(self, name=node.name, line=node.lineno)


def _fault(test, module, names):
    """The reason why a test would not run, or None."""
    if test not in module.body:
        return "is not at top level"
    if test.name in names:
        return "is defined twice"
    if isinstance(test, ast.AsyncFunctionDef) or _yields(test):
        return "is a generator"
    return "takes arguments" if ast.unparse(test.args) else None


def _yields(node):
    return any(
        isinstance(child, ast.Yield | ast.YieldFrom) or (not isinstance(child, _FUNCTIONS) and _yields(child))
        for child in ast.iter_child_nodes(node)
    )


class OnboardTest(pytest.Item):
    """One test, in its own MicroPython process."""

    def __init__(self, *, line: int, **about):
        super().__init__(**about)
        self._line = line

    def runtest(self):
        text = f"from {self.path.stem} import {self.name} as test\ntest()\nprint({_END!r})"
        printed = micropython.run(text, heap_kb=1024, path=[self.path.parent, FOLDER])
        if not printed.endswith(_END + "\n"):
            raise AssertionError(f"test ended early, without an exception\n{printed}")

    def repr_failure(self, excinfo, style=None):
        return str(excinfo.value) if excinfo.errisinstance(AssertionError) else super().repr_failure(excinfo, style)

    def reportinfo(self):
        return self.path, self._line - 1, self.name
