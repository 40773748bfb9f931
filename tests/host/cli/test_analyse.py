"""`dorn analyse`: an archive and measured spectra in, counts and activities out."""

import csv
import json
import re

import numpy as np
import pytest
from dorn.analysis.line_shape import Shape
from dorn.cli import main
from dorn.cli.results import default_lines
from dorn.head import sources
from dorn.nuclides import half_life_s, lines
from dorn.products import Archive
from dorn.products.analysis import FILES
from dorn.products.directions import directions, selected
from dorn.session.acquire import collect
from support.data import data
from support.instrument import instrument
from support.runs import run

SCENARIO = """
duration_s = 130

[[source]]
nuclide = "Po-209"
activity_bq = 160

[[source]]
nuclide = "Po-210"
activity_bq = 80
detectors = "back"
tail_fraction = 0.07
tail_kev = 20

[[source]]
nuclide = "Po-214"
activity_bq_per_cm2 = 0.3
area_cm2 = 6
half_angle_deg = 60

[head]
noise_kev = 35
gain = [1.0, 1.006, 0.994, 1.011, 0.99, 1.002, 1.013, 0.987, 1.004, 0.997, 1.009, 0.992, 1.0, 1.007, 0.985, 1.003]
"""
NAMES = "Po-209,Po-210,Po-214"
RADON = """
duration_s = 60

[[source]]
nuclide = "Po-209"
activity_bq = 160

[[source]]
nuclide = "Rn-222"
activity_bq_per_cm2 = 0.3
area_cm2 = 6
half_angle_deg = 60

[head]
noise_kev = 35
"""
GEOMETRY = "kind = 'plane'\narea_cm2 = 6\narea_error_cm2 = 0.1\nhalf_angle_deg = 60\nhalf_angle_error_deg = 1\n"


@pytest.fixture(scope="module")
def recorded(tmp_path_factory):
    """The folder of a run, with the files that the options name."""
    folder = tmp_path_factory.mktemp("recorded")
    (folder / "three.toml").write_text(SCENARIO)
    (folder / "plane.toml").write_text(GEOMETRY)
    (folder / "wide.toml").write_text(GEOMETRY.replace("60", "91"))
    (folder / "cube.toml").write_text("kind = 'cube'")
    (folder / "nothing.ccsds").write_bytes(b"")
    (folder / "more.toml").write_text(GEOMETRY + "high = 1\n")
    assert run(folder / "three.toml", "--out", folder / "run") == 0
    return folder


def analyse(*arguments):
    return main(["analyse", *map(str, arguments)])


def test_the_activities_of_a_scenario_are_found(recorded, tmp_path, capsys):
    archive = recorded / "run" / "telemetry.ccsds"
    assert analyse(archive, "--lines", NAMES, "--geometry", recorded / "plane.toml", "--out", tmp_path) == 0
    assert "Bq/cm2" in capsys.readouterr().out
    content = json.loads((tmp_path / "analysis.json").read_text())
    front, back = (content["directions"][side]["nuclides"] for side in ("front", "back"))
    for side in (front, back):
        for name, quantity, true in (("Po-209", "rate_per_s", 79.6), ("Po-214", "activity", 0.3)):
            found = side[name][quantity]
            assert abs(found["value"] - true) < 4 * found["error"], (name, found)
            assert found["error"] < 0.08 * true
        parts = side["Po-214"]["activity"]["errors"]
        assert parts["counts"] > 0 and parts["efficiency"] == pytest.approx(0.3 * 0.0347, rel=0.2)
    assert abs(back["Po-210"]["rate_per_s"]["value"] - 80) < 4 * back["Po-210"]["rate_per_s"]["error"]
    assert front["Po-210"]["status"] == "below decision threshold"
    assert 0 < front["Po-210"]["activity"]["upper_limit_95"] < 0.01
    covariance = content["directions"]["back"]["counts_covariance"]
    assert np.shape(covariance["matrix"]) == (3, 3)
    assert covariance["matrix"][0][0] ** 0.5 == pytest.approx(back["Po-209"]["counts"]["errors"]["counts"], rel=1e-4)
    assert content["directions"]["back"]["missing_for_activity"] == []
    assert any("plane" in said for said in content["assumptions"])
    assert {path.name for path in tmp_path.iterdir()} == set(FILES) - {"slices.csv"}
    rows = list(csv.DictReader((tmp_path / "activities.csv").open()))
    assert len(rows) == 12 and {row["unit"] for row in rows} == {"1/s", "Bq/cm2"}
    peaks = {(row["direction"], row["nuclide"]): row for row in csv.DictReader((tmp_path / "peaks.csv").open())}
    assert abs(float(peaks["back", "Po-209"]["fwhm_kev"]) - 36) < 2
    html = (tmp_path / "report.html").read_text()
    assert "data:image/png;base64," in html and not re.search(r"(src|href)=['\"]?http", html)


