"""The ADC study, through its command: it meets its limits, and fails without the correction."""

import re

import numpy as np
import pytest
from dorn import study
from dorn.analysis.code_widths import CodeWidths
from dorn.cli import main
from dorn.errors import UserError
from dorn.study import adc, adc_ramps
from dorn.study.adc_pulses import KEV_PER_CODE, PULSER_STEPS, pulser
from support.data import data

played = []  # filled by the first test and reused by the others: playing pulses is the slow part


@pytest.fixture(autouse=True)
def folder(tmp_path, monkeypatch):
    def spread(function, jobs):
        if not played:
            played.extend(study.spread(function, jobs))
        return played

    monkeypatch.setattr("dorn.study.adc.spread", spread)
    return tmp_path / "out"


def short(folder):
    return main(["study", "adc", str(data("adc-ramp-rp2040").parent), "--short", "--out", str(folder)])


BOARDS = [f"rp2040adc{n}" for n in (1, 2, 3)]


def verdicts(folder):
    """Board -> limit -> verdict."""
    found = {}
    for line in (folder / "adc.txt").read_text().splitlines():
        if line.endswith(("FAIL", "PASS")):
            board, _, what = line.split("  ")[0].rpartition(": ")
            found.setdefault(board, {})[what] = line[-4:]
    return found


def failed(folder):
    """Limit -> the boards that fail it."""
    found = {}
    for board, limits in verdicts(folder).items():
        for what, verdict in limits.items():
            if verdict == "FAIL":
                found.setdefault(what, []).append(board)
    return found


def test_the_correction_holds_on_held_out_readings(folder):
    assert short(folder) == 0 and failed(folder) == {}
    assert [len(verdicts(folder).get(board, ())) for board in ("", *BOARDS)] == [1, 11, 9, 9]
    assert sorted(path.name for path in folder.glob("*.png")) == ["flat.png", "inl.png"]
    # the table is for others to use
    widths = CodeWidths.load(folder / "rp2040adc1-widths.csv")
    assert [code for code, *_ in widths.over_wide().values()] == [511, 1535, 2559, 3583]


def test_the_study_fails_without_the_correction_of_counts(folder, monkeypatch):
    monkeypatch.setattr(CodeWidths, "corrected", lambda self, counts, comb=False: (counts, np.sqrt(counts)))
    assert short(folder) == 1
    assert failed(folder) == dict.fromkeys(("over-wide channels, corrected", "comb, residual scatter"), BOARDS)


def test_the_study_fails_without_the_correction_of_energies(folder, monkeypatch):
    monkeypatch.setattr(CodeWidths, "edges", lambda self: 4 * np.arange(1025) - 0.5)
    assert short(folder) == 1
    assert failed(folder)["integral nonlinearity, corrected"] == BOARDS
    assert failed(folder)["Po-214 outside the over-wide channel, corrected"] == BOARDS


def test_a_nonlinear_pulser_degrades_energies_and_the_report_shows_it(folder):
    short(folder)
    lines = (folder / "adc.txt").read_text().splitlines()
    rows = [re.split("  +", line) for line in lines if re.match("(as counted|ideal|typical|maximum)[ ,]", line)]
    names, wide, most, _, beside, _ = zip(*rows, strict=True)
    assert names == ("as counted", "ideal, 0 LSB", "typical, 2 LSB", "maximum, 13 LSB")
    counted, *corrected = map(float, most)
    # a straight line fitted to a parabola of height 1 leaves 2/3 at the ends
    assert corrected == pytest.approx([0, 2 * 2 / 3, 13 * 2 / 3], abs=1.0) and corrected[1] < counted < corrected[2]
    assert sorted(map(float, beside[1:])) == list(map(float, beside[1:]))
    assert all(float(x.removeprefix("1 +- ")) < 0.1 for x in wide[1:])


def test_an_over_wide_code_missed_with_a_nonlinear_pulser_fails_the_study(folder, monkeypatch):
    flat = CodeWidths.from_counts

    def blind(counts):  # misses code 2559 in the runs with a nonlinear DAC, which have 16 spectra each
        counts = np.array(counts)
        if len(counts) == 16:
            counts[:, 639] = counts[:, 638]
        return flat(counts)

    monkeypatch.setattr(CodeWidths, "from_counts", blind)
    assert short(folder) == 1
    assert failed(folder) == {"codes found over-wide, nonlinear DAC": BOARDS[:1]}
    text = (folder / "adc.txt").read_text()
    assert "typical: 511, 1535, 3583" in text and "as held out: 511, 1535, 2559, 3583" in text


