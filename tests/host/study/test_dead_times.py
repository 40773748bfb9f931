"""Dead time by laboratory methods: published figures, any other data, and the instrument itself."""

import re

import numpy as np
import pytest
from dorn.errors import UserError
from dorn.study import Report, own_dead_time, time_stamps, two_sources
from dorn.util.tables import Table
from hypothesis import given
from hypothesis import strategies as st
from support.data import data

SPE = "$MEAS_TIM:\n{0} {0}\n$DATA:\n0 1\n{1}\n0\n"


@pytest.fixture
def report(tmp_path):
    return Report("deadtime", tmp_path / "report")


def text(report):
    return (report.out / "deadtime.txt").read_text()


def counter(rate_cps, dead_time_s, events, seed=1):
    """Time stamps of a non-paralyzable counter with random events."""
    return np.cumsum(dead_time_s + np.random.default_rng(seed).exponential(1 / rate_cps, events))


def write_stamps(path, times_s):
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text("seconds\n" + "\n".join(f"{t:.9f}" for t in times_s))


def test_a_scintillation_counter_has_its_published_dead_time(report):
    two_sources.judge(report, data("deadtime-two-source").parent)
    assert report.finish()


def test_spectra_of_any_kind_and_place_give_a_dead_time(report, tmp_path):
    """10, 20 and both at 29.1 kcps: 30 us; a measurement without solution does not stop the other."""
    for name, seconds, counts in (
        ("lab/Am", 10, 100_000),
        ("lab/Cm", 10, 200_000),
        ("lab/Am+Cm", 10, 283_700),
        ("lab/X", 10, 1000),
        ("lab/Y", 10, 1000),
        ("lab/X+Y", 10, 500),
        ("lab/V", 10, 1000),
        ("lab/W", 10, 1000),
        ("lab/V+W", 10, 9000),
        ("lab/Z+lonely", 10, 5),
    ):
        (tmp_path / "lab").mkdir(exist_ok=True)
        (tmp_path / f"{name}.spe").write_text(SPE.format(seconds, counts))
    two_sources.judge(report, tmp_path)
    dead_us, _ = re.findall(r"^spectra .* ([-\d.]+) \+- ", text(report), re.MULTILINE)
    tau_s = 1e-6 * float(dead_us)
    true = [n / (1 - n * tau_s) for n in (10_000, 20_000, 28_370)]
    assert true[0] + true[1] == pytest.approx(true[2], rel=1e-3)
    assert "X+Y: not judged" in text(report) and "lonely" not in text(report)
    assert not report.finish()
    verdicts = [line for line in text(report).splitlines() if line.endswith(("PASS", "FAIL"))]
    assert [(line.split(":")[0], line[-4:]) for line in verdicts] == [("Am+Cm", "PASS"), ("V+W", "FAIL")]


@pytest.mark.parametrize(
    ("content", "message"),
    [
        (None, "cannot be read"),
        ("", "is empty"),
        (SPE.format(0, 5), "no counts or no real time"),
        (SPE.format(5, 0), "no counts or no real time"),
    ],
)
def test_a_spectrum_without_a_rate_is_refused(tmp_path, content, message):
    path = tmp_path / "bg.spe"
    if content is not None:
        path.write_text(content)
    with pytest.raises(UserError) as error:
        two_sources.counted(path)
    assert message in str(error.value) and str(path) in str(error.value) and "\n" not in str(error.value)


def test_the_intervals_of_a_geiger_counter_give_its_true_rate_in_two_ways(report):
    time_stamps.judge(report, data("geiger-times").parent)
    assert report.finish() and (report.out / "intervals.png").exists()


@pytest.mark.parametrize(("rate_cps", "dead_time_s"), [(40, 5e-3), (20_000, 5e-6), (2, 0.1)])
def test_time_stamps_of_any_counter_have_a_verdict(report, tmp_path, rate_cps, dead_time_s):
    write_stamps(tmp_path / "mine/run.csv", counter(rate_cps, dead_time_s, 50_000))
    write_stamps(tmp_path / "mine/short.csv", counter(rate_cps, dead_time_s, 20))
    (tmp_path / "mine/table.csv").write_text("a,b\n1,2\n")
    time_stamps.judge(report, tmp_path)
    assert report.finish()
    (dead_ms,) = re.findall(r"^mine/run.csv +\d+ +[\d.]+ +([\d.e-]+) ", text(report), re.MULTILINE)
    assert float(dead_ms) == pytest.approx(dead_time_s * 1e3, rel=0.03)
    for name in ("short", "table"):
        assert f"mine/{name}.csv: not judged: " in text(report)


def test_intervals_that_are_not_exponential_are_reported(report, tmp_path):
    """The rate is 20 per second in one half of the time, and 100 in the other."""
    slow_s, fast_s = counter(20, 5e-3, 10_000), counter(100, 5e-3, 50_000)
    write_stamps(tmp_path / "run.csv", np.concatenate([slow_s, slow_s[-1] + fast_s]))
    time_stamps.judge(report, tmp_path)
    assert "not exponential throughout" in text(report)


def test_a_folder_without_measurements_is_named(report, tmp_path):
    for method in (two_sources, time_stamps):
        with pytest.raises(UserError, match="files: no "):
            method.judge(report, tmp_path)


def test_the_instrument_shows_its_own_dead_time_and_none_after_the_correction(report):
    own_dead_time.judge(report, short=True)
    assert report.finish()


