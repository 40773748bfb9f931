"""Exported spectra in third-party readers. Known losses of a reader are distinguished from faults of the product."""

import json
import re
import shlex
import warnings
from datetime import UTC, datetime, timedelta
from pathlib import Path

import numpy as np
import pytest
import SpecUtils
import xmlschema
from dorn import cli
from dorn.files import chn, n42, spe, spectrum
from dorn.files.mca import McaFile
from dorn.products.exchange import NAMES
from matplotlib import rc_context
from support.data import data
from support.exported import BEGAN, CHANNELS, ON_BOARD_S, archive, counts

START = datetime.fromisoformat(BEGAN) + timedelta(seconds=ON_BOARD_S - 1000)
SECOND = START.replace(microsecond=0, tzinfo=None)
SIZES = [CHANNELS] * 16 + [256] * 8
LIVE_S = [(59_000_100 + d) / 1e6 for d in range(16)] + [(58_000_100 + u) / 1e6 for u in range(8)]
REAL_S = 60.0004
OF_DETECTORS, OF_UNITS = (-145.5, 12.0, 0.0), (-103.5, 96.0, 0.0)
spectra = pytest.mark.parametrize("n", [0, 7, 15, 16, 23])


@pytest.fixture(scope="module")
def out(tmp_path_factory):
    folder = tmp_path_factory.mktemp("export")
    path = archive(folder / "run")
    assert cli.main(["export", str(path), "--format", "spe,chn,csv,n42", "--out", str(folder / "out")]) == 0
    return folder / "out"


def of_becquerel(path):
    import becquerel  # takes 10 s

    return becquerel.Spectrum.from_file(path)


def of_curie(path):
    with warnings.catch_warnings(), rc_context():  # becquerel changes matplotlib's defaults for the whole process
        warnings.simplefilter("ignore")  # warnings of pandas
        import curie

    return curie.Spectrum(str(path))


def of_spec_utils(path) -> dict:
    """Detector -> Measurement, as SpecUtils reads a file."""
    file = SpecUtils.SpecFile()
    file.loadFile(str(path), SpecUtils.ParserType.Auto)
    return {one.detectorName() or one.title(): one for one in file.measurements()}


def scale(n):
    return OF_DETECTORS if n < 16 else OF_UNITS


@spectra
def test_spe_in_all_readers(out, n):
    path, wanted = out / "spe" / f"{NAMES[n]}.Spe", counts(n, SIZES[n])
    own = spe.read(path)
    assert (own.counts == wanted).all() and (own.live_s, own.real_s) == (LIVE_S[n], REAL_S)
    assert own.coefficients == scale(n) and own.start == SECOND and own.name == NAMES[n]
    (other,) = of_spec_utils(path).values()
    assert (np.array(other.gammaCounts()) == wanted).all()
    assert (other.liveTime(), other.realTime()) == (np.float32(LIVE_S[n]), np.float32(REAL_S))  # kept as float32
    assert other.calibrationCoeffs() == list(scale(n)[:2]) and other.startTime() == SECOND
    other = of_becquerel(path)
    assert (other.counts_vals == wanted).all() and (other.livetime, other.realtime) == (LIVE_S[n], REAL_S)
    assert other.start_time == SECOND
    assert other.bin_edges_kev[:2].tolist() == [scale(n)[0], scale(n)[0] + scale(n)[1]]
    other = of_curie(path)
    assert (other.hist == wanted).all() and (other.live_time, other.real_time) == (LIVE_S[n], REAL_S)
    assert list(other.cb.engcal) == list(scale(n)) and other.start_time == SECOND


@spectra
def test_chn_in_all_readers(out, n):
    path, wanted = out / "chn" / f"{NAMES[n]}.Chn", counts(n, SIZES[n])
    ticks_s = [round(50 * time_s) / 50 for time_s in (LIVE_S[n], REAL_S)]
    own = chn.read(path)
    assert (own.counts == wanted).all() and [own.live_s, own.real_s] == pytest.approx(ticks_s)
    assert own.coefficients == scale(n) and own.start == SECOND and own.name == NAMES[n]
    other = of_curie(path)
    assert (other.hist == wanted).all() and [other.live_time, other.real_time] == pytest.approx(ticks_s)
    assert list(other.cb.engcal) == list(scale(n)) and other.start_time == SECOND
    (other,) = of_spec_utils(path).values()
    lost = np.flatnonzero(np.array(other.gammaCounts()) != wanted).tolist()
    assert lost == [0, 1, SIZES[n] - 2, SIZES[n] - 1]  # blanked by SpecUtils; the other readers keep them
    assert [other.liveTime(), other.realTime()] == pytest.approx(ticks_s)
    assert other.calibrationCoeffs() == list(scale(n)[:2]) and other.startTime() == SECOND


