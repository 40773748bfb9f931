"""`dorn analyse` over time: slices, half-lives and chains, parts of an archive, activities at a date."""

import csv
import json

import numpy as np
import pytest
from dorn.head import sources
from dorn.nuclides import half_life_s
from dorn.products import Archive
from dorn.session.acquire import collect
from support.analyses import NAMES, RADON, analyse, table_spectrum
from support.instrument import instrument


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
