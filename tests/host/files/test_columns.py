"""Spectra as plain columns of numbers: separators, names, decimal commas, times; and what is not a spectrum."""

import pytest
from dorn.files import spectrum
from dorn.head import sources
from dorn.util.checks import SourceError

COLUMNS = {
    "1\n2\n3\n": ([0, 1, 2], [1, 2, 3], False),
    "# comment\n1.0\n2.0\n": ([0, 1], [1, 2], False),
    "5 1\n6 2\n": ([5, 6], [1, 2], False),
    "5\t1\n6\t2\n": ([5, 6], [1, 2], False),
    "5; 1;\n6; 2;\n": ([5, 6], [1, 2], False),
    "5, 1\n6, 2\n": ([5, 6], [1, 2], False),
    "Energy (MeV),Counts\n0.5,1\n1.5,2\n": ([500, 1500], [1, 2], True),
    "Energie\nenergy_keV;counts\n0,5;1\n1,5;2\n": ([0.5, 1.5], [1, 2], True),
    "kev counts\n0,5 1\n1,5 2\n": ([0.5, 1.5], [1, 2], True),
    "counts,energy_kev\n1,5\n2,6\n": ([5, 6], [1, 2], True),
    "Channel,Energy (keV),Counts\n0,10,1\n1,12,2\n": ([10, 12], [1, 2], True),
    "# channel counts\n0 1\n1 2\n": ([0, 1], [1, 2], False),
    '"Channel","Data"\n3,1\n4,2\n': ([3, 4], [1, 2], False),
    "0.5 1\n1.5 2\n": ([0.5, 1.5], [1, 2], False),
}


@pytest.mark.parametrize("text", COLUMNS)
def test_columns_with_any_separator(write, text):
    positions, counts, in_kev = COLUMNS[text]
    (one,) = spectrum.read(write("some.txt", text)).values()
    assert (one.centres.tolist(), one.counts.tolist(), one.in_kev) == (positions, counts, in_kev)


def test_columns_that_are_not_a_spectrum(write):
    for text, what in (
        ("1 2\n2 x\n", "2: counts: not a usable number"),
        ("1 2\n3\n", "2: row: 1 values, expected 2"),
        ("1 2 3\n", "1: columns: 3 columns, and no line with their names"),
        ("time,voltage\n1,2\n", "header: a column of energies"),
        ("2 1\n1 1\n", "2: first column: not above the previous one"),
        ("0.5\n1.5\n", "1: counts: not a whole number"),
        ("a text\n", "1: header: no row of numbers follows"),
    ):
        with pytest.raises(SourceError, match=what):
            spectrum.read(write("some.txt", text))
    with pytest.raises(
        SourceError, match="calibration: cannot be read: the first column has no name such as energy_kev"
    ):
        sources.load(write("some.txt", "0.5 1\n1.5 2\n"))
    assert sources.load(write("some.txt", "0.5 1\n1.5 2\n"), (0, 2)).energies_kev.tolist() == [1, 3]


LIVE = ("Live time: 30 s", "LIVE_TIME - 30", "# Live time 30.0 seconds", "Live Time (s) = 30", "live time: 0,5 min")


@pytest.mark.parametrize("line", LIVE)
def test_times_of_columns(write, line):
    (one,) = spectrum.read(write("some.txt", f"{line}\nchannel counts\n0 1\n1 2\n")).values()
    assert one.live_s == 30 and one.real_s is None