def test_without_efficiency_it_says_what_is_missing(recorded, tmp_path, capsys):
    archive = recorded / "run" / "telemetry.ccsds"
    assert analyse(archive, "--lines", NAMES, "--out", tmp_path) == 0
    assert "missing for an activity: the efficiency" in capsys.readouterr().out
    content = json.loads((tmp_path / "analysis.json").read_text())["directions"]["front"]
    assert "activity" not in content["nuclides"]["Po-209"] and len(content["missing_for_activity"]) == 1


def test_lines_that_do_not_describe_the_spectra_are_reported(recorded, tmp_path, capsys):
    archive = recorded / "run" / "telemetry.ccsds"
    for names, wrong in ((NAMES, False), ("Po-209,Rn-222", True)):  # Po-210 is not named
        assert analyse(archive, "--lines", names, "--out", tmp_path) == 0
        assert ("warning: the lines do not describe the spectra" in capsys.readouterr().out) == wrong
        back = json.loads((tmp_path / "analysis.json").read_text())["directions"]["back"]
        assert bool(back["fit"]["warning"]) == wrong
        assert ("Do not use these values" in (tmp_path / "report.html").read_text()) == wrong


def test_a_background_archive_is_subtracted(recorded, tmp_path):
    archive = recorded / "run" / "telemetry.ccsds"
    assert analyse(archive, "--lines", NAMES, "--background", archive, "--out", tmp_path) == 0
    content = json.loads((tmp_path / "analysis.json").read_text())["directions"]["back"]["nuclides"]
    for name in NAMES.split(","):
        rate = content[name]["rate_per_s"]
        assert abs(rate["value"]) < 0.3 * rate["error"] and rate["errors"]["background"] > 0
        assert content[name]["status"] == "below decision threshold" and content[name]["counts"]["value"] > 400


def test_the_demo_ends_with_its_activities_beside_the_true_ones(tmp_path, capsys):
    assert main(["demo", "--target", "unix", "--out", str(tmp_path / "demo")]) == 0
    table = capsys.readouterr().out.partition("\nBq ")[2].splitlines()[1:]
    assert [line.split()[0] for line in table] == default_lines()
    for line in table:
        cells = re.findall(r"(< [\d.e-]+|[\d.]+ \+- [\d.]+) +([\d.]+)", line)
        assert len(cells) == 2
        for cell, true in cells:
            value, _, error = cell.removeprefix("< ").partition(" +- ")
            assert abs(float(value) - float(true)) < 4 * float(error) if error else float(true) <= float(value)


def test_rates_over_time_are_a_file_of_their_own(recorded, tmp_path, capsys):
    archive = recorded / "run" / "telemetry.ccsds"
    assert analyse(archive, "--lines", NAMES, "--slice", 60, "--half-life", "Po-214", "--out", tmp_path) == 0
    rows = list(csv.DictReader((tmp_path / "slices.csv").open()))
    assert {row["direction"] for row in rows} == {"front", "back"} and {row["nuclide"] for row in rows} == set(
        NAMES.split(",")
    )
    assert "half-life of Po-214" in capsys.readouterr().out
    assert set(json.loads((tmp_path / "analysis.json").read_text())["half_lives"]) == {"front", "back"}
    assert {row["activity"] for row in rows} == {""}
    assert analyse(archive, "--lines", NAMES, "--out", tmp_path) == 0
    assert not (tmp_path / "slices.csv").exists()


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