def test_a_wrong_live_time_is_detected(report, monkeypatch):
    # an instrument that reports real time as live time, at the rates of the test above
    observed = iter([(360_416, 20.0, 20.0), (360_212, 20.0, 20.0), (654_036, 20.0, 20.0)])
    monkeypatch.setattr(own_dead_time, "spread", lambda function, jobs: [next(observed) for _ in jobs])
    own_dead_time.judge(report, short=True)
    assert not report.finish()


STAMPS = {
    "time_s\n0.5\n1.5\n": [0.5, 1.5],
    "0.5\n1.5\n": [0.5, 1.5],  # without a header no stamp is lost
    "time_ms\n500\n1500\n": [0.5, 1.5],
    "t (us)\n500000\n1500000\n": [0.5, 1.5],
    "time [min]\n0.5\n1.5\n": [30, 90],
    "time_s\n0,5\n1,5\n": [0.5, 1.5],
    't\n"0.5"\n"1.5"\n': [0.5, 1.5],
    "n,time_s\n0,0.5\n1,1.5\n": [0.5, 1.5],
    "n;time stamp\n0;0,5\n1;1,5\n": [0.5, 1.5],
    "# a comment\ndata\n0.5\n1.5\n": [0.5, 1.5],
    "time_ticks\n0.5\n1.5\n": "unit of time not known",
    "voltage\n0.5\n1.5\n": "unit of time not known",
    "n,counts\n0,5\n1,5\n": "columns: 2, of which one",
    "time_s,dead time\n0,5\n1,5\n": "columns: 2, of which one",
}


@pytest.mark.parametrize("content", STAMPS)
def test_time_stamps_are_read_with_their_unit(tmp_path, content):
    path = tmp_path / "a.csv"
    path.write_text(content)
    if isinstance(STAMPS[content], str):
        with pytest.raises(UserError, match=STAMPS[content]):
            time_stamps.stamps(path)
    else:
        assert time_stamps.stamps(path).tolist() == STAMPS[content]


def test_each_reason_is_the_one_that_holds(tmp_path):
    for name, times in (("few", [1]), ("back", [1, 2, 1.5]), ("coarse", [0, 0, 0, 1, 1, 2])):
        write_stamps(tmp_path / f"{name}.csv", times)
    (tmp_path / "prose.txt").write_text("nothing of interest\n")
    (tmp_path / "empty.CSV").write_text("time_s\n")
    found, refused = time_stamps.runs_in(tmp_path)
    assert found == [] and dict(refused) == {
        "few.csv": "time stamps: fewer than three (1)",
        "back.csv": "time stamps: number 3 is before the previous one",
        "coarse.csv": "time stamps: more than 1 % of them equal the one before, too coarse for a dead time",
        "empty.CSV": "line 1: header: no row of numbers follows (time_s)",
    }


def test_other_measurements_are_judged_beside_a_set_and_without_its_figures(report, tmp_path):
    write_stamps(tmp_path / "mine" / "run.csv", counter(40, 5e-3, 5000))
    write_stamps(tmp_path / "geiger-times" / "other.csv", counter(40, 5e-3, 5000, 2))
    for folder in ("mine", "deadtime-two-source"):
        (tmp_path / folder).mkdir(exist_ok=True)
        for name, counts in (("A", 100_000), ("B", 100_000), ("A+B", 180_000)):
            (tmp_path / folder / f"{name}.spe").write_text(SPE.format(10, counts))
    for method in (two_sources, time_stamps):
        method.judge(report, tmp_path)
    assert report.finish()
    for name in ("mine/run.csv, intervals", "geiger-times/other.csv, intervals", "mine/A+B", "deadtime-two-source/A+B"):
        assert any(line.startswith(f"{name}: ") and line.endswith("PASS") for line in text(report).splitlines())


def test_files_of_a_measurement_may_differ_in_kind_and_have_one_detector(report, tmp_path):
    (tmp_path / "A.Spe").write_text(SPE.format(10, 100_000))
    (tmp_path / "B.txt").write_text("real time: 10 s\n100000\n0\n")
    (tmp_path / "bg.spe").write_text(SPE.format(100, 10))
    (tmp_path / "low").mkdir()
    (tmp_path / "A+B.spe").write_text(SPE.format(10, 180_000))
    ((names, paths),) = two_sources.measurements(tmp_path)
    assert names == ("A", "B", "A+B") and [path.name for path in paths] == ["A.Spe", "B.txt", "A+B.spe", "bg.spe"]
    two_sources.judge(report, tmp_path)
    assert report.finish()
    (tmp_path / "several.mcd").write_text("realtime=10\n[DATA0,2 ]\n1\n2\n[DATA1,2 ]\n3\n4\n")
    with pytest.raises(UserError, match=r"spectra: several in the file \(DATA0, DATA1\)"):
        two_sources.counted(tmp_path / "several.mcd")


def test_counts_that_tell_nothing_have_no_verdict(report, tmp_path):
    for name, counts in (("G", 100), ("H", 100), ("G+H", 200)):
        (tmp_path / f"{name}.spe").write_text(SPE.format(300, counts))
    two_sources.judge(report, tmp_path)
    assert "G+H: not judged: " in text(report) and "too few to tell any dead time from none" in text(report)
    assert not report.finish()


@given(st.text(alphabet=st.characters(exclude_categories=["Cs"])))
def test_any_text_is_read_or_gives_a_one_line_error(scratch, text):
    path = scratch / "any.xml"
    path.write_text(text, encoding="utf-8")
    for read in (two_sources.counted, time_stamps.stamps, Table.read, time_stamps.two_source_runs):
        try:
            read(path)
        except UserError as error:
            assert "\n" not in str(error)
