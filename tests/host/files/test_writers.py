"""Files written and read back by the product's own readers: only what a format cannot hold is lost."""

import re
from datetime import UTC, datetime, timedelta

import numpy as np
import pytest
from dorn.errors import UserError
from dorn.files import chn, csv_file, n42, spe, spectrum
from dorn.files.mca import McaFile
from dorn.util.checks import SourceError
from hypothesis import given
from hypothesis import strategies as st

PRINTABLE = st.text(st.characters(min_codepoint=33, max_codepoint=126), min_size=1, max_size=20)
TEXTS = PRINTABLE.filter(lambda text: not text.startswith("$"))
TERMS = st.floats(-1e4, 1e4, allow_subnormal=False)
DATES = st.datetimes(datetime(1970, 1, 1), datetime(2099, 12, 31))
TIMES_US = st.integers(1, 10**12)


@st.composite
def spectra(draw, most=2**53, dates=DATES):
    counts = np.array(draw(st.lists(st.integers(0, most), min_size=1, max_size=40)), np.int64)
    live_us = draw(TIMES_US)
    terms = draw(st.tuples(TERMS, TERMS, TERMS).filter(lambda terms: any(terms) and terms != (0.0, 1.0, 0.0)))
    return McaFile(
        counts,
        draw(st.integers(0, 1000)),
        live_us / 1e6,
        (live_us + draw(st.integers(0, 10**6))) / 1e6,
        terms,
        name=draw(TEXTS),
        start=draw(dates),
        remarks=tuple(draw(st.lists(TEXTS, max_size=3))),
    )


@pytest.fixture(scope="module")
def path(tmp_path_factory):
    return tmp_path_factory.mktemp("written") / "some"


@given(spectra())
def test_spe_keeps_everything_but_fractions_of_a_second_of_the_start(path, one):
    path.write_bytes(spe.write(one))
    found = spe.read(path)
    assert found.counts.tolist() == one.counts.tolist() and found.first_channel == one.first_channel
    assert (found.live_s, found.real_s, found.coefficients) == (one.live_s, one.real_s, one.coefficients)
    assert (found.name, found.remarks) == (one.name, one.remarks)
    assert found.start == one.start.replace(microsecond=0)


@given(spectra(most=2**31 - 1), st.integers(1, 10**8), st.integers(0, 100))
def test_chn_keeps_counts_ticks_of_20_ms_and_float32(path, one, live_ticks, dead_ticks):
    one.live_s, one.real_s = live_ticks * chn.TICK_S, (live_ticks + dead_ticks) * chn.TICK_S
    path.write_bytes(chn.write(one))
    found = chn.read(path)
    assert found.counts.tolist() == one.counts.tolist() and found.first_channel == one.first_channel
    assert (found.live_s, found.real_s) == (one.live_s, one.real_s)
    uncalibrated = np.float32(one.coefficients).tolist() in ([0, 1, 0], [0, 0, 0])
    assert found.coefficients == (() if uncalibrated else tuple(np.float32(one.coefficients).tolist()))
    assert found.start == one.start.replace(microsecond=0)
    assert (found.name, "; ".join(found.remarks)) == (one.name, "; ".join(one.remarks)[:63])


def test_chn_times_are_rounded_to_the_nearest_tick(path):
    for time_s, read_s in ((0.029, 0.02), (0.031, 0.04), (59.967147, 59.96), (60.0002, 60.0)):
        path.write_bytes(chn.write(McaFile(np.array([1]), 0, time_s, time_s, ())))
        assert chn.read(path).live_s == chn.read(path).real_s == pytest.approx(read_s)


@given(st.lists(st.tuples(st.floats(-1e6, 1e6), st.integers(0, 2**40)), min_size=1, unique_by=lambda row: row[0]))
def test_csv_keeps_energies_and_counts(path, rows):
    energies_kev, counts = map(list, zip(*sorted(rows), strict=True))
    path.write_bytes(csv_file.write(np.array(energies_kev), np.array(counts), ("several\nlines", "# and marks")))
    (found,) = spectrum.read(path.rename(path.with_suffix(".csv"))).values()
    written = np.isin(found.centres, energies_kev)  # the others are channels between them, which stay empty
    assert found.in_kev and found.centres[written].tolist() == energies_kev
    assert found.counts[written].tolist() == counts and not found.counts[~written].any()
    assert written.all() or any("not in the file" in note for note in found.notes)


@st.composite
def measurements(draw):
    found = []
    for n in range(draw(st.integers(1, 3))):
        start = draw(DATES)
        start = start.replace(tzinfo=UTC) if draw(st.booleans()) else start
        several = draw(st.lists(spectra(dates=st.just(start)), min_size=1, max_size=3))
        for d, one in enumerate(several):
            one.name, one.first_channel = f"detector_{d}", 0
            one.coefficients = (-145.5 + d, 12.0, 0.0)
        real_s = max(one.real_s for one in several)
        found.append(n42.Measurement(f"m{n}", start, real_s, several, draw(st.booleans()), ("a remark",)))
    return found


@given(measurements())
def test_n42_keeps_everything(path, made):
    instrument = n42.Instrument("maker", "model", "id", {"firmware": "1"}, ("remark",), {"detector_0": "silicon"})
    path.write_bytes(n42.write(instrument, made))
    found = n42.read(path)
    assert [(m.name, m.start, m.real_s, m.is_calibration, m.remarks) for m in found] == [
        (m.name, m.start, m.real_s, m.is_calibration, m.remarks) for m in made
    ]
    for one, other in zip(found, made, strict=True):
        for read, written in zip(one.spectra, other.spectra, strict=True):
            assert read.counts.tolist() == written.counts.tolist()
            assert (read.live_s, read.real_s, read.name) == (written.live_s, written.real_s, written.name)
            assert read.coefficients == written.coefficients and read.remarks == written.remarks


