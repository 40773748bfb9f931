"""Firmware sources for a chip, where every name takes RAM: constants are replaced by numbers, names are shortened.

Text is replaced token by token, so line numbers do not change: an event report gives the line at which a task failed.
"""

from __future__ import annotations

import ast
import io
import itertools
import re
import string
import tokenize
from collections.abc import Iterator
from functools import cache

from dorn.image.constants import constants
from dorn.util.paths import onboard_root

# Modules of constants, by the name under which they are imported. For the chip, numbers replace these constants, each
# of which would take 30 octets of RAM for its name and 5 per use.
_CONSTANTS = {"icd": "fsw/icd.py", "k": "fsw/spectra/kernel.py"}
_PRIVATE = re.compile(r"_[a-z]\w*")
_MICROPYTHON_S = frozenset(("_machine", "_mpy", "_thread"))


@cache
def folded(text: str, path: str = "") -> str:
    """Source of a module, or of a script, for the chip.

    Constants of other modules become numbers, and an import that is then without use is left out. Private names (not
    used outside the firmware), constants of a board, and parameters that no call of the firmware passes by keyword are
    shortened to a few characters, except in f-strings, because an f-string is one token. In a module of constants,
    `path`, the constants get names that mpy-cross does not store.
    """
    tokens = list(tokenize.generate_tokens(io.StringIO(text).readline))
    own = _constants(path) if path in _CONSTANTS.values() else {}
    short, parameters = _short_names(), _parameters(text)
    edits = list(_numbers(tokens))  # (start, end, text)
    edits += _imports(ast.parse(text), {start for start, _, _ in edits})
    for token in tokens:
        if token.type == tokenize.NAME:
            new = "_" + token.string if token.string in own else short.get(token.string)
            new = parameters.get(token.start, new)
            if new is not None:
                edits.append((token.start, token.end, new))
    lines = text.splitlines(keepends=True)
    for (line, start), (_, end), new in sorted(edits, reverse=True):
        lines[line - 1] = lines[line - 1][:start] + new + lines[line - 1][end:]
    return "".join(lines)


def _numbers(tokens: list[tokenize.TokenInfo]) -> Iterator[tuple]:
    """Edits that replace each constant of another module with its number."""
    for alias, dot, name in zip(tokens, tokens[1:], tokens[2:], strict=False):
        if alias.string in _CONSTANTS and dot.string == ".":
            value = _constants(_CONSTANTS[alias.string]).get(name.string)
            if value is not None:
                yield alias.start, name.end, value


def _imports(tree: ast.Module, replaced: set[tuple[int, int]]) -> Iterator[tuple]:
    """Edits that leave out imports of modules whose every use was replaced with a number."""
    used = {n.id for n in ast.walk(tree) if isinstance(n, ast.Name) and (n.lineno, n.col_offset) not in replaced}
    for node in tree.body:
        if isinstance(node, ast.ImportFrom):
            kept = [one for one in node.names if (one.asname or one.name) in used or not _of_constants(node, one)]
            if len(kept) < len(node.names) and node.lineno == node.end_lineno:
                text = ast.unparse(ast.ImportFrom(node.module, kept, 0)) if kept else ""
                yield (node.lineno, node.col_offset), (node.lineno, node.end_col_offset), text


def _of_constants(node: ast.ImportFrom, one: ast.alias) -> bool:
    path = f"{node.module}.{one.name}".replace(".", "/") + ".py"
    return _CONSTANTS.get(one.asname or one.name) == path


@cache
def _constants(path: str) -> dict[str, str]:
    """NAME = const(VALUE) of a module: names without a leading underscore -> VALUE."""
    found = {}
    for node in ast.parse((onboard_root() / "firmware" / path).read_text()).body:
        match node:
            case ast.Assign([ast.Name(name)], ast.Call(ast.Name("const"), [number])) if name[0] != "_":
                found[name] = ast.unparse(number)
    return found


@cache
def _sources() -> tuple[str, ...]:
    root = onboard_root()
    boards = [path for path in (root / "boards").rglob("*.py") if path.parent.name != "stimulus"]  # not of the firmware
    paths = [*(root / "firmware" / "fsw").rglob("*.py"), *boards]
    return tuple(path.read_text() for path in sorted(paths))


