"""What only one kind of file has: calibrations, times, several spectra in a file, encodings, rows that are damaged."""

import json
from datetime import datetime

import numpy as np
import pytest
import SpecUtils
import uproot
from dorn.files import spectrum
from dorn.head import sources
from dorn.util.checks import SourceError
from support.kinds import COUNTS, KINDS, amptek, iec, mpa, npes, radiacode, report


def read(write, name, content):
    return spectrum.read(write(name, content))


def test_gamma_mca(write):
    assert next(iter(read(write, "a.json", json.dumps(npes(version="NPESv1"))).values())).counts.tolist() == COUNTS
    two = npes()
    two["data"][0]["resultData"]["backgroundEnergySpectrum"] = {"numberOfChannels": 2, "spectrum": [1, 2]}
    found = read(write, "a.json", json.dumps(two))
    assert list(found) == ["Radon", "Radon background"] and found["Radon background"].live_s is None
    assert found["Radon"].notes == ("only one measurement time in the file: taken for live and real time",)
    for changes, fault in (
        ({"measurementTime": "long"}, "times"),
        ({"measurementTime": -1}, "times"),
        ({"energyCalibration": [1]}, "calibration"),
        ({"energyCalibration": {"coefficients": [1, None]}}, "calibration"),
    ):
        (one,) = read(write, "a.json", json.dumps(npes(**changes))).values()
        assert one.counts.tolist() == COUNTS and list(one.faults) == [fault]
    for changes, what in (
        ({"spectrum": [1, -2]}, "spectrum: below 0"),
        ({"spectrum": "1,2"}, "spectrum: not a list of counts"),
        ({"numberOfChannels": 7}, "spectrum: 6 channels, expected 7"),
    ):
        with pytest.raises(SourceError, match=what):
            read(write, "a.json", json.dumps(npes(**changes)))
    with pytest.raises(SourceError, match=r"schemaVersion: neither NPESv1 nor NPESv2.*kinds that are read"):
        read(write, "a.json", json.dumps(npes(version="NPESv3")))


def test_radiacode(write):
    times = "<MeasurementTime>60</MeasurementTime><LiveTime>59</LiveTime>"
    (one,) = read(write, "a.xml", radiacode(times=times)).values()
    assert (one.live_s, one.real_s, one.notes) == (59, 60, ())
    (one,) = read(write, "a.xml", radiacode(terms=("1", "x"))).values()
    assert one.counts.tolist() == COUNTS and "calibration" in one.faults
    with pytest.raises(SourceError, match="DataPoint: 6 channels, expected 60"):
        read(write, "a.xml", radiacode().replace("Channels>6<", "Channels>60<"))


@pytest.mark.parametrize(
    ("calibration", "terms"),
    [
        (None, ()),
        ("LABEL - Channel\n10 225\n30 475\n", ()),
        ("LABEL - MeV\n0 0.1\n100 1.35\n", (100, 12.5)),
        ("LABEL - keV\n0 99\n10 227\n20 349\n", (100, 12.5)),  # by least squares
        ("LABEL - keV\n10 225\n", "at least two"),
        ("LABEL - keV\n10 225\n10 230\n", "one channel"),
        ("LABEL - keV\n10 225 1\n20 350 1\n", "two lines of channel and energy"),
        ("LABEL - keV\n10 x\n20 350\n", "not a usable number"),
    ],
)
def test_amptek_calibrations_are_those_of_the_points_not_the_gain(write, calibration, terms):
    (one,) = read(write, "a.mca", amptek(calibration=calibration)).values()
    assert one.counts.tolist() == COUNTS
    if isinstance(terms, str):
        assert one.coefficients == () and terms in one.faults["calibration"]
    else:
        assert one.coefficients == pytest.approx(terms) and not one.faults


def test_an_amptek_file_that_ends_early_is_refused(write):
    with pytest.raises(SourceError, match=r"<<END>>: is missing: the counts are not complete"):
        read(write, "a.mca", amptek().replace("<<END>>\n", ""))
    with pytest.raises(SourceError, match=r"<<DATA>>: is missing: not an .mca file of Amptek.*kinds that are read"):
        read(write, "a.mca", "x")


def test_a_report_that_is_damaged_or_ends_early_is_refused(write):
    for old, new in (
        ("   3      4000  000", "   3      4000"),
        ("   3      4000  000", "   3      4000  x"),
        ("  000\n\n ROI", "\n"),
    ):
        content = report().replace(old, new)
        assert content != report()
        with pytest.raises(SourceError, match=r"row: not channel, counts and ROI"):
            read(write, "a.dat", content)
    stated = report().replace("ID: none", "Memory Size: 0008 Chls")
    with pytest.raises(SourceError, match="Counts: 6 channels, expected 0008"):
        read(write, "a.dat", stated)
    (one,) = read(write, "a.dat", report().replace("000090 Sec", "90,5 Sec").replace("000091", "1,234")).values()
    assert one.faults["times"] == "a comma before three digits has two meanings (1,234)"
    (one,) = read(write, "a.dat", report().replace("000090 Sec", "90,5 Sec").replace("000091", "91,5")).values()
    assert (one.live_s, one.real_s) == (90.5, 91.5)