def test_activities_over_time_and_the_start_of_a_chain(recorded, tmp_path, capsys):
    """The activity of Po-214 does not change in two minutes, if it is fed by Rn-222."""
    archive = recorded / "run" / "telemetry.ccsds"
    given = "--lines", NAMES, "--slice", 30, "--chain", "Rn-222", "--geometry", recorded / "plane.toml"
    assert analyse(archive, *given, "--out", tmp_path) == 0
    assert "chain of Rn-222 at " in capsys.readouterr().out
    html = (tmp_path / "report.html").read_text()
    assert "front: chain of Rn-222 at " in html and "detected with the same probability" in html
    rows = [row for row in csv.DictReader((tmp_path / "slices.csv").open()) if row["nuclide"] == "Po-214"]
    whole = json.loads((tmp_path / "analysis.json").read_text())
    for side in ("front", "back"):
        of_side = [row for row in rows if row["direction"] == side]
        weights = [float(row["live_s"]) for row in of_side]
        mean = np.average([float(row["activity"]) for row in of_side], weights=weights)
        activity = whole["directions"][side]["nuclides"]["Po-214"]["activity"]
        assert mean == pytest.approx(activity["value"], rel=0.05)
        assert {row["activity_unit"] for row in of_side} == {"Bq/cm2"}
        chain = whole["chains"][side]
        assert chain["parent"] == "Rn-222" and len(chain["covariance"]) == len(chain["decays_per_s_at_start"])


def test_activities_are_corrected_to_a_date(tmp_path, capsys):
    file = table_spectrum(tmp_path / "po210.csv")
    given = "--lines", "Po-210", "--live", 100, "--efficiency", "0.2,0.01", "--date", "2026-01-01"
    assert analyse(file, *given, "--out", tmp_path / "out") == 2
    assert "--date: UTC: needs the start of the measurement" in capsys.readouterr().err
    assert analyse(file, *given, "--measured", "2026-05-19T12:00:00Z", "--out", tmp_path / "out") == 0
    assert "Bq at 2026-01-01T00:00:00Z" in capsys.readouterr().out
    content = json.loads((tmp_path / "out" / "analysis.json").read_text())
    one = content["directions"]["po210.csv"]["nuclides"]["Po-210"]
    # 138.5 d; half-life of Po-210: 138.376(2) d
    assert one["activity_at_date"]["value"] / one["activity"]["value"] == pytest.approx(
        2 ** (138.5 / 138.376), rel=1e-5
    )
    assert one["activity_at_date"]["errors"]["half_life"] == pytest.approx(
        one["activity_at_date"]["value"] * np.log(2) * 138.5 / 138.376 * 0.002 / 138.376, rel=0.01
    )
    assert content["reference_date"] == "2026-01-01T00:00:00Z" and any(
        "2026-05-19" in a for a in content["assumptions"]
    )
    assert "2026-01-01T00:00:00Z" in (tmp_path / "out" / "report.html").read_text()


def test_the_duration_is_that_of_the_integrations(recorded, tmp_path):
    archive = recorded / "run" / "telemetry.ccsds"
    given = "--lines", NAMES, "--geometry", recorded / "plane.toml", "--date", "2026-01-01"
    assert analyse(archive, *given, "--measured", "2026-01-01", "--out", tmp_path) == 0
    slices = Archive(archive).slices()
    taken_s = slices.end_s[0] - slices.begin_s[0]
    assert 100 < taken_s <= 131
    (said,) = (one for one in json.loads((tmp_path / "analysis.json").read_text())["assumptions"] if " took " in one)
    assert f"and took {taken_s:.6g} s." in said


def test_a_part_of_an_archive_is_that_of_integrations(recorded, tmp_path, capsys):
    """Integrations of a minute: the second starts after 60 s of on-board time, the third after 120 s."""
    archive = recorded / "run" / "telemetry.ccsds"
    slices = Archive(archive).slices(1)
    begins_s = slices.begin_s
    assert len(begins_s) == 3
    given = "--lines", NAMES, "--geometry", recorded / "plane.toml", "--date", "2026-01-01"
    part = "--from", begins_s[1] - 10, "--to", begins_s[2] - 0.001, "--measured", "2026-01-01T12:00:00Z"
    assert analyse(archive, *given, *part, "--out", tmp_path) == 0
    assert f"analysed: {begins_s[1]:.6g} to {slices.end_s[1]:.6g} s of on-board time" in capsys.readouterr().out
    content = json.loads((tmp_path / "analysis.json").read_text())
    assert [one["begin_s"] for one in content["analysed"]] == [begins_s[1]]
    assert content["began"] == f"2026-01-01T12:01:{begins_s[1] - begins_s[0] - 60:02.0f}Z"
    assert content["directions"]["front"]["live_s"] < 60.1


