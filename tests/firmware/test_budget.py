"""The budget of the Pico, measured on the emulated chip and held against boards/pico/budget.toml."""

import tomllib

import chip
import pytest
from dorn.files import onboard_root
from dorn.targets.event_law import board_times, constants
from instrument import instrument
from test_instrument import poisson

PICO = onboard_root() / "boards" / "pico"
STAGES = """
import gc

def free():
    gc.collect()
    return gc.mem_free()

stages = [free()]
from boards import open_board
import boards.rp2.board, boards.rp2.event_builder
stages.append(free())
board = open_board()
stages.append(free())
from fsw.app import App
stages.append(free())
app = App(board)
stages.append(free())
print("FREE", *stages)
"""


@pytest.fixture(scope="module")
def measured():
    boot, board_code, builder, code, app = map(int, chip.run(STAGES).partition("FREE ")[2].split()[:5])
    with instrument("rp2040") as i:
        boot_us = i.target.now_us
        i.start()
        i.play(poisson(20_000, 1.0, 1, pairs=0.25))
        i.stop()
        hk = i.wait_for(lambda packet: packet.name == "housekeeping", 11).fields
    files = chip.firmware_files()
    fixed, hit, _ = board_times(PICO / "constants.py").dead
    pico = constants(PICO / "constants.py")
    event_us = (fixed + hit) / pico["CLOCK_MHZ"]
    return {
        "ram.free_at_boot": boot,
        "ram.event_builder": board_code - builder,
        "ram.code": boot - board_code + builder - code,
        "ram.app": code - app,
        "ram.free": hk["heap_free_min"],
        "files.mpy": sum(len(content) for name, content in files.items() if name.endswith(".mpy")),
        "time.boot": boot_us,
        "time.turn_max": hk["turn_max_us"],
        "time.gc_max": hk["gc_max_us"],
        "time.ring": int(((1 << pico["RING_BITS"]) - 1) * event_us),
    }


def test_the_budget_is_kept_and_tight(measured):
    table = tomllib.loads((PICO / "budget.toml").read_text())
    slack = table.pop("slack")
    entries = {f"{group}.{name}": entry for group, rows in table.items() for name, entry in rows.items()}
    assert entries.keys() == measured.keys()
    wrong = []
    print(f"\n{'':20}{'measured':>10}{'budget':>10}{'target':>10}")
    for name, entry in entries.items():
        value, budget = measured[name], entry["budget"]
        print(f"{name:20}{value:10}{budget:10}{entry['target']:10}")
        sign = 1 if entry["better"] == "more" else -1
        if sign * value < sign * budget:
            wrong.append(f"{name}: {value} is over the budget of {budget}")
        elif sign * (value - budget) > slack * budget:
            wrong.append(f"{name}: {value} is better than {budget}: tighten the budget")
        if sign * budget < sign * entry["target"]:
            wrong.append(f"{name}: the budget of {budget} misses the target {entry['target']}")
    assert not wrong, "; ".join(wrong)


def test_nothing_blocks_longer_than_the_ring_holds(measured):
    assert max(measured["time.turn_max"], measured["time.gc_max"]) < measured["time.ring"]
