"""Accidental coincidences: the correction inverts the classes of events given by the formulas of Poisson processes.

The formulas are those of the module: the tests only show that it inverts them, at any load. `dorn study counting`,
which knows the particles it played, shows that the formulas describe the instrument.
"""

import numpy as np
import pytest
from dorn.analysis import accidentals
from hypothesis import assume, example, given
from hypothesis import strategies as st
from scipy.special import wrightomega

RATES = st.floats(0.0, 50_000.0)  # up to 1.2 Mcps in total


def classes(alone, through, window_s):
    """Rates (singles[16], pairs[8], several) by enumeration of the first particle and the others in the window."""
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
@example(np.full(16, 1e6 / 24), np.full(8, 1e6 / 24), 2.03e-6)
@example(np.full(16, 1e7 / 24), np.full(8, 1e7 / 24), 2.03e-6)  # one event in five million is in a single unit
@example(np.array([9e5, 9e4] + [0.0] * 13 + [10.0]), np.zeros(8), 2.03e-6)
def test_rates_and_window_are_recovered(alone, through, window_s):
    # one unit alone does not determine the window
    assume(np.count_nonzero(alone[0::2] + alone[1::2] + through > 1) >= 2)
    live_s = 1e12  # so that the counts equal their expectations
    singles, pairs, several = (np.rint(x * live_s) for x in classes(alone, through, window_s))
    found = accidentals.particles(singles, pairs, several, live_s)
    scale = alone.sum() + through.sum()
    assert found.window_us == pytest.approx(window_s * 1e6, rel=1e-5)
    assert np.allclose(found.alone_cps, alone, atol=1e-6 * scale)
    assert np.allclose(found.through_cps, through, atol=1e-6 * scale)


def test_the_rate_of_a_class_is_wrights_omega():
    z = np.linspace(-300, 600, 100_001)
    assert accidentals._corrected(np.exp(z), 0.0, 1.0) == pytest.approx(wrightomega(z), rel=1e-13)


COUNTS = st.integers(0, 10**12)


@given(
    st.lists(COUNTS, min_size=16, max_size=16),
    st.lists(COUNTS, min_size=8, max_size=8),
    COUNTS,
    st.floats(1e-3, 1e6),
)
@example([10**12] + [0] * 14 + [1], [0] * 8, 10**12, 1.0)
@example([1] * 3 + [0] * 13, [0] * 8, 10**12, 1.0)
def test_any_counts_have_a_window_or_give_a_one_line_error(singles, pairs, several, live_s):
    try:
        found = accidentals.particles(singles, pairs, several, live_s)
    except ValueError as error:
        units = np.array(singles[0::2]) + np.array(singles[1::2]) + np.array(pairs)
        assert len(str(error).splitlines()) == 1 and np.count_nonzero(units) < 2
        return
    window_s = found.window_us * 1e-6
    unit = found.alone_cps[0::2] + found.alone_cps[1::2] + found.through_cps
    total = sum(singles) + sum(pairs) + several
    assert unit.sum() * live_s == pytest.approx(total, rel=1e-9)
    assert (unit * -np.expm1(-(unit.sum() - unit) * window_s)).sum() * live_s == pytest.approx(
        several, abs=1e-9 * total
    )
    for values in vars(found).values():
        assert np.isfinite(values).all()


def test_without_coincidences_nothing_is_corrected():
    found = accidentals.particles([100] * 16, [10] * 8, 0, 10.0)
    assert (found.alone_cps == 10).all() and found.through_cps == pytest.approx(np.ones(8)) and found.window_us == 0
    assert found.alone_error_cps == pytest.approx(np.ones(16))


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (([0] * 16, [0] * 8, 5, 1.0), "singles, pairs: no counts (several: 5)"),
        (([1] * 3, [0] * 8, 5, 1.0), "singles: not 16 counts ([1.0, 1.0, 1.0])"),
        (([1] * 16, [], 5, 1.0), "pairs: not 8 counts ([])"),
        (([1] * 15 + [-2], [0] * 8, 5, 1.0), "singles: negative or not finite (-2)"),
        (([1] * 16, [0] * 7 + [np.nan], 5, 1.0), "pairs: negative or not finite (nan)"),
        (([1] * 16, [0] * 8, -5, 1.0), "several: negative or not finite (-5)"),
        (([1] * 16, [0] * 8, 5, 0.0), "live_s: not a time above 0 (0.0)"),
        (([1] * 16, [0] * 8, 5, np.nan), "live_s: not a time above 0 (nan)"),
        (([0] * 4 + [7, 9] + [0] * 10, [0] * 8, 5, 1.0), "several: not 0, but only unit 2 has counts"),
    ],
)
def test_unsolvable_input_gives_a_one_line_error(arguments, message):
    with pytest.raises(ValueError) as error:
        accidentals.particles(*arguments)
    assert message in str(error.value) and "\n" not in str(error.value)