def test_what_has_decayed_too_often_has_no_activity_at_the_date(recorded, tmp_path, capsys):
    archive = recorded / "run" / "telemetry.ccsds"
    given = "--lines", NAMES, "--geometry", recorded / "plane.toml", "--date", "2026-01-02"
    assert analyse(archive, *given, "--measured", "2026-01-03", "--out", tmp_path) == 0
    printed = capsys.readouterr().out
    assert "Po-214   not corrected: too many half-lives between the measurement and 2026-01-02" in printed
    front = json.loads((tmp_path / "analysis.json").read_text())["directions"]["front"]
    assert front["not_corrected_to_date"].keys() == {"Po-214"}
    assert "activity_at_date" in front["nuclides"]["Po-209"] and "activity_at_date" not in front["nuclides"]["Po-214"]


def test_progeny_of_what_was_found_is_corrected_only_as_given(tmp_path, capsys):
    def at_date(names, *more):
        """The correction of Po-218, a minute; and why there is none."""
        file = table_spectrum(tmp_path / "radon.csv", names=names)
        given = "--lines", "Rn-222,Po-218", "--live", 100, "--efficiency", "0.2,0.01", "--date", "2026-01-01T00:00"
        assert analyse(file, *given, "--measured", "2026-01-01T00:01", *more, "--out", tmp_path / "out") == 0
        content = json.loads((tmp_path / "out" / "analysis.json").read_text())
        one = content["directions"]["radon.csv"]
        po_218 = one["nuclides"]["Po-218"]
        if "activity_at_date" not in po_218:
            assert "Po-218" in (tmp_path / "out" / "report.html").read_text().partition("is not corrected")[0]
            return None, one["not_corrected_to_date"]["Po-218"]
        assert one["not_corrected_to_date"] == {}
        return po_218["activity_at_date"]["value"] / po_218["activity"]["value"], " ".join(content["assumptions"])

    def factor(half_life_s):
        x = np.log(2) * 100 / half_life_s
        return 2 ** (60 / half_life_s) * x / -np.expm1(-x)

    both = "Rn-222", "Po-218"
    why = "is fed by Rn-222: its own half-life does not apply; --decays-as"
    assert at_date(both) == (None, why)
    assert f"Po-218   not corrected: {why}" in capsys.readouterr().out
    for parent in both:
        found, said = at_date(both, "--decays-as", f"Po-218={parent}")
        assert found == pytest.approx(factor(half_life_s(parent)), rel=1e-5)
        assert ("in equilibrium with a parent: Po-218 as Rn-222" in said) == (parent == "Rn-222")
    alone, _ = at_date(["Po-218"])  # Rn-222 is among the lines, but was not found
    assert alone == pytest.approx(factor(half_life_s("Po-218")), rel=1e-5)
    assert at_date(["Po-218"], "--decays-as", "Po-218=Ra-226")[0] == pytest.approx(1, rel=1e-5)


def test_lines_narrower_than_a_channel_are_told(tmp_path, capsys):
    (tmp_path / "radon.toml").write_text(RADON.replace("noise_kev = 35", ""))
    assert run(tmp_path / "radon.toml", "--duration", 10, "--out", tmp_path / "run") == 0
    assert analyse(tmp_path / "run" / "telemetry.ccsds", "--lines", "Po-209,Rn-222", "--out", tmp_path / "out") == 2
    assert "lines are narrower than a channel" in capsys.readouterr().out


