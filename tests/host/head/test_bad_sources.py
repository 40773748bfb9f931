"""Sources: bad input gives one line that names file, field and value."""

import math
from itertools import islice

import pytest
from dorn.errors import UserError
from dorn.head import sources
from dorn.util.checks import SourceError
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from support.source_texts import EVENTS, SCENARIO, SPE, SPECTRUM


def after(text, *changes):
    for old, new in changes:
        assert old in text
        text = text.replace(old, new)
    return text


BAD = {
    # file name: content, message after the file name
    "empty.csv": ("", "file: is empty"),
    "blank.csv": (" \n\n", "file: is empty"),
    "header.csv": ("height,weight\n1,2\n", "header: .*energy_kev.* \\(height,weight\\)"),
    "only.csv": ("energy_kev,counts\n", "rows: none .*\\(energy_kev,counts\\)"),
    "none.csv": ("time_us,detector,energy_kev\n", "time_us: no rows"),
    "comment.csv": ("# nothing\n", "header: no row of numbers follows"),
    "short.csv": ("energy_kev,counts\n1\n", "2: row: 1 values, expected 2 \\(1\\)"),
    "long.csv": ("energy_kev,counts\n1,2,3\n", "2: row: 3 values, expected 2 \\(1,2,3\\)"),
    "text.csv": ("energy_kev,counts\n1,many\n", "2: counts: .*\\(many\\)"),
    "negative.csv": ("energy_kev,counts\n1,2\n2,-3\n", "3: counts: below 0 \\(-3\\)"),
    "fraction.csv": ("energy_kev,counts\n1,2.5\n", "2: counts: .*\\(2.5\\)"),
    "nan.csv": ("energy_kev,counts\nnan,2\n", "2: energy_kev: .*\\(nan\\)"),
    "inf.csv": ("energy_kev,counts\n1,inf\n", "2: counts: .*\\(inf\\)"),
    "under.csv": ("energy_kev,counts\n1_0,1\n", "2: energy_kev: .*\\(1_0\\)"),
    "order.csv": ("energy_kev,counts\n2,1\n2,1\n", "3: energy_kev: not above .*\\(2\\)"),
    "zero.csv": ("energy_kev,counts\n1,0\n2,0\n", "counts: all 0"),
    "binary.csv": (bytes(range(256)), "header: "),
    "time.csv": (after(EVENTS, ("1.5,3", "1.4,3")), "4: time_us: before .*\\(1.4\\)"),
    "early.csv": (after(EVENTS, ("0,0,5000", "-1,0,5000")), "2: time_us: below 0 \\(-1\\)"),
    "late.csv": (after(EVENTS, ("2000000,", "1e15,")), "5: time_us: beyond 104 days \\(1e15\\)"),
    "detector.csv": (after(EVENTS, ("1.5,15", "1.5,16")), "3: detector: .*\\(16\\)"),
    "half.csv": (after(EVENTS, ("1.5,15", "1.5,1.5")), "3: detector: .*\\(1.5\\)"),
    "energy.csv": (after(EVENTS, ("200.5", "0")), "4: energy_kev: not above 0 \\(0\\)"),
    "empty.spe": ("", "file: is empty"),
    "other.spe": ("energy_kev,counts\n", "\\$DATA: is missing"),
    "cut.spe": (after(SPE, (" 7\n 0\n", "")), "\\$DATA: 2 channels, expected 0 to 3"),
    "nodata.spe": ("$DATA:\n", "\\$DATA: is empty"),
    "range.spe": (after(SPE, ("0 3", "3 0")), "4: \\$DATA: last channel .*\\(3 0\\)"),
    "backwards.spe": ("$DATA:\n5 4\n", "2: \\$DATA: last channel .*\\(5 4\\)"),
    "words.spe": (after(SPE, ("0 3", "all")), "4: \\$DATA: first and last .*\\(all\\)"),
    "negative.spe": (after(SPE, (" 5", " -5")), "6: \\$DATA: below 0 \\(-5\\)"),
    "twice.spe": (SPE + "$DATA:\n0 0\n1\n", "12: \\$DATA: appears twice"),
    "unit.spe": (after(SPE, ("keV", "furlong")), "calibration: cannot be read: .*unit .*\\(100 50 0 furlong\\); give"),
    "falling.spe": (after(SPE, ("100 50", "100 -50")), "calibration: .*give --calibration .*100 -50 0"),
    "broken.toml": ("duration_s = \n", "file: not TOML: .*line 1"),
    "nothing.toml": ("duration_s = 1\n", "source: neither"),
    "duration.toml": (after(SCENARIO, ("duration_s = 100\n", "")), "duration_s: is missing"),
    "zero.toml": (after(SCENARIO, ("duration_s = 100", "duration_s = 0")), "duration_s: not above 0 \\(0\\)"),
    "nan.toml": (after(SCENARIO, ("duration_s = 100", "duration_s = nan")), "duration_s: .*\\(nan\\)"),
    "true.toml": (after(SCENARIO, ("activity_bq = 50", "activity_bq = true")), "activity_bq: .*\\(True\\)"),
    "nuclide.toml": (after(SCENARIO, ("Po-210", "Po-211x")), "source\\[1\\].nuclide: .*Po-211x.*Po-211"),
    "key.toml": (
        after(SCENARIO, ("efficiency", "eficiency")),
        "source\\[1\\].eficiency: unknown key \\(0.5\\)",
    ),
    "top.toml": ("seed = 3\n" + SCENARIO, "seed: unknown key \\(3\\)"),
    "activity.toml": (after(SCENARIO, ("= 50", "= -50")), "source\\[1\\].activity_bq: not above 0 \\(-50\\)"),
    "part.toml": (after(SCENARIO, ("0.25", "1.25")), "background.through_fraction: above 1 \\(1.25\\)"),
    "energies.toml": (after(SCENARIO, ("max_kev = 2000", "max_kev = 900")), "background.max_kev: .*\\(900"),
    "group.toml": (after(SCENARIO, ('"front"', '"sides"')), "source\\[1\\].detectors: .*\\(sides\\)"),
    "number.toml": (after(SCENARIO, ('"front"', "[16]")), "source\\[1\\].detectors: .*\\(\\[16\\]\\)"),
    "same.toml": (after(SCENARIO, ('"front"', "[1, 1]")), "source\\[1\\].detectors: .*\\(\\[1, 1\\]\\)"),
    "table.toml": (after(SCENARIO, ("[[source]]", "[source]")), "source: .*\\[\\[source\\]\\]"),
    "list.toml": ("duration_s = 1\nsource = [1]\n", "source\\[1\\]: not a table \\(1\\)"),
    "head.toml": ("duration_s = 1\nhead = 3\nbackground = {}\n", "head: not a table \\(3\\)"),
    "what.dat": ("1 2 3\n", "1: columns: 3 columns, .*; kinds that are read: .spe, "),
}


