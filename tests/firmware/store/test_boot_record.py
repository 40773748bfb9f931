"""The boot record damaged, lost, or on a failed flash: on-board time, record numbers, boot count and mode continue, and
event reports are sent."""

import pytest
from dorn.image import firmware
from dorn.session import CommandFailed
from support.instrument import DICTIONARY, instrument
from support.kept import EROFS, change, damage, in_use, mode, records

REASONS = DICTIONARY.enums["safe_reason"]


def test_with_both_copies_damaged_it_enters_safe_and_time_and_records_continue_after_the_stored_ones(flash):
    with instrument("unix", flash) as i:
        latest_s, record = in_use(i)
    for copy in (flash / "kept").glob("boot.?"):
        damage(copy)
    with instrument("unix", flash) as i:
        assert i.events("boot_record_damaged") == [(2, 0)]
        assert i.events("safe")[-1][0] == REASONS["boot_record"] and mode(i) == "safe"
        assert i.received[0].time_s > latest_s
        i.function("standby")
        i.advance(3)
        assert min(records(i)) > record
    with instrument("unix", flash) as i:
        assert not i.events("boot_record_damaged") and mode(i) == "standby"


def test_a_first_start_is_not_taken_for_a_loss(flash):
    with instrument("unix", flash) as i:
        assert not i.events("boot_record_damaged") and mode(i) == "standby"


@pytest.mark.parametrize("at, octets", [(4, b"\xff" * 8), (16, b"\2"), (17, b"\2")], ids=["time", "safe", "expected"])
def test_a_copy_with_impossible_values_is_damaged(flash, at, octets):
    with instrument("unix", flash) as i:
        i.reboot(i.target.reset)
    for copy in (flash / "kept").glob("boot.?"):
        change(copy, at, octets)
    with instrument("unix", flash) as i:
        assert i.events("boot_record_damaged") == [(2, 0)] and mode(i) == "safe"


@pytest.mark.parametrize("newer", [False, True])
def test_one_damaged_copy_reverts_neither_time_nor_mode(flash, newer):
    with instrument("unix", flash) as i:
        i.command("set_time", seconds=50_000, fraction=0)
        i.function("safe")
        before_s, (count, _) = i.received[-1].time_s, i.events("booted")[0]
    copies = sorted((flash / "kept").glob("boot.?"), key=lambda copy: copy.read_bytes()[:4])
    damage(copies[newer])
    with instrument("unix", flash) as i:
        assert i.events("boot_record_damaged") == [(1, 0)]
        assert i.received[0].time_s > before_s and mode(i) == "safe"
        assert i.events("booted")[0][0] > count


# Resets once at the start of a method, if the file `cut` exists, and removes it.
CUT = """
import os
import sys

import fsw.app
import fsw.run
import fsw.{module}

def cut(self, *values):
    try:
        os.remove(sys.argv[1] + "/cut")
    except OSError:
        return original(self, *values)
    sys.exit(3)

original = fsw.{module}.{name}
fsw.{module}.{name} = cut
import firmware_main
"""


@pytest.mark.parametrize("module, name", [("store.boot", "BootRecord.follow"), ("health.modes", "Modes.safe")])
def test_a_reset_on_entry_into_safe_does_not_hide_the_damage_of_both_copies(flash, module, name):
    files = firmware.files("unix")
    files["firmware_main.py"] = files["main.py"]
    files["main.py"] = CUT.format(module=module, name=name).encode()
    with instrument("unix", flash, files) as i:
        latest_s, record = in_use(i)
    for copy in (flash / "kept").glob("boot.?"):
        damage(copy)
    (flash / "cut").touch()
    with instrument("unix", flash, files) as i:
        assert mode(i) == "safe" and not (flash / "cut").exists()
        assert i.received[0].time_s > latest_s
        i.function("standby")
        i.advance(3)
        assert min(records(i)) > record


def test_boot_count_time_and_record_numbers_continue_without_a_flash(littlefs):
    """Eight watchdog resets, between which record numbers are used and, once, more time passes than is reserved."""
    with littlefs.instrument() as i:
        littlefs.fail(EROFS)
        for n in range(8):
            i.advance(700 if n == 3 else 30)
            before_s, record, (count, _) = i.received[-1].time_s, max(records(i)), i.events("booted")[-1]
            before = len(i.received)
            assert i.reboot(lambda: i.target.stall(9))[0] == count + 1
            i.next("housekeeping")
            assert i.received[before].time_s > before_s
            later = [p.fields["record"] for p in i.received[before:] if p.fields.get("record")]
            assert not later or min(later) > record
            if mode(i) == "safe":
                i.function("standby")
        assert i.events("safe")[0][0] == REASONS["resets"]  # resets were counted
        littlefs.fail(0)
        i.advance(700)
        assert i.reboot(lambda: i.target.stall(9))[0] == count + 2


def test_commanded_resets_are_expected_even_without_a_flash(littlefs):
    with littlefs.instrument() as i:
        littlefs.fail(EROFS)
        for _ in range(6):
            i.advance(5)
            i.reboot(lambda: i.armed("reset"))
            assert i.next("housekeeping")["consecutive_resets"] == 0 and mode(i) == "standby"
        i.reboot(lambda: i.target.stall(9))
        assert i.next("housekeeping")["consecutive_resets"] == 1 and mode(i) == "standby"


def test_a_time_that_cannot_be_written_is_not_set(littlefs):
    with littlefs.instrument() as i:
        littlefs.fail(EROFS)
        before_s = i.received[-1].time_s
        with pytest.raises(CommandFailed, match=f"completion_failure: internal .detail {EROFS}"):
            i.command("set_time", seconds=50_000, fraction=0)
        assert i.received[-1].time_s < before_s + 20 and not i.events("time_set")
        littlefs.fail(0)
        i.command("set_time", seconds=50_000, fraction=0)
        assert i.events("time_set")


def test_setting_time_more_than_a_day_ahead_must_be_armed(flash):
    with instrument("unix", flash) as i:
        i.command("set_time", seconds=86_000, fraction=0)
        with pytest.raises(CommandFailed, match="start_failure: not_armed"):
            i.command("set_time", seconds=4_000_000_000, fraction=0)
        i.function("arm")
        i.command("set_time", seconds=4_000_000_000, fraction=0)
        i.reboot(i.target.power_cycle)
        assert i.received[-1].time_s > 4_000_000_000


RAISING = """
from fsw.health.storm import Storm

def raises(self, now):
    try:
        open("{flag}").close()
    except OSError:
        return step(self, now)
    raise ValueError

step = Storm.step
Storm.step = raises
"""


def test_a_crash_is_reported_once_even_if_the_flash_fails_afterwards(littlefs, flash):
    flag = flash / "crash"
    with littlefs.instrument(RAISING.format(flag=flag)) as i:
        i.advance(5)
        flag.touch()
        i.until(lambda: len(i.events("booted")) > 1, 60)
        flag.unlink()
        littlefs.fail(EROFS)
        i.advance(5)
        reported = len(i.events("crashed"))
        for _ in range(3):
            i.reboot(lambda: i.armed("reset"))
            i.advance(5)
        assert len(i.events("crashed")) == reported