def test_a_flux_is_given_of_radon_only_and_with_its_assumption(tmp_path, capsys):
    (tmp_path / "radon.toml").write_text(RADON)
    (tmp_path / "plane.toml").write_text(GEOMETRY)
    assert run(tmp_path / "radon.toml", "--out", tmp_path / "run") == 0
    given = "--lines", "Po-209,Rn-222,Po-218", "--geometry", tmp_path / "plane.toml"
    assert analyse(tmp_path / "run" / "telemetry.ccsds", *given, "--out", tmp_path / "out") == 0
    content = json.loads((tmp_path / "out" / "analysis.json").read_text())
    front = content["directions"]["front"]["nuclides"]
    flux = front["Rn-222"]["flux"]
    assert flux["unit"] == "1/(cm2 s)" and abs(flux["value"] - 0.3) < 4 * flux["error"]
    assert "flux" not in front["Po-218"]
    assert any("steady state without lateral transport" in one for one in content["assumptions"])
    assert "steady state without lateral transport" in capsys.readouterr().out


def test_the_slices_of_a_phase_are_those_under_its_observation_table(tmp_path, capsys):
    (tmp_path / "radon.toml").write_text(RADON)
    source = sources.load(tmp_path / "radon.toml")
    path = tmp_path / "telemetry.ccsds"
    with instrument("unix", noise_kev=35) as i:
        i.record(path)
        i.start()
        i.target.inject(source.particles(None, 60, 1, "poisson", False))
        i.advance(20)
        i.command("load_table", table="surface")
        i.set("integration_time", 5)
        i.advance(40)
        collect(i, lambda i: i.command("function", function="stop"))
        i.close()
    given = "--lines", "Po-209", "--slice", 5
    assert analyse(path, *given, "--phase", "surface", "--out", tmp_path / "surface") == 0
    rows = list(csv.DictReader((tmp_path / "surface" / "slices.csv").open()))
    assert rows and min(float(row["start_s"]) for row in rows) >= 20
    assert analyse(path, *given, "--phase", "orbit", "--out", tmp_path / "orbit") == 2
    assert "--phase: TABLE: no slice has only this observation table in force" in capsys.readouterr().err