def test_the_pulser_has_the_stated_nonlinearity():
    steps = np.array(PULSER_STEPS)
    straight, bent = (
        np.array([energy_kev for *_, energy_kev in pulser(1, 1, inl)]).reshape(len(steps), -1) / KEV_PER_CODE
        for inl in (0.0, 13.0)
    )
    assert abs(straight - steps[:, None]).max() < 0.5 + 1e-9
    bow = (bent - straight)[:, 0]
    assert bow.max() == pytest.approx(13, abs=0.01) and abs(steps[bow.argmax()] - 4051 / 2) < 1
    assert 0 < bow[0] < 0.4 and 0 < bow[-1] < 0.1 and (np.diff(bow, 2) < 0).all()


def test_correcting_ordinary_channels_fails_the_study(folder, monkeypatch):
    monkeypatch.setattr(CodeWidths, "outstanding", CodeWidths.significant)
    assert short(folder) == 1
    assert failed(folder)["other channels made worse"] == BOARDS


def ramp(path, codes, readings=4):
    path.parent.mkdir(exist_ok=True)
    path.write_text("\n".join(f"{level},{','.join([str(code)] * readings)}" for level, code in enumerate(codes)))
    return path


def test_files_that_cannot_be_judged_are_named_and_stop_no_other(tmp_path):
    whole = np.repeat(np.arange(10, 4086), 4)
    ramp(tmp_path / "ramps" / "a.csv", whole)
    ramp(tmp_path / "ramps" / "b.CSV", whole)
    ramp(tmp_path / "ramps" / "constant.csv", [7] * 100)
    ramp(tmp_path / "ramps" / "short.csv", range(11, 31))
    ramp(tmp_path / "ramps" / "half.csv", range(2000))
    (tmp_path / "ramps" / "table.csv").write_text("channel,counts\n0,1\n")
    report = study.Report("adc", tmp_path / "out")
    ramps = adc_ramps.read(report, tmp_path / "ramps")
    assert list(ramps) == ["a", "b"] and ramps["a"].held_out.over_wide() == []
    text = (tmp_path / "out" / "adc.txt").read_text()
    for name, why in (
        ("constant", r"readings: ramp too short \(codes 7 to 7 only\)"),
        ("short", r"readings: codes 11 to 30: a ramp over all of 511 to 3583 is needed"),
        ("half", r"readings: codes 0 to 1999: a ramp over"),
        ("table", "1: level: not a usable number"),
    ):
        assert re.search(rf"not judged: .*{name}.csv:.*{why}", text)
    for path in (tmp_path / "ramps").glob("[ab].*"):
        path.unlink()
    with pytest.raises(UserError, match=r"DATA: folder: no ramp of an ADC: .*constant.csv: readings: ramp too short"):
        adc_ramps.read(report, tmp_path / "ramps")


@pytest.mark.parametrize("wide", [(), (511, 3583)])
def test_each_board_is_judged_by_the_over_wide_codes_that_it_has(tmp_path, wide):
    """A board without any has no limits that it could not fail, and those found that are not there fail."""
    codes = np.repeat(np.arange(10, 4086), np.where(np.isin(np.arange(10, 4086), wide), 36, 4))
    half = adc_ramps.Ramp.read(ramp(tmp_path / "ramps" / "a.csv", codes, 12)).held_out
    assert half.over_wide() == list(wide)
    rng = np.random.default_rng(1)
    expected = np.add.reduceat(np.where(np.isin(np.arange(4096), wide), 9, 1), np.arange(0, 4096, 4)) * 5000
    for there, kept in ((wide, True), ((1535,), False)):
        flat = rng.poisson(expected, (16, 1024))
        if not kept:
            flat[:, 1535 // 4] *= 3
        report = study.Report("adc", tmp_path / f"{kept}")
        adc.judge(report, {"a": CodeWidths.from_counts(flat)}, {"a": half})
        report.finish()
        limits = verdicts(report.out)["a"]
        assert limits["codes found over-wide"] == ("PASS" if kept else "FAIL")
        assert ("over-wide codes, corrected" in limits) == bool(there)