@pytest.mark.parametrize("suffix", [".mcd", ".dat", ".iec", ".mca", ".xml", ".json", ".txt"])
@pytest.mark.parametrize("encoding", ["utf-8", "utf-8-sig", "utf-16"])
@pytest.mark.parametrize("end", ["\n", "\r\n", "\r"])
def test_encodings_and_line_ends_of_each_kind(write, suffix, encoding, end):
    content, times_s, terms, start = KINDS[suffix]
    text = content if isinstance(content, str) else content.decode()
    found = read(write, f"a{suffix}", end.join(text.splitlines()).encode(encoding))
    (one,) = found.values()
    assert (one.counts.tolist(), (one.live_s, one.real_s), one.start) == (COUNTS, times_s, start) and not one.faults
    assert one.coefficients[:2] == terms


def test_suffixes_in_capitals_are_the_same(write):
    for suffix, (content, times_s, *_) in KINDS.items():
        (one,) = read(write, f"a{suffix.upper()}", content).values()
        assert (one.counts.tolist(), one.live_s) == (COUNTS, times_s[0])


def test_iec_terms_with_decimal_commas_and_what_is_no_term(write):
    (one,) = read(write, "a.iec", iec(terms="100,5 50,25 0 0")).values()
    assert one.coefficients == (100.5, 50.25, 0, 0)
    (one,) = read(write, "a.iec", iec(terms="100,5 x 0 0")).values()
    assert one.coefficients == () and "not calibration terms" in one.faults["calibration"]
    with pytest.raises(SourceError, match=r"A004: does not begin each line.*\(1\)"):
        read(write, "a.iec", "A004 x\n1\n2\n3\n4\n5\n6\n")


N42 = """<RadInstrumentData{space}><RadMeasurement id="M"><RealTimeDuration>PT60S</RealTimeDuration>
<Spectrum id="S1" radDetectorInformationReference="D1"><ChannelData>0 5 7 4000 0 2</ChannelData></Spectrum>{more}
</RadMeasurement></RadInstrumentData>"""


@pytest.mark.parametrize("space", ["", ' xmlns="http://physics.nist.gov/N42/2012/N42"', ' xmlns="urn:other"'])
def test_names_of_xml_are_read_in_any_namespace(write, space):
    (one,) = read(write, "a.n42", N42.format(space=space, more="")).values()
    assert one.counts.tolist() == COUNTS and one.real_s == 60
    (one,) = read(write, "a.xml", radiacode().replace("<ResultDataFile>", f"<ResultDataFile{space}>")).values()
    assert one.counts.tolist() == COUNTS


def root(path):
    with uproot.recreate(path) as file:
        file["bad"] = np.array([0.5, 1.0]), np.array([0.0, 1.0, 2.0])
        file["good"] = np.array(COUNTS), np.arange(7.0)


def two_npes():
    one = npes()
    one["data"] += [{"sampleInfo": {"name": "bad"}}]
    return json.dumps(one)


WITH_A_BAD_ONE = {
    ".n42": (N42.format(space="", more='<Spectrum id="S2"/>'), "M D1", "M S2", "ChannelData: is missing"),
    ".json": (two_npes(), "Radon", "bad", "resultData: is missing"),
    ".xml": (
        radiacode().replace("</EnergySpectrum>", "</EnergySpectrum><BackgroundEnergySpectrum/>"),
        "Radon",
        "background",
        "DataPoint: none in a spectrum",
    ),
    ".mcd": (mpa() + b"[TDAT1,2 ]\r\n1\r\n-2\r\n", "TDAT0", "TDAT1", "below 0"),
    ".root": (root, "good", "bad", "not a whole number of counts"),
}


@pytest.mark.parametrize("suffix", WITH_A_BAD_ONE)
def test_a_spectrum_that_cannot_be_read_does_not_stop_the_others_of_its_file(tmp_path, suffix):
    content, good, bad, why = WITH_A_BAD_ONE[suffix]
    path = tmp_path / f"two{suffix}"
    if callable(content):
        content(path)
    else:
        path.write_bytes(content if isinstance(content, bytes) else content.encode())
    found = spectrum.read(path)
    assert list(found) == [good] and list(found.refused) == [bad] and why in str(found.refused[bad])
    assert str(found.refused[bad]).startswith(f"{path}: ")
    assert sources.load(path, (0, 12), good).counts.tolist() == COUNTS
    with pytest.raises(SourceError, match=why):
        sources.load(path, (0, 12), bad)
    with pytest.raises(SourceError, match="spectra: 2 in the file; choose one"):
        sources.load(path, (0, 12))


