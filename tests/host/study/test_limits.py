"""The study of limits in its short form; it detects wrong intervals and thresholds."""

import numpy as np
import pytest
from dorn import cli
from dorn.analysis.likelihood_ratio import Ratios
from dorn.study import limits
from matplotlib.figure import Figure


def study(out):
    return cli.main(["study", "limits", "--short", "--out", str(out)])


def failed(out):
    lines = (out / "limits.txt").read_text().splitlines()
    return [line.split("  ")[0] for line in lines if line.endswith("FAIL")]


@pytest.fixture
def small(monkeypatch):
    """Fewer spectra, and the sums for one background."""
    monkeypatch.setattr(limits, "spread", lambda function, jobs: map(function, jobs))
    for name, value in {
        "MANY": (100,),
        "MIDDLE": np.array([20.0]),
        "SHORT_SPECTRA": 100,
        "SHORT_PER_MIDDLE": 100,
        "SIGNAL_BACKGROUNDS": (3.0,),
        "BACKGROUNDS": (1, 10),
        "_plot": lambda fits: Figure(),
    }.items():
        monkeypatch.setattr(limits, name, value)
    return monkeypatch


def test_intervals_cover_and_thresholds_hold(tmp_path):
    assert study(tmp_path) == 0, failed(tmp_path)
    text = (tmp_path / "limits.txt").read_text()
    assert text.count("PASS") == 7 and "skipped in the short form" in text
    assert "84.3% at 1.95, 91.7% at 3" in text  # as measured independently, with another program
    assert (tmp_path / "limits.png").stat().st_size > 10_000


def test_intervals_that_are_too_short_are_detected(tmp_path, small):
    at = Ratios.at
    small.setattr(Ratios, "at", lambda ratios, trial: 1.6 * at(ratios, trial))
    small.setattr(limits, "upper_limit", lambda n, background: n + 1.0)
    assert study(tmp_path) == 1
    broken = [what.split(",")[0] for what in failed(tmp_path)]
    assert broken == ["upper limits", *2 * ["profile 68%"], *2 * ["profile 95%"]]


def test_a_threshold_that_is_too_low_is_detected(tmp_path, small):
    small.setattr(limits, "decision_threshold", limits.iso_threshold)
    assert study(tmp_path) == 1
    assert failed(tmp_path)[0].startswith("false detections, background 1 to 10")


def test_simulated_intervals_are_judged_too(monkeypatch):
    """With few spectra; no interval covers the truth if all critical values are 0."""

    def of_no_use(ratios, trial, seed, toys):
        return np.zeros(toys)

    bounds = {}

    class Report:
        say = table = print

        def bound(self, what, figure, limit, kept):
            bounds[what] = kept

    monkeypatch.setattr(Ratios, "simulated", of_no_use)
    monkeypatch.setattr(limits, "spread", lambda function, jobs: map(function, jobs))
    few = limits._run([(4.0, 10)], True)
    limits._judge_fits(Report(), few, few, few)
    assert [kept for what, kept in bounds.items() if "simulated" in what] == [False, False]
