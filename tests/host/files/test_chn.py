"""Spectra in ORTEC's integer format: files written by MAESTRO, and damaged ones."""

import json
import struct

import numpy as np
import pytest
from dorn.head import sources
from dorn.util.checks import SourceError
from hypothesis import given, settings
from hypothesis import strategies as st
from support.data import data


def chn(counts, first=0, live=500, real=550, terms=(10.0, 12.0, 0.0), mark=-102):
    """A file as described in the ORTEC manual; without a trailer if `terms` is None."""
    header = struct.pack("<hhh2sii8s4sHH", -1, 1, 1, b"30", real, live, b"12Jun231", b"1145", first, len(counts))
    body = header + struct.pack(f"<{len(counts)}i", *counts)
    if terms is None:
        return body
    return body + struct.pack(f"<hh{len(terms)}f", mark, 0, *terms) + bytes(100)


@pytest.fixture
def load(tmp_path):
    def load(content, calibration=None, name="some.Chn"):
        path = tmp_path / name
        path.write_bytes(content)
        return sources.load(path, calibration)

    return load


def test_milano_files_match_their_derived_figures():
    files = json.loads(data("am241-milano", "EXPECTED_derived.json").read_text())["spectra"]
    assert len(files) > 10
    for expected in files:
        path = data("am241-milano", *expected["file"].split("/"))
        with pytest.raises(SourceError, match=r"calibration: is missing; give --calibration .*0 1 0"):
            sources.load(path)  # uncalibrated: its channels are not keV
        source = sources.load(path, (0.0, 1.1))
        assert len(source.counts) == expected["channels"] and source.total == expected["total"]
        assert source.duration_s == pytest.approx(expected["real_s"])
        assert source.rate_cps == pytest.approx(expected["total"] / expected["live_s"])


def test_energies_times_and_counts(load):
    source = load(chn([0, 5, 7], first=4))
    assert source.counts.tolist() == [0, 5, 7] and source.energies_kev.tolist() == [58, 70, 82]
    assert (source.duration_s, source.rate_cps) == (11.0, 1.2)
    assert load(chn([1, 2], terms=(10.0, 2.0, 3.0))).energies_kev.tolist() == [10, 15]
    assert load(chn([1, 2], terms=(10.0, 2.0), mark=-101)).energies_kev.tolist() == [10, 12]
    assert load(chn([1, 2]), (0, 3), "upper.CHN").energies_kev.tolist() == [0, 3]
    assert load(chn([1, 2], terms=None), (0, 3)).energies_kev.tolist() == [0, 3]
    unmeasured = load(chn([1, 2], live=0, real=0))
    assert unmeasured.duration_s is None and unmeasured.rate_cps is None


BAD = {
    "": "header: shorter than 32 octets.*\\(0\\)",
    chn([])[:20]: "header: shorter.*\\(20\\)",
    b"\x01" + chn([1, 2])[1:]: "header: does not begin with -1.*\\(-255\\)",
    chn([1, 2, 3])[:40]: "counts: 2 channels where the header announces 3",
    chn([]): "counts: the header announces 0 channels, and the length does not tell \\(148\\)",
    chn([0, 0]): "counts: all 0",
    chn([1, 2], mark=-103): "calibration: cannot be read: trailer: begins neither .*\\(-103\\); give --calibration",
    chn([1, 2], terms=None) + b"\x9a": "calibration: cannot be read: trailer: begins neither",
    chn([1, 2])[:50]: "calibration: cannot be read: trailer: ends within the calibration \\(10\\)",
    chn([1, 2], terms=(0.0, float("nan"), 0.0)): "calibration: cannot be read: not a usable number \\(nan\\)",
    chn([1, 2], terms=(0.0, -5.0, 0.0)): "calibration: energies do not increase; give --calibration .*0 -5 0",
    chn([1, 2], terms=None): "calibration: is missing; give --calibration",
}


@pytest.mark.parametrize("content", BAD, ids=BAD.values())
def test_a_damaged_file_gives_a_one_line_error(load, content):
    with pytest.raises(SourceError, match=f"some.Chn: {BAD[content]}") as caught:
        load(content or b"")
    assert len(str(caught.value).splitlines()) == 1


FILES = st.builds(
    chn,
    st.lists(st.integers(0, 2**31 - 1), max_size=8),
    first=st.integers(0, 65535),
    live=st.integers(-2, 10**6),
    real=st.integers(-2, 10**6),
    terms=st.none() | st.tuples(*[st.floats(width=32)] * 3),
    mark=st.sampled_from((-101, -102, 7)),
)


TRAILER = struct.pack("<hh3f", -102, 0, 10.0, 12.0, 0.0).ljust(512, b"\0")


def test_what_is_not_needed_does_not_stop_a_file(load):
    for content in (chn([1, 2], mark=-103), chn([1, 2])[:50], chn([1, 2], terms=(0.0, float("nan"), 0.0))):
        assert load(content, (0, 3)).energies_kev.tolist() == [0, 3]
    for times in ({"live": -1}, {"real": -3}):
        source = load(chn([1, 2], **times))
        assert source.plan(5, 2) == (5, 2)
        with pytest.raises(SourceError, match=r"rate_cps: not in the file \(live or real time: below 0 .*give --rate"):
            source.plan()


def test_counts_are_unsigned(load):
    content = bytearray(chn([3, 0, 7]))
    content[36:40] = b"\xff\xff\xff\xff"
    assert load(bytes(content)).counts.tolist() == [3, 2**32 - 1, 7]


@pytest.mark.parametrize("n", [1, 2, 128, 1000])
def test_a_header_without_a_number_of_channels(load, n):
    header = chn([])[:32]
    counts = struct.pack(f"<{n}i", *range(1, n + 1))
    for trailer, calibration in ((TRAILER, None), (b"", (0, 1))):
        source = load(header + counts + trailer, calibration)
        assert source.counts.tolist() == list(range(1, n + 1))
    with pytest.raises(SourceError, match="the length does not tell"):
        load(header + counts + TRAILER[:100], (0, 1))  # where the trailer begins is not known
    with pytest.raises(SourceError, match="the length does not tell"):
        load(header + counts + b"\0", (0, 1))


def test_the_start_is_kept_and_a_bad_one_does_no_harm(tmp_path):
    from dorn.files import spectrum

    path = tmp_path / "a.chn"
    path.write_bytes(chn([1, 2]))
    (one,) = spectrum.read(path).values()
    assert str(one.start) == "2023-06-12 11:45:30"
    path.write_bytes(chn([1, 2]).replace(b"12Jun231", b"12Xyz231"))
    (one,) = spectrum.read(path).values()
    assert one.start is None and "not a date" in one.faults["start"]


@settings(max_examples=300)
@given(FILES.flatmap(lambda file: st.just(file) | st.integers(0, len(file)).map(lambda n: file[:n])) | st.binary())
def test_any_file_is_a_source_or_gives_a_one_line_error(scratch, content):
    path = scratch / "any.chn"
    path.write_bytes(content)
    try:
        source = sources.load(path)
    except SourceError as error:
        assert str(error).startswith(str(path)) and len(str(error).splitlines()) == 1
        return
    assert source.total == source.counts.sum() > 0 and np.isfinite(source.energies_kev).all()
    assert all(energy >= 0 for _, _, energy in source.particles(100, 0.1, seed=1))
