"""Slices: every integration in the slice of its start, in any order of packets; the sums are those of the whole run."""

import io
import random

import numpy as np
import pytest
from dorn.errors import UserError
from dorn.products import Archive
from dorn.products.slice_arrays import SliceArrays, slice_arrays
from hypothesis import given
from hypothesis import strategies as st
from support.products import DICTIONARY, ORIGIN, coincidences, decoded, packet, products, spectrum

INSTRUMENT = DICTIONARY.instrument
an_integration = st.tuples(
    st.integers(0, 23), st.integers(0, 5_000_000), st.integers(1, 50), st.sampled_from((7, ORIGIN))
)
integrations = st.lists(an_integration, max_size=30)


def made(found):
    """One packet for each (spectrum, start in us, counts, origin)."""
    for n, (number, start_us, counts, origin) in enumerate(found):
        one = spectrum(number, [counts, 1]) if number < 16 else coincidences(number - 16, [counts, 1])
        yield one.but(start_us=start_us, integration=n, origin=origin, real_us=1000 + n, live_us=900 + n)


def sums(arrays: SliceArrays) -> dict:
    """(class, number) -> counts of two channels, real and live time in us, as Collection.all_spectra."""
    found = {}
    for number in range(24):
        counts = arrays.counts[:, number] if number < 16 else arrays.coincidences[:, number - 16]
        key = ("front", "back")[number % 2] if number < 16 else "front_back", number % 16
        times = (round(1e6 * column[:, number].sum()) for column in (arrays.real_s, arrays.live_s))
        found[key] = (*counts.sum(0)[:2].tolist(), *times)
    return {key: value for key, value in found.items() if any(value)}


@given(integrations, st.floats(0.1, 10), st.randoms(use_true_random=False))
def test_sums_over_slices_are_the_sums_of_the_run_for_any_length_and_order(found, length_s, rng):
    packets = [one.octets for one in made(found)]
    collected = decoded(b"".join(packets), slice_s=length_s)
    arrays = slice_arrays(collected.slices, collected.states, INSTRUMENT, collected.calibration)
    expected = {
        key: (*one.counts[:2].tolist(), one.real_us, one.live_us) for key, one in collected.all_spectra().items()
    }
    assert sums(arrays) == expected
    rng.shuffle(packets)
    other = decoded(b"".join(packets), slice_s=length_s)
    shuffled = slice_arrays(other.slices, other.states, INSTRUMENT, other.calibration)
    for name, array in vars(arrays).items():
        assert np.array_equal(array, getattr(shuffled, name), equal_nan=True), name


def test_an_integration_belongs_to_the_slice_of_its_start_whenever_it_is_received():
    first, later = spectrum(2, [5], start_us=599_000_000), spectrum(2, [7], start_us=600_000_000)
    late = spectrum(2, [1], start_us=3_000_000, time_s=9000.0)
    parts = [spectrum(3, [4], total=9, start_us=1), spectrum(3, [5], first=9, total=9, start_us=1, time_s=8000.0)]
    incomplete = spectrum(4, [2], total=3, start_us=601_000_000)
    collected = products(first, later, late, *parts, incomplete)
    arrays = slice_arrays(collected.slices, collected.states, INSTRUMENT, collected.calibration)
    assert arrays.start_s.tolist() == [0, 600]
    assert arrays.begin_s.tolist() == [1e-6, 600] and arrays.end_s.tolist() == [599.001, 601.001]
    assert arrays.counts[:, 2, 0].tolist() == [6, 7]
    assert arrays.counts[0, 3, [0, 9]].tolist() == [4, 5]
    assert arrays.counts[:, 4, 0].tolist() == [0, 2] and collected.incomplete_spectra == 1


def test_many_slices_are_kept_packed_and_all_found_again():
    rng = random.Random(1)
    starts_s = [rng.randrange(200) for _ in range(400)]
    collected = decoded(
        b"".join(spectrum(0, [1], start_us=s * 1_000_000, integration=n).octets for n, s in enumerate(starts_s)),
        slice_s=1,
    )
    arrays = slice_arrays(collected.slices, collected.states, INSTRUMENT, collected.calibration)
    assert dict(zip(arrays.start_s.tolist(), arrays.counts[:, 0, 0].tolist(), strict=True)) == {
        s: starts_s.count(s) for s in set(starts_s)
    }


