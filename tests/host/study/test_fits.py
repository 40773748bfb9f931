"""The study of fits in its short form; it detects a biased fit."""

from dataclasses import replace

import numpy as np
from dorn import cli
from dorn.analysis.energy_scale import calibrate
from dorn.analysis.line_fit import fit
from dorn.analysis.line_model import LineModel
from dorn.study import Report, fits, fits_scales, fits_speed


def study(out):
    return cli.main(["study", "fits", "--short", "--out", str(out)])


def failed(out, name="fits"):
    lines = (out / f"{name}.txt").read_text().splitlines()
    return [line.split("  ")[0] for line in lines if line.endswith("FAIL")]


def test_counts_are_unbiased_and_those_of_iminuit(tmp_path):
    assert study(tmp_path) == 0, failed(tmp_path)
    text = (tmp_path / "fits.txt").read_text()
    assert text.count("PASS") == 9 and "speed: skipped" in text
    assert (tmp_path / "fits.png").stat().st_size > 10_000


def test_a_tail_left_out_is_detected(tmp_path, monkeypatch):
    def without_tail(model, counts):
        return fit(LineModel(model.grids, model.nuclides, fwhm_kev=30), counts)

    monkeypatch.setattr(fits, "fit", without_tail)
    monkeypatch.setattr(fits, "spread", lambda function, jobs: map(function, jobs))
    monkeypatch.setattr(fits, "SETTINGS", [fits.Setting(1000, 50, fits.TAILS[1])])
    monkeypatch.setattr(fits, "SHORT_SPECTRA", 20)
    monkeypatch.setattr(fits, "compare", lambda number: 0.0)
    monkeypatch.setattr(fits_scales, "judge", lambda report, short: None)
    assert study(tmp_path) == 1
    assert failed(tmp_path)[0] == "1 settings, 20 spectra each: worst mean pull of energy scale, FWHM"


def test_speed_is_judged_for_the_line_with_a_tail(monkeypatch, capsys):
    """With a single spectrum and run: the figures are not judged here."""

    class Report:
        say = table = print

        def bound(self, what, figure, limit, kept):
            assert float(figure) > 0
            bounds.append(what)

    bounds = []

    monkeypatch.setattr(fits_speed, "RUNS", 1)
    monkeypatch.setattr(fits_speed, "FITS", 1)
    fits_speed.judge(Report(), fits.Setting(100, 50, ()), fits.Setting(100, 50, fits.TAILS[1]))
    assert len(bounds) == 3 and all("1 tail" in what or "detectors" in what for what in bounds)


def test_drawn_spectra_are_the_same_again_and_some_nuclides_are_absent():
    setting = fits.SETTINGS[4]
    first, again = (fits.draw(setting, setting.model(), 1) for _ in range(2))
    assert (first[0] == again[0]).all()
    assert np.count_nonzero(first[1].counts) == len(fits.NUCLIDES) - 2


def test_errors_that_are_too_small_are_detected(tmp_path, monkeypatch):
    def confident(*arguments):
        scale = calibrate(*arguments)
        return replace(scale, statistical=scale.statistical / 9)

    monkeypatch.setattr(fits_scales, "calibrate", confident)
    monkeypatch.setattr(fits_scales, "spread", lambda function, jobs: map(function, jobs))
    monkeypatch.setattr(fits_scales, "SETTINGS", fits_scales.SETTINGS[:1])
    report = Report("scales", tmp_path)
    fits_scales.judge(report, True)
    assert not report.finish()
    assert failed(tmp_path, "scales") == ["1 calibrations, 30 spectra each: worst width of pulls"]
