"""Power fails at every flash operation: acknowledged data is intact, data being written is old or new.

Under MicroPython's unix port and its littlefs each operation is cut in several ways and each result examined separately
(onboard/cutting.py). On the emulated Pico the whole firmware runs and is powered on again after each cut.
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
SHORT = {"slots": 1200, "checkpoint": 2400, "store": 300, "together": 300}  # scenario -> cuts
LONG = 20_000  # cuts per scenario
LONG_LIMIT_S = 3000  # per scenario
YOUNG, OLD = 200, 3000  # maximum writes beforehand: after about 2000 littlefs has moved its metadata

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
    """-> numbers of acknowledged writes, writes of the rarest kind, flash operations, cuts, power failures after which
    the campaign continued, blocks erased, blocks
    """
    script = SCRIPT.format(scenario=scenario, seed=seed, cuts=cuts, age=age, change=change, only=only)
    limit_s = LONG_LIMIT_S if cuts == LONG else 600
    return map(int, micropython.run(script, heap_kb=4000, path=[ONBOARD, FOLDER], limit_s=limit_s).split())


@pytest.mark.parametrize("scenario", SHORT)
def test_power_cuts_below_littlefs(scenario, long, seed, totals):
    age = random.Random(f"{scenario} {seed}").randrange(OLD if long else YOUNG)
    done = run(scenario, seed, LONG if long else SHORT[scenario], age)
    writes, fewest, operations, cuts, failures, erased, blocks = done
    assert failures and fewest
    totals(
        f"{scenario}: {cuts} cuts at {operations} flash operations of {writes} writes, at least {fewest} of each kind, "
        f"after {age} earlier writes, {failures} power failures, {erased} of {blocks} blocks erased, seed {seed}: "
        "nothing lost"
    )


# Faults of onboard/naive.py: function -> scenario and part that must detect it.
NAIVE = {
    "copy_in_use_overwritten": ("slots", "parameters"),
    "acknowledged_too_early": ("slots", "parameters"),
    "no_time_reserved": ("slots", "boot"),
    "no_numbers_reserved": ("slots", "boot"),
    "not_renamed": ("checkpoint", "checkpoint"),
    "old_file_removed_first": ("checkpoint", "checkpoint"),
    "written_in_place": ("checkpoint", "checkpoint"),
    "not_closed": ("store", "store"),
    "acknowledged_before_close": ("store", "store"),
    "numbers_reused": ("store", "store"),
}


@pytest.mark.parametrize("naive", NAIVE)
def test_the_campaign_detects_unsafe_writes(naive, seed):
    scenario, part = NAIVE[naive]
    with pytest.raises(AssertionError, match=f"AssertionError: {scenario}, seed {seed}: operation .*'{part}: "):
        run(scenario, seed, SHORT[scenario], 0, f"import naive; naive.{naive}()", only=part)


# -- the firmware on the emulated Pico ---------------------------------------------------------------------------------

DONE = (0.0, 0.1, 0.5, 0.9, 1.0)  # fraction of the operation completed when power fails
STORE_CUTS = 40
ROUNDS = 12  # long form: must stay below five minutes, the faulthandler_timeout
LIMIT_S = 20


@pytest.fixture
def switch_on(open_pico):
    """switch_on(changed) -> an instrument on the emulated Pico; changed: as in firmware.files."""

    def switch_on(changed=None):
        files = firmware.files("pico", changed)
        instrument = open_pico(files)
        instrument.manifest = firmware.id_of(files[firmware.MANIFEST])
        return instrument

    return switch_on


def boot(instrument, begin, abandoned=lambda packet: False):
    """Housekeeping of the boot that `begin` triggers; the session refuses another dictionary.

    None if `abandoned` is true for an earlier packet.
    """
    booted, reports = instrument.dictionary.enums["event"]["booted"], []

    def over(packet):
        if packet.fields.get("event") == booted:
            reports.append(packet)
        return (bool(reports) and packet.name == "housekeeping") or abandoned(packet)

    found = instrument.wait_for(over, LIMIT_S, begin=begin)
    if abandoned(found):
        return None
    hk = found.fields
    assert hk["manifest"] == instrument.manifest
    assert hk["task_failures"] == 0
    for failure in ("flash_failed", "crashed", "parameters_damaged", "boot_record_damaged"):
        assert not instrument.events(failure), failure
    return hk


def cut(instrument, begin, operation, done, last=None):
    """Power fails at flash operation number `operation` after `begin`; -> housekeeping of the boot after it.

    None if the packet `last` comes first: the number of operations varies because littlefs moves blocks.
    """
    flash = instrument.target.flash
    failures = flash.power_failures
    instrument.target.cut_power_at(operation, done)
    hk = boot(instrument, begin, lambda packet: packet.name == last and flash.power_failures == failures)
    if hk is None:
        instrument.target.cut_power_at(0, 0.0)  # cancel
    else:
        assert flash.power_failures == failures + 1
    return hk


def leave_safe(instrument):
    """Leave SAFE, which consecutive unexpected resets lead to and in which no parameter can be set."""
    if instrument.housekeeping.text("mode") == "safe":
        instrument.function("standby")


def operations_of_a_boot(instrument):
    before = instrument.target.flash.operations
    boot(instrument, instrument.target.power_cycle)
    return instrument.target.flash.operations - before


def test_power_cuts_during_a_boot(switch_on, long, seed, totals):
    """Cut each flash operation of a boot; the next boot count shows whether the cut boot was counted."""
    instrument, choose, began = switch_on(), random.Random(seed), time.monotonic()
    cuts = counted = 0
    for _ in range(ROUNDS if long else 1):
        operations = operations_of_a_boot(instrument)
        assert operations
        for operation, done in itertools.product(range(1, operations + 1), DONE if long else [choose.choice(DONE)]):
            before = instrument.last("housekeeping")["boot_count"]
            more = cut(instrument, instrument.target.power_cycle, operation, done)["boot_count"] - before
            assert more in (1, 2), f"cut at operation {operation} of boot {before + 1}, fraction {done} completed"
            cuts, counted = cuts + 1, counted + more - 1
    each_s = (time.monotonic() - began) / cuts
    totals(f"rp2040: {cuts} cuts of a boot, {counted} of them counted, seed {seed}: nothing lost; {each_s:.1f} s each")


def test_power_cuts_while_a_parameter_is_set(switch_on, long, seed, totals):
    """After the boot the parameter has the old or the new value, and the new one if completion was reported."""
    instrument, choose = switch_on(), random.Random(seed)
    flash, value, cuts, new = instrument.target.flash, 5, 0, 0
    before = flash.operations
    instrument.set_parameters(rates_period=value)  # unchanged, so nothing is written
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
            found = instrument.value("rates_period")
            assert found in ([value + 1] if reported else [value, value + 1]), (operation, done)
            cuts, new, value = cuts + 1, new + found - value, found
    assert cuts
    totals(f"rp2040: {cuts} cuts of a parameter, {new} with the new value afterwards, seed {seed}: old or new")


def test_power_cuts_while_packets_and_checkpoints_are_written(switch_on, long, seed, totals):
    """Every packet that housekeeping reported as stored can be retrieved unchanged after the boot."""
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
    totals(f"rp2040: {cuts} cuts with {len(on_flash)} stored packets, and checkpoints, seed {seed}: nothing lost")


def test_the_campaign_detects_a_lost_boot_count(switch_on):
    """With slots.py changed to remove the copy in use before it writes the other one."""
    slots = (onboard_root() / "firmware" / "fsw" / "store" / "slots.py").read_text()
    writing = '        with memory.opened(f"{self._path}.{1 - number}", "wb")'
    assert slots.count(writing) == 1
    remove = '        if sequence >= 0:\n            import os\n\n            os.remove(f"{self._path}.{number}")\n'
    instrument = switch_on({"fsw/store/slots.py": slots.replace(writing, remove + writing)})
    operations, more = operations_of_a_boot(instrument), []
    for operation in range(1, operations + 1):
        before = instrument.last("housekeeping")["boot_count"]
        more.append(cut(instrument, instrument.target.power_cycle, operation, 0.0)["boot_count"] - before)
    assert min(more) < 1
