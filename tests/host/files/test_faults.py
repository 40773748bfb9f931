"""Files with faults in what is not needed: the examples in the folder `faults` beside the data, and their relatives."""

import datetime

import numpy as np
import pytest
from dorn.files import mca, spe, spectrum, times
from dorn.head import sources
from dorn.util.checks import SourceError
from hypothesis import given
from hypothesis import strategies as st
from support.data import fault
from support.source_texts import SPE

# file -> total, channels, terms of its calibration or why it has none
EXAMPLES = {
    "calibration-in-channels.spe": (12, 4, r"\$MCA_CAL: unit is neither eV, keV nor MeV \(0 1 0 Ch\)"),
    "decimal-comma-calibration.spe": (12, 4, (100.5, 50.25)),
    "block-twice.spe": (12, 4, (100, 50)),
    "times-with-unit.spe": (12, 4, (100, 50)),
    "trailer-zero.chn": (21, 4, r"trailer: begins neither with -101 nor with -102 \(0\)"),
    "header-zero-channels.chn": (128, 128, (10, 12)),
    "identity-calibration.spe": (1000, 1024, "is missing"),
    "zero-mca-cal-good-ener-fit.spe": (12, 4, (100, 50)),
    "utf16.spe": (12, 4, (100, 50)),
    "dos-end-of-file.spe": (12, 2, (100, 50)),
    "live-longer-than-real.spe": (12, 4, (100, 50)),
}


@pytest.mark.parametrize("name", EXAMPLES)
def test_an_example_is_read_with_the_given_calibration_and_with_its_own_if_it_has_one(name):
    total, channels, terms = EXAMPLES[name]
    path = fault(name)
    given_one = sources.load(path, (0.0, 8.0))
    assert (given_one.total, len(given_one.counts)) == (total, channels)
    assert given_one.energies_kev.tolist() == [8.0 * channel for channel in range(channels)]
    if isinstance(terms, str):
        with pytest.raises(SourceError, match=f"{name}: calibration: .*{terms}.*; give --calibration") as caught:
            sources.load(path)
        assert len(str(caught.value).splitlines()) == 1
    else:
        assert sources.load(path).energies_kev[:2].tolist() == [terms[0], sum(terms)]


def test_every_example_is_known():
    folder = fault("README.md").parent
    assert {path.name for path in folder.iterdir()} == {"README.md", *EXAMPLES}


def test_times_with_a_unit_and_a_live_time_that_is_too_long_are_read():
    assert sources.load(fault("times-with-unit.spe")).plan() == (1.2, 20)
    source = sources.load(fault("live-longer-than-real.spe"))
    assert source.notes == ("live time 30 s is longer than the real time, 20 s",) and source.plan() == (0.4, 20)
    assert sources.load(fault("identity-calibration.spe"), (0, 8)).energies_kev[650] == 5200


# ---- relatives -------------------------------------------------------------------------------------------------------


def changed(old, new):
    assert old in SPE
    return SPE.replace(old, new)


READ = {
    "100,5 50,25 0,0 keV": (100.5, 50.25, 0),
    "100, 50, 0 keV": (100, 50, 0),
    "100,50,0": (100, 50, 0),
    "100;50;0 keV": (100, 50, 0),
    "0,5 -0,25": (0.5, -0.25),
    "100 50 0 keV # by hand": (100, 50, 0),
    "100 50 0 # keV": (100, 50, 0),
    "100 50 0keV": (100, 50, 0),
    "1e2 5E+1 KEV": (100, 50),
    "0.1 0.05 0 MeV": (100, 50, 0),
    "100000 50000 eV": (100, 50),
    "0 1 0 keV": (),
    "0 1": (),
    "0 0 0": (),
}
NOT_READ = ("100 50 furlong", "nan 1", "1 inf", "1_0 5", "100", "0 1 0 Ch", "1 2 3,4,5", "1e400 1")


@pytest.mark.parametrize("text", READ)
def test_a_line_of_terms_is_read(write, text):
    terms = spe.read(write("a.spe", changed("100 50 0 keV", text))).coefficients
    assert terms == pytest.approx(READ[text])


