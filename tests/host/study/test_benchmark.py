"""The budget of the Pico, measured on the emulated chip by `dorn bench` and compared with boards/pico/budget.toml."""

import copy

import pytest
from dorn.errors import UserError
from dorn.study import benchmark


@pytest.fixture(scope="module")
def figures():
    try:
        return benchmark.measure()
    except UserError as error:
        pytest.skip(str(error))


def test_the_budget_is_kept_and_tight_and_nothing_blocks_longer_than_the_ring_holds(figures):
    rows, wrong = benchmark.judge(figures)
    print("\n" + benchmark.text(rows))
    assert [name for name, *_, verdict in rows if verdict == "FAIL"] == []
    assert {name for name, *_ in rows} == set(figures)
    assert not wrong, "; ".join(wrong)


@pytest.mark.parametrize(
    ("name", "factor", "message"),
    [
        ("ram.free", 0.8, "outside the budget"),
        ("kernel.one_hit", 1.5, "outside the budget"),
        ("kernel.one_hit", 0.5, "tighten"),
        ("time.rates", 10, "the rings hold"),
    ],
)
def test_a_figure_out_of_budget_is_named(figures, name, factor, message):
    changed = copy.copy(figures)
    changed[name] *= factor
    _, wrong = benchmark.judge(changed)
    assert any(line.startswith(name) and message in line for line in wrong)
