"""A flash that cannot be written, copies that are damaged: nothing is lost that can be kept, nothing is on that was not
commanded, and the ground is told."""

import struct
import zlib

import pytest
from dorn.image import firmware
from dorn.session import CommandFailed
from kept_flash import FLASH, Littlefs
from support.instrument import DICTIONARY, instrument
from support.micropython import run
from support.onboard import script

REASONS = DICTIONARY.enums["safe_reason"]
EROFS, EIO = 30, 5
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


# A reset at the begin of a method, once: the file `cut` is removed by it.
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
def test_a_reset_on_the_way_to_mode_safe_does_not_hide_that_both_copies_were_damaged(flash, module, name):
    files = firmware.files("unix")
    files["firmware_main.py"] = files["main.py"]
    files["main.py"] = CUT.format(module=module, name=name).encode()
    with instrument("unix", flash, files) as i:
        i.set_parameters(storage_delay=1)
        i.command("set_time", seconds=50_000, fraction=0)
        i.advance(30)
        latest_s, record = i.said[-1].time_s, max(records(i))
    for copy in (flash / "kept").glob("boot.?"):
        damage(copy)
    (flash / "cut").touch()
    with instrument("unix", flash, files) as i:
        assert mode(i) == "safe" and not (flash / "cut").exists()
        assert i.said[0].time_s > latest_s
        i.function("standby")
        i.advance(3)
        assert min(records(i)) > record


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


def test_commanded_resets_are_expected_without_a_flash_too(littlefs):
    with littlefs.instrument() as i:
        littlefs.fail(EROFS)
        for _ in range(6):
            i.advance(5)
            i.reboot(lambda: i.armed("reset"))
            assert i.next("housekeeping")["resets_in_row"] == 0 and mode(i) == "standby"
        i.reboot(lambda: i.target.stall(9))
        assert i.next("housekeeping")["resets_in_row"] == 1 and mode(i) == "standby"


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


RAISING = """
from fsw.health.storm import Storm

def raises(self, now):
    try:
        open("{flag}").close()
    except OSError:
        return turn(self, now)
    raise ValueError

turn = Storm.turn
Storm.turn = raises
"""


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


def test_a_table_is_loaded_once_it_is_on_flash(littlefs):
    with littlefs.instrument() as i:
        i.set_parameters(threshold_3=111)
        littlefs.fail(EROFS)
        before = value(i, "rates_period")
        heard = len(i.said)
        i.post("load_table", table="surface")
        i.advance(12)
        assert [p.name for p in i.said[heard:] if p.name.startswith("completion")] == ["completion_failure"]
        assert not i.events("table_loaded") and value(i, "rates_period") == before
        littlefs.fail(0)
        i.advance(12)
        i.command("load_table", table="surface")
        assert len(i.events("table_loaded")) == 1


def test_what_is_set_once_has_two_copies_and_a_copy_that_was_alone_is_both(flash):
    with instrument("unix", flash) as i:
        i.set_parameters(threshold_3=2222)
    first, second = sorted((flash / "kept").glob("parameters.?"))
    damage(first)
    with instrument("unix", flash) as i:
        assert value(i, "threshold_3") == 2222 and mode(i) == "standby"
    damage(first)
    second.unlink()
    with instrument("unix", flash) as i:
        assert i.events("parameters_damaged") == [(2, 0)] and mode(i) == "safe"


def test_mode_safe_and_a_reset_report_every_completion(flash):
    with instrument("unix", flash) as i:
        i.set_parameters(threshold_3=1)
        heard = len(i.said)
        for n in range(10):
            i.post("set_parameter", parameter="threshold_4", value=n)
        for function in ("safe", "arm", "reset"):
            i.post("function", function=function)
        i.advance(12)
        done = [p for p in i.said[heard:] if p.name == "completion_success"]
        assert len(done) == 13 and len(i.events("booted")) == 2


def test_a_crash_is_reported_once_also_if_the_flash_takes_nothing_since(littlefs, flash):
    flag = flash / "crash"
    with littlefs.instrument(RAISING.format(flag=flag)) as i:
        i.advance(5)
        flag.touch()
        i.until(lambda: len(i.events("booted")) > 1, 60)
        flag.unlink()
        littlefs.fail(EROFS)
        i.advance(5)
        told = len(i.events("crashed"))
        for _ in range(3):
            i.reboot(lambda: i.armed("reset"))
            i.advance(5)
        assert len(i.events("crashed")) == told