def test_fast_comtec_rows_that_are_no_spectrum(write):
    head = mpa(fmt="csv").partition(b"[TDAT0")[0]
    sparse = b"[DATA,6 ]\r\n0 5\r\n3 7\r\n"
    (one,) = read(write, "a.mcd", head + sparse).values()
    assert one.counts.tolist() == [5, 0, 0, 7, 0, 0] and one.notes == (
        "4 of 6 channels are not in the file: taken as empty",
    )
    (one,) = read(write, "a.mcd", head + b"[DATA0,2 ]\r\n0,5\r\n1,7\r\n").values()
    assert one.counts.tolist() == [5, 7]
    for rows, what in (
        (b"0\t1\r\n1\t0\r\n2\t3\r\n", r"\[DATA0\] channel: 3 rows, some of them with 0, expected 4"),
        (b"1 2 3 4\r\n5 6 7 8\r\n", "not a count, or channel and count, in each row"),
        (b"0\t1\r\n1\t2\r\n2\t", "not a count, or channel and count, in each row"),
        (b"1\t1\r\n0\t2\r\n", "not above the previous one"),
        (b"1\t1\r\n4\t2\r\n", "below 4"),
    ):
        with pytest.raises(SourceError, match=what):
            read(write, "a.mcd", head + b"[DATA0,4 ]\r\n" + rows)
    with pytest.raises(SourceError, match="only a list of events"):
        read(write, "a.mpa", "[MPA4A]\nrealtime=1\n[LISTDATA]\nabc")


def test_fast_comtec(write):
    content = mpa().replace(b"[ADC1B]\r\ncaluse=0", b"[ADC1B]\r\ncaloff=0\r\ncalfact=2\r\ncalunit=MeV")
    found = read(write, "a.mpa", content + b"[TDAT1,2 ]\r\n1\r\n2\r\n[CDAT0,2 ]\r\n3\r\n4\r\n")
    assert list(found) == ["TDAT0", "TDAT1", "CDAT0"]
    assert found["TDAT0"].coefficients[:2] == (100, 12.5) and found["TDAT1"].coefficients[:2] == (0, 2000)
    assert found["CDAT0"].coefficients == () and found["CDAT0"].counts.tolist() == [3, 4]
    sparse = mpa().partition(b"[TDAT0")[0] + b"[DATA,6 ]\r\n1 5\r\n3 7\r\n"
    assert next(iter(read(write, "a.mcd", sparse).values())).counts.tolist() == [0, 5, 0, 7, 0, 0]
    (one,) = read(write, "a.mcd", mpa().replace(b"keV", b"us")).values()
    assert one.faults == {"calibration": "calunit: neither eV, keV nor MeV (us)"}
    with pytest.raises(SourceError, match=r"\[TDAT0\]: 6 channels, expected 7"):
        read(write, "a.mcd", mpa().replace(b"[TDAT0,6", b"[TDAT0,7"))
    with pytest.raises(SourceError, match=r"\[CDAT\]: only maps"):
        read(write, "a.mpa", b"[MAP0]\r\nxdim=2\r\n[CDAT0,4 ]\r\n1\r\n2\r\n3\r\n4\r\n")


def spec_utils(counts, suffix, path):
    """A file written by SpecUtils itself, with a calibration of 100 + 12.5 x at the lower edges of channels."""
    file, one = SpecUtils.SpecFile(), SpecUtils.Measurement.new()
    one.setGammaCounts(counts, 59.5, 60.0)
    one.setEnergyCalibration(SpecUtils.EnergyCalibration.fromPolynomial(len(counts), [100.0, 12.5]))
    one.setStartTime(datetime(2023, 6, 12, 11, 45, 30))
    file.addMeasurement(one, True)
    with path.open("wb") as out:
        getattr(file, {".pcf": "writePcf", ".n42": "write2006N42"}[suffix])(out)


@pytest.mark.parametrize("suffix", [".pcf", ".n42"])
def test_formats_of_spec_utils(tmp_path, suffix):
    path = tmp_path / f"some{suffix}"
    counts = list(range(3, 67))
    spec_utils(counts, suffix, path)
    (one,) = spectrum.read(path).values()
    assert one.counts.tolist() == counts and (one.live_s, one.real_s) == (59.5, 60)
    energies = np.polynomial.polynomial.polyval(one.centres, one.coefficients)
    assert energies[:2] == pytest.approx([106.25, 118.75])  # the middle of a channel that begins at 100 keV
    assert one.start == datetime(2023, 6, 12, 11, 45, 30)


def test_spec_utils_is_named_if_it_is_missing(write, monkeypatch):
    monkeypatch.setitem(__import__("sys").modules, "SpecUtils", None)
    with pytest.raises(Exception, match=r"a.pcf: SpecUtils reads .pcf files.*pip install '.\[files\]'"):
        read(write, "a.pcf", "x")
