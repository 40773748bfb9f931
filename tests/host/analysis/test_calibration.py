"""calibration.toml: it is read as written, and errors name file, field and value."""

import numpy as np
import pytest
from dorn.analysis import calibration
from dorn.analysis.calibration import Calibration, Drift
from dorn.analysis.energy_scale import Scale
from dorn.dictionary import Dictionary
from dorn.errors import UserError
from hypothesis import given
from hypothesis import strategies as st

INSTRUMENT = Dictionary.load().instrument
numbers = st.floats(0.1, 10)


def scale(kev_per_unit=3.1, zero=49.5, covariance=((1e-6, 1e-4), (1e-4, 0.09))):
    counts = {"nuclides": ("Po-209",), "missing": (), "counts": np.array([700.0]), "counts_error": np.array([27.0])}
    shape = {"fwhm_kev": 35.0, "fwhm_error_kev": 0.5, "tails": ((0.07, 20.0),), "chi2_per_dof": 1.1}
    errors = {"covariance": np.array(covariance), "statistical": np.array(covariance) / 4, "zero_is_fixed": False}
    return Scale(kev_per_unit, zero, **errors, **counts, **shape)


@given(
    st.dictionaries(st.integers(0, 15), st.tuples(numbers, st.floats(-100, 200), numbers, numbers, st.floats(-1, 1)))
)
def test_scales_are_read_as_they_were_written(tmp_path_factory, given_scales):
    scales = {
        str(n): scale(gain, zero, ((a * a, r * a * b), (r * a * b, b * b)))
        for n, (gain, zero, a, b, r) in given_scales.items()
    }
    path = tmp_path_factory.mktemp("calibration") / "calibration.toml"
    path.write_text(calibration.text(scales, "code", {"lines": ["Po-209"]}))
    if not scales:
        with pytest.raises(UserError, match="detector: is missing"):
            Calibration.load(path, INSTRUMENT)
        return
    found = Calibration.load(path, INSTRUMENT)
    for n in range(16):
        expected = scales.get(str(n))
        code = np.array([100.0, 2000.0])
        if expected is None:
            assert (found.kev_per_code[n], found.zero_code[n]) == (3, 50) and not found.covariance[n].any()
        else:
            np.testing.assert_allclose(found.energy_kev(code, n), expected.energy_kev(code), rtol=1e-7, atol=1e-6)
            assert found.error_kev(code, n) == pytest.approx(expected.error_kev(code), rel=0.02)


def test_the_error_of_an_energy_is_that_of_both_parameters():
    generator = np.random.default_rng(1)
    one = scale()
    gains, zeros = generator.multivariate_normal([one.kev_per_unit, one.zero], one.covariance, 100_000).T
    assert one.error_kev(1800) == pytest.approx(np.std(gains * (1800 - zeros)), rel=0.01)


def test_a_drift_is_read_as_it_was_written(tmp_path):
    gain = np.full((3, 16), np.nan)
    gain[:, 2] = 1.0, np.nan, 1.02
    drift = Drift("Po-209", np.array([7, 7, 7], np.uint16), np.array([0.0, 600, 1200]), 600.0, gain, gain / 1000)
    (tmp_path / "c.toml").write_text(calibration.text({"2": scale()}, "code", {}, drift))
    found = Calibration.load(tmp_path / "c.toml", INSTRUMENT)
    assert found.drift is not None
    np.testing.assert_allclose(found.drift.gain, gain)
    np.testing.assert_allclose(found.drift.error, gain / 1000)
    at = found.gains(np.array([7, 7, 7, 8]), np.array([0.0, 900, 9000, 900]))
    np.testing.assert_allclose(at[:, 2], [1.0, 1.01, 1.02, 1.0])
    assert (at[:, 3] == 1).all()
    assert (Calibration.default(INSTRUMENT).gains(np.array([1]), np.array([2.0])) == 1).all()


_GAINS = np.full((2, 16), 1.5)
GOOD = calibration.text(
    {"3": scale()},
    "code",
    {"boards": ["0123456789abcdef"], "lines": ["Po-209"]},
    Drift("Po-209", np.array([7, 7], np.uint16), np.array([0.0, 600]), 600.0, _GAINS, _GAINS / 1000),
)


def test_boards_are_read(tmp_path):
    (tmp_path / "c.toml").write_text(GOOD)
    assert Calibration.load(tmp_path / "c.toml", INSTRUMENT).boards == ("0123456789abcdef",)


@pytest.mark.parametrize(
    ("old", "new", "message"),
    [
        ("\nnumber = 3\nkev", "\nnumber = 16\nkev", r"detector\[0\].number: given twice, or not from 0 to 15 \(16\)"),
        ("kev_per_code = 3.1", "kev_per_code = 0", r"kev_per_code: not above 0 \(0\)"),
        ("kev_per_code = 3.1", "", "kev_per_code: is missing"),
        ("zero_code = 49.5", 'zero_code = "x"', "zero_code: not a usable number"),
        ("kev_per_code_error = 0.001", "kev_per_code_error = -1", "below 0"),
        ("correlation = 0.333333333", "correlation = 2", "correlation: not from -1 to 1"),
        ("[[detector]]", "[[spectrum]]", "calibrates spectra of a file"),
        ("[[detector]]", "[detector", "not TOML"),
        (
            "[[detector]]",
            f"{GOOD[GOOD.index('[[') : GOOD.index('[drift]')]}[[detector]]",
            r"detector\[1\].number: given twice",
        ),
        ("zero_code = 49.5", "zero_code = 1e9", "zero_code: not from -4096 to 4096"),
        ("correlation = 0.333333333", "correlation = 0.3\ncolour = 1", "colour: unknown key"),
        ("length_s = 600", "length_s = 600\ncolour = 1", "drift.colour: unknown key"),
        ('boards = ["0123456789abcdef"]', "boards = 3", "boards: not a list of strings"),
        ("origin = [7, 7]", "origin = [7, 70000]", "drift.origin: not a whole number from 0 to 65535"),
        ("origin = [7, 7]", "origin = [7, 1.5]", "drift.origin: not a whole number from 0 to 65535"),
        ("origin = [7, 7]", "origin = [7]", "drift.origin: 1 entries, expected 2"),
        ("start_s = [0.000000, 600.000000]", "start_s = [600, 0]", "drift.start_s: not ascending"),
        ("gain = [1.5, 1.5]", "gain = [1.5, 1e9]", "drift.gain: not 0 and not between 0.5 and 2"),
    ],
)
def test_errors_name_the_field(tmp_path, old, new, message):
    assert GOOD.count(old) == 1
    (tmp_path / "c.toml").write_text(GOOD.replace(old, new))
    with pytest.raises(UserError, match=message) as caught:
        Calibration.load(tmp_path / "c.toml", INSTRUMENT)
    assert str(caught.value).startswith(str(tmp_path / "c.toml"))


def test_the_scale_of_a_unit_is_that_of_its_sides():
    default = Calibration.default(INSTRUMENT)
    kev_per_code, zero_code = default.of_units(INSTRUMENT["zero_code"])
    assert set(kev_per_code) == {3.0} and set(zero_code) == {50.0}
    zeros = default.zero_code + np.arange(16)
    kev_per_code, zero_code = Calibration(default.kev_per_code, zeros, default.covariance).of_units(50)
    front, back = 5000 / 3 + zeros[6], 2500 / 3 + zeros[7]
    assert kev_per_code[3] * (front + back - 50 - zero_code[3]) == pytest.approx(7500)
