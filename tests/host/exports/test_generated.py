"""The firmware's module and the tables of the manual are generated from the dictionary, and up to date."""

import re
import subprocess
import sys

import pytest
from dorn.dictionary import Dictionary, DictionaryError
from dorn.exports import generate, manual
from dorn.exports.__main__ import main as exports_command
from dorn.operator.procedure import PROCEDURES
from support.icd import named, tables

dictionary = Dictionary.load()


def test_the_committed_module_is_up_to_date():
    assert generate.path().read_text() == generate.generate(dictionary)


def test_the_manual_has_the_tables_of_the_dictionary_and_every_procedure():
    text = manual.path().read_text()
    assert manual.filled(text, dictionary) == text and text.count("<!-- table ") == 3
    assert "| `pulser_on` (armed) |  |  |  | • |" in text and "| `standby` | → standby |" in text
    linked = set(re.findall(r"\]\(([^)#]+\.txt)\)", text))
    assert {path.rpartition("/")[2] for path in linked} == {path.name for path in PROCEDURES.glob("*.txt")}
    with pytest.raises(DictionaryError, match="no table 'tides'; known: modes"):
        manual.filled("<!-- table tides: -->\n<!-- end -->", dictionary)


@pytest.mark.parametrize("old, status", [("", 0), ("→ science", 1)])
def test_check_reports_an_outdated_manual(old, status, tmp_path, monkeypatch, capsys):
    path = tmp_path / "OPERATIONS.md"
    path.write_text(manual.path().read_text().replace(old, "") if old else manual.path().read_text())
    monkeypatch.setattr(manual, "path", lambda: path)
    monkeypatch.setattr("sys.argv", ["exports", "--check"])
    assert exports_command() == status
    assert capsys.readouterr().out == (f"{path} is out of date: run python -m dorn.exports\n" if status else "")


def test_check_passes_on_the_committed_files():
    check = [sys.executable, "-m", "dorn.exports", "--check"]
    assert subprocess.run(check).returncode == 0


def test_names_that_collide_in_the_module_are_rejected():
    clash = tables()
    named(clash, "event", "booted")["name"] = "info"  # EVENT_INFO is also a layout
    with pytest.raises(DictionaryError, match="EVENT_INFO would appear twice"):
        generate.generate(Dictionary(clash))
