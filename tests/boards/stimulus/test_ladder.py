"""The table of the README: what the resistance of a pin does to the levels of an R-2R ladder."""

import re

import numpy as np
import pytest
from dorn.util.paths import onboard_root

README = (onboard_root() / "boards" / "stimulus" / "README.md").read_text()
BITS, R_OHM, SUPPLY_V = 8, 1000.0, 3.3


def levels_v(pin_ohm):
    """Voltage of the last node at each level, by Kirchhoff's current law at the nodes, the lowest bit at the first."""
    legs = 1 / (2 * R_OHM + pin_ohm)
    conductance = np.diag([legs] * BITS)
    conductance[0, 0] += 1 / (2 * R_OHM)
    for n in range(BITS - 1):
        conductance[n : n + 2, n : n + 2] += np.array([[1, -1], [-1, 1]]) / R_OHM
    bits = np.array([[level >> n & 1 for level in range(1 << BITS)] for n in range(BITS)])
    return np.linalg.solve(conductance, SUPPLY_V * legs * bits)[-1]


def test_ideal_pins_give_even_levels():
    assert levels_v(0) == pytest.approx(SUPPLY_V / 256 * np.arange(256))


def test_the_table_of_pin_resistances():
    rows = re.findall(r"^\| (\d+) \| (-?[\d.]+) \| ([\d.]+) \|$", README, re.MULTILINE)
    assert len(rows) == 4
    for pin_ohm, step_mv, error_mv in rows:
        found_mv = 1000 * levels_v(float(pin_ohm))
        errors_mv = found_mv - 1000 * SUPPLY_V / 256 * np.arange(256)
        print(f"{pin_ohm} ohm: {found_mv[128] - found_mv[127]:.1f} mV, {abs(errors_mv).max():.1f} mV")
        assert f"{found_mv[128] - found_mv[127]:.1f}" == step_mv
        assert f"{abs(errors_mv).max():.1f}" == error_mv
