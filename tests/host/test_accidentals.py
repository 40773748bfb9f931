"""Accidental coincidences: the correction inverts the classes of events that the formulas of Poisson processes give."""

import numpy as np
import pytest
from dorn.analysis import accidentals
from hypothesis import given
from hypothesis import strategies as st

RATES = st.floats(0.0, 3000.0)


def classes(alone, through, window_s):
    """Rates (singles[16], pairs[8], several) by enumeration: who comes first, and who else comes in the window."""
    front, back = alone[0::2], alone[1::2]
    total = alone.sum() + through.sum()
    singles, pairs, several = np.zeros(16), np.zeros(8), 0.0
    for u in range(8):
        unit = front[u] + back[u] + through[u]
        no_others = np.exp(-(total - unit) * window_s)
        several += unit * (1 - no_others)
        for d, mine, partner in ((2 * u, front[u], back[u]), (2 * u + 1, back[u], front[u])):
            alone_in_unit = np.exp(-(partner + through[u]) * window_s)
            singles[d] = mine * no_others * alone_in_unit
            pairs[u] += mine * no_others * (1 - alone_in_unit)
        pairs[u] += through[u] * no_others
    return singles, pairs, several


@given(
    st.lists(RATES, min_size=16, max_size=16).map(np.array),
    st.lists(RATES, min_size=8, max_size=8).map(np.array),
    st.floats(0.1e-6, 4e-6),
)
def test_rates_and_window_come_back(alone, through, window_s):
    if np.count_nonzero(alone[0::2] + alone[1::2] + through > 1) < 2:
        return  # of one unit alone nothing tells the window
    live_s = 1e9  # so that the counts are as good as their expectations
    singles, pairs, several = (np.rint(x * live_s) for x in classes(alone, through, window_s))
    found = accidentals.particles(singles, pairs, several, live_s)
    scale = alone.sum() + through.sum()
    assert found.window_us == pytest.approx(window_s * 1e6, rel=1e-3)
    assert np.allclose(found.alone_cps, alone, atol=1e-6 * scale)
    assert np.allclose(found.through_cps, through, atol=1e-6 * scale)


def test_without_coincidences_nothing_is_corrected():
    found = accidentals.particles([100] * 16, [10] * 8, 0, 10.0)
    assert (found.alone_cps == 10).all() and found.through_cps == pytest.approx(np.ones(8)) and found.window_us == 0
    assert found.alone_error_cps == pytest.approx(np.ones(16))


@pytest.mark.parametrize(
    "arguments",
    [([0] * 16, [0] * 8, 5, 1.0), ([1] * 15, [0] * 8, 5, 1.0), ([1] * 16, [0] * 8, 5, 0.0)],
    ids=["no counts", "a detector missing", "no live time"],
)
def test_nothing_to_solve_for(arguments):
    with pytest.raises(ValueError, match="live time"):
        accidentals.particles(*arguments)
