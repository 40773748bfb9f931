"""`dorn calibrate`, and the commands that use the file it writes."""

import csv
import io
import json
import tomllib

import numpy as np
import pytest
from dorn.analysis.event_table import EventTable
from dorn.cli import main
from dorn.dictionary import Dictionary
from dorn.nuclides import main_kev
from dorn.products import Archive
from support.data import data
from support.runs import run

INSTRUMENT = Dictionary.load().instrument
NUCLIDES = ("Po-209", "Po-210", "Po-214")
GAINS = [round(1 + 0.002 * (d - 7), 3) for d in range(16)]
OFFSETS_KEV = [5.0 * (d % 3 - 1) for d in range(16)]
SOURCE = '[[source]]\nnuclide = "{}"\nactivity_bq = 150\ndetectors = {}\n'


@pytest.fixture(scope="module")
def recorded(tmp_path_factory):
    """The folder of a run in which each detector has its own scale, and detector 15 has no source."""
    folder = tmp_path_factory.mktemp("recorded")
    head = f"[head]\nnoise_kev = 30\ngain = {GAINS}\noffset_kev = {OFFSETS_KEV}\n"
    sources = "".join(SOURCE.format(name, list(range(15))) for name in NUCLIDES)
    (folder / "three.toml").write_text(f"duration_s = 130\n{sources}{head}")
    assert run(folder / "three.toml", "--out", folder / "run") == 0
    return folder


@pytest.fixture(scope="module")
def calibration(recorded):
    path = recorded / "calibration.toml"
    archive = recorded / "run" / "telemetry.ccsds"
    arguments = "calibrate", archive, "--lines", ",".join(NUCLIDES), "--drift", "Po-209", "--slice", 60, "--out", path
    assert main(list(map(str, arguments))) == 0
    return path


def test_the_scale_of_each_detector_is_found(calibration):
    made = tomllib.loads(calibration.read_text())
    assert made["lines"] == list(NUCLIDES) and "dorn calibrate" in made["command"]
    assert [one["number"] for one in made["detector"]] == list(range(15))
    pulls = []
    for one, gain, offset_kev in zip(made["detector"], GAINS, OFFSETS_KEV, strict=False):
        code = 50 + (gain * main_kev("Po-210") + offset_kev) / 3
        energy_kev = one["kev_per_code"] * (code - one["zero_code"])
        pulls.append((energy_kev - main_kev("Po-210")) / one["statistical_error_kev"])
    assert 0.5 < np.std(pulls) < 1.6 and max(map(abs, pulls)) < 4
    gains, errors = (np.array([one[key] for one in made["drift"]["detector"]]) for key in ("gain", "error"))
    assert gains.shape == (15, 3) and (abs(gains - 1) < 5 * errors).all()


def test_products_have_the_energies_of_each_detector(recorded, calibration, tmp_path):
    archive = str(recorded / "run" / "telemetry.ccsds")
    before = (recorded / "run" / "telemetry.ccsds").read_bytes()
    arguments = "--instrument-calibration", str(calibration), "--out", str(tmp_path)
    assert main(["decode", archive, *arguments]) == 0
    assert (recorded / "run" / "telemetry.ccsds").read_bytes() == before
    assert json.loads((tmp_path / "summary.json").read_text())["calibration"] == str(calibration)
    lines = (tmp_path / "spectra.csv").read_text().splitlines()
    table = list(csv.DictReader(io.StringIO("\n".join(lines))))
    default = list(csv.DictReader((recorded / "run" / "spectra.csv").open()))
    assert table[3:] == default[3:], "counts and default energies do not change"
    slices = Archive(archive, calibration=calibration).slices()
    loaded = EventTable.load(tmp_path / "events.npz")
    events = EventTable.load(recorded / "run" / "events.npz")
    assert (loaded.codes == events.codes).all()
    energy_kev, detectors = loaded.energy_kev, loaded.each_hit()[1]
    for d in range(15):
        name = f"{('front', 'back')[d % 2]}_{d}"
        counts = np.array([int(row[name]) for row in table[3:]])
        kev_per_code, zero_code = float(table[1][name]), float(table[2][name])
        channel_kev = kev_per_code * (4 * np.arange(1024) + 1.5 - zero_code)
        np.testing.assert_allclose(slices.energy_kev[d], channel_kev, atol=1e-4)
        for nuclide in NUCLIDES:
            near = abs(channel_kev - main_kev(nuclide)) < 60
            assert np.average(channel_kev[near], weights=counts[near]) == pytest.approx(main_kev(nuclide), abs=4)
            listed = energy_kev[(detectors == d) & (abs(energy_kev - main_kev(nuclide)) < 60)]
            assert abs(listed.mean() - main_kev(nuclide)) < 4 * 20 / len(listed) ** 0.5 + 4
    assert (loaded.kev_per_code[15], loaded.zero_code[15]) == (3, 50), "it has no calibration"
    assert slices.gain.shape == (len(slices.start_s), 16)


