"""The spectra study: passed by the instrument, and failed by a faulty one."""

import re
from dataclasses import replace

import pytest
from dorn import cli
from dorn.head.front_end import FrontEnd
from dorn.study import chi_squared, gains, measured, recording, replay, spectra
from support.data import data
from support.source_texts import SPE

SETS = ("am241-lisbon", "am241-cologne", "am241-milano", "po210-kentucky", "triple-alpha-leuven")


@pytest.fixture
def folder():
    """The folder of the data; skips if a set is missing."""
    for name in SETS:
        path = data(name)
    return path.parent


def study(folder, out):
    return cli.main(["study", "spectra", str(folder), "--target", "unix", "--short", "--out", str(out)])


def failed(out):
    """The names of the failed limits."""
    lines = (out / "spectra.txt").read_text().splitlines()
    return [re.split(r"  +", line)[0].removeprefix("unix, ") for line in lines if line.endswith("FAIL")]


def test_the_instrument_meets_every_limit(folder, tmp_path):
    assert study(folder, tmp_path) == 0
    text = (tmp_path / "spectra.txt").read_text()
    assert failed(tmp_path) == [] and text.count("PASS") > 25
    for name in SETS[:4]:
        assert f"unix, {name}" in text
    for name in ("replays_unix", "gains_unix", "chi_squared"):
        assert (tmp_path / f"{name}.png").stat().st_size > 10_000


@pytest.fixture
def small(monkeypatch, folder):
    """Only the smallest replayed set and one seed, in this process, where tests can inject faults."""
    monkeypatch.setattr(spectra, "spread", lambda function, jobs: map(function, jobs))
    monkeypatch.setattr(spectra, "REPLAYED", ("am241-cologne",))
    files = {"am241-cologne": measured.files(folder, "am241-cologne"), "po210-kentucky": []}
    monkeypatch.setattr(spectra, "SHORT_FILES", files)
    monkeypatch.setattr(spectra, "SHORT_SEEDS", {"unix": 1})


@pytest.mark.long
def test_a_head_that_is_one_channel_off_is_detected(folder, tmp_path, monkeypatch, small):
    monkeypatch.setattr(recording, "front_end", lambda: FrontEnd(offset_kev=12.0))
    assert study(folder, tmp_path) == 1
    output = failed(tmp_path)
    assert "am241-cologne at 10 mV: misplaced counts" in output
    assert "am241-cologne: centroids of 5 lines against authors" in output
    assert "16 strips: 48 centroids against the same fit on fine bins" in output
    assert "1 seeds: smallest p" in output


def test_a_gain_error_of_one_in_a_thousand_is_detected(folder, tmp_path, monkeypatch, small):
    gain = (1.0,) * 5 + (1.001,) + (1.0,) * 10
    monkeypatch.setattr(recording, "front_end", lambda: FrontEnd(gain=gain))
    assert study(folder, tmp_path) == 1
    output = failed(tmp_path)
    assert output[0] == "am241-cologne at 10 mV: misplaced counts"
    assert "16 strips: misplaced counts" in output


@pytest.mark.long
def test_a_lost_channel_is_detected(folder, tmp_path, monkeypatch, small):
    def faulty(target, particles, comparator_mv=recording.DEFAULT_COMPARATOR_MV):
        recorded = recording.record(target, particles, comparator_mv)
        singles = recorded.singles.copy()
        singles[:, 470] = 0  # in the Am-241 line
        return replace(recorded, singles=singles)

    for module in (replay, gains, chi_squared):
        monkeypatch.setattr(module, "record", faulty)
    assert study(folder, tmp_path) == 1
    output = failed(tmp_path)
    assert "am241-cologne at 10 mV: misplaced counts" in output
    assert "1 seeds: smallest p" in output


def test_a_folder_without_spectra_is_named(tmp_path, capsys):
    assert study(tmp_path, tmp_path / "out") == 2
    assert re.search(
        r"dorn: DATA: folder: no file with a spectrum; kinds that are read: .spe, ", capsys.readouterr().err
    )
    (tmp_path / "prose.txt").write_text("nothing of interest")
    (tmp_path / "empty.spe").write_text("")
    assert study(tmp_path, tmp_path / "out") == 2
    error = capsys.readouterr().err
    assert "; empty.spe: file: is empty; prose.txt: line 1: header: no row" in error and not (tmp_path / "out").exists()
    assert study(tmp_path / "none", tmp_path / "out") == 2
    assert "DATA: folder: does not exist" in capsys.readouterr().err


