"""HDF5 and ROOT files, read by h5py and uproot."""

import json
import sys

import h5py
import numpy as np
import pytest
import uproot
from dorn import cli
from dorn.files import hdf5_file, root_file, spectrum
from dorn.files.hdf5_file import Column
from dorn.files.root_file import Histogram, Ragged
from dorn.products import Archive
from dorn.products.exchange import NAMES
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra import numpy as arrays
from support.exported import CHANNELS, archive, counts


@pytest.fixture(scope="module")
def run(tmp_path_factory):
    folder = tmp_path_factory.mktemp("arrays")
    path = archive(folder / "run")
    assert cli.main(["export", str(path), "--format", "hdf5,root", "--out", str(folder)]) == 0
    return path


@pytest.fixture(scope="module")
def hdf5(run):
    with h5py.File(run.parents[1] / "archive.h5") as file:
        yield file


@pytest.fixture(scope="module")
def root(run):
    with uproot.open(run.parents[1] / "archive.root") as file:
        yield file


def test_hdf5_has_all_spectra_with_dates_times_and_energies(hdf5):
    found = hdf5["measurements"]
    assert found["counts"].shape == (1, 16, CHANNELS) and found["coincidences"].shape == (1, 8, 256)
    for n in range(16):
        assert (found["counts"][0, n] == counts(n, CHANNELS)).all()
        assert found["live_s"][0, n] == (59_000_100 + n) / 1e6 and found["real_s"][0, n] == 60.0004
    assert (found["coincidences"][0, 7] == counts(23, 256)).all()
    assert found["start_utc"].asstr()[0] == "2026-01-31T12:00:00.500Z" and found["phase"].asstr()[0] == "science"
    assert found["start_s"][0] == 1000.5 and found["stop_s"][0] == 1060.5004
    energies = hdf5["energies"]
    assert energies["name"].asstr()[:].tolist() == NAMES
    assert energies["energy_kev"][0, :2].tolist() == [-145.5, -133.5]
    assert energies["coincidence_energy_kev"][0, 0] == -103.5


def test_hdf5_says_where_it_is_from_and_has_units(hdf5):
    assert hdf5.attrs["firmware"] == "1.2.3" and hdf5.attrs["source"] == "some.toml" and "dates" not in hdf5.attrs
    assert json.loads(hdf5.attrs["summary"])["in_spectra"] == sum(
        int(counts(n, size).sum()) for n, size in enumerate([CHANNELS] * 16 + [256] * 8)
    )
    units = {"measurements/live_s": "s", "energies/energy_kev": "keV", "packets/housekeeping/bias_mv": "mV"}
    for name, unit in units.items():
        assert hdf5[name].attrs["units"] == unit
    assert "2: standby" in hdf5["packets/housekeeping/mode"].attrs["description"]
    everything = []
    hdf5.visititems(lambda name, item: everything.append(item) if isinstance(item, h5py.Dataset) else None)
    assert len(everything) > 100 and all("units" in item.attrs for item in everything)


def test_hdf5_has_every_packet(hdf5, run):
    names = [packet.name for packet in Archive(run).packets()]
    assert {name: len(group["time_s"]) for name, group in hdf5["packets"].items()} == {
        name: names.count(name) for name in set(names)
    }
    assert hdf5["reports/name"].asstr()[:].tolist() == ["mode_changed", "mode_changed"]


def test_root_has_histograms_that_the_product_reads_too(root, run):
    found = spectrum.read(run.parents[1] / "archive.root")
    assert list(found) == NAMES
    for n, (name, one) in enumerate(found.items()):
        wanted = counts(n, CHANNELS if n < 16 else 256)
        kev, first_kev = (12, -151.5) if n < 16 else (96, -151.5)
        assert (one.counts == wanted).all() and (one.edges == first_kev + kev * np.arange(len(wanted) + 1)).all()
        assert root[name].variances().tolist() == wanted.tolist()
    assert root["front_0"].title == "front_0, 59.000100 s live of 60.000400 s"
    assert root["front_0"].axis().member("fTitle") == "energy (keV)"
    assert root["front_0"].member("fEntries") == counts(0, CHANNELS).sum()


def test_root_has_trees_and_texts(root, hdf5):
    for tree, group in (("measurements", "measurements"), ("packets_housekeeping", "packets/housekeeping")):
        for name, branch in root[tree].items():
            assert np.array_equal(branch.array(library="np"), hdf5[group][name][:], equal_nan=True)
    assert str(root["about_firmware"]) == "1.2.3"
    assert "packets_housekeeping.bias_mv: mV" in str(root["about_units"])


NUMBERS = st.sampled_from(["u1", "u2", "u4", "i8", "f8"])


@given(
    arrays.arrays(NUMBERS, arrays.array_shapes(max_dims=3, max_side=4, min_side=1)),
    st.text(st.characters(codec="utf-8", exclude_characters="\0")),
)
def test_any_array_is_kept(scratch, values, text):
    path = scratch / "some"
    with path.open("w+b") as file:
        hdf5_file.write(file, {}, {"a": {"b": Column(values, text), "c": Column(np.array([text], object))}})
    with h5py.File(path) as file:
        assert file["a/b"].dtype == values.dtype and np.array_equal(
            file["a/b"][:], values, equal_nan=values.dtype == "f8"
        )
        assert file["a/b"].attrs["units"] == text and file["a/c"].asstr()[0] == text
    with path.open("w+b") as file:
        root_file.write(file, {}, {"a": {"b": values}}, {})
    with uproot.open(path) as file:
        assert np.array_equal(file["a"]["b"].array(library="np"), values, equal_nan=values.dtype == "f8")


@given(st.lists(st.lists(st.integers(0, 65535), max_size=4), max_size=10))
def test_ragged_branches_are_kept(scratch, lists):
    path = scratch / "some.root"
    n, values = (
        np.array([len(one) for one in lists], int),
        np.array([value for one in lists for value in one], np.uint16),
    )
    with path.open("w+b") as file:
        histogram = Histogram(np.arange(3.0), np.array([2**52, 1]), "title", "label")
        root_file.write(file, {"h": histogram}, {"a": {"b": Ragged(n, values), "n": n}}, {"text": "text"})
    with uproot.open(path) as file:
        assert file["a"]["b"].array().tolist() == lists
    assert root_file.read(path)["h"][1].tolist() == [2**52, 1]


@pytest.mark.parametrize(("name", "module"), [("hdf5", "h5py"), ("root", "uproot")])
def test_a_missing_library_is_named_and_nothing_is_written(run, tmp_path, monkeypatch, capsys, name, module):
    monkeypatch.setitem(sys.modules, module, None)
    assert cli.main(["export", str(run), "--format", f"spe,{name}", "--out", str(tmp_path / "out")]) == 2
    assert f"{module} writes" in capsys.readouterr().err
    assert not (tmp_path / "out").exists()