def test_what_a_format_cannot_hold_is_refused():
    ones = np.array([1, 2])
    fits = {"counts": ones, "first_channel": 0, "live_s": 1.0, "real_s": 1.0, "coefficients": ()}
    for change, what in (
        ({"counts": np.array([2**31])}, r"\.chn: counts: above 2147483647, .*\(2147483648\)"),
        ({"real_s": 5e7}, r"\.chn: real time: above"),
        ({"first_channel": 65534}, r"\.chn: channels: above 65535"),
        ({"start": datetime(2106, 2, 7)}, r"\.chn: start: not from 1900 to 2099 \(2106-02-07"),
    ):
        with pytest.raises(UserError, match=what):
            chn.write(McaFile(**fits | change))
    with pytest.raises(UserError, match=r"\.spe: name or remark: begins with \$"):
        spe.write(McaFile(**fits, remarks=("$DATA:",)))


def test_a_start_in_another_zone_is_utc(path):
    start = datetime.fromisoformat("2026-01-31T23:30:00.9-02:00")
    one = McaFile(np.array([1]), 0, 1.0, 1.0, (), start=start)
    for module in (spe, chn):
        path.write_bytes(module.write(one))
        assert module.read(path).start == datetime(2026, 2, 1, 1, 30)
    path.write_bytes(n42.write(n42.Instrument("", "", "", {"a": "1"}), [n42.Measurement("m", start, 1.0, [one])]))
    assert n42.read(path)[0].start == start
    one.start = datetime(1999, 12, 31, 23, 59, 59) + timedelta(seconds=1)
    path.write_bytes(chn.write(one))
    assert chn.read(path).start == datetime(2000, 1, 1)


N42 = """<RadInstrumentData xmlns="http://physics.nist.gov/N42/2011/N42"><EnergyCalibration id="e">
<CoefficientValues>{terms}</CoefficientValues></EnergyCalibration><RadMeasurement id="m">
<MeasurementClassCode>Foreground</MeasurementClassCode><StartDateTime>{start}</StartDateTime>
<RealTimeDuration>{real}</RealTimeDuration><Spectrum id="s" energyCalibrationReference="e">
<LiveTimeDuration>PT1S</LiveTimeDuration><ChannelData compressionCode="{coded}">{counts}</ChannelData></Spectrum>
</RadMeasurement></RadInstrumentData>"""
GOOD = {
    "terms": "2 1 0",
    "start": "2026-01-31T00:00:00Z",
    "real": "PT1M1.5S",
    "coded": "CountedZeroes",
    "counts": "3 0 4",
}


def test_n42_of_others(path):
    path.write_text(N42.format(**GOOD))
    (one,) = n42.read(path)
    assert one.real_s == 61.5 and one.spectra[0].counts.tolist() == [3, 0, 0, 0, 0]
    assert one.spectra[0].coefficients == (2.5, 1.0, 0.0)  # for the midpoint of a channel


@pytest.mark.parametrize(
    ("bad", "what"),
    [
        ({"counts": ""}, "s: ChannelData: is empty"),
        ({"counts": "3 0"}, "s: ChannelData: ends within counted zeroes"),
        ({"counts": "0 99999999999"}, "s: ChannelData: more than 1048576 channels"),
        ({"counts": "3 -1"}, "s: ChannelData: below 0"),
    ],
)
def test_a_damaged_n42_gives_a_one_line_error(path, bad, what):
    path.write_text(N42.format(**GOOD | bad))
    with pytest.raises(SourceError, match=what):
        n42.read(path)


@pytest.mark.parametrize(
    ("bad", "fault", "what"),
    [
        ({"terms": "0 1 x"}, "calibration", r"CoefficientValues: not a usable number \(x\)"),
        ({"terms": "5"}, "calibration", "CoefficientValues: only one term"),
        ({"start": "yesterday"}, "start", r"not a date and time .*\(yesterday\)"),
        ({"real": "P"}, "times", "not a duration"),
        ({"real": "1 s"}, "times", "not a duration"),
    ],
)
def test_what_is_not_needed_of_n42_is_left_out(path, bad, fault, what):
    path.write_text(N42.format(**GOOD | bad))
    (one,) = n42.read(path)
    assert one.spectra[0].counts.tolist() == [3, 0, 0, 0, 0] and list(one.spectra[0].faults) == [fault]
    assert re.search(what, one.spectra[0].faults[fault])


def test_n42_of_any_order_and_without_a_calibration(path):
    for terms, found in (("0 1 0", ()), ("-0.5 1 0", ()), ("0 0 0", ()), ("1 2", (2.0, 2.0)), ("", ())):
        path.write_text(N42.format(**GOOD | {"terms": terms}))
        assert n42.read(path)[0].spectra[0].coefficients == found
    path.write_text(N42.format(**GOOD | {"terms": "1 2 3 4"}))
    terms = n42.read(path)[0].spectra[0].coefficients
    assert np.polynomial.polynomial.polyval(10, terms) == 1 + 2 * 10.5 + 3 * 10.5**2 + 4 * 10.5**3


@given(st.text(max_size=60) | st.integers(0, len(N42)).map(lambda n: N42.format(**GOOD)[:n]))
def test_any_file_is_n42_or_gives_a_one_line_error(path, content):
    path.write_text(content, encoding="utf-8", errors="surrogatepass")
    try:
        n42.read(path)
    except SourceError as error:
        assert len(str(error).splitlines()) == 1
