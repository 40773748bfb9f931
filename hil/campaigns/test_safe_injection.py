"""A call raises an exception on entry into SAFE, in a commanded reset or in the reset after a crash: whichever call it
is, the bias of the simulated supply is off within 3 s, by command or because the I2C bus falls silent."""

import contextlib
from pathlib import Path

import pytest
from dorn.head.slow_control import HOLD_S
from dorn.image import firmware
from dorn.session.instrument import Instrument
from dorn.targets import TargetError
from dorn.targets.unix import UnixTarget

ONBOARD = Path(__file__).parent / "onboard"
WAYS = ("Modes.safe", "Parts.restart", "crash")
SHORT = 6  # calls tested per sequence, evenly spread
OFF_S = 3.0
STEP_S = 0.1


def files():
    out = firmware.files("unix")
    out["firmware_main.py"] = out["main.py"]
    out["main.py"] = (ONBOARD / "raising.py").read_bytes()
    return out


@pytest.fixture(autouse=True)
def room(monkeypatch):
    """Extra heap for the wrapper of every function."""
    monkeypatch.setattr("dorn.targets.unix.HEAP_KB", 1024)


@contextlib.contextmanager
def biased(folder, way, raise_at):
    """An acquiring instrument with bias on, in which call number `raise_at` of `way` will raise."""
    folder.mkdir()
    (folder / "arm_at").write_text(way)
    (folder / "raise_at").write_text(str(raise_at))
    with UnixTarget(flash=folder, files=files()) as target:
        i = Instrument(target)
        i.connect()
        i.set("bias", 2500)
        i.start()
        i.armed("bias_on")
        i.until(lambda: bool(i.events("bias_reached")), 20)
        assert target.slow_control.bias_mv > 0
        yield i


def end(i, folder, way):
    """Trigger `way`; -> seconds from its first call until the bias is off."""
    if way == "Modes.safe":
        i.post("function", function="safe")
    elif way == "Parts.restart":
        i.post("function", function="arm")
        i.post("function", function="reset")
    else:
        (folder / "crash").touch()
    supply, armed_us = i.target.slow_control, None
    while armed_us is None or supply.bias_mv:
        try:
            i.advance(STEP_S)
        except TargetError:  # the firmware has ended, as at the REPL of a board: no more I2C traffic
            return HOLD_S
        if (folder / "armed").exists():
            (folder / "crash").unlink(missing_ok=True)
            armed_us = armed_us or i.target.now_us
            assert i.target.now_us - armed_us < 1e6 * OFF_S
    return (i.target.now_us - armed_us) / 1e6


@pytest.mark.parametrize("way", WAYS)
def test_the_bias_is_off_whichever_call_raises(way, long, totals, tmp_path):
    with biased(tmp_path / "none", way, 0) as i:
        end(i, tmp_path / "none", way)
        i.advance(1)
    calls = int((tmp_path / "none" / "armed").read_text())
    assert calls > 20
    slowest_s = 0.0
    chosen = range(1, calls + 1) if long else range(1, calls + 1, calls // SHORT)
    for raise_at in chosen:
        folder = tmp_path / str(raise_at)
        with biased(folder, way, raise_at) as i:
            slowest_s = max(slowest_s, end(i, folder, way))
    totals(f"{way}: an exception at {len(chosen)} of {calls} calls, the bias off within {slowest_s:.1f} s each time")
