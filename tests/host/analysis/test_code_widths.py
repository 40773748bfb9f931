"""Channel widths: measured, saved, and applied to spectra."""

import numpy as np
import pytest
from dorn.analysis.code_widths import CodeWidths, scale
from dorn.util.checks import SourceError
from hypothesis import given
from hypothesis import strategies as st

CHANNELS, _ = scale()
COMB = 0.05


def converter(seed=1):
    """True widths of all channels in ideal codes: a comb and two over-wide channels, one with a code of the erratum."""
    rng = np.random.default_rng(seed)
    widths = 4 * (1 + COMB * rng.standard_normal(CHANNELS))
    widths[[383, 500]] = 12
    return widths


def flat(widths, per_channel=2000, detectors=16, seed=2):
    counts = np.random.default_rng(seed).poisson(widths / 4 * per_channel, (detectors, CHANNELS))
    counts[:, :20] = counts[:, 1000:] = 0
    return counts


def test_a_flat_spectrum_gives_the_widths_within_their_errors():
    true = converter()
    found = CodeWidths.from_counts(flat(true))
    inner = found.channels
    assert (inner[0], inner[-1]) == (23, 996)
    # the scale is set by a line through all edges
    pulls = (found.widths - true[inner] * np.mean(found.widths) / np.mean(true[inner])) / found.errors
    # Poisson scatter of the wide channels exceeds the common error
    ordinary = ~np.isin(inner, (383, 500))
    assert 0.9 < pulls[ordinary].std() < 1.1
    assert found.errors[0] == pytest.approx(4 / np.sqrt(16 * 2000), rel=0.05)


def test_only_outstanding_channels_are_corrected_unless_comb_is_set():
    true = converter()
    found = CodeWidths.from_counts(flat(true))
    counts = flat(true, seed=3).sum(axis=0)
    relative, errors = found.relative()
    assert set(np.flatnonzero(relative != 1)) == set(np.flatnonzero(errors)) == {383, 500}
    corrected, sigma = found.corrected(counts)
    ordinary = np.delete(np.arange(20, 1000), (363, 480))
    assert (corrected[ordinary] == counts[ordinary]).all() and (sigma[ordinary] == np.sqrt(counts[ordinary])).all()
    median = np.median(counts[ordinary])
    assert corrected[[383, 500]] / median == pytest.approx(1, abs=0.03)
    expected = np.hypot(1 / np.sqrt(counts[383]), errors[383] / relative[383]) * corrected[383]
    assert sigma[383] == pytest.approx(expected)
    inner = found.channels
    every, _ = found.corrected(counts, comb=True)
    assert every[inner].std() / median < 0.3 * corrected[inner].std() / median
    assert (every[:23] == counts[:23]).all() and (every[997:] == counts[997:]).all()


def test_the_excess_is_assigned_to_the_code_of_the_erratum():
    found = CodeWidths.from_counts(flat(converter())).over_wide()
    assert [(channel, code) for channel, (code, *_) in found.items()] == [(383, 1535), (500, None)]
    for _, width, error in found.values():
        assert 0 < error < 0.5 and abs(width - 9) < 3 * error  # 12 codes, of which three are ordinary


def test_an_ideal_adc_has_straight_edges_and_no_channel_to_correct():
    found = CodeWidths.from_counts(flat(np.full(CHANNELS, 4.0), per_channel=100_000))
    assert not found.outstanding().any() and not found.significant().any() and found.over_wide() == {}
    assert found.edges() == pytest.approx(4 * np.arange(CHANNELS + 1) - 0.5, abs=0.2)
    assert found.centres() == pytest.approx(4 * np.arange(CHANNELS) + 1.5, abs=0.2)


def test_edges_are_those_of_the_adc():
    true = converter()
    found = CodeWidths.from_counts(flat(true, per_channel=100_000))
    edges, inner = found.edges(), np.arange(23, 998)
    slope, offset = np.polyfit(np.cumsum(true)[inner - 1], edges[inner], 1)
    assert edges[inner] == pytest.approx(offset + slope * np.cumsum(true)[inner - 1], abs=0.1)
    assert np.diff(edges)[:22] == pytest.approx(4) and np.diff(edges)[998:] == pytest.approx(4)
    slope, offset = np.polyfit(4 * inner - 0.5, edges[inner], 1)
    assert slope == pytest.approx(1, abs=0.001) and offset + slope * 2000 == pytest.approx(2000, abs=0.1)


@pytest.mark.parametrize(
    "counts", [np.ones((1, CHANNELS)), np.zeros((2, CHANNELS)), [[1] * CHANNELS, [0] * CHANNELS], np.eye(2, CHANNELS)]
)
def test_too_few_data_are_rejected(counts):
    with pytest.raises(ValueError):
        CodeWidths.from_counts(counts)


def test_an_empty_channel_among_others_is_rejected():
    counts = flat(converter())
    counts[:, 600] = 0
    with pytest.raises(ValueError, match="without counts"):
        CodeWidths.from_counts(counts)


@given(st.data())
def test_a_saved_table_is_loaded_unchanged(scratch, data):
    first = data.draw(st.integers(0, CHANNELS - 1))
    positive = st.floats(1e-300, 1e18, exclude_min=True)
    rows = data.draw(st.lists(st.tuples(positive, st.floats(0, 1e18)), min_size=1, max_size=min(20, CHANNELS - first)))
    widths, errors = np.array(rows).T
    path = scratch / "table.csv"
    CodeWidths(first, widths, errors).save(path)
    loaded = CodeWidths.load(path)
    assert loaded.first == first and (loaded.widths == widths).all() and (loaded.errors == errors).all()


@pytest.mark.parametrize(
    ("rows", "message"),
    [
        ("channel,width\n", "table.csv:1: header: not channel,width_codes,error_codes (channel,width)"),
        ("", "channel: no rows"),
        ("1,4\n", "table.csv:2: row: 2 values, expected 3 (1,4)"),
        ("x,4,0\n", "table.csv:2: channel: not a whole number from 0 to 1023 (x)"),
        ("1024,4,0\n", "table.csv:2: channel: not a whole number from 0 to 1023 (1024)"),
        ("1,4,0\n3,4,0\n", "table.csv:3: channel: not consecutive (3)"),
        ("1,0,0\n", "table.csv:2: width_codes: not above 0 (0)"),
        ("1,nan,0\n", "table.csv:2: width_codes: not a usable number (nan)"),
        ("1,4,-1\n", "table.csv:2: error_codes: below 0 (-1)"),
    ],
)
def test_a_bad_table_gives_a_one_line_error(tmp_path, rows, message):
    path = tmp_path / "table.csv"
    header = "" if rows.startswith("channel") else "channel,width_codes,error_codes\n"
    path.write_text(header + rows)
    with pytest.raises(SourceError) as error:
        CodeWidths.load(path)
    assert message in str(error.value) and "\n" not in str(error.value)


@given(st.one_of(st.text(), st.text("0123456789,.-\n e", max_size=100)), st.booleans())
def test_any_text_is_a_table_or_gives_a_one_line_error(scratch, text, header):
    path = scratch / "any.csv"
    path.write_text("channel,width_codes,error_codes\n" * header + text, encoding="utf-8")
    try:
        widths = CodeWidths.load(path)
    except SourceError as error:
        assert "\n" not in str(error)
    else:
        assert len(widths.widths) == len(widths.errors) > 0 and (widths.widths > 0).all()