@pytest.mark.parametrize("name", BAD)
def test_bad_file_gives_one_line_with_file_field_and_value(write, name):
    text, pattern = BAD[name]
    path = write(name, text)
    with pytest.raises(SourceError, match=pattern) as caught:
        sources.load(path)
    assert str(caught.value).startswith(str(path))
    assert len(str(caught.value).splitlines()) == 1


def test_missing_file_and_directory(tmp_path):
    (tmp_path / "dir.csv").mkdir()
    for name, what in (("none.csv", "No such file"), ("dir.csv", "Is a directory")):
        with pytest.raises(SourceError, match=f"{name}: file: cannot be read: {what}"):
            sources.load(tmp_path / name)


@pytest.mark.parametrize("bad", [0, -1, math.nan, math.inf, -math.inf])
@pytest.mark.parametrize("field", ["rate_cps", "duration_s"])
def test_impossible_rate_or_duration_is_named_at_once(write, field, bad):
    source = sources.load(write("s.csv", SPECTRUM))
    settings = {"rate_cps": 10, "duration_s": 10} | {field: bad}
    with pytest.raises(UserError, match=rf"^{field}: .*\({bad:g}\)$"):
        source.particles(**settings)  # before the first particle is requested


def test_an_unsupported_request_to_a_source_is_named(write):
    spectrum = sources.load(write("s.csv", SPECTRUM))
    events, scenario = sources.load(write("e.csv", EVENTS)), sources.load(write("s.toml", SCENARIO))
    for call, pattern in (
        (lambda: spectrum.particles(), "s.csv: rate_cps: .*--rate"),
        (lambda: spectrum.particles(10), "s.csv: duration_s: .*--duration"),
        (lambda: spectrum.particles(10, 10, replay=True), "^duration_s: a replay .*\\(10\\)"),
        (lambda: spectrum.particles(0, replay=True), "^rate_cps: .*\\(0\\)"),
        (lambda: spectrum.particles(math.nan, replay=True), "^rate_cps: .*\\(nan\\)"),
        (lambda: events.particles(10), "^rate_cps: a list of events .*\\(10\\)"),
        (lambda: events.particles(replay=True), "^replay: "),
        (lambda: scenario.particles(replay=True), "^replay: .*s.toml"),
        (lambda: next(scenario.particles(spacing="odd")), "^spacing: .*\\(odd\\)"),
        (lambda: sources.load(write("s.csv", SPECTRUM), (0, 1)), "s.csv: calibration: .*\\(0,1\\)"),
    ):
        with pytest.raises(UserError, match=pattern):
            call()


