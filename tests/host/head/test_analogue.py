"""Analogue properties: the same for single pulses, for whole spectra and in the true scale."""

import numpy as np
import pytest
from dorn.dictionary import Dictionary
from dorn.errors import UserError
from dorn.head.analogue import FrontEnd
from dorn.head.front_end import Head
from dorn.head.profile import Profile
from hypothesis import given
from hypothesis import strategies as st

INSTRUMENT = Dictionary.load().instrument
HARD = {
    "noise_kev": [30 + d for d in range(16)],
    "gain": [1 + d / 100 for d in range(16)],
    "gain_per_c": [-2e-4 * d for d in range(16)],
    "offset_kev": 12,
    "temperature_c": [[0, 21], [100, 41]],
}


def pulses(n, seed=1):
    generator = np.random.default_rng(seed)
    return np.sort(generator.uniform(0, 2e11, n)), generator.integers(0, 16, n), generator.uniform(0, 13_000, n)


def read_by(head, times_ns, detectors, energies_kev):
    """Codes of pulses that are far apart in time, from a source that starts 30 s after the head."""
    codes, begin_ns = [], 30 * 10**9
    head.inject(zip(times_ns.tolist(), detectors.tolist(), energies_kev.tolist(), strict=True), begin_ns)
    for time_ns, detector in zip((begin_ns + times_ns).tolist(), detectors.tolist(), strict=True):
        codes.append(head.convert(detector, time_ns + 2000))
        head.reset(True, time_ns + 5000)
        head.reset(False, time_ns + 5200)
    return codes


def test_whole_spectra_have_the_codes_that_the_head_converts():
    front_end = FrontEnd.from_table({key: value for key, value in HARD.items() if key != "noise_kev"}, INSTRUMENT)
    times_ns, detectors, energies_kev = pulses(500)
    times_ns = np.round(times_ns)
    assert np.diff(times_ns).min() > 20_000
    codes = front_end.codes(times_ns, detectors, energies_kev, np.random.default_rng(1))
    assert codes.tolist() == read_by(Head(front_end), times_ns, detectors, energies_kev)


def test_the_true_scale_gives_the_energy_and_the_resolution_of_each_detector():
    front_end = FrontEnd.from_table(HARD, INSTRUMENT)
    for detector, time_s in ((0, 0), (9, 50), (15, 100), (15, 1e6)):
        scale = front_end.scale(detector, time_s)
        n = 20_000
        columns = np.full(n, time_s * 1e9), np.full(n, detector), np.full(n, 5000.0)
        codes = front_end.codes(*columns, np.random.default_rng(3))
        energies_kev = scale.kev_per_code * (codes - scale.zero_code)
        sigma_kev = (30 + detector) / 2.3548
        assert energies_kev.mean() == pytest.approx(5000, abs=5 * sigma_kev / np.sqrt(n))
        assert energies_kev.std() == pytest.approx(sigma_kev, rel=5 / np.sqrt(2 * n))
        assert scale.fwhm_kev == 30 + detector
    assert front_end.scale(10, 100).kev_per_code == pytest.approx(3 / (1.1 * (1 - 0.04)))
    assert front_end.scale(10, 0).zero_code == 50 + 12 / 3


def test_the_temperature_of_the_head_begins_with_the_particles():
    head = Head(FrontEnd(temperature_c=Profile([0, 10], [21, 31])))
    assert head.temperature_c(10**12) == 21
    head.inject([], 10**12)
    assert head.temperature_c(10**12 + 5 * 10**9) == pytest.approx(26)
    assert head.temperature_c(10**13) == 31
    assert Head(FrontEnd()).temperature_c(0) == 21


@pytest.mark.parametrize(
    ("key", "value", "message"),
    [
        ("noise_kev", -1, r"noise_kev: not from 0 to 1e\+06 \(-1\)"),
        ("noise_kev", [30] * 15, "noise_kev: one number or 16 numbers"),
        ("noise_kev", [30] * 15 + [-1], r"noise_kev: not from 0 to 1e\+06 \(-1\)"),
        ("noise_kev", [30] * 15 + ["x"], "noise_kev: one number or 16 numbers"),
        ("gain_per_c", "x", "gain_per_c: not a number: 'x'"),
        ("gain_per_c", [0.0] * 15 + [-0.005], r"gain_per_c: not from -0.004 to 0.004 \(-0.005\)"),
        ("gain", 0, r"gain: not from 1e-06 to 1e\+06 \(0\)"),
        ("peaking_ns", [1] * 16, "peaking_ns: not a number"),
        ("temperature_c", 20, r"temperature_c: not a list of \[time, value\]"),
        ("temperature_c", [[0, 400]], "temperature_c: entry 0: value not from -200 to 200: 400"),
        ("gian", 1, "unknown key 'gian'"),
    ],
)
def test_a_bad_setting_is_named(key, value, message):
    with pytest.raises(UserError, match=rf"^\[head\]: {message}"):
        FrontEnd.from_table({key: value}, INSTRUMENT)


@given(
    st.dictionaries(
        st.sampled_from([*HARD, "peaking_ns", "adc", "other"]),
        st.recursive(st.booleans() | st.integers() | st.floats() | st.text(max_size=5), st.lists, max_leaves=18),
        max_size=3,
    )
)
def test_any_table_is_read_or_gives_an_error_of_one_line(table):
    table.pop("adc", None)
    try:
        front_end = FrontEnd.from_table(table, INSTRUMENT)
    except UserError as error:
        assert len(str(error).splitlines()) == 1
    else:
        assert front_end.kev_per_code == INSTRUMENT["kev_per_code"]
