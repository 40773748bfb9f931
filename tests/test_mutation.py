"""The mutation tests (tests/mutation): mutants of the firmware, and the list of equivalent ones."""

import functools
import sys
import textwrap
import tomllib
from pathlib import Path

import pytest

FOLDER = Path(__file__).parent / "mutation"
FIRMWARE = Path(__file__).parents[1] / "firmware" / "fsw"
ENTRIES = tomllib.loads((FOLDER / "equivalent.toml").read_text())["mutant"]


@pytest.fixture(scope="module")
def mutants():
    with pytest.MonkeyPatch.context() as patch:
        patch.syspath_prepend(FOLDER)
        import mutants

        yield mutants
        del sys.modules["mutants"]


@pytest.fixture(scope="module")
def texts(mutants):
    return mutants.sources(FIRMWARE)


@pytest.fixture(scope="module")
def is_made(mutants, texts):
    """Whether an entry of the list is a mutant of the current firmware.

    Only its function is mutated, and only at these lines: the whole file would take minutes.
    """

    @functools.cache
    def of_function(path, name):
        text = texts[path]
        if name:
            first, last = next((first, last) for found, first, last in mutants.functions(text) if found == name)
            text = textwrap.dedent("\n".join(text.splitlines()[first - 1 : last])) + "\n"
        return text, [*mutants.every(path, text), *mutants.removals(path, text)]

    def is_made(entry):
        try:
            text, made = of_function(entry["file"], entry["function"])
        except (KeyError, StopIteration):  # no such file or function
            return False
        was = entry["was"].split("\n")
        begins = [n for n, line in enumerate(text.splitlines(), 1) if line.strip() == was[0]]
        near = [mutant for mutant in made if any(n <= mutant.line < n + len(was) for n in begins)]
        wanted = entry["function"].rpartition(".")[2], entry["was"], entry["is"]
        return any((mutant.function(), *mutant.lines()) == wanted for mutant in near)

    return is_made


def test_every_entry_of_the_list_is_a_mutant_of_the_current_firmware(is_made):
    assert [entry for entry in ENTRIES if not is_made(entry)] == []
    named = [(entry["file"], entry["function"], entry["was"], entry["is"]) for entry in ENTRIES]
    assert len(set(named)) == len(named) and all(entry["reason"] for entry in ENTRIES)


def test_a_wrong_entry_is_detected(is_made):
    entry = next(entry for entry in ENTRIES if entry["function"] == "Slots.save")
    wrong = {"file": "store/nothing.py", "function": "Slots.load", "was": "pass", "is": entry["is"] + " "}
    assert is_made(entry)
    assert not any(is_made(entry | {name: text}) for name, text in wrong.items())
    assert not is_made(entry | {"function": "Slots.nothing"})


def test_a_mutant_is_one_change_at_a_known_place(mutants, texts):
    def drawn():
        return list(mutants.sample(mutants.every("store/slots.py", texts["store/slots.py"]), 20, 1))

    found = drawn()
    assert len(found) == 20 and found == drawn()
    for mutant in found:
        was, now = mutant.lines()
        assert was != now and was.split("\n")[0] in mutant.source
        assert mutant.function().split(".")[0] in ("", "Slots")
        assert mutant.counts and mutant.source.splitlines()[mutant.line - 1].strip()


def test_only_drawn_mutants_are_compiled(mutants, texts, monkeypatch):
    compiled = []
    monkeypatch.setattr(mutants, "_compiled", lambda source: compiled.append(source) or source.encode())
    made = list(mutants.every("store/slots.py", texts["store/slots.py"]))
    drawn = mutants.sample(made, 3, 1)
    assert compiled == []
    assert [mutant.changed for mutant in drawn] == compiled and len(compiled) == 3


def test_a_mutant_with_the_same_code_or_a_syntax_error_does_not_count(mutants):
    same, other, broken = "a = 1 + 1\n", "a = 3\n", "a = (\n"
    for text, counts in ((same, False), (other, True), (broken, False)):
        mutant = mutants.Mutant("a.py", "a = 2\n", "remove", 0, 1)
        mutant.__dict__["changed"] = text
        assert mutant.counts == counts


def test_a_statement_is_deleted_with_its_block(mutants, texts):
    path = "store/budget.py"
    found = {mutant.lines()[0]: mutant for mutant in mutants.removals(path, texts[path])}
    text = next(was for was in found if was.startswith("if self.left <= (self._most >> 1"))
    assert text.endswith("return 0") and found[text].function() == "Budget.number"
    assert found[text].lines()[1] == "pass"


def test_generated_files_are_not_mutated(texts):
    assert "icd.py" not in texts and "store/slots.py" in texts
