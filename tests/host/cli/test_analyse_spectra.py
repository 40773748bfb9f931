"""`dorn analyse` of spectra from files: energy scales, live times, backgrounds."""

import json

import pytest
from support.analyses import analyse, table_spectrum
from support.data import data


def test_a_measured_spectrum_gives_rate_and_activity(tmp_path, capsys):
    file = data("am241-milano", "Single_detectors") / "Detector3" / "Vbias" / "Data" / "60V.Chn"
    given = "--lines", "Am-241", "--start=0,1.13", "--efficiency", "0.01,0.0005"
    assert analyse(file, *given, "--out", tmp_path) == 0
    assert "60V.Chn: 1 spectra, 103.66 s live" in capsys.readouterr().out
    (found,) = json.loads((tmp_path / "analysis.json").read_text())["directions"].values()
    one = found["nuclides"]["Am-241"]
    # between the lines of Am-241 and the pulser, at a third of the energy, there are only a few per cent of the counts
    from dorn.files import chn

    counts = chn.read(file).counts
    above = int(counts[len(counts) * 4 // 10 :].sum())
    assert 0.9 * above < one["counts"]["value"] <= 1.02 * above
    assert one["rate_per_s"]["value"] == pytest.approx(one["counts"]["value"] / 103.66)
    assert one["activity"]["error"] == pytest.approx(0.05 * one["activity"]["value"], rel=0.2)


def test_a_line_that_could_be_either_of_two_peaks_is_not_guessed(tmp_path, capsys):
    file = data("am241-milano", "Single_detectors") / "Detector3" / "Vbias" / "Data" / "60V.Chn"
    assert analyse(file, "--lines", "Am-241", "--out", tmp_path) == 2
    assert "give --start (calibration: lines: several peaks, at 1638 or 4982" in capsys.readouterr().out


def test_a_background_without_counts_takes_nothing_away(tmp_path):
    file = table_spectrum(tmp_path / "po210.csv")
    header, *rows = file.read_text().splitlines()
    (tmp_path / "none.csv").write_text("\n".join([header, *(f"{row.split(',')[0]},0" for row in rows)]) + "\n")
    given = "--lines", "Po-210", "--live", 100
    assert analyse(file, *given, "--out", tmp_path / "a") == 0
    assert analyse(file, *given, "--background", tmp_path / "none.csv", "--out", tmp_path / "b") == 0
    alone, less = (
        json.loads((tmp_path / name / "analysis.json").read_text())["directions"]["po210.csv"]["nuclides"]["Po-210"]
        for name in "ab"
    )
    assert less["rate_per_s"]["value"] == alone["rate_per_s"]["value"]
    assert less["rate_per_s"]["errors"]["background"] == pytest.approx(0.01)  # one count in 100 s


def test_a_background_on_another_scale_is_not_subtracted(tmp_path, capsys):
    file = table_spectrum(tmp_path / "po210.csv")
    header, *rows = file.read_text().splitlines()
    cells = (row.split(",") for row in rows)
    (tmp_path / "other.csv").write_text("\n".join([header, *(f"{float(e) + 300},{n}" for e, n in cells)]) + "\n")
    given = "--lines", "Po-210", "--live", 100, "--background", tmp_path / "other.csv"
    assert analyse(file, *given, "--out", tmp_path / "out") == 2
    assert "other.csv: energy scale: not that of the spectrum" in capsys.readouterr().out


def test_a_table_needs_a_live_time(tmp_path, capsys):
    file = table_spectrum(tmp_path / "po210.csv")
    assert analyse(file, "--lines", "Po-210", "--out", tmp_path / "a") == 0
    assert "missing for an activity: the live time" in capsys.readouterr().out
    assert analyse(file, "--lines", "Po-210", "--live", 100, "--out", tmp_path / "b") == 0
    (found,) = json.loads((tmp_path / "b" / "analysis.json").read_text())["directions"].values()
    rate = found["nuclides"]["Po-210"]["rate_per_s"]
    assert abs(rate["value"] - 30) < 4 * rate["error"]
    background = table_spectrum(tmp_path / "weak.csv", 4, 300)
    given = "--lines", "Po-210", "--live", 100, "--background", background
    assert analyse(file, *given, "--out", tmp_path / "c") == 0
    (found,) = json.loads((tmp_path / "c" / "analysis.json").read_text())["directions"].values()
    rate = found["nuclides"]["Po-210"]["rate_per_s"]
    assert abs(rate["value"] - 27) < 4 * rate["error"] and rate["errors"]["background"] == pytest.approx(0.175, rel=0.2)
