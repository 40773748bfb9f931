"""`dorn analyse` of spectra from files: energy scales, live times, backgrounds."""

import json

import pytest
from support.analyses import analyse, table_spectrum
from support.data import data


def test_a_measured_spectrum_gives_rate_and_activity(tmp_path, capsys):
    file = data("am241-milano", "Single_detectors") / "Detector3" / "Vbias" / "Data" / "60V.Chn"
    given = "--lines", "Am-241", "--start=0,1.13", "--efficiency", "0.01,0.0005"
    assert analyse(file, *given, "--out", tmp_path) == 0
    assert "60V.Chn: 1 spectrum, 103.66 s live" in capsys.readouterr().out
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


def test_a_background_whose_lines_are_elsewhere_is_told(tmp_path, capsys):
    """The scale is not in the files: only the fit of the background shows that its gain was another."""
    table = table_spectrum(tmp_path / "po210.csv")
    header, *rows = table.read_text().splitlines()
    counts = [row.split(",")[1] for row in rows]
    moved = [f"{row.split(',')[0]},{n}" for row, n in zip(rows, ["0"] * 10 + counts[:-10], strict=True)]
    (tmp_path / "moved.csv").write_text("\n".join([header, *moved]) + "\n")
    file, other = spe_of(table, tmp_path / "po210.spe"), spe_of(tmp_path / "moved.csv", tmp_path / "moved.spe")
    for background, told in ((file, False), (other, True)):
        given = "--lines", "Po-210", "--start=4004,8", "--background", background
        assert analyse(file, *given, "--out", tmp_path / "out") == 0
        said = capsys.readouterr().out
        assert ("the lines do not describe the background measurement" in said) == told and "counts with back" in said
        (found,) = json.loads((tmp_path / "out" / "analysis.json").read_text())["directions"].values()
        assert (found["background_measurement"]["chi2_per_degree_of_freedom"] > 2) == told
        assert found["background_measurement"]["live_s"] == 100
        assert bool(found["fit"]["warning"]) == told


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


def spe_of(table, path, times="100 101", date="01/13/2026 10:20:30"):
    """The counts of a table as an .spe file."""
    path.parent.mkdir(exist_ok=True)
    counts = [row.split(",")[1] for row in table.read_text().splitlines() if row[:1].isdigit()]
    path.write_text(f"$MEAS_TIM:\n{times}\n$DATE_MEA:\n{date}\n$DATA:\n0 {len(counts) - 1}\n" + "\n".join(counts))
    return path


def test_a_file_that_cannot_be_read_is_reported_beside_the_results_of_the_others(tmp_path, capsys):
    file = table_spectrum(tmp_path / "po210.csv")
    (tmp_path / "bad.spe").write_text("$DATA:\n0 0\n-1\n")
    assert analyse(tmp_path / "bad.spe", file, "--lines", "Po-210", "--out", tmp_path / "out") == 0
    assert "not analysed: " in (text := capsys.readouterr().out) and "bad.spe:3: $DATA: below 0 (-1)" in text
    results = json.loads((tmp_path / "out" / "analysis.json").read_text())
    assert list(results["directions"]) == ["po210.csv"] and "bad.spe" in results["not_analysed"][0]
    assert analyse(tmp_path / "bad.spe", "--lines", "Po-210", "--out", tmp_path / "none") == 2


def test_files_of_the_same_name_are_told_apart_by_their_folders(tmp_path):
    one = table_spectrum(tmp_path / "po210.csv")
    (tmp_path / "b").mkdir()
    other = table_spectrum(tmp_path / "b" / "po210.csv")
    alone = table_spectrum(tmp_path / "alone.csv")
    assert analyse(one, other, alone, "--lines", "Po-210", "--out", tmp_path / "out") == 0
    results = json.loads((tmp_path / "out" / "analysis.json").read_text())
    assert list(results["directions"]) == [str(one), str(other), "alone.csv"]


def test_why_a_live_time_or_a_start_in_the_file_cannot_be_used_is_reported(tmp_path, capsys):
    table = table_spectrum(tmp_path / "po210.csv")
    given = "--lines", "Po-210", "--efficiency", "0.3,0.01"
    file = spe_of(table, tmp_path / "a.spe", times="0:10 0:20")
    assert analyse(file, *given, "--out", tmp_path / "out") == 0
    assert "the live time, which is not in the file ($MEAS_TIM: " in capsys.readouterr().out
    file = spe_of(table, tmp_path / "a.spe", date="yesterday")
    assert analyse(file, *given, "--date", "2026-01-01", "--out", tmp_path / "out") == 2
    assert "unknown ($DATE_MEA: not a date and time that is known (yesterday)); give" in capsys.readouterr().err


def test_columns_with_any_suffix_are_a_spectrum(tmp_path):
    file = table_spectrum(tmp_path / "po210.csv")
    for name in ("po210.xy", "po210"):
        (tmp_path / name).write_text(file.read_text())
        assert analyse(tmp_path / name, "--lines", "Po-210", "--out", tmp_path / "out") == 0