@pytest.mark.parametrize("copies", [1, 2])
def test_a_damaged_copy_is_written_anew(flash, copies):
    with instrument("unix", flash) as i:
        i.set_parameters(threshold_3=111)
        i.advance(11)
        i.set_parameters(threshold_3=112)
    newest = sorted((flash / "kept").glob("parameters.?"), key=lambda copy: copy.read_bytes()[:4])
    for copy in newest[:copies]:
        damage(copy)
    with instrument("unix", flash) as i:
        assert i.events("parameters_damaged") == [(copies, 0)]
        if copies == 2:
            i.function("standby")
        i.advance(1)
    with instrument("unix", flash) as i:
        assert not i.events("parameters_damaged")
        assert value(i, "threshold_3") == (112 if copies == 1 else 150)


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


@pytest.mark.parametrize(
    "name",
    [
        "-0000012",
        "+0000012",
        " 0000012",
        "0000_012",
        "FFFFFFFF",
        "0x000012",
        "fffffff0/",
        "ffffffff",
        "1ffffffff",
        "00000000c",
    ],
)
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


STUCK = f"""
import os
import fsw.store.segments

class Os:
    def __getattr__(self, name):
        return getattr(os, name)

    def remove(self, path):
        if path.endswith("/{{name}}"):
            raise OSError({{errno}})
        os.remove(path)

fsw.store.segments.os = Os()
try:
    open("{FLASH}/kept/store/0000ffff", "xb").close()
except OSError:  # there is no store yet
    pass
"""


def test_an_entry_that_cannot_be_removed_hides_no_other(littlefs):
    """A segment that power left empty, on a flash that takes nothing."""
    with littlefs.instrument() as i:
        i.set_parameters(housekeeping_period=1, storage_delay=1)
        i.advance(60)
        last = i.next("housekeeping")["store_last"]
    with littlefs.instrument(STUCK.format(name="0000ffff", errno=EROFS)) as i:
        hk = i.next("housekeeping")
        assert hk["store_first"] == 1 and hk["store_last"] >= last


def test_an_oldest_segment_that_cannot_be_removed_does_not_stop_storing(littlefs):
    with littlefs.instrument(STUCK.format(name="00000001", errno=EIO)) as i:
        i.set_parameters(housekeeping_period=1, rates_period=1)
        i.advance(120)
        last = i.next("housekeeping")["store_last"]
        i.command("delete_records", until=last)
        i.advance(300)
        assert i.next("housekeeping")["store_last"] > last
        assert len(i.events("flash_failed")) == 1


FULL = """
from fsw.health.faults import Failures
from fsw.store.packets import PacketStore

class Segments:
    numbers, bytes, bad, room = [1, 2, 3], 0, 0, {room}
    def find(self):
        pass
    def packets(self, number):
        return iter(())
    def size(self, number):
        return 16368
    def before(self, number):
        return 0
    def after(self, number):
        return 0
    def create(self, number, count):
        if not self.room:
            raise OSError(28)
        return open("/dev/null", "wb")
    def remove_oldest(self):
        self.numbers = self.numbers[1:]
        self.room = {makes_room}

segments = Segments()
store = PacketStore(segments, 60, 1, Failures(), bytearray(4096))
store.take_number()
store.append(bytes(300))
store.flush()
print(store.pending, segments.numbers)
"""


@pytest.mark.parametrize(
    "room, makes_room, told", [(True, False, "0 [1, 2, 3, 4]"), (False, True, "0 [2, 3, 4]"), (False, False, "300 [3]")]
)
def test_before_a_reset_a_full_flash_gives_up_a_segment_too(room, makes_room, told):
    assert run(FULL.format(room=room, makes_room=makes_room)).strip() == told


# -- a fault of the build ----------------------------------------------------------------------------------------------

UNBOUND = script("unbound")


def test_a_parameter_that_nobody_answers_for_leads_to_mode_safe_and_an_event():
    files = firmware.files("unix")
    files["firmware_main.py"], files["main.py"] = files["main.py"], UNBOUND.encode()
    with instrument("unix", files=files) as i:
        assert mode(i) == "safe"
        assert i.events("parameter_unbound") == [(DICTIONARY.parameters["time_interval"].id, 0)]
        assert i.events("safe") == [(REASONS["parameters"], 0)]
        assert i.housekeeping.fields["boot_count"] == 1


@pytest.mark.parametrize("without", [(), tuple(DICTIONARY.optional)])
def test_every_parameter_has_somebody_who_answers_for_it(without):
    with instrument("unix", files=firmware.files("unix", without=without)) as i:
        assert mode(i) == "standby" and not i.events("parameter_unbound")
