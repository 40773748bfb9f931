"""The study of whole analyses in its short form; it detects a drift that is left in."""

from dorn import cli
from dorn.study import missions


def study(out):
    return cli.main(["study", "missions", "--short", "--out", str(out)])


def failed(out):
    lines = (out / "missions.txt").read_text().splitlines()
    return [line.split("  ")[0] for line in lines if line.endswith("FAIL")]


def test_counts_and_limits_of_whole_analyses_are_right(tmp_path):
    assert study(tmp_path) == 0, failed(tmp_path)
    assert (tmp_path / "missions.txt").read_text().count("PASS") == 4
    assert (tmp_path / "missions.png").stat().st_size > 10_000


def test_a_drift_left_in_is_detected(tmp_path, monkeypatch):
    monkeypatch.setattr(missions, "SHORT_MISSIONS", 2)
    monkeypatch.setattr(missions, "spread", lambda function, jobs: map(function, jobs))
    monkeypatch.setattr(missions.drift, "steady", lambda counts, *_: counts.sum(axis=0))
    assert study(tmp_path) == 1
    assert "farthest pull" in failed(tmp_path)
