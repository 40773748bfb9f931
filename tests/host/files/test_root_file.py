"""Histograms of ROOT files, written by uproot, and damaged ones."""

import numpy as np
import pytest
import uproot
from dorn.errors import UserError
from dorn.files import root_file
from dorn.study import measured
from support.data import data


@pytest.fixture
def written(tmp_path):
    def write(**histograms):
        path = tmp_path / "some.root"
        with uproot.recreate(path) as file:
            for name, content in histograms.items():
                file[name] = content
        return path

    return write


def test_histograms_are_read_in_the_order_of_the_file(written):
    first = np.array([3, 0, 7]), np.array([0.0, 1.5, 4.0, 5.0])
    second = np.array([1.0, 2.0]), np.array([-1.0, 0.0, 1.0])
    found = root_file.read(written(b=first, a=second))
    assert list(found) == ["b", "a"]
    for edges, counts in found.values():
        assert edges.dtype == float and counts.dtype == np.int64
    assert found["b"][0].tolist() == [0, 1.5, 4, 5] and found["b"][1].tolist() == [3, 0, 7]


def test_strips_of_a_detector_are_those_of_the_study():
    folder = data("triple-alpha-leuven")
    found = root_file.read(folder / "DSSD_3178-17_Front_80V.root")
    assert len(found) >= 32
    for n, strip in enumerate(measured.strips(folder.parent, 3)):
        assert (found[f"h{n}"][1] == strip.counts).all()


def test_errors_are_one_line(written, tmp_path):
    with pytest.raises(UserError, match=r"some.root: h: not a whole number of counts \(0.5\)"):
        root_file.read(written(h=(np.array([0.5, 1]), np.array([0.0, 1, 2]))))
    with pytest.raises(UserError, match="no one-dimensional histogram"):
        root_file.read(written(h=(np.ones((2, 2)), np.array([0.0, 1, 2]), np.array([0.0, 1, 2]))))
    with pytest.raises(UserError, match=r"absent\.root: file: cannot be read"):
        root_file.read(tmp_path / "absent.root")
    content = written(h=(np.ones(50), np.arange(51.0))).read_bytes()
    for n in (0, 3, 50, 300):
        (tmp_path / "cut.root").write_bytes(content[:n])
        with pytest.raises(UserError, match=r"cut\.root: ") as caught:
            root_file.read(tmp_path / "cut.root")
        assert "\n" not in str(caught.value)
