"""Files of other programs: each kind as its format describes it, and damaged in any way."""

import json
import struct
from datetime import datetime

import numpy as np
import pytest
import SpecUtils
import uproot
from dorn.files import spectrum
from dorn.head import sources
from dorn.util.checks import SourceError
from hypothesis import given, settings
from hypothesis import strategies as st
from support.source_texts import SPE

COUNTS = [0, 5, 7, 4000, 0, 2]


def npes(counts=COUNTS, version="NPESv2", **changes):
    energy = {"numberOfChannels": len(counts), "validPulseCount": sum(counts), "measurementTime": 60}
    energy |= {"energyCalibration": {"polynomialOrder": 1, "coefficients": [100, 12.5]}, "spectrum": counts} | changes
    energy = {name: value for name, value in energy.items() if value is not None}
    begin, end = "2023-01-19T16:14:50+01:00", "2023-01-19T17:14:50+01:00"
    package = {
        "deviceData": {"softwareName": "Gamma MCA"},
        "sampleInfo": {"name": "Radon"},
        "resultData": {"startTime": begin, "endTime": end, "energySpectrum": energy},
    }
    if version == "NPESv1":
        return {"schemaVersion": version, **package}
    return {"schemaVersion": version, "data": [package]}


def radiacode(counts=COUNTS, times="<MeasurementTime>60</MeasurementTime>", terms=("100", "12.5")):
    points = "".join(f"<DataPoint>{n}</DataPoint>" for n in counts)
    scale = "".join(f"<Coefficient>{term}</Coefficient>" for term in terms)
    return f"""<?xml version="1.0"?><ResultDataFile><ResultDataList><ResultData>
<StartTime>2023-11-21T06:52:39</StartTime><EnergySpectrum><NumberOfChannels>{len(counts)}</NumberOfChannels>
<SpectrumName>Radon</SpectrumName><EnergyCalibration><PolynomialOrder>1</PolynomialOrder><Coefficients>{scale}
</Coefficients></EnergyCalibration>{times}<Spectrum>{points}</Spectrum></EnergySpectrum></ResultData></ResultDataList>
</ResultDataFile>"""


MPA_HEADER = """[ADC1A]
;datum
range={range}
caluse=1
caloff=100.0
calfact=12.5
calunit=keV
[ADC1B]
caluse=0
[MPA4A] REPORT-FILE from 06/12/2023 11:45:30  written 06/12/2023 11:46:30
realtime=60.000
livetime=59.500
fmt={fmt}
"""


def mpa(counts=COUNTS, fmt="asc", name="TDAT0"):
    text = MPA_HEADER.format(range=len(counts), fmt=fmt).replace("\n", "\r\n")
    # the common values come before the first block in .mcd files, and in a block of the whole system in .mpa files
    text = "realtime=60.000\r\nlivetime=59.500\r\n" + text + f"[{name},{len(counts)} ]\r\n"
    if fmt == "dat":
        return text.encode() + struct.pack(f"<{len(counts)}I", *counts)
    rows = (f"{n}\t{c}" if fmt == "csv" else str(c) for n, c in enumerate(counts))
    return (text + "\r\n".join(rows) + "\r\n").encode()


def iec(counts=COUNTS, terms="1.00000000E+02 1.25000000E+01 0.00000000E+00 0.00000000E+00"):
    lines = ["NUCICA   HPGE   0   0     0", f"{59.5:13.2f}{60.0:12.2f}{len(counts):6d}"]
    lines += ["09/12/21 10:54:31 08/25/21 11:34:36", terms, *[""] * 20, " 1.0 2.0", ""]
    for at in range(0, len(counts), 5):
        lines.append(f"{at:6d}" + "".join(f"{n:10d}" for n in counts[at : at + 5]))
    return "\r\n".join(f"A004{line.ljust(64)}" for line in lines) + "\r\n"


def report(counts=COUNTS):
    rows = "\n".join(f"{n:4d} {c:9d}  000" for n, c in enumerate(counts))
    head = "Jun 05 2023     08:34:27 am     Elt: 000090 Seconds.  Real Time: 000091\nID: none\n\n Chn    Counts  ROI\n"
    return f"{head}{rows}\n\n ROI:01  Beg: 0001 Chn    End: 0002 Chn\n"


def amptek(counts=COUNTS, calibration="LABEL - keV\n10 225\n30 475\n"):
    rows = "\n".join(map(str, counts))
    head = "TAG - live_data\nGAIN - 2\nLIVE_TIME - 59.5\nREAL_TIME - 60\nSTART_TIME - 01/13/2026 10:20:30\n"
    scale = f"<<CALIBRATION>>\n{calibration}" if calibration else ""
    return f"<<PMCA SPECTRUM>>\n{head}{scale}<<DATA>>\n{rows}\n<<END>>\n"


def columns(counts=COUNTS):
    rows = "\n".join(f"{n};{c}" for n, c in enumerate(counts))
    return f"live time: 59.5 s\nreal time: 60 s\nchannel;counts\n{rows}"


