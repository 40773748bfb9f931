"""Spectra as plain columns of numbers: separators, names, decimal commas, times; and what is not a spectrum."""

import numpy as np
import pytest
from dorn.files import spectrum
from dorn.head import sources
from dorn.util.checks import SourceError
from hypothesis import given
from hypothesis import strategies as st

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
    "5|1\n6|2\n": ([5, 6], [1, 2], False),
    "channel | counts\n5 | 1\n6 | 2\n": ([5, 6], [1, 2], False),
    '"channel","counts"\n"5","1"\n"6","2"\n': ([5, 6], [1, 2], False),
    "channel,counts\n5,1\n6,2\nTotal,3\n\nend of file\n": ([5, 6], [1, 2], False),
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
        ("channel,counts\n0,1\nchannel,counts\n0,1\n", "3: channel: not a usable number"),
        ("channel,counts\n0,1\n1,nan\n", "3: counts: not a usable number"),
        ("channel,counts\n0,1\nnan,2\n", "3: channel: not a usable number"),
        ("channel,counts\n0,1\n1,x\n", "3: counts: not a usable number"),
    ):
        with pytest.raises(SourceError, match=what):
            spectrum.read(write("some.txt", text))
    with pytest.raises(
        SourceError, match="calibration: cannot be read: the first column has no name such as energy_kev"
    ):
        sources.load(write("some.txt", "0.5 1\n1.5 2\n"))
    assert sources.load(write("some.txt", "0.5 1\n1.5 2\n"), (0, 2)).energies_kev.tolist() == [1, 3]


# ---- rows that are missing, and what they would mean -----------------------------------------------------------------

SPARSE = {
    "energy_kev,counts\n5000,10\n5010,10\n8000,1000": (5000, 10, 301),
    "energy_kev,counts\n5000,1\n5010,1\n5020,1\n5040,1\n5050,1": (5000, 10, 6),
    "energy_kev;counts\n100,0;1\n110,1;1\n120,3;1\n900,0;1\n910,2;1": (100, 10.1, None),
    "channel,counts\n500,10\n501,10\n800,1000": (500, 1, 301),
    "channel,counts\n0,3\n1,4\n5,6": (0, 1, 6),
    "channel,counts\n7,3\n900,4": (7, 1, 894),
}


@pytest.mark.parametrize("text", SPARSE)
def test_rows_of_empty_channels_may_be_missing(write, text):
    first, width, channels = SPARSE[text]
    (one,) = spectrum.read(write("some.csv", text)).values()
    assert one.centres[0] == first and channels in (None, len(one.counts))
    assert np.diff(one.edges) == pytest.approx(width, rel=0.02)
    listed = [row.replace(",", ".").replace(";", ",") if ";" in row else row for row in text.split("\n")[1:]]
    for row in listed:
        position, n = map(float, row.split(","))
        assert one.counts[np.flatnonzero(one.centres == position)].tolist() == [n]
    assert one.counts.sum() == sum(int(row.split(",")[1]) for row in listed)
    assert [note for note in one.notes if "are not in the file: taken as empty" in note] and not one.faults


@given(st.integers(0, 3000), st.lists(st.integers(1, 40), min_size=3, max_size=30), st.floats(0.5, 20), st.booleans())
def test_a_sparse_spectrum_is_that_with_all_its_rows(scratch, first, steps, kev, in_kev):
    """The narrowest step has to appear on both sides of any gap, as two rows side by side do."""
    channels = np.cumsum([first, 1, *steps, 1])
    counts = np.arange(1, len(channels) + 1)
    name, of = ("energy_kev", kev) if in_kev else ("channel", 1)
    path = scratch / "some.csv"
    path.write_text(
        f"{name},counts\n" + "\n".join(f"{c * of!r},{n}" for c, n in zip(channels.tolist(), counts, strict=True))
    )
    (one,) = spectrum.read(path).values()
    expected = np.zeros(channels[-1] - first + 1, np.int64)
    expected[channels - first] = counts
    assert one.counts.tolist() == expected.tolist()
    assert one.centres == pytest.approx(of * np.arange(first, channels[-1] + 1))