def test_a_run_takes_the_calibration(recorded, calibration, tmp_path, capsys):
    out = tmp_path / "out"
    arguments = "--duration", 1, "--instrument-calibration", calibration, "--out", out
    assert run(recorded / "three.toml", *arguments) == 0
    assert json.loads((out / "summary.json").read_text())["calibration"] == str(calibration)
    assert run(recorded / "three.toml", "--instrument-calibration", tmp_path / "no.toml", "--out", tmp_path / "x") == 2
    assert "no.toml: file: cannot be read" in capsys.readouterr().err and not (tmp_path / "x").exists()


def spe(path, counts, terms):
    content = "\n".join(map(str, counts))
    path.write_text(f"$DATA:\n0 {len(counts) - 1}\n{content}\n$MCA_CAL:\n2\n{terms} keV\n")
    return path


def gaussian_spectrum(energies_kev, kev_per_channel, offset_kev):
    generator = np.random.default_rng(1)
    channels = [(generator.normal(e, 15, 3000) - offset_kev) / kev_per_channel for e in energies_kev]
    return np.histogram(np.concatenate(channels), np.arange(2049) - 0.5)[0]


def test_a_spectrum_is_calibrated_and_another_stored_calibration_is_reported(tmp_path, capsys):
    counts = gaussian_spectrum([main_kev("Gd-148"), main_kev("Po-210")], 4.0, 30.0)
    out = tmp_path / "c.toml"
    for terms, wrong in (("30 4.0", False), ("0 5.0", True)):
        file = spe(tmp_path / "some.spe", counts, terms)
        assert main(["calibrate", str(file), "--lines", "Gd-148,Po-210", "--out", str(out)]) == 0
        assert (
            "the stored calibration disagrees: it puts this line, taken for Gd-148" in capsys.readouterr().out
        ) == wrong
        (one,) = tomllib.loads(out.read_text())["spectrum"]
        assert one["name"] == "some.spe"
        assert one["kev_per_channel"] == pytest.approx(4, rel=0.002) and one["zero_channel"] == pytest.approx(
            -7.5, abs=1
        )
    assert main(["calibrate", str(file), "--lines", "Po-210", "--start=30,4.01", "--out", str(out)]) == 0
    (one,) = tomllib.loads(out.read_text())["spectrum"]
    assert one["zero_channel"] == pytest.approx(-30 / 4.01) and one["kev_per_channel"] == pytest.approx(4, rel=0.002)


def test_strips_of_a_root_file_are_calibrated(tmp_path, capsys):
    file = data("triple-alpha-leuven") / "DSSD_3178-17_Front_80V.root"
    out = tmp_path / "strips.toml"
    assert main(["calibrate", str(file), "--lines", "Pu-239,Am-241,Cm-244", "--out", str(out)]) == 0
    assert "32 spectra calibrated" in capsys.readouterr().out
    errors = [
        one["kev_per_channel_error"] / one["kev_per_channel"] for one in tomllib.loads(out.read_text())["spectrum"]
    ]
    assert 0 < np.median(errors) < 2e-3


def test_the_stored_calibration_of_kentucky_disagrees(tmp_path, capsys):
    file = data("po210-kentucky") / "datafiles" / "AlphaSpectrum.Spe"
    assert main(["calibrate", str(file), "--lines", "Po-210", "--out", str(tmp_path / "c.toml")]) == 0
    assert "the stored calibration disagrees: it puts this line, taken for Po-210, at 63" in capsys.readouterr().out


