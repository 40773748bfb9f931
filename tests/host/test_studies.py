"""The studies of counting, dead time and stalls, in their short form; and that they notice a wrong instrument."""

import chip
import pytest
from dorn import cli, onboard_image
from dorn.files import onboard_root
from dorn.study import counting, deadtime, event_builder
from dorn.targets import event_law


@pytest.fixture
def emulator():
    """Skips where there is none, or no image."""
    chip.open_chip().close()


def study(name, out, *more):
    return cli.main(["study", name, "--short", "--out", str(out), *more])


def broken(out):
    (text,) = out.glob("*.txt")
    return [line for line in text.read_text().splitlines() if line.endswith("BROKEN")]


def test_counting_on_unix(tmp_path):
    assert study("counting", tmp_path, "--target", "unix") == 0, broken(tmp_path)
    assert (tmp_path / "counting.png").stat().st_size > 10_000


def test_counting_on_the_chip(tmp_path, emulator):
    assert study("counting", tmp_path, "--target", "rp2040") == 0, broken(tmp_path)


@pytest.mark.parametrize("name", ["deadtime", "stalls"])
def test_on_the_chip(name, tmp_path, emulator):
    assert study(name, tmp_path) == 0, broken(tmp_path)
    assert (tmp_path / f"{name}.png").stat().st_size > 10_000


def test_a_dead_time_counted_wrongly_is_noticed(tmp_path, monkeypatch):
    """A tenth too little: at 100 kcps the corrected rate is 4 % too low."""
    right = event_law.Times.dead.fget
    monkeypatch.setattr(event_law.Times, "dead", property(lambda times: tuple(int(0.9 * c) for c in right(times))))
    monkeypatch.setattr(counting, "spread", lambda function, jobs: map(function, jobs))
    monkeypatch.setattr(counting, "SHORT_CPS", {"unix": (100_000,)})
    monkeypatch.setattr(counting, "REGULAR_CPS", {"unix": ()})
    monkeypatch.setattr(counting, "MIXED_CPS", (1000, 2000))
    assert study("counting", tmp_path, "--target", "unix") == 1
    assert [line.split("  ")[0] for line in broken(tmp_path)] == ["unix 100 kcps: corrected rate, all seeds"]


def test_a_cycle_more_is_noticed_at_the_pins(tmp_path, monkeypatch, emulator):
    """Of the chip's dead time two cycles: it is less than its bound of four for one event, and the mean tells."""
    path = "boards/rp2/event_builder.py"
    text = (onboard_root() / path).read_text()
    assert text.count("fixed = 61") == 1
    files = onboard_image.files("pico", changed={path: text.replace("fixed = 61", "fixed = 63")})
    monkeypatch.setattr(event_builder.onboard_image, "files", lambda board: files)
    monkeypatch.setattr(deadtime, "CASES", {"1 hit": ((3,), None)})
    monkeypatch.setattr(deadtime.deadtime_data, "instrument", lambda report, short: None)
    assert study("deadtime", tmp_path) == 1
    assert [line.split("  ")[0] for line in broken(tmp_path)] == ["1 hit: mean deviation"]
