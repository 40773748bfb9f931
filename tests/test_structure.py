"""Structure of the code: allowed imports, no cycles, no loose files, and a limit on the length of a file."""

import ast
from graphlib import TopologicalSorter
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[1]
DORN = ROOT / "host" / "dorn"
FSW = ROOT / "firmware" / "fsw"
LOOSE = {"__init__.py", "errors.py"}  # at the top of host/dorn
LONGEST_FILE = 300  # lines
ASSEMBLER = ROOT / "boards" / "rp2" / "sort.py"  # an instruction a line
LONGEST_CHAIN = 10  # folders and loose files, each importing the next
READ = ("host/dorn", "firmware", "boards")  # where LONGEST_FILE applies
GENERATED = FSW / "icd.py"

BASE = {"errors", "util"}
FORMATS = BASE | {"dictionary"}
DATA = FORMATS | {"files", "nuclides", "link"}
BELOW_SESSION = DATA | {"head", "image", "targets", "products"}
BELOW_GROUND = BELOW_SESSION | {"session", "operator"}
# folder or loose file -> what it may import
HOST = {
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
    "live": BELOW_GROUND | {"analysis"},
    "flash": BELOW_GROUND,
    "study": BELOW_GROUND | {"analysis", "exports"},
    "cli": BELOW_GROUND | {"analysis", "exports", "ground", "live", "flash", "study"},
}
LOWEST = {"icd", "memory", "version"}
FIRMWARE = {
    "icd": set(),
    "memory": {"icd"},
    "version": set(),
    "health": LOWEST,
    "link": LOWEST | {"health"},  # independent of services and flash
    "spectra": LOWEST | {"health"},
    "store": LOWEST | {"health", "link", "spectra"},
    "pus": LOWEST | {"health", "link", "spectra", "store"},
    "executive": LOWEST | {"health"},
    "app": LOWEST | {"executive", "health", "link", "pus", "spectra", "store"},
    "run": LOWEST | {"app", "health", "store"},
}
TREES = {"dorn": (DORN, HOST), "fsw": (FSW, FIRMWARE)}
trees = pytest.mark.parametrize("name", TREES)


def place(path: Path, root: Path) -> str:
    """The folder of a tree that contains the file; for a loose file, its name."""
    return path.relative_to(root).parts[0].removesuffix(".py")


def modules(path: Path, root: Path):
    """Full names of everything imported anywhere in the file."""
    package = [root.name, *path.relative_to(root).parts[:-1]]
    for node in ast.walk(ast.parse(path.read_text())):
        if isinstance(node, ast.Import):
            yield from (alias.name for alias in node.names)
        elif isinstance(node, ast.ImportFrom):
            above = package[: len(package) + 1 - node.level] if node.level else []
            base = ".".join([*above, *filter(None, [node.module])])
            yield from (f"{base}.{alias.name}" for alias in node.names)


def imports(name: str) -> dict[str, set[str]]:
    """Folder or loose file of a tree -> the others it imports."""
    root, _ = TREES[name]
    found: dict[str, set[str]] = {}
    for path in sorted(root.rglob("*.py")):
        others = {module.split(".")[1] for module in modules(path, root) if module.startswith(f"{name}.")}
        found.setdefault(place(path, root), set()).update(others - {place(path, root)})
    found.pop("__init__", None)
    return found


def longest_chain(found: dict[str, set[str]]) -> list[str]:
    """Longest chain of folders, each importing the next. Raises CycleError if there is a cycle."""
    chains: dict[str, list[str]] = {}
    for name in TopologicalSorter(found).static_order():
        chains[name] = [name, *max((chains[other] for other in found[name]), key=len, default=[])]
    return max(chains.values(), key=len)


@trees
def test_imports_point_one_way(name):
    _, arrows = TREES[name]
    found = imports(name)
    assert found.keys() == arrows.keys()
    wrong = [f"{a} -> {b}" for a, others in found.items() for b in sorted(others) if b not in arrows[a]]
    assert wrong == []


@trees
def test_imports_have_no_cycle_and_no_long_chain(name):
    longest_chain(TREES[name][1])
    chain = longest_chain(imports(name))
    assert len(chain) <= LONGEST_CHAIN, " -> ".join(chain)


def test_there_are_no_loose_files():
    assert {path.name for path in DORN.iterdir() if path.is_file()} == LOOSE


@pytest.mark.parametrize("folder", READ)
def test_no_file_is_too_long(folder):
    paths = [path for path in (ROOT / folder).rglob("*.py") if path not in (GENERATED, ASSEMBLER)]
    lines = {str(path): path.read_text().count("\n") for path in paths}
    assert {path: n for path, n in lines.items() if n > LONGEST_FILE} == {}