def test_a_measured_spectrum_gives_rate_and_activity(tmp_path, capsys):
    file = data("am241-milano", "Single_detectors") / "Detector3" / "Vbias" / "Data" / "60V.Chn"
    given = "--lines", "Am-241", "--start=0,1.13", "--efficiency", "0.01,0.0005"
    assert analyse(file, *given, "--out", tmp_path) == 0
    assert "60V.Chn: 1 spectra, 103.66 s live" in capsys.readouterr().out
    (found,) = json.loads((tmp_path / "analysis.json").read_text())["directions"].values()
    one = found["nuclides"]["Am-241"]
    # between the lines of Am-241 and the pulser, at a third of the energy, there are only a few per cent of the counts
    from dorn.files import chn

    counts = chn.read(file).counts
    above = int(counts[len(counts) * 4 // 10 :].sum())
    assert 0.9 * above < one["counts"]["value"] <= 1.02 * above
    assert one["rate_per_s"]["value"] == pytest.approx(one["counts"]["value"] / 103.66)
    assert one["activity"]["error"] == pytest.approx(0.05 * one["activity"]["value"], rel=0.2)


def test_a_line_that_could_be_either_of_two_peaks_is_not_guessed(tmp_path, capsys):
    file = data("am241-milano", "Single_detectors") / "Detector3" / "Vbias" / "Data" / "60V.Chn"
    assert analyse(file, "--lines", "Am-241", "--out", tmp_path) == 2
    assert "give --start (calibration: lines: several peaks, at 1638 or 4982" in capsys.readouterr().out


def test_a_background_without_counts_takes_nothing_away(tmp_path):
    file = table_spectrum(tmp_path / "po210.csv")
    header, *rows = file.read_text().splitlines()
    (tmp_path / "none.csv").write_text("\n".join([header, *(f"{row.split(',')[0]},0" for row in rows)]) + "\n")
    given = "--lines", "Po-210", "--live", 100
    assert analyse(file, *given, "--out", tmp_path / "a") == 0
    assert analyse(file, *given, "--background", tmp_path / "none.csv", "--out", tmp_path / "b") == 0
    alone, less = (
        json.loads((tmp_path / name / "analysis.json").read_text())["directions"]["po210.csv"]["nuclides"]["Po-210"]
        for name in "ab"
    )
    assert less["rate_per_s"]["value"] == alone["rate_per_s"]["value"]
    assert less["rate_per_s"]["errors"]["background"] == pytest.approx(0.01)  # one count in 100 s


def test_a_background_on_another_scale_is_not_subtracted(tmp_path, capsys):
    file = table_spectrum(tmp_path / "po210.csv")
    header, *rows = file.read_text().splitlines()
    cells = (row.split(",") for row in rows)
    (tmp_path / "other.csv").write_text("\n".join([header, *(f"{float(e) + 300},{n}" for e, n in cells)]) + "\n")
    given = "--lines", "Po-210", "--live", 100, "--background", tmp_path / "other.csv"
    assert analyse(file, *given, "--out", tmp_path / "out") == 2
    assert "other.csv: energy scale: not that of the spectrum" in capsys.readouterr().out


def table_spectrum(path, seed=3, counts=3000, names=("Po-210",)):
    """A CSV spectrum of nuclides with this true number of counts each."""
    edges_kev = np.arange(4000, 6500, 8.0)
    mean = np.full(len(edges_kev) - 1, 0.2)
    for name in names:
        energies_kev, shares = np.array(lines(name)).T
        mean += counts * (shares / shares.sum()) @ Shape(30, ((0.06, 20.0),)).integrals(edges_kev, energies_kev)
    seen = np.random.default_rng(seed).poisson(mean)
    rows = [f"{e:.1f},{n}" for e, n in zip((edges_kev[1:] + edges_kev[:-1]) / 2, seen, strict=True)]
    path.write_text("energy_kev,counts\n" + "\n".join(rows) + "\n")
    return path


def test_a_table_needs_a_live_time(tmp_path, capsys):
    file = table_spectrum(tmp_path / "po210.csv")
    assert analyse(file, "--lines", "Po-210", "--out", tmp_path / "a") == 0
    assert "missing for an activity: the live time" in capsys.readouterr().out
    assert analyse(file, "--lines", "Po-210", "--live", 100, "--out", tmp_path / "b") == 0
    (found,) = json.loads((tmp_path / "b" / "analysis.json").read_text())["directions"].values()
    rate = found["nuclides"]["Po-210"]["rate_per_s"]
    assert abs(rate["value"] - 30) < 4 * rate["error"]
    background = table_spectrum(tmp_path / "weak.csv", 4, 300)
    given = "--lines", "Po-210", "--live", 100, "--background", background
    assert analyse(file, *given, "--out", tmp_path / "c") == 0
    (found,) = json.loads((tmp_path / "c" / "analysis.json").read_text())["directions"].values()
    rate = found["nuclides"]["Po-210"]["rate_per_s"]
    assert abs(rate["value"] - 27) < 4 * rate["error"] and rate["errors"]["background"] == pytest.approx(0.175, rel=0.2)


def test_files_of_others_are_not_replaced(recorded, tmp_path, capsys):
    (tmp_path / "report.html").write_text("of another program")
    archive = recorded / "run" / "telemetry.ccsds"
    assert analyse(archive, "--lines", NAMES, "--out", tmp_path) == 2
    assert "report.html: exists and was not written by dorn analyse" in capsys.readouterr().err
    assert [path.name for path in tmp_path.iterdir()] == ["report.html"]
    assert (tmp_path / "report.html").read_text() == "of another program"
    for more in (["--force"], []):  # the second time, they are files of dorn analyse
        assert analyse(archive, "--lines", NAMES, *more, "--out", tmp_path) == 0


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
    "{archive} --geometry {folder}/wide.toml": "half_angle_deg",
    "{archive} --geometry {folder}/more.toml": "high: unknown key",
    "{archive} --geometry {folder}/cube.toml": "kind: not one of plane, discs, point (cube)",
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


def test_directions_are_the_even_and_the_odd_detectors(recorded):
    slices = Archive(recorded / "run" / "telemetry.ccsds").slices()
    found = directions(slices, selected(slices, None, None, False), 0.03)
    assert [one.name for one in found] == ["front", "back"]
    np.testing.assert_array_equal(found[1].counts[0], slices.counts[:, 1].sum(axis=0))
    kev_per_code, edge = 3.0, found[0].edges_kev[0]
    assert edge[0] == pytest.approx(kev_per_code * (-0.5 - 50)) and np.diff(edge) == pytest.approx(12.0)