def test_any_folder_of_files_has_a_verdict_for_each(tmp_path, monkeypatch):
    """Kinds, calibrations and numbers of channels do not matter; what cannot be judged does not stop the rest."""
    monkeypatch.setattr(spectra, "spread", lambda function, jobs: map(function, jobs))
    monkeypatch.setattr(spectra, "SHORT_SEEDS", {"unix": 1})
    monkeypatch.setattr(spectra, "SHORT_EVENTS", {"unix": 5000})
    folder = tmp_path / "data"
    (folder / "below").mkdir(parents=True)
    for name, content in {
        "a.spe": SPE,
        "below/b.csv": "energy_kev;counts\n" + "\n".join(f"{n},5;{n % 7}" for n in range(300)),
        "c.txt": "\n".join(str(n % 5) for n in range(4096)),
        "many.txt": "\n".join(["1000"] * 1000),
        "most.txt": "\n".join(["1000000000000000", "0", "600000000000000"]),
        "c.xy": "0|3\n1|4",
        "noext": "0 3\n1 4",
        "am241-milano/ours.spe": SPE,
        "po210-kentucky/ours.csv": "channel,counts\n0,1\n900,2",
        "triple-alpha-leuven/strip.csv": "1\n2\n3",
        "two.mcd": "[DATA0,2 ]\n1\n2\n[DATA1,2 ]\n-3\n4\n",
        "am241-milano/EXPECTED.json": "{}",
        "empty.txt": "0\n0\n",
        "bad.spe": "energy,counts",
        "bad.n42": "<x/>",
        "notes.md": "not looked at",
    }.items():
        (folder / name).parent.mkdir(exist_ok=True)
        (folder / name).write_text(content)
    assert study(folder, tmp_path / "out") == 0
    lines = (tmp_path / "out" / "spectra.txt").read_text().splitlines()
    for name, injected in (
        ("a.spe", 12),
        ("below/b.csv", 897),
        ("c.txt", 8190),
        ("many.txt", 20000),
        ("most.txt", 20000),
    ):
        row = next(re.split(r"  +", line) for line in lines if line.startswith(name))
        assert row[2:] == [str(injected), "0", "every count in its channel"]
    for name in ("c.xy", "noext", "am241-milano/ours.spe", "po210-kentucky/ours.csv", "triple-alpha-leuven/strip.csv"):
        assert any(line.startswith(f"{name} ") and line.endswith("every count in its channel") for line in lines)
    assert any(line.startswith("two.mcd, DATA0 ") and line.endswith("every count in its channel") for line in lines)
    assert any(re.search(r"^two.mcd, DATA1 .*\[DATA1\]: below 0", line) for line in lines)
    text = "\n".join(lines)
    assert "totals, 11" in text and "as in the files" in text and "stated" not in text and "EXPECTED" not in text
    for name, reason in (("bad.spe", "$DATA"), ("bad.n42", "root"), ("empty.txt", "all 0")):
        assert any(line.startswith(name) and reason in line for line in lines)
    assert not any("notes.md" in line for line in lines)
    monkeypatch.setattr(recording, "front_end", lambda: FrontEnd(offset_kev=12.0))
    assert study(folder, tmp_path / "wrong") == 1
    lines = (tmp_path / "wrong" / "spectra.txt").read_text().splitlines()
    assert sum(line.endswith("WRONG") for line in lines) == 11


def test_no_stall_of_the_flash_loses_counts_of_a_replay(emulator):
    """Parameters and event reports are still being written while the first counts are played."""
    particles = ((n * replay.SPACING_NS, n % 16, 5000.0) for n in range(1, 6001))
    recorded = recording.record("rp2040", particles, replay.LEAST_MV)
    assert recorded.reconciled and recorded.counters["overrun_hits"] == 0 and recorded.singles.sum() == 6000
