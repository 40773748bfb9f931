"""A flash that cannot be written, copies that are damaged: nothing is lost that can be kept, nothing is on that was not
commanded, and the ground is told."""

import struct
import zlib

import pytest
from dorn.session import CommandFailed
from kept_flash import Littlefs
from support.instrument import DICTIONARY, instrument

REASONS = DICTIONARY.enums["safe_reason"]
EROFS = 30
BLOCKS = 100


@pytest.fixture
def flash(tmp_path):
    return tmp_path / "flash"


@pytest.fixture
def littlefs(flash):
    return Littlefs(flash, BLOCKS)


def mode(i):
    i.command("report_structure", structure="health")
    return i.housekeeping.text("mode")


def records(i):
    return [p.fields["record"] for p in i.said if p.fields.get("record")]


def damage(path):
    data = bytearray(path.read_bytes())
    data[len(data) // 2] ^= 1
    path.write_bytes(data)


def change(path, at, octets):
    """A copy with other octets in its payload, its CRC right."""
    data = bytearray(path.read_bytes()[:-4])
    data[4 + at : 4 + at + len(octets)] = octets
    path.write_bytes(data + zlib.crc32(data).to_bytes(4, "big"))


# -- the boot record ---------------------------------------------------------------------------------------------------


def test_with_both_copies_damaged_it_is_safe_and_time_and_records_go_on_behind_what_is_stored(flash):
    with instrument("unix", flash) as i:
        i.set_parameters(storage_delay=1)
        i.command("set_time", seconds=50_000, fraction=0)
        i.advance(30)
        latest_s, record = i.said[-1].time_s, max(records(i))
    for copy in (flash / "kept").glob("boot.?"):
        damage(copy)
    with instrument("unix", flash) as i:
        assert i.events("boot_record_damaged") == [(2, 0)]
        assert i.events("safe")[-1][0] == REASONS["boot_record"] and mode(i) == "safe"
        assert i.said[0].time_s > latest_s
        i.function("standby")
        i.advance(3)
        assert min(records(i)) > record
    with instrument("unix", flash) as i:
        assert not i.events("boot_record_damaged") and mode(i) == "standby"


def test_a_first_start_is_no_loss(flash):
    with instrument("unix", flash) as i:
        assert not i.events("boot_record_damaged") and mode(i) == "standby"


@pytest.mark.parametrize("at, octets", [(4, b"\xff" * 8), (16, b"\2"), (17, b"\2")], ids=["time", "safe", "expected"])
def test_a_copy_that_cannot_be_is_damaged(flash, at, octets):
    with instrument("unix", flash) as i:
        i.reboot(i.target.reset)
    for copy in (flash / "kept").glob("boot.?"):
        change(copy, at, octets)
    with instrument("unix", flash) as i:
        assert i.events("boot_record_damaged") == [(2, 0)] and mode(i) == "safe"


@pytest.mark.parametrize("newer", [False, True])
def test_one_damaged_copy_lets_neither_time_nor_mode_go_back(flash, newer):
    with instrument("unix", flash) as i:
        i.command("set_time", seconds=50_000, fraction=0)
        i.function("safe")
        before_s, (count, _) = i.said[-1].time_s, i.events("booted")[0]
    copies = sorted((flash / "kept").glob("boot.?"), key=lambda copy: copy.read_bytes()[:4])
    damage(copies[newer])
    with instrument("unix", flash) as i:
        assert i.events("boot_record_damaged") == [(1, 0)]
        assert i.said[0].time_s > before_s and mode(i) == "safe"
        assert i.events("booted")[0][0] > count


# -- a flash that takes nothing ----------------------------------------------------------------------------------------


def test_boots_times_and_record_numbers_go_on_without_a_flash(littlefs):
    """Eight resets by the watchdog; between them record numbers are taken, and more time goes by than a block has."""
    with littlefs.instrument() as i:
        littlefs.fail(EROFS)
        for n in range(8):
            i.advance(700 if n == 3 else 30)
            before_s, record, (count, _) = i.said[-1].time_s, max(records(i)), i.events("booted")[-1]
            heard = len(i.said)
            assert i.reboot(lambda: i.target.stall(9))[0] == count + 1
            i.next("housekeeping")
            assert i.said[heard].time_s > before_s
            later = [p.fields["record"] for p in i.said[heard:] if p.fields.get("record")]
            assert not later or min(later) > record
            if mode(i) == "safe":
                i.function("standby")
        assert i.events("safe")[0][0] == REASONS["resets"]  # which were counted
        littlefs.fail(0)
        i.advance(700)
        assert i.reboot(lambda: i.target.stall(9))[0] == count + 2


def test_a_flash_that_takes_nothing_is_reported_once_a_minute(littlefs):
    with littlefs.instrument() as i:
        littlefs.fail(EROFS)
        i.advance(600)
        failures = i.events("flash_failed")
        assert 5 <= len(failures) <= 11 and {errno for errno, _ in failures} == {EROFS}
        assert sum(n for _, n in failures) < 30  # it is not tried all the time
        littlefs.fail(0)
        i.advance(130)
        told = len(i.events("flash_failed"))
        last = i.next("housekeeping")["store_last"]
        i.advance(300)
        assert i.next("housekeeping")["store_last"] > last and len(i.events("flash_failed")) == told


def test_modes_are_entered_and_left_without_a_flash(littlefs):
    with littlefs.instrument() as i:
        i.set("bias", 5000)
        i.armed("bias_on")
        i.until(lambda: bool(i.events("bias_reached")), 20)
        littlefs.fail(EROFS)
        i.function("safe")
        assert mode(i) == "safe" and i.target.slow_control.bias_mv == 0
        i.function("standby")
        i.start()
        assert mode(i) == "science" and not i.events("safe_step_failed")
        i.advance(70)
        assert i.events("flash_failed")


def test_a_time_that_the_flash_does_not_take_is_not_set(littlefs):
    with littlefs.instrument() as i:
        littlefs.fail(EROFS)
        before_s = i.said[-1].time_s
        with pytest.raises(CommandFailed, match=f"completion_failure: internal .detail {EROFS}"):
            i.command("set_time", seconds=50_000, fraction=0)
        assert i.said[-1].time_s < before_s + 20 and not i.events("time_set")
        littlefs.fail(0)
        i.command("set_time", seconds=50_000, fraction=0)
        assert i.events("time_set")


def test_more_than_a_day_ahead_the_time_has_to_be_armed(flash):
    with instrument("unix", flash) as i:
        i.command("set_time", seconds=86_000, fraction=0)
        with pytest.raises(CommandFailed, match="start_failure: not_armed"):
            i.command("set_time", seconds=4_000_000_000, fraction=0)
        i.function("arm")
        i.command("set_time", seconds=4_000_000_000, fraction=0)
        i.reboot(i.target.power_cycle)
        assert i.said[-1].time_s > 4_000_000_000


# -- parameters --------------------------------------------------------------------------------------------------------


def value(i, name):
    ask = lambda: i.command("report_parameter", parameter=name)  # noqa: E731
    return i.wait_for(lambda p: p.name == "parameter_value", 5, ask).fields["value"]


def test_a_flood_of_parameters_is_written_once_in_ten_seconds(littlefs):
    """All take effect at once and are reported when they are on flash; of too many at a time some are refused."""
    with littlefs.instrument() as i:
        i.command("disable_storage")
        i.advance(70)  # what was in memory is written
        before, begin_us, heard = littlefs.operations, i.target.now_us, len(i.said)
        i.set_parameters(rates_period=1)
        first = littlefs.operations - before
        assert first and i.target.now_us - begin_us < 1e6
        for n in range(100):
            i.post("set_parameter", parameter="threshold_3", value=n)
            i.advance(0.3)
        i.advance(11)
        done = len([p for p in i.said[heard:] if p.name == "completion_success"])
        refused = [p.text("failure") for p in i.said[heard:] if p.name == "start_failure"]
        writes = (i.target.now_us - begin_us) / 10e6 + 1
        assert littlefs.operations - before <= first * writes + 2
        assert done + len(refused) == 101 and set(refused) == {"no_room"}
        i.set_parameters(threshold_3=777)
        i.reboot(i.target.power_cycle)
        assert value(i, "threshold_3") == 777


def test_what_the_flash_does_not_take_is_taken_back_and_each_is_told(littlefs):
    with littlefs.instrument() as i:
        i.set_parameters(threshold_3=111, threshold_4=222)
        littlefs.fail(EROFS)
        heard = len(i.said)
        i.set("threshold_3", 5)
        i.set("threshold_4", 6)
        i.command("dump_memory", region="thresholds", offset=6, count=4)
        i.advance(11)
        assert len([p for p in i.said[heard:] if p.name == "completion_failure"]) == 2
        assert (value(i, "threshold_3"), value(i, "threshold_4")) == (111, 222)
        i.command("dump_memory", region="thresholds", offset=6, count=4)
        before, after = (struct.unpack("<2H", bytes(p.fields["data"])) for p in i.said if p.name == "memory_dump")
        assert (before, after) == ((5, 6), (111, 222))  # what had taken effect is taken back


@pytest.mark.parametrize("end", ["safe", "reset"])
def test_mode_safe_and_a_commanded_reset_write_what_waits(littlefs, end):
    with littlefs.instrument() as i:
        i.set_parameters(threshold_3=111)
        i.set("threshold_4", 222)
        if end == "safe":
            i.function("safe")
        else:
            i.reboot(lambda: i.armed("reset"))
        i.reboot(i.target.power_cycle)
        assert value(i, "threshold_4") == 222


# -- the packet store --------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("name", ["-0000012", "+0000012", " 0000012", "0000_012", "FFFFFFFF", "0x000012", "fffffff0/"])
def test_a_file_that_is_not_the_stores_hides_no_record(flash, name):
    with instrument("unix", flash) as i:
        i.set_parameters(storage_delay=1)
        i.advance(5)
    store = flash / "kept" / "store"
    if name.endswith("/"):
        (store / name).mkdir()
    else:
        (store / name).write_bytes(bytes(100))
    with instrument("unix", flash) as i:
        i.advance(70)
        hk = i.next("housekeeping")
        assert hk["store_first"] == 1 and hk["store_last"] < 10_000 and not i.events("flash_failed")
        ask = lambda: i.post("retrieve_records", first=1, last=3)  # noqa: E731
        assert i.wait_for(lambda p: p.name == "retrieved", 10, ask).fields["count"] == 3
