"""The study of the converter, through its command: it keeps its bounds, and breaks them without the cure."""

import numpy as np
import pytest
from data import data
from dorn import study
from dorn.analysis.code_widths import CodeWidths
from dorn.cli import main

played = []  # of the first test, for the others: pulses are the slow part


@pytest.fixture(autouse=True)
def folder(tmp_path, monkeypatch):
    def spread(function, jobs):
        if not played:
            played.extend(study.spread(function, jobs))
        return played

    monkeypatch.setattr("dorn.study.adc.spread", spread)
    return tmp_path / "out"


def short(folder):
    return main(["study", "adc", str(data("adc-ramp-rp2040").parent), "--short", "--out", str(folder)])


def broken(folder):
    return [line.split("  ")[0] for line in (folder / "adc.txt").read_text().splitlines() if line.endswith("BROKEN")]


def test_the_cure_holds_on_readings_it_has_not_seen(folder):
    assert short(folder) == 0 and broken(folder) == []
    assert sorted(path.name for path in folder.glob("*.png")) == ["flat.png", "inl.png"]
    # the table is for others to use
    widths = CodeWidths.load(folder / "rp2040adc1.csv")
    assert [code for code, *_ in widths.over_wide().values()] == [511, 1535, 2559, 3583]


def test_without_the_correction_of_counts_it_fails(folder, monkeypatch):
    monkeypatch.setattr(CodeWidths, "corrected", lambda self, counts, comb=False: (counts, np.sqrt(counts)))
    assert short(folder) == 1
    assert broken(folder) == ["their channels, corrected", "comb: scatter left"]


def test_without_the_correction_of_energies_it_fails(folder, monkeypatch):
    monkeypatch.setattr(CodeWidths, "edges", lambda self: 4 * np.arange(1025) - 0.5)
    assert short(folder) == 1
    assert "integral nonlinearity, corrected" in broken(folder)
    assert "Po-214 beside the wide channel, corrected" in broken(folder)


def test_correcting_where_nothing_is_wrong_is_found(folder, monkeypatch):
    monkeypatch.setattr(CodeWidths, "outstanding", CodeWidths.significant)
    assert short(folder) == 1
    assert "other channels made worse" in broken(folder)