KINDS = {
    ".json": (json.dumps(npes()), (60, 60), (100, 12.5), datetime.fromisoformat("2023-01-19T16:14:50+01:00")),
    ".xml": (radiacode(), (60, 60), (100, 12.5), datetime(2023, 11, 21, 6, 52, 39)),
    ".mcd": (mpa(), (59.5, 60), (100, 12.5), datetime(2023, 6, 12, 11, 45, 30)),
    ".mpa": (mpa(fmt="dat"), (59.5, 60), (100, 12.5), datetime(2023, 6, 12, 11, 45, 30)),
    ".asc": (mpa(fmt="csv"), (59.5, 60), (100, 12.5), datetime(2023, 6, 12, 11, 45, 30)),
    ".iec": (iec(), (59.5, 60), (100, 12.5), datetime(2021, 9, 12, 10, 54, 31)),
    ".dat": (report(), (90, 91), (), datetime(2023, 6, 5, 8, 34, 27)),
    ".mca": (amptek(), (59.5, 60), (100, 12.5), datetime(2026, 1, 13, 10, 20, 30)),
    ".txt": (columns(), (59.5, 60), (), None),
}


@pytest.mark.parametrize("suffix", KINDS)
def test_a_file_of_another_program(write, suffix):
    content, times_s, terms, start = KINDS[suffix]
    (one,) = spectrum.read(write(f"some{suffix}", content)).values()
    assert one.counts.tolist() == COUNTS and one.counts.dtype == np.int64
    assert (one.live_s, one.real_s) == times_s and one.start == start and not one.faults
    energies = np.polynomial.polynomial.polyval(one.centres, one.coefficients or (0,))
    assert energies.tolist() == np.polynomial.polynomial.polyval(np.arange(6), terms or (0,)).tolist()
    assert one.edges.tolist() == [-0.5, 0.5, 1.5, 2.5, 3.5, 4.5, 5.5]
    source = sources.load(write(f"some{suffix}", content), (0, 12))
    assert source.total == sum(COUNTS) and source.duration_s == times_s[1]


ONES = {
    ".json": lambda counts: json.dumps(npes(counts)),
    ".xml": radiacode,
    ".mcd": mpa,
    ".mpa": lambda counts: mpa(counts, "dat"),
    ".asc": lambda counts: "\n".join(map(str, counts)),
    ".iec": iec,
    ".mca": amptek,
    ".dat": report,
    ".txt": lambda counts: "channel counts\n" + "\n".join(f"{n} {c}" for n, c in enumerate(counts)),
    ".csv": lambda counts: "energy;counts\n" + "\n".join(f"{n},5;{c}" for n, c in enumerate(counts)),
}


@given(st.sampled_from(list(ONES)), st.lists(st.integers(0, 2**31), min_size=1, max_size=30))
def test_any_counts_are_read(scratch, suffix, counts):
    path = scratch / f"any{suffix}"
    content = ONES[suffix](counts)
    path.write_bytes(content if isinstance(content, bytes) else content.encode())
    (one,) = spectrum.read(path).values()
    assert one.counts.tolist() == counts


SAMPLES = {
    suffix: content if isinstance(content, bytes) else content.encode() for suffix, (content, *_) in KINDS.items()
}
SAMPLES |= {".spe": SPE.encode(), ".csv": b"energy_kev,counts\n1,2\n3,4\n", ".spa": b"1.0\n2.0\n# Live time 3 s\n"}
SAMPLES |= {suffix: b"\x00\x01" * 200 for suffix in (".pcf", ".cnf", ".spc", ".tka", ".phd", ".chn", ".n42", "")}


@st.composite
def damaged(draw, sample):
    """A sample, cut, or with some octets replaced, inserted or deleted."""
    content = bytearray(sample)
    for _ in range(draw(st.integers(1, 3))):
        begin = draw(st.integers(0, len(content)))
        end = min(len(content), begin + draw(st.sampled_from([0, 1, 2, 9, 1000])))
        content[begin:end] = draw(
            st.binary(max_size=4) | st.sampled_from([b"-1", b"9e99", b"nan", b",", b"\n", b"$DATA:", b"["])
        )
    return bytes(content)


FILES = st.sampled_from(list(SAMPLES)).flatmap(
    lambda suffix: st.tuples(st.just(suffix), damaged(SAMPLES[suffix]) | st.binary(max_size=80))
)


@settings(max_examples=600, deadline=None)
@given(FILES)
def test_a_damaged_file_is_read_or_refused_in_one_line(scratch, found):
    suffix, content = found
    path = scratch / f"damaged{suffix}"
    path.write_bytes(content)
    try:
        spectra = spectrum.read(path)
    except SourceError as error:
        assert str(error).startswith(str(path)) and len(str(error).splitlines()) == 1
        return
    for one in spectra.values():
        assert one.counts.dtype == np.int64 and one.counts.min() >= 0 and len(one.counts) > 0
        assert len(one.edges) == len(one.counts) + 1 == len(one.centres) + 1
        assert all(time_s is None or 0 < time_s < np.inf for time_s in (one.live_s, one.real_s))


# ---- each kind -------------------------------------------------------------------------------------------------------


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
