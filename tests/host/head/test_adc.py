"""The simulated ADC: ideal by default, or reconstructed from a ramp. The reference is ramps read by real boards."""

import json
import random

import numpy as np
import pytest
from dorn.dictionary import Dictionary
from dorn.errors import UserError
from dorn.head import sources
from dorn.head.adc import CODES, Adc, read_ramp
from dorn.head.front_end import FrontEnd, Head
from dorn.util.checks import SourceError
from hypothesis import given, settings
from hypothesis import strategies as st
from support.data import data

SET = "adc-ramp-rp2040"
BOARDS = ("rp2040adc1", "rp2040adc2", "rp2040adc3")


def read_by(head, energies_kev):
    """Codes of consecutive pulses in detector 0."""
    codes, now_ns = [], 0
    head.inject([(20_000 * (i + 1), 0, energy_kev) for i, energy_kev in enumerate(energies_kev)], 0)
    for _ in energies_kev:
        now_ns += 20_000
        codes.append(head.convert(0, now_ns + 2000))
        head.reset(True, now_ns + 5000)
        head.reset(False, now_ns + 5200)
    return codes


@given(st.lists(st.floats(0, 13_000), min_size=1, max_size=30), st.floats(0, 50))
def test_without_an_adc_model_the_head_rounds_and_draws_no_random_number_for_it(energies_kev, noise_kev):
    head = Head(FrontEnd(noise_kev=noise_kev), seed=3)
    rng, expected = random.Random(3), []
    for energy_kev in energies_kev:
        height = (energy_kev + (rng.gauss(0.0, noise_kev / 2.3548200450309493) if noise_kev else 0)) / 3
        expected.append(min(4095, max(0, int(max(0.0, height) + 50 + 0.5))))
    assert read_by(head, energies_kev) == expected


@given(st.lists(st.integers(0, 40_000), min_size=1, max_size=30))
def test_the_ideal_adc_reads_the_same_as_no_adc_model(quarters):
    # in quarters of a code: a value on a transition is exact in both
    energies_kev = [3 * (quarter / 4) for quarter in quarters]
    assert read_by(Head(FrontEnd(adc=Adc())), energies_kev) == read_by(Head(FrontEnd()), energies_kev)


@settings(max_examples=25)
@given(st.lists(st.integers(0, 12), min_size=200, max_size=600), st.integers(0, 3000))
def test_a_ramp_gives_the_transitions_of_the_adc_that_read_it(widths, first):
    # widths of codes in steps of a ramp: some codes are missing, some over-wide
    readings = first + np.repeat(np.arange(len(widths)), widths)
    if len(np.unique(readings)) < 20:
        return
    adc = Adc.from_ramp(np.arange(len(readings)) * 0.7 - 5, readings[:, None])
    seen = np.arange(readings[0] + 1, readings[-1] + 1)  # these codes start within the ramp
    begins = np.searchsorted(readings, seen)
    found = np.array(adc.transitions)[seen - 1]
    slope, offset = np.polyfit(begins, found, 1)
    assert found == pytest.approx(offset + slope * begins, abs=1e-6)  # the same except for the scale
    assert np.polyfit(seen - 0.5, adc.deviations()[seen - 1], 0) == pytest.approx(0, abs=1e-6)
    outside = np.delete(np.diff(adc.transitions), slice(seen[0] - 1, seen[-1] - 1))
    assert outside == pytest.approx(1, abs=1e-9)
    assert adc.noise_codes == 0


@pytest.mark.parametrize("board", BOARDS)
def test_the_real_ramps_show_the_published_errors(board):
    expected = json.loads(data(SET, "EXPECTED_derived.json").read_text())
    levels, readings = read_ramp(data(SET, f"{board}.csv"))
    adc = Adc.from_ramp(levels, readings)
    widths = np.diff(adc.transitions)[: CODES - 2]  # [k - 1]: of code k
    relative = widths / np.median(widths[readings.min() : readings.max() - 1])
    assert sorted(np.argsort(relative)[-4:] + 1) == expected["wide_codes"]
    found = relative[np.array(expected["wide_codes"]) - 1]
    assert found == pytest.approx(expected["width_ratio_to_median"][board], abs=0.1)
    least, most = expected["INL_range_codes"]
    assert least - 0.5 < adc.deviations().min() < -5 and 5 < adc.deviations().max() < most + 0.5


