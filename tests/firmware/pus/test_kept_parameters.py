"""Parameters on flash: two copies, written at most every ten seconds; completion is reported after the write."""

import struct

import pytest
from support.instrument import instrument
from support.kept import EROFS, damage, mode


def test_a_flood_of_parameters_is_written_at_most_every_ten_seconds(littlefs):
    """Changes take effect at once and are reported when on flash; if too many are pending, some are refused."""
    with littlefs.instrument() as i:
        i.command("disable_storage")
        i.advance(70)  # pending data is written
        before, begin_us, received = littlefs.operations, i.target.now_us, len(i.received)
        i.set_parameters(rates_period=1)
        first = littlefs.operations - before
        assert first and i.target.now_us - begin_us < 1e6
        for n in range(100):
            i.post("set_parameter", parameter="threshold_3", value=n)
            i.advance(0.3)
        i.advance(11)
        done = len([p for p in i.received[received:] if p.name == "completion_success"])
        refused = [p.text("failure") for p in i.received[received:] if p.name == "start_failure"]
        writes = (i.target.now_us - begin_us) / 10e6 + 1
        assert littlefs.operations - before <= first * writes + 2
        assert done + len(refused) == 101 and set(refused) == {"no_room"}
        i.set_parameters(threshold_3=777)
        i.reboot(i.target.power_cycle)
        assert i.value("threshold_3") == 777


def test_parameters_that_cannot_be_written_are_reverted_and_each_is_reported(littlefs):
    with littlefs.instrument() as i:
        i.set_parameters(threshold_3=111, threshold_4=222)
        littlefs.fail(EROFS)
        received = len(i.received)
        i.set("threshold_3", 5)
        i.set("threshold_4", 6)
        i.command("dump_memory", region="thresholds", offset=6, count=4)
        i.advance(11)
        assert len([p for p in i.received[received:] if p.name == "completion_failure"]) == 2
        assert (i.value("threshold_3"), i.value("threshold_4")) == (111, 222)
        i.command("dump_memory", region="thresholds", offset=6, count=4)
        before, after = (struct.unpack("<2H", bytes(p.fields["data"])) for p in i.received if p.name == "memory_dump")
        assert (before, after) == ((5, 6), (111, 222))  # reverted


def test_a_table_load_completes_once_it_is_on_flash(littlefs):
    with littlefs.instrument() as i:
        i.set_parameters(threshold_3=111)
        littlefs.fail(EROFS)
        before = i.value("rates_period")
        received = len(i.received)
        i.post("load_table", table="surface")
        i.advance(12)
        assert [p.name for p in i.received[received:] if p.name.startswith("completion")] == ["completion_failure"]
        assert not i.events("table_loaded") and i.value("rates_period") == before
        littlefs.fail(0)
        i.advance(12)
        i.command("load_table", table="surface")
        assert len(i.events("table_loaded")) == 1


@pytest.mark.parametrize("failure", [0, EROFS])
def test_a_parameter_set_before_a_table_is_written_is_written_with_it(littlefs, failure):
    with littlefs.instrument() as i:
        i.set_parameters(threshold_3=111)
        i.advance(11)
        before, received = i.value("rates_period"), len(i.received)
        littlefs.fail(failure)
        i.post("load_table", table="surface")
        i.post("set_parameter", parameter="threshold_3", value=5)
        i.advance(12)
        done = [p.name for p in i.received[received:] if p.name.startswith("completion")]
        assert done == 2 * ["completion_failure" if failure else "completion_success"]
        assert len(i.events("table_loaded")) == (not failure)
        assert i.value("threshold_3") == (111 if failure else 5)
        assert (i.value("rates_period") == before) == bool(failure)


def test_a_parameter_set_once_has_two_copies_and_a_missing_copy_is_restored(flash):
    with instrument("unix", flash) as i:
        i.set_parameters(threshold_3=2222)
    first, second = sorted((flash / "kept").glob("parameters.?"))
    damage(first)
    with instrument("unix", flash) as i:
        assert i.value("threshold_3") == 2222 and mode(i) == "standby"
    damage(first)
    second.unlink()
    with instrument("unix", flash) as i:
        assert i.events("parameters_damaged") == [(2, 0)] and mode(i) == "safe"


def test_safe_and_a_reset_report_every_pending_completion(flash):
    with instrument("unix", flash) as i:
        i.set_parameters(threshold_3=1)
        received = len(i.received)
        for n in range(10):
            i.post("set_parameter", parameter="threshold_4", value=n)
        for function in ("safe", "arm", "reset"):
            i.post("function", function=function)
        i.advance(12)
        done = [p for p in i.received[received:] if p.name == "completion_success"]
        assert len(done) == 13 and len(i.events("booted")) == 2


@pytest.mark.parametrize("copies", [1, 2])
def test_a_damaged_copy_is_rewritten(flash, copies):
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
        assert i.value("threshold_3") == (112 if copies == 1 else 150)


@pytest.mark.parametrize("end", ["safe", "reset"])
def test_safe_and_a_commanded_reset_write_pending_parameters(littlefs, end):
    with littlefs.instrument() as i:
        i.set_parameters(threshold_3=111)
        i.set("threshold_4", 222)
        if end == "safe":
            i.function("safe")
        else:
            i.reboot(lambda: i.armed("reset"))
        i.reboot(i.target.power_cycle)
        assert i.value("threshold_4") == 222
