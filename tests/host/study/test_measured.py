"""Readers of others' alpha spectra: intact files against their stated values, and damaged files."""

import json

import numpy as np
import pytest
from dorn.errors import UserError
from dorn.study import measured
from hypothesis import given, settings
from hypothesis import strategies as st
from support.data import data

LISBON = """Jun 05 2023     08:34:27 am     Elt: 000090 Seconds.  Real Time: 000090
 Chn    Counts  ROI
   0         0  000
   1        12  000
   2         7  000

 ROI:01  Beg: 0001 Chn                           End: 0002 Chn
         Ctrd:       1.40 Chn
         Fwhm:       1.10 Chn
         Gross Integral:         19 cts        Net Integral:         15 cts
"""
FIT = ".0    AV  410  10450.6(1.2)  5486.1(6)  6.70(8)e+03  61.9(1.2)  45.1(2.6)"


@pytest.mark.parametrize("name", measured.SETS)
def test_real_files_match_their_stated_values(name):
    folder = data(name).parent
    files = measured.files(folder, name)
    assert len(files) >= 3
    for file in files:
        one = measured.read(folder, name, file)
        assert one.sums and all(one.counts[first : last + 1].sum() == n for _, first, last, n in one.sums)
        # there is a peak at every line: the highest channel, smoothed, is within its width
        for line in one.lines:
            width = max(1, round(line.fwhm / 4))
            smooth = np.convolve(one.counts[line.first : line.last + 1], np.ones(width), "same")
            assert abs(line.first + np.argmax(smooth) - line.centroid) < line.fwhm
        if one.smoothed_peak is not None:
            assert measured.smoothed_peak(one.counts) == one.smoothed_peak


def test_all_sixteen_strips_are_complete():
    folder = data("triple-alpha-leuven").parent
    strips = measured.strips(folder)
    assert [int(strip.counts.sum()) for strip in strips] == [strip.total for strip in strips] and len(strips) == 16
    # the same strip rebinned by another program, from bin 14000, by 4
    lines = data("triple-alpha-leuven", "strips_csv", "DSSD_3178-17_Front_80V_strip05_rebin4_from14000.csv")
    theirs = np.loadtxt(lines)
    assert strips[5].counts[14000:24000].reshape(-1, 4).sum(axis=1).tolist() == theirs.tolist()


def write(folder, name, text):
    path = folder / name
    path.parent.mkdir(exist_ok=True)
    path.write_bytes(text if isinstance(text, bytes) else text.encode())


def test_the_formats_of_lisbon_and_cologne_are_read(tmp_path):
    write(tmp_path, "am241-lisbon/a.dat", LISBON)
    one = measured.read(tmp_path, "am241-lisbon", "a.dat")
    assert one.counts.tolist() == [0, 12, 7] and one.sums == (("gross 1-2", 1, 2, 19),)
    assert one.lines == (measured.Line(1, 2, 1.4, 1.1),)
    expected = {"spectra": [{"file": "b.spa", "total": 5, "author_hdtv_fit": FIT}]}
    write(tmp_path, "am241-cologne/EXPECTED_derived.json", json.dumps(expected))
    write(tmp_path, "am241-cologne/b.spa", "2.000\n0.000\n3.000\n# Live time 29.593 seconds\n")
    one = measured.read(tmp_path, "am241-cologne", "b.spa")
    assert one.counts.tolist() == [2, 0, 3]
    assert one.lines[0].centroid == 10450.6 and one.lines[0].fwhm == pytest.approx(61.9 * 10450.4 / 5486)


CUT = st.sampled_from([LISBON, "1.000\n2.000\n# x\n"]).flatmap(lambda t: st.integers(0, len(t)).map(lambda n: t[:n]))


@settings(max_examples=200)
@given(st.sampled_from(["am241-lisbon", "am241-cologne"]), CUT | st.text(max_size=60) | st.binary(max_size=60))
def test_a_damaged_file_is_read_or_gives_a_one_line_error(scratch, name, content):
    expected = {"spectra": [{"file": "a.dat", "total": 3, "author_hdtv_fit": FIT}]}
    write(scratch, f"{name}/EXPECTED_derived.json", json.dumps(expected))
    write(scratch, f"{name}/a.dat", content if isinstance(content, bytes) else content.encode("utf-8", "replace"))
    try:
        one = measured.read(scratch, name, "a.dat")
    except UserError as error:
        assert str(error).startswith(str(scratch)) and len(str(error).splitlines()) == 1
        return
    assert one.counts.dtype == np.int64 and one.counts.ndim == 1 and (one.counts >= 0).all()
