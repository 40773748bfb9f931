"""One word for each thing, in code, messages and documents: the words that the glossary (ARCHITECTURE.md) replaces."""

import re
import subprocess
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[1]
# pattern -> what to write. Words that also have a valid meaning (monitor of ST[12], look, part, bench) need review.
REPLACED = {
    r"out of order": "unexpected (of resets)",
    r"in a row|in_row|on end": "consecutive",
    r"turns? of (a|the|each|every) task|longest.turns?|def turn|\.turn\(": "step of a task; worst-case execution time",
    r"litter|tend the heap": "allocation estimate; collect garbage",
    r"patience": "timeout",
    r"strikes?|astray": "debounce; deviation",
    r"booked|books (balance|do not)|balances?": "accounted for; the counts reconcile",
    r"\w*_said|said_\w*": "received, reported, logged",
    r"unauthentic": "authentication failures",
    r"gave.up|given.up": "discarded; pass limit reached",
    r"event.laws?": "model of the event builder",
    r"bench (link|port)s?": "USB link, USB port",
    r"goes on|go on|anew|at the (most|least)": "continues; again; at most, at least",
}
OTHERS = ("CHANGELOG.md", "tests/test_language.py", "tests/mutation/equivalent.toml")  # old names; this file; code


def texts():
    """(path, text) of the files of the repository that are written by hand."""
    listed = subprocess.run(["git", "ls-files"], cwd=ROOT, capture_output=True, text=True, check=True).stdout
    for name in listed.splitlines():
        path = ROOT / name
        if name.startswith("findings/") or name in OTHERS or path.suffix in (".png", ".xsd") or not path.is_file():
            continue
        yield name, path.read_text(encoding="utf-8")


def uses(pattern, text):
    """Lines, numbered from 1, with a whole word or words of the pattern, also within names of several words."""
    word = re.compile(rf"(?<![A-Za-z])({pattern})(?![A-Za-z])", re.IGNORECASE)
    return [n for n, line in enumerate(text.splitlines(), 1) if word.search(line)]


@pytest.fixture(scope="module")
def files():
    if not (ROOT / ".git").exists():
        pytest.skip("not a clone: which files belong to the repository is not known")
    return list(texts())


@pytest.mark.parametrize("pattern", REPLACED)
def test_a_replaced_word_is_not_used(pattern, files):
    found = [f"{name}:{n}" for name, text in files for n in uses(pattern, text)]
    assert not found, f"write {REPLACED[pattern]!r}: {', '.join(found)}"


def test_a_replaced_word_is_found_in_prose_and_in_names():
    assert uses("patience", "_PATIENCE_US = 1\nimpatiences\n# patience") == [1, 3]
