"""Power fails at every flash operation: what was acknowledged is there, what was being written is old or new.

Under MicroPython's unix port and its littlefs each operation is cut in several ways and each result examined by itself
(onboard/cutting.py). On the emulated Pico the whole firmware runs and is switched on again after each cut.
"""

import itertools
import random
import time
from functools import partial
from pathlib import Path

import pytest
from dorn.image import firmware
from dorn.util.paths import onboard_root
from support import micropython
from support.onboard import FOLDER

ONBOARD = Path(__file__).parent / "onboard"
SHORT = {"slots": 1200, "checkpoint": 2400, "store": 1200, "together": 1200}  # scenario -> cuts
LONG = 20_000  # cuts of each
LONG_LIMIT_S = 3000  # of a scenario
YOUNG, OLD = 200, 3000  # writes before, at most: after some 2000 littlefs has moved its metadata

SCRIPT = """
from cutting import Campaign
from parts import SCENARIOS
{change}
blocks, parts = SCENARIOS[{scenario!r}]
c = Campaign({scenario!r}, [part for part in parts() if {only!r} in (None, part.name)], blocks, {seed})
c.age({age})
c.run({cuts})
print(c.writes, c.fewest, c.operations, c.cuts, c.failures, len(c.erased), blocks)
"""


def run(scenario, seed, cuts, age, change="", only=None):
    """Writes acknowledged, and of the rarest kind of them, flash operations, cuts, power failures in earnest, blocks
    erased, blocks.
    """
    script = SCRIPT.format(scenario=scenario, seed=seed, cuts=cuts, age=age, change=change, only=only)
    limit_s = LONG_LIMIT_S if cuts == LONG else 600
    return map(int, micropython.run(script, heap_kb=4000, path=[ONBOARD, FOLDER], limit_s=limit_s).split())


@pytest.mark.parametrize("scenario", SHORT)
def test_below_littlefs(scenario, long, seed, totals):
    age = random.Random(f"{scenario} {seed}").randrange(OLD if long else YOUNG)
    done = run(scenario, seed, LONG if long else SHORT[scenario], age)
    writes, fewest, operations, cuts, failures, erased, blocks = done
    assert failures and fewest
    totals(
        f"{scenario}: {cuts} cuts at {operations} flash operations of {writes} writes, {fewest} or more of each kind, "
        f"after {age} others, {failures} in earnest, {erased} of {blocks} blocks erased, seed {seed}: nothing lost"
    )


# Functions of onboard/naive.py, each with the scenario, and the part of it, that must find what it does.
NAIVE = {
    "over_the_copy_in_use": ("slots", "parameters"),
    "acknowledged_too_early": ("slots", "parameters"),
    "no_time_reserved": ("slots", "boot"),
    "no_numbers_reserved": ("slots", "boot"),
    "not_renamed": ("checkpoint", "checkpoint"),
    "the_old_one_removed_first": ("checkpoint", "checkpoint"),
    "in_place": ("checkpoint", "checkpoint"),
    "not_closed": ("store", "store"),
    "safe_before_it_is_closed": ("store", "store"),
    "numbers_given_again": ("store", "store"),
}


@pytest.mark.parametrize("naive", NAIVE)
def test_the_campaign_finds_what_a_cut_breaks(naive, seed):
    scenario, part = NAIVE[naive]
    with pytest.raises(AssertionError, match=f"AssertionError: {scenario}, seed {seed}: operation .*'{part}: "):
        run(scenario, seed, SHORT[scenario], 0, f"import naive; naive.{naive}()", only=part)


# -- the firmware on the emulated Pico ---------------------------------------------------------------------------------

DONE = (0.0, 0.1, 0.5, 0.9, 1.0)  # how much of an operation, when power fails
STORE_CUTS = 40
ROUNDS = 12  # of the long form: less than five minutes, or faulthandler_timeout shows a hang
LIMIT_S = 20


@pytest.fixture
def switch_on(open_pico):
    """switch_on(changed) -> an instrument on the emulated Pico; changed as firmware.files says."""

    def switch_on(changed=None):
        files = firmware.files("pico", changed)
        instrument = open_pico(files)
        instrument.manifest = firmware.id_of(files[firmware.MANIFEST])
        return instrument

    return switch_on


def boot(instrument, begin, given_up=lambda packet: False):
    """Housekeeping of the boot that `begin` leads to; with another dictionary the session refuses it.

    None if `given_up` is true of a packet before it.
    """
    booted, reports = instrument.dictionary.enums["event"]["booted"], []

    def over(packet):
        if packet.fields.get("event") == booted:
            reports.append(packet)
        return (bool(reports) and packet.name == "housekeeping") or given_up(packet)

    found = instrument.wait_for(over, LIMIT_S, begin=begin)
    if given_up(found):
        return None
    hk = found.fields
    assert hk["manifest"] == instrument.manifest
    assert hk["task_failures"] == 0
    for failure in ("flash_failed", "crashed", "parameters_damaged", "boot_record_damaged"):
        assert not instrument.events(failure), failure
    return hk


def cut(instrument, begin, operation, done, last=None):
    """Power fails at that flash operation of what `begin` leads to; -> housekeeping of the boot after it.

    None if the packet `last` ends it before: littlefs takes an operation more or less, as it happens to move blocks.
    """
    flash = instrument.target.flash
    failures = flash.power_failures
    instrument.target.cut_power_at(operation, done)
    hk = boot(instrument, begin, lambda packet: packet.name == last and flash.power_failures == failures)
    if hk is None:
        instrument.target.cut_power_at(0, 0.0)  # none
    else:
        assert flash.power_failures == failures + 1
    return hk


