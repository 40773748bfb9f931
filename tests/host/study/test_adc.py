"""The ADC study, through its command: it meets its limits, and fails without the correction."""

import re

import numpy as np
import pytest
from dorn import study
from dorn.analysis.code_widths import CodeWidths
from dorn.cli import main
from dorn.study.adc_pulses import KEV_PER_CODE, PULSER_STEPS, pulser
from support.data import data

played = []  # filled by the first test and reused by the others: playing pulses is the slow part


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


def failed(folder):
    return [line.split("  ")[0] for line in (folder / "adc.txt").read_text().splitlines() if line.endswith("FAIL")]


def test_the_correction_holds_on_held_out_readings(folder):
    assert short(folder) == 0 and failed(folder) == []
    assert sorted(path.name for path in folder.glob("*.png")) == ["flat.png", "inl.png"]
    # the table is for others to use
    widths = CodeWidths.load(folder / "rp2040adc1-widths.csv")
    assert [code for code, *_ in widths.over_wide().values()] == [511, 1535, 2559, 3583]


def test_the_study_fails_without_the_correction_of_counts(folder, monkeypatch):
    monkeypatch.setattr(CodeWidths, "corrected", lambda self, counts, comb=False: (counts, np.sqrt(counts)))
    assert short(folder) == 1
    assert failed(folder) == ["over-wide channels, corrected", "comb: residual scatter"]


def test_the_study_fails_without_the_correction_of_energies(folder, monkeypatch):
    monkeypatch.setattr(CodeWidths, "edges", lambda self: 4 * np.arange(1025) - 0.5)
    assert short(folder) == 1
    assert "integral nonlinearity, corrected" in failed(folder)
    assert "Po-214 outside the over-wide channel, corrected" in failed(folder)


def test_a_nonlinear_pulser_degrades_energies_and_the_report_shows_it(folder):
    short(folder)
    lines = (folder / "adc.txt").read_text().splitlines()
    rows = [re.split("  +", line) for line in lines if re.match("(as counted|ideal|typical|maximum)[ ,]", line)]
    names, wide, most, _, beside, _ = zip(*rows, strict=True)
    assert names == ("as counted", "ideal, 0 LSB", "typical, 2 LSB", "maximum, 13 LSB")
    counted, *corrected = map(float, most)
    # a straight line fitted to a parabola of height 1 leaves 2/3 at the ends
    assert corrected == pytest.approx([0, 2 * 2 / 3, 13 * 2 / 3], abs=1.0) and corrected[1] < counted < corrected[2]
    assert sorted(map(float, beside[1:])) == list(map(float, beside[1:]))
    assert all(float(x.removeprefix("1 +- ")) < 0.1 for x in wide[1:])


def test_an_over_wide_code_missed_with_a_nonlinear_pulser_fails_the_study(folder, monkeypatch):
    flat = CodeWidths.from_counts

    def blind(counts):  # misses code 2559 in the runs with a nonlinear DAC, which have 16 spectra each
        counts = np.array(counts)
        if len(counts) == 16:
            counts[:, 639] = counts[:, 638]
        return flat(counts)

    monkeypatch.setattr(CodeWidths, "from_counts", blind)
    assert short(folder) == 1
    assert failed(folder) == ["codes found over-wide, nonlinear DAC"]


def test_the_pulser_has_the_stated_nonlinearity():
    steps = np.array(PULSER_STEPS)
    straight, bent = (
        np.array([energy_kev for *_, energy_kev in pulser(1, 1, inl)]).reshape(len(steps), -1) / KEV_PER_CODE
        for inl in (0.0, 13.0)
    )
    assert abs(straight - steps[:, None]).max() < 0.5 + 1e-9
    bow = (bent - straight)[:, 0]
    assert bow.max() == pytest.approx(13, abs=0.01) and abs(steps[bow.argmax()] - 4051 / 2) < 1
    assert 0 < bow[0] < 0.4 and 0 < bow[-1] < 0.1 and (np.diff(bow, 2) < 0).all()


def test_correcting_ordinary_channels_fails_the_study(folder, monkeypatch):
    monkeypatch.setattr(CodeWidths, "outstanding", CodeWidths.significant)
    assert short(folder) == 1
    assert "other channels made worse" in failed(folder)
