"""The study of whole analyses in its short form; it detects a drift that is not removed."""

from dorn import cli
from dorn.products import directions
from dorn.study import mission_flights, missions


def study(out):
    return cli.main(["study", "missions", "--short", "--out", str(out)])


def failed(out):
    lines = (out / "missions.txt").read_text().splitlines()
    return [line.split("  ")[0] for line in lines if line.endswith("FAIL")]


def test_counts_and_limits_of_whole_analyses_are_right_and_missions_flown_are_as_drawn(tmp_path):
    assert study(tmp_path) == 0, failed(tmp_path)
    assert (tmp_path / "missions.txt").read_text().count("PASS") == 5
    assert (tmp_path / "missions.png").stat().st_size > 10_000


def test_a_drift_left_in_is_detected(monkeypatch):
    monkeypatch.setattr(directions, "steady", lambda counts, *_: counts.sum(axis=0))
    found = missions.analysed({}, missions.Mission(1, 24 * 3600.0, False))
    assert max(abs(one.counts - one.truth) / one.error for one in found) > missions.FARTHEST


def test_a_mission_is_kept_and_used_again(tmp_path, monkeypatch):
    path = mission_flights.flown(tmp_path, 1, 1200.0)
    monkeypatch.setattr(mission_flights.archives, "acquire", None)  # would fail
    assert mission_flights.flown(tmp_path, 1, 1200.0) == path and path.stat().st_size > 10_000