@given(st.floats(1.0, 1.4), st.integers(3, 60))
def test_channels_that_grow_wider_have_no_gaps(scratch, factor, n):
    path = scratch / "some.csv"
    path.write_text(
        "energy_kev,counts\n" + "\n".join(f"{x!r},1" for x in (100 + np.cumsum(factor ** np.arange(n))).tolist())
    )
    (one,) = spectrum.read(path).values()
    assert len(one.counts) == n and not one.notes


def test_more_channels_than_any_file_has_are_not_made_up(write):
    with pytest.raises(SourceError, match="channel: more than 1048576 channels, with those left out"):
        spectrum.read(write("some.csv", "channel,counts\n0,1\n99999999,1\n"))
    (one,) = spectrum.read(write("some.csv", "energy_kev,counts\n0,1\n0.001,1\n9000,1\n")).values()
    assert len(one.counts) == 3 and "not evenly apart" in one.notes[0]


def test_channels_taken_together_are_as_wide_as_their_steps(write):
    (one,) = spectrum.read(write("some.csv", "code,counts\n0,1\n4,2\n8,3\n")).values()
    assert one.edges.tolist() == [-2, 2, 6, 10] and "channels in steps of 4" in one.notes[0] and not one.faults


# ---- numbers with two meanings ---------------------------------------------------------------------------------------


@pytest.mark.parametrize("counts", ["1,000 2,000 3", "1.000 12.000 7", "3 1.500", "12 999.000"])
def test_separators_of_thousands_are_refused(write, counts):
    text = "channel\tcounts\n" + "\n".join(f"{n}\t{c}" for n, c in enumerate(counts.split()))
    with pytest.raises(SourceError, match=r"counts: three decimals beside whole numbers"):
        spectrum.read(write("some.txt", text))


def test_counts_that_all_have_decimals_are_read(write):
    for text in ("1.000\n2.000\n0.000\n0\n", "1,0\n2,0\n0,0\n0,0\n", "1,000\n2,000\n0,000\n0,0\n"):
        (one,) = spectrum.read(write("some.txt", text)).values()
        assert one.counts.tolist() == [1, 2, 0, 0]


def test_energies_without_a_unit_are_taken_as_kev_with_a_note(write):
    for header, note in (("energy,counts", "no unit: taken as keV"), ("Energy, Data", "lower edges")):
        (one,) = spectrum.read(write("some.csv", f"{header}\n5,3\n6,4\n")).values()
        assert one.in_kev and note in one.notes[0] and len(one.notes) == 1


def test_the_columns_of_spec_utils_have_lower_edges(tmp_path):
    import SpecUtils

    file, one = SpecUtils.SpecFile(), SpecUtils.Measurement.new()
    one.setGammaCounts(list(range(3, 67)), 59.5, 60.0)
    one.setEnergyCalibration(SpecUtils.EnergyCalibration.fromPolynomial(64, [100.0, 12.5]))
    file.addMeasurement(one, True)
    with (tmp_path / "some.csv").open("wb") as out:
        file.writeCsv(out)
    (found,) = spectrum.read(tmp_path / "some.csv").values()
    assert found.counts.tolist() == list(range(3, 67))
    assert found.centres[:2].tolist() == [106.25, 118.75] and found.edges[[0, -1]].tolist() == [100, 900]


def test_a_file_with_any_other_suffix_is_columns_if_it_begins_so(tmp_path):
    for name, content, is_one in (
        ("a.xy", b"0 3\n1 4\n", True),
        ("noext", b"# a comment\n0|3\n1|4", True),
        ("utf16.xy", "0 3\n1 4\n".encode("utf-16"), True),
        ("a.toml", b"area_cm2 = 6\n", False),
        ("a.ccsds", b"\x08\x010\n1\n2\n\x00", False),
        ("empty", b"", False),
        ("a.spe", b"", True),
    ):
        (tmp_path / name).write_bytes(content)
        assert spectrum.is_kind(tmp_path / name) == is_one
    assert not spectrum.is_kind(tmp_path / "none") and not spectrum.is_kind(tmp_path)