def test_n42_in_all_readers(out):
    path = out / "spectra.n42"
    (own,) = n42.read(path)
    assert own.start == START and own.start.tzinfo and own.real_s == REAL_S and not own.is_calibration
    found = of_spec_utils(path)
    assert [one.name for one in own.spectra] == NAMES and set(found) == set(NAMES)  # the detector's id is its name
    for n, one in enumerate(own.spectra):
        wanted, other = counts(n, SIZES[n]), found[NAMES[n]]
        assert (one.counts == wanted).all() and (one.live_s, one.real_s) == (LIVE_S[n], REAL_S)
        assert one.coefficients == scale(n)
        assert (np.array(other.gammaCounts()) == wanted).all()
        assert (other.liveTime(), other.realTime()) == (np.float32(LIVE_S[n]), np.float32(REAL_S))
        edge_kev = scale(n)[0] - scale(n)[1] / 2
        assert other.calibrationCoeffs() == [edge_kev, scale(n)[1]]
        assert other.startTime() == START.replace(tzinfo=None)


def test_spec_utils_reads_the_real_time_of_each_spectrum(tmp_path):
    """N42 has no place for it, so it is in a remark."""
    spectra = [McaFile(np.arange(1, 9), 0, 1.0, real_s, (0.0, 1.0, 0.0), name=f"d{real_s:g}") for real_s in (10.0, 7.5)]
    (tmp_path / "some.n42").write_bytes(
        n42.write(n42.Instrument("a", "b", "c", {"d": "1"}), [n42.Measurement("m", START, 10.0, spectra)])
    )
    assert {name: one.realTime() for name, one in of_spec_utils(tmp_path / "some.n42").items()} == {
        "d10": 10,
        "d7.5": 7.5,
    }


@spectra
def test_csv_in_all_readers(out, n):
    path, wanted = out / "csv" / f"{NAMES[n]}.csv", counts(n, SIZES[n])
    energies_kev = scale(n)[0] + scale(n)[1] * np.arange(SIZES[n])
    (own,) = spectrum.read(path).values()
    assert own.in_kev and own.centres.tolist() == energies_kev.tolist() and own.counts.tolist() == wanted.tolist()
    assert own.live_s and own.real_s  # from the remarks
    text = np.loadtxt(path, delimiter=",", skiprows=len(path.read_text().partition("energy_kev")[0].splitlines()) + 1)
    assert (text[:, 0] == energies_kev).all() and (text[:, 1] == wanted).all()
    (other,) = of_spec_utils(path).values()
    kept = energies_kev >= 0  # SpecUtils drops channels below 0 keV
    assert (np.array(other.gammaCounts()) == wanted[kept]).all() and kept.sum() < SIZES[n]
    assert other.channelEnergies()[: kept.sum()] == energies_kev[kept].tolist()
    assert other.liveTime() == other.realTime() == 0  # SpecUtils does not read remarks


def test_other_losses_that_the_documents_name(out, tmp_path):
    one = McaFile(np.array([2**24 + 1, 1, 1, 1]), 0, 1.0, 2.0, (0.0, 1.0, 0.0), name="many", start=SECOND)
    path = tmp_path / "many.Spe"
    path.write_bytes(spe.write(one))
    (other,) = of_spec_utils(path).values()
    assert other.gammaCounts()[0] == 2**24 and spe.read(path).counts[0] == of_curie(path).hist[0] == 2**24 + 1
    with pytest.raises(ValueError, match="File type not supported"):
        of_curie(path.rename(tmp_path / "many.spe"))


def test_readers_take_the_middle_of_a_channel_for_its_edge(out):
    """SpecUtils and becquerel give half a channel more than stated; in N42 the format itself refers to the edge."""
    path = out / "spe" / "front_0.Spe"
    (other,) = of_spec_utils(path).values()
    assert other.gammaChannelLower(0) == of_becquerel(path).bin_edges_kev[0] == spe.read(path).coefficients[0] == -145.5
    assert of_spec_utils(out / "spectra.n42")["front_0"].gammaChannelLower(0) == -151.5


