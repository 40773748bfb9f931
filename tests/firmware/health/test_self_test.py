"""The self-test: the bits of its event name what failed."""

import pytest
from dorn.image import firmware
from support.instrument import both_if_long, instrument, refused

SLOW_CONTROL, FLASH, FILES = 2, 4, 8


def self_test(i):
    """-> bits of the failures, 0 for none"""
    before = len(i.events("self_test")), len(i.events("self_test_failed"))
    i.function("self_test", 20)
    passed, failed = i.events("self_test")[before[0] :], i.events("self_test_failed")[before[1] :]
    assert len(passed) + len(failed) == 1
    return failed[0][0] if failed else passed[0][0]


@both_if_long
def test_a_healthy_instrument_passes_also_just_after_boot(where):
    with instrument(where) as i:
        assert self_test(i) == 0
        i.reboot(i.target.power_cycle)
        assert self_test(i) == 0
        i.advance(12)
        assert i.last("housekeeping")["task_failures"] == 0


@pytest.mark.parametrize("device", ["dac", "adc", "expander"])
def test_a_slow_control_device_that_does_not_answer(device):
    with instrument("unix") as i:
        getattr(i.target.slow_control, device).answers = False
        assert self_test(i) == SLOW_CONTROL
        getattr(i.target.slow_control, device).answers = True
        assert self_test(i) == 0


@pytest.mark.parametrize("change", ["an octet", "missing", "longer", "no manifest"])
def test_a_file_that_differs_from_the_manifest(change):
    files, path = firmware.files("unix"), "fsw/health/storm.py"
    if change == "no manifest":
        del files["manifest"]
    elif change == "missing":
        path = "README"  # not imported
        files["manifest"] += b"0" * 64 + b" " + path.encode() + b"\n"
    else:
        files[path] = files[path].replace(b"Storm mode", b"Storm Mode" if change == "an octet" else b"Storm  mode", 1)
    with instrument("unix", files=files) as i:
        assert self_test(i) == FILES


def test_a_flash_that_cannot_be_written(tmp_path):
    with instrument("unix", tmp_path) as i:
        assert self_test(i) == 0
        (tmp_path / "kept" / "test").mkdir()  # the path of its test file
        assert self_test(i) == FLASH
        (tmp_path / "kept" / "test").rmdir()
        assert self_test(i) == 0


def test_all_failures_are_reported_together():
    files = firmware.files("unix")
    del files["manifest"]
    with instrument("unix", files=files) as i:
        i.target.slow_control.dac.answers = False
        assert self_test(i) == SLOW_CONTROL | FILES


def test_the_self_test_disturbs_neither_bias_nor_temperatures():
    with instrument("unix") as i:
        i.set("bias", 5000)
        i.armed("bias_on")
        i.until(lambda: i.events("bias_reached"), 20)
        for _ in range(8):
            assert self_test(i) == 0
            i.advance(0.7)
        i.advance(3)
        assert i.target.slow_control.bias_mv == 5000 and not i.events("bias_tripped")
        assert i.target.head.fates.injected == 0  # no test pulse was fired


def test_the_self_test_runs_in_standby_only():
    with instrument("unix") as i:
        i.start()
        refused(i, "wrong_mode", "function", function="self_test")
