"""Spectra of all formats through one reader."""

import numpy as np
import pytest
from dorn.files import spectrum
from dorn.util.checks import SourceError
from support.data import data


def test_a_table_has_edges_between_its_energies(tmp_path):
    path = tmp_path / "some.csv"
    path.write_text("energy_kev,counts\n10,1\n20,2\n40,3\n")
    (one,) = spectrum.read(path).values()
    assert one.in_kev and one.edges.tolist() == [5, 15, 30, 50] and one.counts.tolist() == [1, 2, 3]


def test_channels_have_edges_half_a_channel_around_them():
    path = data("am241-milano", "Single_detectors") / "Detector3" / "Vbias" / "Data" / "60V.Chn"
    (one,) = spectrum.read(path).values()
    assert one.edges[0] == -0.5 and len(one.edges) == len(one.counts) + 1 and one.live_s == pytest.approx(103.66)


def test_a_root_file_has_several():
    found = spectrum.read(data("triple-alpha-leuven") / "DSSD_3178-17_Front_80V.root")
    assert len(found) == 32 and all(np.all(np.diff(one.edges) > 0) for one in found.values())


@pytest.mark.parametrize(
    ("content", "name", "what"),
    [
        ("time_us,detector,energy_kev\n1,2,3\n", "a.csv", "header: a column of energies"),
        ("x", "a.dat", "1: header: no row of numbers follows"),
        ("x", "a.doc", "1: header: no row of numbers follows"),
        ("x", "a.spe", r"\$DATA: is missing"),
        ("x", "a.chn", "header: shorter than"),
        ("<x/>", "a.n42", "root: not RadInstrumentData"),
        ("x", "a.n42", "file: not XML"),
        ("<x/>", "a.xml", "root: not RadInstrumentData"),
        ("{}", "a.json", "schemaVersion: neither"),
        ("[", "a.json", "file: not JSON"),
        ("x", "a.mcd", "1: header: no row of numbers follows"),
        ("x", "a.iec", "A004: does not begin"),
        ("x", "a.pcf", "file: not read by SpecUtils as .pcf"),
    ],
)
def test_what_is_no_spectrum_is_refused_with_the_kinds_that_are(content, name, what, tmp_path):
    (tmp_path / name).write_text(content)
    with pytest.raises(SourceError, match=f"{name}:.*{what}.*kinds that are read: .spe, .chn, .n42, .json .*columns"):
        spectrum.read(tmp_path / name)


def test_sums_that_do_not_fit_are_refused(tmp_path):
    """Counts of 2^53 each are read, but 2048 of them are 2^64, which int64 takes for 0."""
    path = tmp_path / "a.spe"
    for n, fits in ((1, True), (2, False), (1024, False), (2048, False)):
        path.write_text(f"$DATA:\n0 {n - 1}\n" + f"{2**53}\n" * n)
        if fits:
            assert int(next(iter(spectrum.read(path).values())).counts.sum()) == 2**53
        else:
            with pytest.raises(SourceError, match=rf"counts: more than 2\^53 counts together \({n * 2**53}\)"):
                spectrum.read(path)


def test_one_of_several_is_chosen_by_its_name(tmp_path):
    from dorn.head import sources

    path = tmp_path / "a.mcd"
    path.write_text("realtime=10\n[DATA0,2 ]\n1\n2\n[DATA1,2 ]\n3\n4\n")
    with pytest.raises(SourceError, match=r"spectra: 2 in the file; choose one with --spectrum \(DATA0, DATA1\)"):
        sources.load(path, (0, 1))
    assert sources.load(path, (0, 1), "DATA1").counts.tolist() == [3, 4]
    with pytest.raises(SourceError, match=r"--spectrum: not one of DATA0, DATA1 \(DATA2\)"):
        sources.load(path, (0, 1), "DATA2")


def test_a_single_energy_is_a_line(tmp_path):
    path = tmp_path / "a.csv"
    path.write_text("energy_kev,counts\n5000,1\n")
    (one,) = spectrum.read(path).values()
    assert one.edges.tolist() == [5000, 5000]