@cache
def _short_names() -> dict[str, str]:
    """Private name of the firmware, or name of a board's constant -> unused short name."""
    taken, kept = set(), set(_MICROPYTHON_S)
    for text in _sources():
        tokens = tokenize.generate_tokens(io.StringIO(text).readline)
        taken |= {token.string for token in tokens if token.type == tokenize.NAME}
        kept |= _in_f_strings(ast.parse(text))
    private = {name for name in taken - kept if _PRIVATE.fullmatch(name)}
    out = {}
    # a constant whose name begins with an underscore would not be visible to other modules
    for first, names in (("_", private), ("K", _board_constants() - kept)):
        pairs = itertools.product(string.ascii_lowercase, string.ascii_lowercase + string.digits)
        free = (name for pair in pairs for name in ["".join((first, *pair))] if name not in taken)
        out |= dict(zip(sorted(names), free, strict=False))
    return out


def _board_constants() -> set[str]:
    """Names of the boards' constants that no module of MicroPython has."""
    boards = [path.parent.name for path in (onboard_root() / "boards").glob("*/constants.py")]
    return {name for board in boards for name in constants(board) if "_" in name}


@cache
def _keywords() -> frozenset[str]:
    """Names of arguments that the firmware passes by keyword."""
    return frozenset().union(*(_keywords_in(ast.parse(text)) for text in _sources()))


def _keywords_in(tree: ast.AST) -> set[str]:
    return {node.arg for node in ast.walk(tree) if isinstance(node, ast.keyword) and node.arg}


def _parameters(text: str) -> dict[tuple[int, int], str]:
    """(line, column) of every function parameter to shorten, and of its uses -> a letter."""
    tree = ast.parse(text)
    out, keywords = {}, _keywords() | _keywords_in(tree)
    for function in ast.walk(tree):
        if isinstance(function, ast.FunctionDef) and not _in_assembler(function):
            arguments = _arguments(function)
            uses = [node for node in ast.walk(function) if isinstance(node, ast.Name)]
            names = {argument.arg for argument in arguments} - keywords - _kept(function)
            taken = {node.id for node in uses} | {argument.arg for argument in arguments}
            letters = iter(sorted(set(string.ascii_letters) - taken))
            short = dict(zip((a.arg for a in arguments if a.arg in names and len(a.arg) > 1), letters, strict=False))
            for node in [*arguments, *uses]:
                name = node.arg if isinstance(node, ast.arg) else node.id
                if name in short:
                    out[node.lineno, node.col_offset] = short[name]
    return out


def _in_assembler(function: ast.FunctionDef) -> bool:
    """Whether its parameters are registers."""
    return any(ast.unparse(decorator) == "micropython.asm_thumb" for decorator in function.decorator_list)


def _arguments(function: ast.FunctionDef | ast.Lambda) -> list[ast.arg]:
    a = function.args
    return [*a.posonlyargs, *a.args, *a.kwonlyargs, *filter(None, (a.vararg, a.kwarg))]


def _kept(function: ast.FunctionDef) -> set[str]:
    """Names to leave unchanged in a function: those of nested functions and those in f-strings."""
    kept = _in_f_strings(function)
    for node in ast.walk(function):
        if isinstance(node, (ast.FunctionDef, ast.Lambda)) and node is not function:
            kept |= {argument.arg for argument in _arguments(node)}
            kept |= {inner.id for inner in ast.walk(node) if isinstance(inner, ast.Name)}
    return kept


def _in_f_strings(tree: ast.AST) -> set[str]:
    """Names of variables and attributes in f-strings. Raises ValueError for a constant of another module, which the
    chip does not have."""
    texts = [node for node in ast.walk(tree) if isinstance(node, ast.JoinedStr)]
    inner = [node for text in texts for node in ast.walk(text)]
    names = {node.id for node in inner if isinstance(node, ast.Name)}
    if names & _CONSTANTS.keys():
        raise ValueError(f"an f-string uses constants of {', '.join(sorted(names & _CONSTANTS.keys()))}")
    return names | {node.attr for node in inner if isinstance(node, ast.Attribute)}