@pytest.mark.parametrize("text", ["", "1", "1,2,3", "a,1", "1,b", "1,0", "1,-2", "nan,1", "1,inf"])
def test_calibration_must_be_two_numbers(text):
    with pytest.raises(SourceError, match=r"^--calibration: "):
        sources.parse_calibration(text)


LINE = st.lists(st.one_of(st.text(max_size=8), st.floats().map(repr), st.integers().map(str)), max_size=4)


def file_text(*openings):
    lines = st.lists(LINE.map(",".join) | LINE.map(" ".join), max_size=6).map("\n".join)
    return st.one_of(
        st.binary(max_size=200),
        st.builds(
            lambda opening, rest: (opening + rest).encode("utf-8", "replace"),
            st.sampled_from(openings),
            lines,
        ),
    )


OPENINGS = {
    ".csv": ("", "energy_kev,counts\n", "time_us,detector,energy_kev\n", SPECTRUM, EVENTS),
    ".spe": ("", "$DATA:\n", "$DATA:\n0 1\n", SPE, SPE + "$", "$MCA_CAL:\n3\n"),
    ".toml": ("", "duration_s = 1\n", SCENARIO, "duration_s = 1\n[[source]]\n", "[background]\n"),
}


@pytest.mark.parametrize("suffix", OPENINGS)
def test_any_file_is_a_source_or_gives_a_one_line_error(tmp_path, suffix):
    @settings(max_examples=150, suppress_health_check=[HealthCheck.too_slow])
    @given(file_text(*OPENINGS[suffix]))
    def check(content):
        path = tmp_path / f"any{suffix}"
        path.write_bytes(content)
        try:
            source = sources.load(path)
        except SourceError as error:
            assert str(error).startswith(str(path))
            assert len(str(error).splitlines()) == 1
            return
        rate_cps = None if source.kind == "events" else 100
        last = 0
        for time_ns, detector, energy_kev in islice(source.particles(rate_cps, 10, seed=1), 100):
            assert last <= time_ns < 10e9 and 0 <= detector < 16 and 0 <= energy_kev < math.inf
            last = time_ns

    check()
