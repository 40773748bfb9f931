"""`dorn analyse` of an archive: counts and activities, what is missing, fluxes."""

import csv
import json
import re

import numpy as np
import pytest
from dorn.analysis import line_choice
from dorn.cli import main
from dorn.cli.results import default_lines
from dorn.products import Archive
from dorn.products.analysis import FILES
from dorn.products.directions import directions, selected
from support.analyses import GEOMETRY, NAMES, RADON, analyse
from support.runs import run


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
    for name in NAMES.split(","):
        for quantity in ("rate_per_s", "activity"):
            one = back[name][quantity]
            low, high = one["interval_95"]
            assert low < one["value"] < high and high - low == pytest.approx(2 * 1.96 * one["error"], rel=0.02)
            assert one["detection_limit"] > one["decision_threshold"] > 0
            iso = one["iso_11929"]
            assert iso["best_estimate"] == pytest.approx(one["value"])
            assert iso["interval_95"] == pytest.approx([low, high], rel=0.01)
            # without background, that of ISO is near 0
            assert 0 < iso["decision_threshold"] < 1.1 * one["decision_threshold"]
            assert iso["decision_threshold"] < iso["detection_limit"] < 1.1 * one["detection_limit"]
    assert front["Po-210"]["activity"]["interval_95"][0] == 0
    covariance = content["directions"]["back"]["counts_covariance"]
    assert np.shape(covariance["matrix"]) == (3, 3)
    assert covariance["matrix"][0][0] ** 0.5 == pytest.approx(back["Po-209"]["counts"]["errors"]["counts"], rel=1e-4)
    assert content["directions"]["back"]["missing_for_activity"] == []
    assert any("plane" in said for said in content["assumptions"])
    assert {path.name for path in tmp_path.iterdir()} == set(FILES) - {"slices.csv"}
    rows = list(csv.DictReader((tmp_path / "activities.csv").open()))
    assert len(rows) == 12 and {row["unit"] for row in rows} == {"1/s", "Bq/cm2"}
    row = next(
        row for row in rows if (row["direction"], row["nuclide"], row["quantity"]) == ("back", "Po-214", "activity")
    )
    of_json = back["Po-214"]["activity"]
    assert [float(row[f"interval_95_{end}"]) for end in ("low", "high")] == of_json["interval_95"]
    assert float(row["iso_11929_detection_limit"]) == of_json["iso_11929"]["detection_limit"]
    peaks = {(row["direction"], row["nuclide"]): row for row in csv.DictReader((tmp_path / "peaks.csv").open())}
    assert abs(float(peaks["back", "Po-209"]["fwhm_kev"]) - 36) < 2
    html = (tmp_path / "report.html").read_text()
    assert "data:image/png;base64," in html and not re.search(r"(src|href)=['\"]?http", html)


def test_an_error_that_lacks_other_shapes_of_the_lines_says_so(recorded, tmp_path, monkeypatch):
    for out, fits in (("with", line_choice.alternatives), ("without", lambda *_, **__: [])):
        monkeypatch.setattr(line_choice, "alternatives", fits)
        archive = recorded / "run" / "telemetry.ccsds"
        assert analyse(archive, "--lines", NAMES, "--out", tmp_path / out) == 0
        said = json.loads((tmp_path / out / "analysis.json").read_text())["assumptions"]
        assert any("front: no fit with other tails converged" in one for one in said) == (out == "without")


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
    given = "--lines", NAMES, "--background", archive, "--slice", 60
    assert analyse(archive, *given, "--out", tmp_path) == 0
    content = json.loads((tmp_path / "analysis.json").read_text())["directions"]["back"]["nuclides"]
    for name in NAMES.split(","):
        rate = content[name]["rate_per_s"]
        assert abs(rate["value"]) < 0.3 * rate["error"] and rate["errors"]["background"] > 0
        assert content[name]["status"] == "below decision threshold" and content[name]["counts"]["value"] > 400
    for row in csv.DictReader((tmp_path / "slices.csv").open()):
        assert row["status"] == "below decision threshold" and abs(float(row["rate_per_s"])) < 5 * float(row["error"])


def test_a_background_of_another_board_is_told(recorded, tmp_path, capsys):
    archive, other = recorded / "run" / "telemetry.ccsds", tmp_path / "run" / "telemetry.ccsds"
    assert run(recorded / "three.toml", "--duration", 30, "--out", other.parent) == 0
    capsys.readouterr()
    (seen,), (wanted,) = Archive(other).boards, Archive(archive).boards
    for background, told in ((archive, ""), (other, f"measured by board {seen}, not {wanted}\n")):
        assert analyse(archive, "--lines", NAMES, "--background", background, "--out", tmp_path) == 0
        assert capsys.readouterr().err == (told and f"--background {background}: {told}")


@pytest.mark.parametrize("cut", [[], ["--from", "10"]])
def test_a_damaged_archive_is_told(recorded, tmp_path, capsys, cut):
    octets = bytearray((recorded / "run" / "telemetry.ccsds").read_bytes())
    octets[len(octets) // 2] ^= 1
    damaged = tmp_path / "damaged.ccsds"
    damaged.write_bytes(octets)
    assert analyse(damaged, "--lines", NAMES, *cut, "--out", tmp_path / "out") == 0
    assert "incomplete telemetry: 1 damaged packets, 1 gaps in the sequence" in capsys.readouterr().err
    assert analyse(recorded / "run" / "telemetry.ccsds", "--lines", NAMES, "--out", tmp_path / "out") == 0
    assert "incomplete" not in capsys.readouterr().err


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


def test_directions_are_the_even_and_the_odd_detectors(recorded):
    slices = Archive(recorded / "run" / "telemetry.ccsds").slices()
    found = directions(slices, selected(slices, None, None, False), 0.03)
    assert [one.name for one in found] == ["front", "back"]
    np.testing.assert_array_equal(found[1].counts[0], slices.counts[:, 1].sum(axis=0))
    kev_per_code, edge = 3.0, found[0].edges_kev[0]
    assert edge[0] == pytest.approx(kev_per_code * (-0.5 - 50)) and np.diff(edge) == pytest.approx(12.0)