@pytest.mark.parametrize("board", BOARDS)
def test_a_simulated_ramp_resembles_the_real_one(board):
    expected = json.loads(data(SET, "EXPECTED_derived.json").read_text())
    noise = expected["reading_noise_sd_codes"][BOARDS.index(board)]
    _, readings = read_ramp(data(SET, f"{board}.csv"))
    adc = Adc.from_ramp(np.arange(len(readings)), readings)
    rng = random.Random(1)
    steps = np.arange(14.0, 4080.0, 0.5)
    simulated = np.array([[adc.code(step, rng) for _ in range(12)] for step in steps])
    # real noise has more outliers than a Gaussian of the same variance: its mean deviation is lower
    assert simulated.std(axis=1).mean() == pytest.approx(noise, abs=0.05)
    counts = np.bincount(simulated.ravel(), minlength=CODES)
    wide = counts[expected["wide_codes"]] / np.median(counts[counts > 0])
    assert wide == pytest.approx(expected["width_ratio_to_median"][board], abs=1.0)  # 24 counts per code


def test_a_scenario_names_the_ramp_of_its_board(tmp_path):
    scenario = 'duration_s = 1\n[background]\nrate_cps = 1\nmin_kev = 1\nmax_kev = 2\n[head]\nadc = "board/ramp.csv"\n'
    (tmp_path / "board").mkdir()
    (tmp_path / "s.toml").write_text(scenario)
    # codes of two steps, and code 30 of six
    codes = np.sort(np.concatenate((np.repeat(np.arange(10, 60), 2), [30] * 4)))
    (tmp_path / "board" / "ramp.csv").write_text("".join(f"{i},{code}\n" for i, code in enumerate(codes)))
    source = sources.load(tmp_path / "s.toml")
    front_end = FrontEnd.from_table(source.head, Dictionary.load().instrument)
    widths = np.diff(front_end.adc.transitions)
    assert widths[29] == pytest.approx(3 * widths[19])


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("", "is empty"),
        ("1,2\n", "fewer than two rows"),
        ("1,2\n1,3\n", "ramp.csv:2: level: not above the previous one (1)"),
        ("1,2\nx,3\n", "ramp.csv:2: level: not a usable number (x)"),
        ("1,2\n2,3,4\n", "ramp.csv:2: readings: 2 codes, expected 1 (2,3,4)"),
        ("1\n2\n", "ramp.csv:1: readings: 0 codes, expected at least one (1)"),
        ("1,2\n2,4096\n", "ramp.csv:2: reading: not a code from 0 to 4095 (4096)"),
        ("1,2\n2,-1\n", "ramp.csv:2: reading: not a code from 0 to 4095 (-1)"),
        ("1,2\n2,3\n", "readings: ramp too short (codes 2 to 3 only)"),
        (None, "cannot be read"),
    ],
)
def test_a_bad_ramp_gives_a_one_line_error(tmp_path, text, message):
    path = tmp_path / "ramp.csv"
    if text is not None:
        path.write_text(text)
    with pytest.raises(SourceError) as error:
        Adc.load(path)
    assert message in str(error.value) and "\n" not in str(error.value)


def test_a_scenario_whose_ramp_is_not_a_file_name_is_rejected(tmp_path):
    background = "duration_s = 1\n[background]\nrate_cps = 1\nmin_kev = 1\nmax_kev = 2\n"
    (tmp_path / "s.toml").write_text(background + "[head]\nadc = 3\n")
    with pytest.raises(UserError, match=r"s.toml: head.adc: not a file name \(3\)"):
        sources.load(tmp_path / "s.toml")


@given(st.one_of(st.text(), st.text("0123456789,.-\n #e", max_size=200)))
def test_any_text_is_a_ramp_or_gives_a_one_line_error(scratch, text):
    path = scratch / "any.csv"
    path.write_text(text, encoding="utf-8")
    try:
        adc = Adc.load(path)
    except SourceError as error:
        assert "\n" not in str(error)
    else:
        assert len(adc.transitions) == CODES - 1 and np.all(np.diff(adc.transitions) >= 0)
