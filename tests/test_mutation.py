"""The mutation tests (tests/mutation): their list of equivalent mutants belongs to the firmware as it is."""

import sys
import tomllib
from pathlib import Path

import pytest

FOLDER = Path(__file__).parent / "mutation"
ENTRIES = tomllib.loads((FOLDER / "equivalent.toml").read_text()).get("mutant", [])


@pytest.fixture
def mutants(monkeypatch):
    monkeypatch.syspath_prepend(FOLDER)
    import mutants

    yield mutants
    del sys.modules["mutants"]


def test_no_entry_is_of_a_line_that_has_changed(mutants):
    for entry in ENTRIES:
        lines = [line.strip() for line in (mutants.FIRMWARE / entry["file"]).read_text().splitlines()]
        assert set(entry["was"].split("\n")) <= set(lines), entry
        assert entry["was"] != entry["is"] and entry["reason"], entry
    named = [(e["file"], e["function"], e["was"], e["is"]) for e in ENTRIES]
    assert len(set(named)) == len(named)


def test_a_mutant_is_one_change_and_knows_where_it_is(mutants):
    drawn = list(mutants.sample(list(mutants.every(["store/slots.py"])), 20, 1))
    assert len(drawn) == 20 and drawn == list(mutants.sample(list(mutants.every(["store/slots.py"])), 20, 1))
    for mutant in drawn:
        was, now = mutant.lines()
        assert was != now and was.split("\n")[0] in mutant.source
        assert mutant.function().split(".")[0] in ("", "Slots")


def test_a_statement_that_is_left_out_takes_its_block_with_it(mutants):
    found = {mutant.lines()[0]: mutant for mutant in mutants.removals(["store/budget.py"])}
    text = next(was for was in found if was.startswith("if self.left <= (self._most >> 1"))
    assert text.endswith("return 0") and found[text].function() == "Budget.number"
    assert found[text].lines()[1] == "pass"