@pytest.mark.parametrize("text", NOT_READ)
def test_a_line_of_terms_that_cannot_be_read_matters_only_without_another(write, text):
    path = write("a.spe", changed("100 50 0 keV", text))
    assert spe.read(path).coefficients == () and sources.load(path, (0, 12)).total == 12
    with pytest.raises(SourceError, match=r"a.spe: calibration: cannot be read: \$MCA_CAL: .*give --calibration"):
        sources.load(path)
    path.write_text(path.read_text() + "$ENER_FIT:\n10 2\n")
    assert spe.read(path).coefficients == (10, 2) and not spe.read(path).faults


TIMES = {
    "10 20": (10, 20),
    "10,5 20,5": (10.5, 20.5),
    "10, 20": (10, 20),
    "10s 20 s": (10, 20),
    "10 20 sec # preset": (10, 20),
    "1 2 min": (60, 120),
    "1 h 7200 s": (3600, 7200),
    "00:00:10 01:00:00": (10, 3600),
    "10\n20": (10, 20),
    "0 0": (None, None),
}


MCA_CAL = {
    "3 100 500 0 keV": (100, 500, 0),
    "3\n100\n500\n0": (100, 500, 0),
    "2\n100 500 0 keV": (100, 500, 0),
    "2\n100 500 7 keV": "3 terms, 2 announced",
    "3\n100 500": (100, 500),
    "100 500": (100, 500),
}


@pytest.mark.parametrize("text", MCA_CAL)
def test_the_number_of_terms_is_no_term(write, text):
    one = spe.read(write("a.spe", changed("3\n100 50 0 keV", text)))
    if isinstance(MCA_CAL[text], str):
        assert one.coefficients == () and MCA_CAL[text] in one.faults["calibration"]
    else:
        assert one.coefficients == MCA_CAL[text] and not one.faults


def test_a_section_may_begin_behind_its_name(write):
    text = SPE.replace("$MEAS_TIM:\n", "$MEAS_TIM: ").replace("$DATA:\n", "$DATA: ").replace("$MCA_CAL:\n", "$MCA_CAL:")
    one = spe.read(write("a.spe", text))
    assert (one.live_s, one.counts.tolist(), one.coefficients) == (10, [0, 5, 7, 0], (100, 50, 0))


def test_no_calibration_is_told_from_one_that_is_missing(write):
    with pytest.raises(SourceError, match=r"calibration: is missing; .*\(\$MCA_CAL 0 1 0 keV stands for none\)"):
        sources.load(write("a.spe", changed("100 50 0 keV", "0 1 0 keV")))


@pytest.mark.parametrize("counts", [2**53 + 1, 2**64 - 1, 10**30])
def test_counts_beyond_the_limit_name_it(write, counts):
    with pytest.raises(SourceError, match=r"a.spe:6: \$DATA: above 2\^53 counts \(\d+\)"):
        spe.read(write("a.spe", changed(" 5\n", f" {counts}\n")))


@pytest.mark.parametrize("text", TIMES)
def test_a_line_of_times_is_read(write, text):
    one = spe.read(write("a.spe", changed("10 20", text)))
    assert (one.live_s, one.real_s) == TIMES[text] and not one.faults


@pytest.mark.parametrize("text", ["10", "0:10 0:20", "-10 20", "10 20 30", "10 20 eons", "10 nan", "soon", "10 1e999"])
def test_times_that_cannot_be_read_matter_only_without_others(write, text):
    source = sources.load(write("a.spe", changed("10 20", text)))
    assert source.plan(5, 2) == (5, 2)
    with pytest.raises(SourceError, match=r"a.spe: rate_cps: not in the file \(\$MEAS_TIM: .*\); give --rate"):
        source.plan()
    with pytest.raises(SourceError, match=r"a.spe: duration_s: not in the file \(\$MEAS_TIM: .*\); give --duration"):
        source.plan(5)