WRONG = {
    "calibrate {archive} --lines Po-299 --out c.toml": "unknown nuclide (Po-299)",
    "calibrate {archive} --lines Pb-210 --out c.toml": "Pb-210",
    "calibrate {archive} --lines Gd-148 --out c.toml": "no spectrum was calibrated (Gd-148)",
    "calibrate {archive} --lines Po-210 --start=0,3 --out c.toml": "--start: OFFSET_KEV,KEV_PER_CHANNEL: only for a",
    "calibrate {archive} --lines Po-209 --slice 0 --out c.toml": "--slice: S: not above 0 (0)",
    "calibrate {archive} --lines Po-209,Po-209 --out c.toml": "--lines: NUCLIDE: twice (Po-209,Po-209)",
    "calibrate {archive} --lines Po-209 --drift Po-210 --out c.toml": "NUCLIDE: not one of --lines Po-209 (Po-210)",
    "calibrate {archive} --lines Po-209 --search 0.5 --out c.toml": "--search: X: above 0.2 (0.5)",
    "calibrate {archive} --lines Po-209 --out {archive}": "exists and is not a calibration; give another name",
    "calibrate {archive} --lines Po-209 --out .": "--out: FILE: is a folder (.)",
    "calibrate {archive} some.spe --lines Po-209 --out c.toml": "only one, and not together with archives (some.spe)",
    "calibrate some.spe --lines Po-210 --start foo --out c.toml": "--start: OFFSET_KEV,KEV_PER_CHANNEL: two numbers",
    "calibrate some.spe --lines Po-210 --search 0.1 --out c.toml": "--search: X: only with --start, or for an archive",
    "calibrate absent.spe --lines Po-209 --out c.toml": "absent.spe: file: cannot be read",
    "calibrate some.spe --lines Po-210 --drift Po-210 --out c.toml": "--drift: NUCLIDE: only for an archive",
    "calibrate some.spe other.spe --lines Po-210 --out c.toml": "only one, and not together with archives (other.spe)",
    "calibrate some.spe --lines Po-210 --out absent/c.toml": "--out: FILE: its folder does not exist (absent/c.toml)",
    "decode {archive} --instrument-calibration some.spe --out out": "some.spe: file: not TOML",
}


@pytest.mark.parametrize("line", WRONG)
def test_errors_are_one_line_and_nothing_is_written(recorded, line, tmp_path, monkeypatch, capsys):
    monkeypatch.chdir(tmp_path)
    spe(tmp_path / "some.spe", gaussian_spectrum([5304], 4.0, 0.0), "0 4")
    assert main(line.format(archive=recorded / "run" / "telemetry.ccsds").split()) == 2
    error = capsys.readouterr().err
    assert WRONG[line] in error and error.count("\n") == 1
    assert [path.name for path in tmp_path.iterdir()] == ["some.spe"]


def test_a_detector_with_other_lines_is_left_out(recorded, tmp_path, capsys):
    archive = str(recorded / "run" / "telemetry.ccsds")
    out = str(tmp_path / "c.toml")
    assert main(["calibrate", archive, "--lines", "Po-209,Rn-222,Po-218", "--out", out]) == 2
    output = capsys.readouterr()
    assert "not calibrated: detector 0: calibration: lines: found Po-209 of Po-209, Rn-222, Po-218" in output.out
    assert "without counts: detectors 15" in output.out and "no spectrum was calibrated" in output.err
    assert main(["calibrate", archive, "--lines", "Po-209", "--out", out]) == 0


def test_another_board_is_reported(recorded, calibration, tmp_path, capsys):
    other = tmp_path / "other.toml"
    board = tomllib.loads(calibration.read_text())["boards"][0]
    other.write_text(calibration.read_text().replace(board, "00000000deadbeef"))
    archive = str(recorded / "run" / "telemetry.ccsds")
    for file, reported in ((calibration, False), (other, True)):
        assert main(["decode", archive, "--instrument-calibration", str(file), "--out", str(tmp_path / "out")]) == 0
        assert (f"made for board 00000000deadbeef, not {board}" in capsys.readouterr().err) == reported