def leave_safe(instrument):
    """Where so many resets out of order have led to; there no parameter can be set."""
    if instrument.housekeeping.text("mode") == "safe":
        instrument.function("standby")


def operations_of_a_boot(instrument):
    before = instrument.target.flash.operations
    boot(instrument, instrument.target.power_cycle)
    return instrument.target.flash.operations - before


def test_a_boot_of_the_firmware(switch_on, long, seed, totals):
    """Each operation of a boot; the boot count behind it says whether the boot that was cut is counted."""
    instrument, choose, began = switch_on(), random.Random(seed), time.monotonic()
    cuts = counted = 0
    for _ in range(ROUNDS if long else 1):
        operations = operations_of_a_boot(instrument)
        assert operations
        for operation, done in itertools.product(range(1, operations + 1), DONE if long else [choose.choice(DONE)]):
            before = instrument.last("housekeeping")["boot_count"]
            more = cut(instrument, instrument.target.power_cycle, operation, done)["boot_count"] - before
            assert more in (1, 2), f"cut at operation {operation} of boot {before + 1}, {done} of it done"
            cuts, counted = cuts + 1, counted + more - 1
    each_s = (time.monotonic() - began) / cuts
    totals(f"rp2040: {cuts} cuts of a boot, {counted} of them counted, seed {seed}: nothing lost; {each_s:.1f} s each")


def test_a_parameter_while_it_is_set(switch_on, long, seed, totals):
    """It is the old or the new one after the boot, and the new one if that was reported."""
    instrument, choose = switch_on(), random.Random(seed)
    flash, value, cuts, new = instrument.target.flash, 5, 0, 0

    def ask():
        return instrument.command("report_parameter", parameter="rates_period")

    before = flash.operations
    instrument.set_parameters(rates_period=value)  # what it is: nothing is written
    assert flash.operations == before
    for _ in range(ROUNDS if long else 1):
        before = flash.operations
        value += 1
        instrument.set_parameters(rates_period=value)
        operations = flash.operations - before
        assert operations
        for operation, done in itertools.product(range(1, operations + 1), DONE if long else [choose.choice(DONE)]):
            before = len(instrument.received)
            setting = partial(instrument.post, "set_parameter", parameter="rates_period", value=value + 1)
            if cut(instrument, setting, operation, done, "completion_success") is None:
                value += 1
                continue
            reported = any(p.name == "completion_success" for p in instrument.received[before:])
            leave_safe(instrument)
            found = instrument.wait_for(lambda p: p.name == "parameter_value", 5, ask).fields["value"]
            assert found in ([value + 1] if reported else [value, value + 1]), (operation, done)
            cuts, new, value = cuts + 1, new + found - value, found
    assert cuts
    totals(f"rp2040: {cuts} cuts of a parameter, {new} of them the new one after it, seed {seed}: old or new")


def test_packets_and_checkpoints_while_they_are_written(switch_on, long, seed, totals):
    """Every packet that housekeeping said was on flash is sent again after the boot, as it was."""
    instrument, choose = switch_on(), random.Random(seed)
    instrument.set_parameters(housekeeping_period=1, rates_period=1, storage_delay=1, checkpoint_period=1)
    booted = instrument.dictionary.enums["event"]["booted"]
    cuts, on_flash = 0, set()
    for _ in range(STORE_CUTS if long else 2):
        instrument.function("start")
        instrument.advance(choose.uniform(2, 4))
        safe = instrument.last("housekeeping")["store_last"]
        began = max(p.fields["record"] for p in instrument.received if p.fields.get("event") == booted)
        on_flash |= {p.fields["record"] for p in instrument.received if began <= p.fields.get("record", 0) <= safe}
        cut(instrument, lambda: None, choose.randrange(1, 40), choose.choice(DONE))
        first = instrument.last("housekeeping")["store_first"]
        again = instrument.records.repeated
        instrument.wait_for(
            lambda packet: packet.name == "retrieval_end",
            LIMIT_S,
            partial(instrument.post, "retrieve_records", first=first, last=safe),
        )
        wanted = sum(record >= first for record in on_flash)
        assert instrument.records.repeated - again >= wanted, f"cut {cuts}: of {wanted} records, {first} to {safe}"
        leave_safe(instrument)
        cuts += 1
    assert len(on_flash) > 10
    totals(f"rp2040: {cuts} cuts beside {len(on_flash)} stored packets and checkpoints, seed {seed}: nothing lost")


def test_a_boot_count_that_a_cut_loses_is_found(switch_on):
    """The copy in use is removed before the other one is written: the firmware's own file is changed so."""
    slots = (onboard_root() / "firmware" / "fsw" / "store" / "slots.py").read_text()
    writing = '        with open(f"{self._path}.{1 - number}", "wb")'
    assert slots.count(writing) == 1
    remove = '        if sequence >= 0:\n            import os\n\n            os.remove(f"{self._path}.{number}")\n'
    instrument = switch_on({"fsw/store/slots.py": slots.replace(writing, remove + writing)})
    operations, more = operations_of_a_boot(instrument), []
    for operation in range(1, operations + 1):
        before = instrument.last("housekeeping")["boot_count"]
        more.append(cut(instrument, instrument.target.power_cycle, operation, 0.0)["boot_count"] - before)
    assert min(more) < 1
