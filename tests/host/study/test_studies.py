"""The studies of counting, dead time and stalls, in their short form; they detect a faulty instrument.

On the chip, a single case of dead time and of stalls is judged; all cases with `-m long`."""

import pytest
from dorn import cli
from dorn.image import firmware
from dorn.study import counting, deadtime, event_builder, stalls
from dorn.targets import event_model
from dorn.util.paths import onboard_root


def study(name, out, *more):
    return cli.main(["study", name, "--short", "--out", str(out), *more])


def failed(out):
    (text,) = out.glob("*.txt")
    return [line for line in text.read_text().splitlines() if line.endswith("FAIL")]


def test_counting_on_unix(tmp_path):
    assert study("counting", tmp_path, "--target", "unix") == 0, failed(tmp_path)
    assert (tmp_path / "counting.png").stat().st_size > 10_000


@pytest.mark.long
def test_counting_on_the_chip(tmp_path, emulator):
    assert study("counting", tmp_path, "--target", "rp2040") == 0, failed(tmp_path)


@pytest.mark.long
@pytest.mark.parametrize("name", ["deadtime", "stalls"])
def test_on_the_chip(name, tmp_path, emulator):
    assert study(name, tmp_path) == 0, failed(tmp_path)
    assert (tmp_path / f"{name}.png").stat().st_size > 10_000


def test_a_dead_time_counted_wrongly_is_detected(tmp_path, monkeypatch):
    """With 10 % too little dead time, the corrected rate at 100 kcps is 4 % too low."""
    right = event_model.Times.dead.fget
    monkeypatch.setattr(
        event_model.Times, "dead", property(lambda times: event_model.Dead(*(int(0.9 * c) for c in right(times))))
    )
    monkeypatch.setattr(counting, "spread", lambda function, jobs: map(function, jobs))
    monkeypatch.setattr(counting, "SHORT_CPS", {"unix": (100_000,)})
    monkeypatch.setattr(counting, "REGULAR_CPS", {"unix": ()})
    monkeypatch.setattr(counting, "MIXED_CPS", (1000, 2000))
    assert study("counting", tmp_path, "--target", "unix") == 1
    assert [line.split("  ")[0] for line in failed(tmp_path)] == ["unix 100 kcps: corrected rate, all seeds"]


def test_two_cycles_too_many_are_detected_at_the_pins(tmp_path, monkeypatch, emulator):
    """Two cycles are within the limit of four for one event, but not within that of the mean."""
    path = "boards/rp2/sequencer.py"
    text = (onboard_root() / path).read_text()
    assert text.count("fixed = 17") == 1
    monkeypatch.setattr(deadtime, "CASES", {"1 hit": ((3,), None)})
    monkeypatch.setattr(deadtime.own_dead_time, "judge", lambda report, short: None)
    assert study("deadtime", tmp_path / "right") == 0
    files = firmware.files("pico", changed={path: text.replace("fixed = 17", "fixed = 19")})
    monkeypatch.setattr(event_builder.firmware, "files", lambda board: files)
    assert study("deadtime", tmp_path / "wrong") == 1
    assert [line.split("  ")[0] for line in failed(tmp_path / "wrong")] == ["1 hit: mean deviation"]


def test_a_gap_accounted_too_long_is_detected(tmp_path, monkeypatch, emulator):
    """The gap is 0.1 ms too long when the rings overflow in a stall of 400 ms."""
    path = "fsw/spectra/acquisition.py"
    text = (onboard_root() / "firmware" / path).read_text()
    accounted = "            now = self._known_us\n            self.gap_us += now - good\n"
    assert text.count(accounted) == 1
    monkeypatch.setattr(stalls, "spread", lambda function, jobs: map(function, jobs))
    monkeypatch.setattr(stalls, "SHORT", [stalls.Case(stalls.STALLS[3], 20_000, "regular")])
    assert study("stalls", tmp_path / "right") == 0
    files = firmware.files("pico", changed={path: text.replace(accounted, accounted.replace("us\n", "us + 100\n", 1))})
    monkeypatch.setattr(stalls, "_files", lambda stall: files)
    assert study("stalls", tmp_path / "wrong") == 1
    assert "gaps accounted for" in "".join(failed(tmp_path / "wrong"))


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (["study", "adc", "."], "dorn: DATA: folder: no ramp of an ADC: rows of level,code,code,... in .csv files (.)"),
        (["study", "spectra", "nowhere"], "dorn: DATA: folder: does not exist (nowhere)"),
        (["study", "tea"], "dorn: argument STUDY: invalid choice: 'tea'"),
    ],
)
def test_missing_data_and_an_unknown_study_are_reported_at_once(tmp_path, monkeypatch, capsys, arguments, message):
    monkeypatch.chdir(tmp_path)
    assert cli.main(arguments) == 2
    assert capsys.readouterr().err.startswith(message)
    assert not list(tmp_path.iterdir())


def test_an_abandoned_study_is_marked_in_its_file(tmp_path, monkeypatch):
    def stopped(report, short, targets):
        report.say("a table")
        raise KeyboardInterrupt

    monkeypatch.setattr(counting, "study", stopped)
    assert study("counting", tmp_path, "--target", "unix") == 130
    assert (tmp_path / "counting.txt").read_text() == "a table\n\nabandoned: no verdict\n"
