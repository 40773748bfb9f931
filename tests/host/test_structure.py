"""The structure: which folder of host/dorn may import which, no cycles, no loose files, no file too long to be read."""

import ast
from graphlib import TopologicalSorter
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]
DORN = ROOT / "host" / "dorn"
LOOSE = {"__init__.py", "errors.py"}  # at the top of host/dorn
LONGEST_FILE = 300  # lines
LONGEST_CHAIN = 10  # folders and loose files, one importing the next
READ = ("host/dorn",)  # where files are held to that length

BASE = {"errors", "util"}
FORMATS = BASE | {"dictionary"}
DATA = FORMATS | {"files", "nuclides", "link"}
BELOW_SESSION = DATA | {"head", "image", "targets", "products"}
BELOW_GROUND = BELOW_SESSION | {"session", "operator"}
# folder -> what it may import; whatever is not here may be imported by nobody
ARROWS = {
    "errors": set(),
    "util": {"errors"},
    "nuclides": {"errors"},
    "files": BASE,
    "dictionary": BASE,
    "link": FORMATS,
    "image": FORMATS,
    "exports": FORMATS | {"nuclides", "link"},
    "head": DATA,
    "analysis": DATA,
    "products": DATA | {"analysis"},
    "targets": DATA | {"head", "image"},
    "session": BELOW_SESSION,
    "operator": BELOW_SESSION | {"session"},
    "ground": BELOW_GROUND | {"exports"},
    "flash": BELOW_GROUND,
    "study": BELOW_GROUND | {"analysis"},
    "cli": BELOW_GROUND | {"analysis", "exports", "ground", "flash", "study"},
}


def place(path: Path) -> str:
    """The folder of host/dorn a file is in; its name, of a loose one."""
    return path.relative_to(DORN).parts[0].removesuffix(".py")


def modules(path: Path):
    """Full names of all it imports, wherever in the file."""
    package = ["dorn", *path.relative_to(DORN).parts[:-1]]
    for node in ast.walk(ast.parse(path.read_text())):
        if isinstance(node, ast.Import):
            yield from (alias.name for alias in node.names)
        elif isinstance(node, ast.ImportFrom):
            above = package[: len(package) + 1 - node.level] if node.level else []
            base = ".".join([*above, *filter(None, [node.module])])
            yield from (f"{base}.{alias.name}" for alias in node.names)


def imports() -> dict[str, set[str]]:
    """Folder or loose file -> the others it imports."""
    found: dict[str, set[str]] = {}
    for path in sorted(DORN.rglob("*.py")):
        others = {name.split(".")[1] for name in modules(path) if name.startswith("dorn.")}
        found.setdefault(place(path), set()).update(others - {place(path)})
    del found["__init__"]
    return found


def longest_chain(found: dict[str, set[str]]) -> list[str]:
    """Each importing the next. CycleError with the cycle if there is one."""
    chains: dict[str, list[str]] = {}
    for name in TopologicalSorter(found).static_order():
        chains[name] = [name, *max((chains[other] for other in found[name]), key=len, default=[])]
    return max(chains.values(), key=len)


def test_imports_point_one_way():
    found = imports()
    assert found.keys() == ARROWS.keys()
    wrong = [f"{a} -> {b}" for a, others in found.items() for b in sorted(others) if b not in ARROWS[a]]
    assert wrong == []


def test_no_folder_imports_one_that_imports_it():
    longest_chain(ARROWS)
    chain = longest_chain(imports())
    assert len(chain) <= LONGEST_CHAIN, " -> ".join(chain)


def test_nothing_lies_loose():
    assert {path.name for path in DORN.iterdir() if path.is_file()} == LOOSE


@pytest.mark.parametrize("folder", READ)
def test_every_file_is_read_in_one_sitting(folder):
    lines = {path: path.read_text().count("\n") for path in (ROOT / folder).rglob("*.py")}
    assert {str(path): n for path, n in lines.items() if n > LONGEST_FILE} == {}
