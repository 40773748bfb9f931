"""`dorn export`: which files it writes, and what it refuses."""

import errno
import re

import pytest
from dorn import cli
from dorn.files import n42, spe, spectrum
from support.exported import archive


@pytest.fixture
def run(tmp_path):
    return archive(tmp_path / "run")


def export(*args):
    return cli.main(["export", *map(str, args)])


def names(folder):
    return sorted(path.relative_to(folder).as_posix() for path in folder.rglob("*") if path.is_file())


def test_a_folder_of_a_run_is_its_archive(run, tmp_path, capsys):
    assert export(run.parent, "--format", "csv,n42,csv", "--out", tmp_path / "out") == 0
    assert "25 files" in capsys.readouterr().out
    assert len(names(tmp_path / "out")) == 25 and "spectra.n42" in names(tmp_path / "out")


def test_slices_divide_phases(run, tmp_path, capsys):
    assert export(run, "--format", "n42", "--slice", 600, "--out", tmp_path / "out") == 0
    assert "1 measurements" in capsys.readouterr().out


@pytest.mark.parametrize(
    ("options", "what"),
    [
        (["--format", "spe,xml"], r"--format: FORMAT,...: not one of spe, chn, csv, n42, .* \(xml\)"),
        (["--format", ""], "--format: FORMAT,...: not one of"),
        (["--format", "spe", "--slice", "-1"], "--slice: S: not above 0"),
        (["--format", "spe", "--epoch", "yesterday"], r"--epoch: UTC: not a time such as .* \(yesterday\)"),
        (["--format", "spe", "--epoch", "2150-01-01T00:00:00Z"], "--epoch: UTC: not from 1970 to 2099"),
        (["--format", "spe", "--instrument-calibration", "absent.toml"], "absent.toml: file: cannot be read"),
    ],
)
def test_wrong_options_give_one_line(run, tmp_path, capsys, options, what):
    assert export(run, *options, "--out", tmp_path / "out") == 2
    error = capsys.readouterr().err
    assert re.search(what, error) and error.count("\n") == 1
    assert not (tmp_path / "out").exists()


CALIBRATION = """boards = ["0123456789abcdef"]
[[detector]]
number = 2
kev_per_code = 3.03
kev_per_code_error = 0.001
zero_code = 51.5
zero_code_error = 0.5
correlation = 0.5
"""


def test_energies_are_those_of_the_calibration(run, tmp_path, capsys):
    path = tmp_path / "calibration.toml"
    path.write_text(CALIBRATION)
    out = tmp_path / "out"
    formats = ["--format", "spe,csv,n42,root,pds4", "--instrument-calibration", path]
    assert export(run, *formats, "--out", out) == 0
    assert f"{path}: made for board 0123456789abcdef" in capsys.readouterr().err
    wanted = 3.03 * (1.5 - 51.5), 3.03 * 4  # of the middle of channel 0, and of a channel
    one = spe.read(out / "spe" / "front_2.Spe")
    assert one.coefficients[:2] == pytest.approx(wanted) and "calibration: calibration.toml" in one.remarks
    assert spe.read(out / "spe" / "back_3.Spe").coefficients == (-145.5, 12.0, 0.0)
    (measurement,) = n42.read(out / "spectra.n42")
    assert measurement.spectra[2].coefficients[:2] == pytest.approx(wanted)
    assert next(iter(spectrum.read(out / "csv" / "front_2.csv").values())).centres[:2] == pytest.approx(
        [wanted[0], sum(wanted)]
    )
    assert spectrum.read(out / "archive.root")["front_2"].edges[0] == pytest.approx(wanted[0] - wanted[1] / 2)
    row = (out / "pds4" / "data_calibrated" / "spectra_rate.csv").read_text().splitlines()[3].split(",")
    assert [float(value) for value in row[9:11]] == pytest.approx(wanted)


def test_an_archive_without_spectra_is_refused(run, tmp_path, capsys):
    run.write_bytes(b"")
    run.with_name("run.json").unlink()
    assert export(run, "--format", "spe", "--out", tmp_path / "out") == 2
    assert "telemetry.ccsds: packets: none of this instrument" in capsys.readouterr().err
    archive(run.parent, spectra=False)
    assert export(run, "--format", "spe", "--out", tmp_path / "out") == 2
    assert "spectra: none received" in capsys.readouterr().err


def test_files_of_another_export_among_the_new_ones_are_refused(run, tmp_path, capsys):
    out = tmp_path / "out"
    assert export(run, "--format", "spe", "--out", out) == 0
    before = {name: (out / name).read_bytes() for name in names(out)}
    left = out / "spe" / "old" / "back_16.Spe"
    left.parent.mkdir()
    left.write_text("of an instrument with more detectors")
    assert export(run, "--format", "spe", "--force", "--out", out) == 2
    assert "back_16.Spe: file: does not belong to this export; remove it" in capsys.readouterr().err
    assert {name: (out / name).read_bytes() for name in before} == before
    left.unlink()
    left.parent.rmdir()
    (out / "notes.txt").write_text("beside the folder of the format")
    assert export(run, "--format", "spe", "--force", "--out", out) == 0


def test_files_are_replaced_only_with_force(run, tmp_path, capsys):
    out = tmp_path / "out"
    assert export(run, "--format", "spe", "--out", out) == 0
    (out / "spe" / "back_1.Spe").write_text("something else")
    assert export(run, "--format", "n42,spe", "--out", out) == 2
    assert "exists; give another --out, or --force" in capsys.readouterr().err
    assert "spectra.n42" not in names(out) and (out / "spe" / "back_1.Spe").read_text() == "something else"
    assert export(run, "--format", "n42,spe", "--force", "--out", out) == 0
    assert spe.read(out / "spe" / "back_1.Spe").name == "back_1" and "spectra.n42" in names(out)


def test_a_failing_export_leaves_nothing(run, tmp_path, capsys, monkeypatch):
    written = []

    def fails(one):
        written.append(one)
        if len(written) > 3:
            raise OSError(errno.ENOSPC, "No space left on device")
        return b""

    monkeypatch.setattr("dorn.products.export.csv_file.write", lambda *args: fails(args))
    assert export(run, "--format", "spe,csv", "--out", tmp_path / "new" / "out") == 2
    assert "No space left" in capsys.readouterr().err
    assert not (tmp_path / "new").exists()
    written.clear()
    (tmp_path / "there").mkdir()
    (tmp_path / "there" / "mine").write_text("mine")
    assert export(run, "--format", "spe,csv", "--out", tmp_path / "there") == 2
    assert [path.name for path in (tmp_path / "there").iterdir()] == ["mine"]
