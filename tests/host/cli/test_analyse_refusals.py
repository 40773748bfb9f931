"""What `dorn analyse` refuses: wrong input, and replacing the files of others."""

import pytest
from support.analyses import NAMES, analyse, table_spectrum

WRONG = {
    "{archive} --lines Po-299": "unknown nuclide (Po-299)",
    "{archive} --lines Pb-210": "Pb-210 has no alpha line",
    "{archive} --lines Po-209,Po-209": "--lines: NUCLIDE,...: one twice",
    "{archive} --lines Po-209 --start=0,3": "analyse: --start: only for a spectrum",
    "{archive} --lines Po-209 --live 3": "analyse: --live: only for a spectrum",
    "{csv} --lines Po-210 --from 3": "analyse: --from: only for an archive",
    "{csv} --lines Po-210 --storm": "analyse: --storm: only for an archive",
    "{archive} --efficiency 0.1": "--efficiency: E,U: two numbers expected",
    "{archive} --efficiency 1.1,0": "--efficiency: E: above 1",
    "{archive} --efficiency 0,0": "--efficiency: E: not above 0",
    "{archive} --efficiency 0.1,x": "--efficiency: U: not a usable number",
    "{archive} --efficiency 0.1,0.1": "--efficiency: U: not below E",
    "{archive} --geometry {folder}/wide.toml": "half_angle_deg",
    "{archive} --geometry {folder}/vague.toml": "area_error_cm2: not below area_cm2 (60",
    "{archive} --geometry {folder}/discs.toml": "kind: for one detector, but a direction of an archive is the sum of",
    "{archive} --geometry {folder}/more.toml": "high: unknown key",
    "{archive} --geometry {folder}/cube.toml": "kind: not one of plane, discs, point, facets (cube)",
    "{archive} --geometry {folder}/no.toml": "no.toml: file: cannot be read",
    "{archive} --slice 0": "--slice: S: not above 0",
    "{archive} --half-life Po-214": "--half-life: NUCLIDE: only with --slice",
    "{archive} --lines Po-209 --slice 60 --half-life Po-214": "--half-life: NUCLIDE: not one of --lines",
    "{archive} --lines Po-209 --chain Rn-222": "--chain: NUCLIDE: only with --slice",
    "{archive} --lines Po-209 --slice 60 --chain Rn-222": "--chain: PARENT: no nuclide of its chain is one of --lines",
    "{archive} --lines Po-209 --slice 60 --chain Po-299": "unknown nuclide (Po-299)",
    "{csv} --lines Po-210 --start 1,2,3": "--start: OFFSET_KEV,KEV_PER_CHANNEL: two numbers expected",
    "{csv} --lines Po-210 --live 1e-300": "rates: live time: not above 1e-09 s",
    "{archive} --efficiency 1e-300,0": "activity: efficiency: not above 1e-15",
    "{archive} --lines Po-209 --date 9999-12-31T23:59:59-10:00": "--date: UTC: not from 1900 to 2199",
    "{archive} --lines Po-209 --date yesterday": "--date: UTC: not a date, or date and time",
    "{archive} --lines Po-209 --measured 2026-01-01": "--measured: UTC: only with --date",
    "{archive} --lines Po-209 --decays-as Po-209=Po-209": "--decays-as: PARENT: only with --date",
    "{csv} --lines Po-210 --date 2026-01-01 --decays-as Po-210": "--decays-as: NUCLIDE=PARENT,...: each nuclide once",
    "{csv} --lines Po-210 --date 2026-01-01 --decays-as Po-210=Am-241": "--decays-as: PARENT: does not decay to Po-210",
    "{csv} --lines Po-210 --date 2026-01-01 --decays-as Po-218=Rn-222": "--decays-as: NUCLIDE: not one of --lines",
    "{archive} --lines Po-209 --date 2026-01-01": "--date: UTC: needs the start of the measurement",
    "{csv} --lines Po-210 --phase surface": "analyse: --phase: only for an archive",
    "{csv} --lines Po-210 --slice 60": "analyse: --slice: only for an archive",
    "{archive} --from x": "--from: S: not a usable number",
    "{archive} --from 1e9": "no integration starts within these on-board times; the archive has ",
    "{archive} --from 100 --to 50": "--from, --to: S: the start is not before the end (100, 50)",
    "{folder}/cube.toml": "cube.toml: packets: not an archive: no packet of this instrument",
    "{folder}/nothing.ccsds": "nothing.ccsds: packets: not an archive: no packet of this instrument",
    "{archive} --background {folder}/nothing.ccsds": "nothing.ccsds: packets: not an archive",
    "{csv} --lines Gd-148": "no spectrum was analysed",
    "{csv} {csv} --lines Po-210": "name: given to two spectra",
    "{archive} {csv} --lines Po-210": "spectra and archives cannot be mixed",
    "{csv} {archive} --lines Po-210": "spectra and archives cannot be mixed",
    "{archive} --slice 60 --background {archive} --half-life Po-214": "--half-life: NUCLIDE: not with --background",
    "{archive} --slice 60 --background {archive} --chain Rn-222": "--chain: NUCLIDE: not with --background",
    "no.ccsds": "no.ccsds",
    "no.spe": "no.spe",
    "{csv} --lines Po-210 --background no.csv": "no.csv",
}


