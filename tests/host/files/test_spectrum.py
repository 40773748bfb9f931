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
        ("energy_kev,counts\n10,1\n", "a.csv", "energy_kev: only one row"),
        ("time_us,detector,energy_kev\n1,2,3\n", "a.csv", "header: not energy_kev,counts"),
        ("x", "a.dat", "suffix: none of .spe, .chn, .n42, .root, .csv"),
    ],
)
def test_what_is_no_spectrum_is_refused(content, name, what, tmp_path):
    (tmp_path / name).write_text(content)
    with pytest.raises(SourceError, match=what):
        spectrum.read(tmp_path / name)
