"""Comparator thresholds from telecommand to head: over the emulated I2C bus, and on the unix port."""

import contextlib

import pytest
from dorn.dictionary import Dictionary
from dorn.head.front_end import DEFAULT_COMPARATOR_MV, MV_PER_MEV, FrontEnd, Head
from dorn.session import CommandFailed, Session
from dorn.targets import open_target
from support import chip

TARGETS = ("unix", "rp2040")
EIO, ETIMEDOUT = 5, 110
FRONT, BACK = range(0, 16, 2), range(1, 16, 2)
PULSES = 3  # of each energy in each detector


@contextlib.contextmanager
def instrument(name, prepare=lambda target: None, **front_end):
    """A session after power-on and `prepare(target)`; the comparators start at levels other than the default."""
    head = Head(FrontEnd(**front_end))
    head.comparators(70, 80)
    with chip.open_chip(head=head) if name == "rp2040" else open_target(name, head) as target:
        prepare(target)
        events = []
        session = Session(target, lambda packet: events.append(packet) if "event" in packet.fields else None)
        session.events = events
        session.connect()
        yield session


def record(session, *energies_kev):
    """Play pulses of these energies in all detectors in turn. -> the rates packet after them"""
    session.command("function", function="start")
    energies = [energy for energy in energies_kev for _ in range(16 * PULSES)]
    session.target.inject((i * 1_000_000, i % 16, energy) for i, energy in enumerate(energies))
    session.advance(0.5 + 0.001 * len(energies))
    rates = session.wait_for(
        lambda packet: packet.name == "rates",
        2,
        begin=lambda: session.set_parameters(kept=False, rates_period=1),
    )
    session.command("function", function="stop")
    return rates


def test_default_comparators_equal_the_default_threshold_of_300_kev():
    dictionary = Dictionary.load()
    instrument = dictionary.instrument
    code = dictionary.parameters["threshold_0"].default
    assert (code - instrument["zero_code"]) * instrument["kev_per_code"] == 300
    for name in ("comparator_front", "comparator_back"):
        assert dictionary.parameters[name].default == DEFAULT_COMPARATOR_MV == 0.3 * MV_PER_MEV
        assert dictionary.parameters[name].high < 2048  # DAC reference, mV
    full_scale_kev = (instrument["full_scale_code"] - instrument["zero_code"]) * instrument["kev_per_code"]
    assert full_scale_kev * MV_PER_MEV / 1000 < dictionary.parameters["comparator_front"].high


@pytest.mark.parametrize("name", TARGETS)
def test_pulses_below_300_kev_never_reach_the_firmware(name):
    with instrument(name) as session:
        rates = record(session, 250, 299, 302, 400)
        assert rates.fields["accepted"] == [2 * PULSES] * 16
        assert rates.fields["events"] == 2 * 16 * PULSES
        assert not any(rates.fields["below_threshold"])  # counted by the firmware, not the comparator
        fates = session.target.head.fates
        assert (fates.below_threshold, fates.delivered) == (2 * 16 * PULSES, 2 * 16 * PULSES)
        assert not any(event.text("event") == "slow_control_failed" for event in session.events)


@pytest.mark.parametrize("name", TARGETS)
@pytest.mark.parametrize("side, deaf, keen", [("front", FRONT, BACK), ("back", BACK, FRONT)])
def test_each_side_is_set_separately_and_keeps_its_level(name, side, deaf, keen):
    with instrument(name) as session:
        session.command("set_parameter", parameter=f"comparator_{side}", value=90)  # 600 keV
        rates = record(session, 400, 598, 602)
        assert [rates.fields["accepted"][d] for d in deaf] == [PULSES] * 8
        assert [rates.fields["accepted"][d] for d in keen] == [3 * PULSES] * 8
        assert session.target.head.fates.below_threshold == 2 * 8 * PULSES
        other = "back" if side == "front" else "front"
        session.set_parameters(kept=False, **{f"comparator_{other}": 2000})
        session.advance(0.1)  # until it is written to the DAC
        expected = {side: 90, other: 2000}
        assert session.target.head.comparator_mv == (expected["front"], expected["back"])


@pytest.mark.parametrize("name", TARGETS)
def test_without_the_dac_the_instrument_works_and_reports_it(name):
    def absent(target):
        target.slow_control.dac.answers = False

    with instrument(name, absent) as session:
        (failed,) = (event for event in session.events if event.text("event") == "slow_control_failed")
        assert (failed.name, failed.fields["a"]) == ("event_medium", EIO)
        with pytest.raises(CommandFailed, match=rf"completion_failure: internal \(detail {EIO}\)"):
            session.command("set_parameter", parameter="comparator_front", value=90)
        value = session.wait_for(
            lambda packet: packet.name == "parameter_value",
            5,
            begin=lambda: session.command("report_parameter", parameter="comparator_front"),
        )
        assert value.fields["value"] == 45
        assert session.target.head.comparator_mv == (70, 80)
        rates = record(session, 460, 540)  # levels at power-up: 467 and 533 keV
        assert [rates.fields["accepted"][d] for d in (0, 1)] == [PULSES] * 2
        # the DAC answers again: setting a parameter to its present value still writes it
        session.target.slow_control.dac.answers = True
        session.command("set_parameter", parameter="comparator_front", value=45)
        assert session.target.head.comparator_mv == (45, 45)


def test_a_comparator_may_have_an_offset():
    offsets = [0.0] * 15 + [50.0]
    with instrument("unix", comparator_offset_kev=tuple(offsets)) as session:
        assert record(session, 340).fields["accepted"] == [PULSES] * 15 + [0]


def silent(target):
    """The clock line is held low: no byte completes."""
    target.mcu.i2c[1].on_connect = lambda address, mode: None


def deaf_after_two(target):
    """The DAC acknowledges only its address and two bytes."""
    write, taken = target.slow_control.dac.write, []
    target.slow_control.dac.write = lambda value: len(taken) < 2 and write(value) and not taken.append(value)


def elsewhere(target):
    target.slow_control.dac.ADDRESS = 0x61


@pytest.mark.parametrize("wrong, errno", [(silent, ETIMEDOUT), (deaf_after_two, EIO), (elsewhere, EIO)])
def test_no_bus_fault_blocks_the_chip(wrong, errno):
    with instrument("rp2040", wrong) as session:
        (failed,) = (event for event in session.events if event.text("event") == "slow_control_failed")
        assert failed.fields["a"] == errno
        assert session.housekeeping.fields["uptime_ms"] < 1500
        with pytest.raises(CommandFailed, match=rf"completion_failure: internal \(detail {errno}\)"):
            session.command("set_parameter", parameter="comparator_back", value=90)
        session.command("ping")
        assert session.target.resets == 0


def test_boot_takes_less_than_1500_ms():
    with instrument("rp2040") as session:
        assert session.target.now_us < 1_500_000