def test_the_commands_of_the_readme_open_in_other_programs(tmp_path):
    """becquerel, curie, SpecUtils, and the reader of `dorn analyse`."""
    lines = (Path(__file__).parents[3] / "README.md").read_text().splitlines()
    commands = [shlex.split(line, comments=True)[1:] for line in lines if re.match(r"    dorn (export|report) ", line)]
    assert [command[0] for command in commands] == ["export", "report"]
    names = {"DIR": tmp_path / "run", "OUT": tmp_path / "out", "report.html": tmp_path / "report.html"}
    assert cli.main(["demo", "--target", "unix", "--out", str(names["DIR"])]) == 0
    for command in commands:
        assert cli.main([str(names.get(word, word)) for word in command]) == 0
    summary = json.loads((names["DIR"] / "summary.json").read_text())
    spectra = of_spec_utils(tmp_path / "out" / "spectra.n42")
    assert sum(one.gammaCountSum() for one in spectra.values()) == summary["in_spectra"]
    path = tmp_path / "out" / "spe" / "back_3.Spe"
    total = spe.read(path).counts.sum()
    assert (
        of_becquerel(path).counts_vals.sum() == of_curie(path).hist.sum() == total == spectra["back_3"].gammaCountSum()
    )
    of_analyse = spectrum.read(tmp_path / "out" / "spectra.n42")["m1_science back_3"]
    assert of_analyse.counts.sum() == total and of_analyse.live_s == summary["spectra_live_s"]["back_3"]


def test_an_spe_from_a_later_channel_is_read_by_us_only(tmp_path):
    one = McaFile(np.arange(1, 9), 5, 1.0, 2.0, (0.0, 1.0, 0.0), name="later", start=SECOND)
    path = tmp_path / "later.Spe"
    path.write_bytes(spe.write(one))
    own = spe.read(path)
    assert own.first_channel == 5 and own.counts.tolist() == one.counts.tolist()
    with pytest.raises(Exception, match="First channel is not 0"):
        of_becquerel(path)


def test_n42_conforms_to_the_schema(out, tmp_path):
    schema = xmlschema.XMLSchema(data("n42", "n42.xsd"))
    path = out / "spectra.n42"
    assert list(schema.iter_errors(path)) == []
    text = path.read_text()
    for good, bad in (
        ("<RadDetectorKindCode>Other<", "<RadDetectorKindCode>Silicon<"),
        ('energyCalibrationReference="energy_back_1"', 'energyCalibrationReference="none"'),
        ("<RealTimeDuration>PT", "<RealTimeDuration>"),
    ):
        assert good in text
        (tmp_path / "bad.n42").write_text(text.replace(good, bad))
        assert list(schema.iter_errors(tmp_path / "bad.n42"))


def test_what_has_no_place_is_in_remarks(out):
    remarks = "\n".join(spe.read(out / "spe" / "front_0.Spe").remarks)
    for text in (
        "start 2026-01-31T12:00:00.500Z, stop 2026-01-31T12:01:00.500Z",
        "firmware: 1.2.3",
        "source: some.toml",
    ):
        assert text in remarks
    assert "UTC unknown" not in remarks
    assert (out / "csv" / "front_0.csv").read_text().startswith("# front_0\n# live time: 59.0001 s, real time: 60.0004")


def test_dates_without_a_correlation_count_from_1970_and_say_so(tmp_path):
    path = archive(tmp_path / "run", with_run=False)
    command = ["export", str(path), "--format", "spe,chn,n42"]
    assert cli.main([*command, "--out", str(tmp_path / "unknown")]) == 0
    then = datetime(1970, 1, 1) + timedelta(seconds=ON_BOARD_S)
    one = spe.read(tmp_path / "unknown" / "spe" / "front_0.Spe")
    assert one.start == then.replace(microsecond=0) and any("UTC unknown" in remark for remark in one.remarks)
    one = chn.read(tmp_path / "unknown" / "chn" / "front_0.Chn")
    assert one.start == then.replace(microsecond=0) and "UTC unknown" in one.remarks[0]
    (one,) = n42.read(tmp_path / "unknown" / "spectra.n42")
    assert one.start == then and any("UTC unknown" in remark for remark in one.remarks)
    assert cli.main([*command, "--epoch", "2026-01-31T00:00:00Z", "--out", str(tmp_path / "known")]) == 0
    (one,) = n42.read(tmp_path / "known" / "spectra.n42")
    assert one.start == datetime(2026, 1, 31, tzinfo=UTC) + timedelta(seconds=ON_BOARD_S)