def test_blocks_may_appear_twice_unless_they_are_needed_and_differ(write):
    for block in ("$ROI:\n1\n", "$PRESETS:\nNone\n", "$MEAS_TIM:\n10 20\n", "$MCA_CAL:\n3\n100 50 0 keV\n"):
        source = sources.load(write("a.spe", SPE + block + block.replace("1\n", "2\n")))
        assert source.plan() == (1.2, 20) and source.energies_kev[0] == 100
    path = write("a.spe", SPE + "$MCA_CAL:\n3\n0 7 0 keV\n")
    with pytest.raises(SourceError, match=r"\$MCA_CAL: appears twice, with different contents; give --calibration"):
        sources.load(path)
    assert sources.load(path, (0, 1)).total == 12
    with pytest.raises(SourceError, match=r"rate_cps: .*\$MEAS_TIM: appears twice"):
        sources.load(write("a.spe", SPE + "$MEAS_TIM:\n10 21\n")).plan()
    with pytest.raises(SourceError, match=r"12: \$DATA: appears twice"):
        sources.load(write("a.spe", SPE + "$DATA:\n0 0\n1\n"))


DATES = {
    "01/27/2022 15:01:05": datetime.datetime(2022, 1, 27, 15, 1, 5),
    "01/02/2022 15:01:05": datetime.datetime(2022, 1, 2, 15, 1, 5),  # month before day, as in the format
    "27/01/2022 15:01:05": datetime.datetime(2022, 1, 27, 15, 1, 5),
    "27.01.2022 15:01:05": datetime.datetime(2022, 1, 27, 15, 1, 5),
    "2022-01-27T15:01:05Z": datetime.datetime(2022, 1, 27, 15, 1, 5, tzinfo=datetime.UTC),
    "27-Jan-2022 15:01": datetime.datetime(2022, 1, 27, 15, 1),
    "01/27/2022 03:01:05 PM": datetime.datetime(2022, 1, 27, 15, 1, 5),
    "yesterday": None,
    "01/01/0001 00:00:00": None,
}


@pytest.mark.parametrize("text", DATES)
def test_the_start_is_read_and_kept(write, text):
    path = write("a.spe", SPE + f"$DATE_MEA:\n{text}\n")
    (one,) = spectrum.read(path).values()
    assert one.start == DATES[text] and ("start" in one.faults) == (DATES[text] is None)
    assert sources.load(path).total == 12


ENCODINGS = ("utf-8", "utf-8-sig", "utf-16", "utf-16-le", "utf-16-be")


@pytest.mark.parametrize("encoding", ENCODINGS)
@pytest.mark.parametrize("end", ["\n", "\r\n", "\r"])
@pytest.mark.parametrize("last", ["", "\x1a", "\x1arest of a sector 17 5"])
def test_encodings_line_ends_and_the_end_of_a_text_of_dos(write, encoding, end, last):
    source = sources.load(write("a.spe", (SPE.replace("\n", end) + last).encode(encoding)))
    assert source.counts.tolist() == [0, 5, 7, 0] and source.plan() == (1.2, 20)
    source = sources.load(write("a.csv", ("energy_kev,counts\n1,2\n3,4\n".replace("\n", end) + last).encode(encoding)))
    assert source.total == 6


NUMBERS = st.floats(-1e6, 1e6, allow_subnormal=False)


@given(st.lists(NUMBERS, min_size=2, max_size=4), st.sampled_from([" ", "; ", "\t"]), st.booleans())
def test_any_terms_are_read_with_decimal_points_and_commas(terms, separator, commas):
    text = separator.join(map(repr, terms))
    found, unit = mca.numbers((text.replace(".", ",") if commas else text) + " keV # all")
    assert found == terms and unit == "keV"


@given(st.text(max_size=30) | st.text("0123456789.,;eE+- keVMn#", max_size=30))
def test_any_line_is_read_or_gives_a_reason(text):
    for parse in (mca.energy_terms, times.live_and_real, times.date):
        try:
            found = parse(text)
        except ValueError:
            continue
        assert isinstance(found, datetime.datetime) or all(x is None or np.isfinite(x) for x in found)


@given(st.lists(NUMBERS, min_size=1, max_size=4), st.integers(0, 100))
def test_shifted_terms_give_the_same_energies(terms, channel):
    of = np.polynomial.polynomial.polyval
    shifted = of(channel, mca.shifted(terms, 0.5))
    assert shifted == pytest.approx(
        of(channel + 0.5, terms), abs=1e-9 * sum(abs(t) * 101**k for k, t in enumerate(terms))
    )
