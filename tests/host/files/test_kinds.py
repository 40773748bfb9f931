"""Files of other programs: each kind as its format describes it, and damaged in any way."""

import json

import numpy as np
import pytest
from dorn.files import spectrum
from dorn.head import sources
from dorn.util.checks import SourceError
from hypothesis import given, settings
from hypothesis import strategies as st
from support.kinds import COUNTS, KINDS, amptek, iec, mpa, npes, radiacode, report
from support.source_texts import SPE


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