def test_a_slice_has_the_states_of_its_time():
    mode = DICTIONARY.enums["mode"]
    hk = [
        packet("housekeeping", time_s=t, mode=mode[name], storm=storm, temperature_head=head, temperature_board=0xFFFF)
        for t, name, storm, head in ((1, "standby", 0, 29000), (2, "science", 1, 29200), (700, "science", 0, 30000))
    ]
    lines = packet("line_rates", time_s=3, centroid=[8 * 1676 + 4] + [0] * 15)
    other = packet("housekeeping", time_s=1, mode=mode["safe"], origin=9, temperature_head=1)
    collected = products(*hk, lines, other, *(spectrum(0, [1], start_us=us) for us in (0, 600_000_000, 1_200_000_000)))
    arrays = slice_arrays(collected.slices, collected.states, INSTRUMENT, collected.calibration)
    assert arrays.mode.tolist() == [mode["science"], mode["science"], 0]
    assert arrays.storm.tolist() == [1, 0, 0]
    assert np.array_equal(arrays.temperature_k, [[291, np.nan], [300, np.nan], [np.nan, np.nan]], equal_nan=True)
    assert arrays.po_209_code[0, 0] == 1676.5 and np.isnan(arrays.po_209_code[0, 1:]).all()


def test_the_phase_of_a_slice_is_the_table_that_was_in_force_all_the_time():
    table, event = DICTIONARY.enums["table"], DICTIONARY.enums["event"]
    loads = [
        packet("event_info", time_s=t, event=event["table_loaded"], a=table[name], origin=origin)
        for t, name, origin in ((650, "orbit", ORIGIN), (1900, "surface", ORIGIN), (5, "cruise", 9))
    ]
    other = packet("event_info", time_s=1300, event=event["mode_changed"], a=1)
    starts_us = [600_000_000 * n for n in range(5)]
    collected = products(*reversed(loads), other, *(spectrum(0, [1], start_us=us) for us in starts_us))
    arrays = slice_arrays(collected.slices, collected.states, INSTRUMENT, collected.calibration)
    assert arrays.origin.tolist() == [ORIGIN] * 5
    assert arrays.phase.tolist() == [0, 0, table["orbit"], 0, table["surface"]]


@pytest.fixture
def archive(tmp_path):
    path = tmp_path / "telemetry.ccsds"
    path.write_bytes(b"".join(one.octets for one in made([(n, n * 40_000_000, n + 1, ORIGIN) for n in range(24)])))
    return path


def test_the_stored_slices_are_the_slices(archive, tmp_path):
    found = Archive(archive).slices()
    with io.BytesIO() as one, io.BytesIO() as other:
        for file in (one, other):
            collected = decoded(archive.read_bytes())
            collected.tables(collected.summary())["slices.npz"](file)
        assert one.getvalue() == other.getvalue()
        (tmp_path / "slices.npz").write_bytes(one.getvalue())
    stored = SliceArrays.load(tmp_path / "slices.npz")
    for name, array in vars(found).items():
        assert np.array_equal(array, getattr(stored, name), equal_nan=True), name
    assert found.counts.shape == (2, 16, 1024) and found.counts.sum() == sum(n + 2 for n in range(16))


@pytest.mark.parametrize("content", [b"", b"PK", b"PK\3\4" + bytes(40), b"\x93NUMPY"])
def test_a_file_that_has_no_slices_is_refused(tmp_path, content):
    (tmp_path / "other.npz").write_bytes(content)
    with pytest.raises(UserError, match=r"other\.npz: slices: cannot be read"):
        SliceArrays.load(tmp_path / "other.npz")


@pytest.mark.parametrize("length_s", [0, -1, 1e-7, 1e14, float("nan")])
def test_a_length_that_no_slice_can_have_is_refused(length_s):
    with pytest.raises(UserError, match="slices: length_s: not from"):
        decoded(spectrum(0, [1]).octets, slice_s=length_s)


def test_states_are_found_at_any_time_of_the_clock():
    late_s = 3_000_000_000
    hk = packet("housekeeping", time_s=late_s + 1, temperature_head=29000)
    collected = products(hk, spectrum(0, [1], start_us=late_s * 1_000_000, time_s=late_s + 2))
    assert (
        slice_arrays(collected.slices, collected.states, INSTRUMENT, collected.calibration).temperature_k[0, 0] == 290
    )


def test_the_interface_gives_packets_rates_and_slices_of_any_length(archive):
    found = Archive(archive)
    assert [one.name for one in found.packets()].count("spectrum") == 16
    assert len(found.slices(10).start_s) == 24 and len(found.rates) == 0