@pytest.mark.parametrize("arguments", WRONG)
def test_wrong_input_is_one_line_and_writes_nothing(arguments, recorded, tmp_path, capsys):
    names = {"archive": recorded / "run" / "telemetry.ccsds", "folder": recorded, "csv": recorded / "po210.csv"}
    table_spectrum(names["csv"])
    out = tmp_path / "out"
    assert analyse(*arguments.format(**names).split(), "--out", out) == 2
    (line,) = capsys.readouterr().err.splitlines()
    assert WRONG[arguments] in line
    assert not out.exists()


@pytest.mark.parametrize("option", ["", "--background"])
def test_an_input_is_not_replaced(recorded, tmp_path, capsys, option):
    table_spectrum(tmp_path / "peaks.csv")
    table_spectrum(tmp_path / "po210.csv")
    before = (tmp_path / "peaks.csv").read_bytes()
    files = [tmp_path / "po210.csv", option, tmp_path / "peaks.csv"] if option else [tmp_path / "peaks.csv"]
    assert analyse(*files, "--lines", "Po-210", "--force", "--out", tmp_path) == 2
    assert "--out: DIR: a file that is analysed would be replaced" in capsys.readouterr().err
    assert (tmp_path / "peaks.csv").read_bytes() == before


def test_files_of_others_are_not_replaced(recorded, tmp_path, capsys):
    (tmp_path / "report.html").write_text("of another program")
    archive = recorded / "run" / "telemetry.ccsds"
    assert analyse(archive, "--lines", NAMES, "--out", tmp_path) == 2
    assert "report.html: exists and was not written by dorn analyse" in capsys.readouterr().err
    assert [path.name for path in tmp_path.iterdir()] == ["report.html"]
    assert (tmp_path / "report.html").read_text() == "of another program"
    for more in (["--force"], []):  # the second time, they are files of dorn analyse
        assert analyse(archive, "--lines", NAMES, *more, "--out", tmp_path) == 0


def test_a_table_of_another_program_is_kept(recorded, tmp_path):
    archive = recorded / "run" / "telemetry.ccsds"
    (tmp_path / "slices.csv").write_text("of another program")
    assert analyse(archive, "--lines", NAMES, "--out", tmp_path) == 2
    assert analyse(archive, "--lines", NAMES, "--force", "--out", tmp_path) == 0
    assert (tmp_path / "slices.csv").read_text() == "of another program"
    assert analyse(archive, "--lines", NAMES, "--out", tmp_path) == 2  # still not its own
    assert analyse(archive, "--lines", NAMES, "--slice", 60, "--force", "--out", tmp_path) == 0
    assert analyse(archive, "--lines", NAMES, "--out", tmp_path) == 0
    assert not (tmp_path / "slices.csv").exists()
