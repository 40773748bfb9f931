"""Only on the chip: the maintenance window, the watchdog, rings that keep running while the CPU is halted."""

import random

import pytest
from dorn.head.front_end import FrontEnd, Head
from dorn.targets import pico_flash
from particles import poisson, regular
from support import chip
from support.instrument import DICTIONARY, Instrument, instrument, play

WINDOW_S = 0.5
WATCHDOG = DICTIONARY.enums["reset_cause"]["watchdog"]


def test_control_c_in_the_window_gives_the_repl_and_nothing_runs():
    with chip.open_chip() as target:
        target.advance(0.4)
        target.send(b"\x03")
        assert b"maintenance" in chip.until_prompt(target, 1.0)
        target.advance(10)  # longer than the watchdog timeout
        target.send(b"print(6 * 7)\r\n")
        assert b"42" in chip.until_prompt(target, 1.0) and target.resets == 0


def test_firmware_built_for_another_board_reports_it_and_ends_at_the_prompt():
    files = chip.broken("boards/pico/constants.py", "Raspberry Pi Pico with", "Raspberry Pi Pico W with")
    with chip.open_chip(files=files) as target:
        output = chip.until_prompt(target, 2.0)
        assert b"built for Raspberry Pi Pico W with RP2040, not for Raspberry Pi Pico with RP2040" in output


def test_after_the_window_no_byte_stops_the_firmware():
    with instrument("rp2040") as i:
        for n in range(3):
            i.target.send(b"\x03\x03\r\x01\x04\x02\x00" + bytes([n]) * 100)
            i.advance(0.2)
        i.target.send(b"\0")
        i.command("ping")
        assert i.target.resets == 0


def test_a_stall_shorter_than_the_ring_loses_nothing():
    with instrument("rp2040") as i:
        i.start()
        i.target.inject(poisson(10_000, 0.3, 1))
        i.advance(0.05)
        i.target.hardware(0.1)  # 1000 events while the CPU is halted
        i.advance(0.2)
        rates, fates = i.stop(), i.target.head.fates
        assert fates.delivered == sum(rates["accepted"]) > 2500
        assert rates["gap_us"] == rates["overrun_hits"] == 0


COLLECTING = ("fsw/executive.py", "if memory.garbage[0] >= self._most:", "if self.cycles % 8 == 0:")


def test_an_interrupt_reads_the_rings_while_garbage_is_collected():
    """At this rate they fill in less time than a collection takes; here, garbage is collected in every eighth cycle."""
    with instrument("rp2040", files=chip.broken(*COLLECTING), width_ns=3000) as i:
        i.start()
        play(i, regular(15_000, 6_667))
        rates, fates = i.stop(), i.target.head.fates
        assert fates.delivered == sum(rates["accepted"]) == 15_000
        assert rates["gap_us"] == rates["overrun_hits"] == 0


def test_a_late_interrupt_reads_no_more_conversions_than_can_be_summed():
    """Interrupts 8 ms apart: events of 16 hits arrive while the kernel reads nearly full rings."""
    late = ("boards/rp2/event_builder.py", "_INTERVAL_MS = const(4)", "_INTERVAL_MS = const(8)")
    events = [(45_000 * n, d, 5000.0) for n in range(1, 3001) for d in range(16)]
    with instrument("rp2040", files=chip.broken(*COLLECTING, late)) as i:
        i.start()
        play(i, events)
        rates, fates = i.stop(), i.target.head.fates
        assert fates.delivered == sum(rates["accepted"]) + rates["overrun_hits"]
        dead_us = rates["real_us"] - rates["live_us"]
        assert dead_us / rates["events"] == pytest.approx(41.72, abs=0.1)


UNATTENDED = """
import time
from array import array
from boards import open_board
from fsw.spectra import kernel as k

events = open_board().events
state = array("I", bytes(4 * k.STATE))
state[k.MASK], state[k.AMPLITUDE_MASK] = events.mask, events.amplitude_mask
arrays = [array("H", bytes(32)), array("I", bytes(256))] + [array("H", bytes(1024)) for _ in range(3)]
events.sorter(state, *arrays)


def read():
    events.unattended(True)
    begin = time.ticks_us()
    while time.ticks_diff(time.ticks_us(), begin) < 10_000:
        pass
    events.unattended(False)
    return state[k.EVENTS_READ]


events.start(0)
time.sleep_ms(10)
print("before", state[k.EVENTS_READ])
print("running", read())  # the mark of the start
at = 4 * state[k.READ]
events.tails[at : at + 4 * 700] = b"\\0\\0\\0\\x20" * 700
state[k.STATUS] = k.SLIPPED
print("status", read())
state[k.STATUS] = 0
events.unattended(True)
time.sleep_us(6000)  # a single interrupt
events.unattended(False)
print("many", state[k.EVENTS_READ])
at = 4 * state[k.READ]
events.stamps[at : at + 4] = (time.ticks_us() + 100_000).to_bytes(4, "little")
events.tails[at : at + 4] = b"\\0\\0\\0\\x20"
print("later", read())
events.stop()
at = 4 * state[k.READ]
events.tails[at : at + 4] = b"\\0\\0\\0\\x20"
print("stopped", read())
"""


def test_an_interrupt_reads_all_there_is_but_nothing_later_nor_after_a_stop_or_a_status():
    """One event is the mark of the start; 700 are more than the kernel reads in a call."""
    lines = chip.run(UNATTENDED).split("\n")
    assert lines[-6:] == ["before 0", "running 1", "status 1", "many 701", "later 701", "stopped 701"]


@pytest.mark.parametrize(
    "particles", [regular(60_000, 8_000), poisson(80_000, 0.4, 2, pairs=0.8)], ids=["regular", "pairs"]
)
def test_an_overrun_is_accounted_for_as_time_and_hits(particles):
    with instrument("rp2040", width_ns=3000) as i:
        i.start()
        i.target.inject(particles)
        i.advance(0.05)
        before_us = i.target.now_us
        i.target.hardware(0.06)  # more events than the rings hold
        stalled_us = i.target.now_us - before_us
        i.advance(0.4)
        i.target.head.cut()
        i.advance(0.01)
        rates, fates = i.stop(), i.target.head.fates
        ((gap_us, hits),) = i.events("ring_overrun")
        assert stalled_us < gap_us < stalled_us + 30_000
        assert (rates["gap_us"], rates["overrun_hits"]) == (gap_us, hits)
        assert fates.delivered == sum(rates["accepted"]) + hits
        acquiring_us = i.reported_at_us("acquisition_stopped") - i.reported_at_us("acquisition_started")
        assert rates["real_us"] + gap_us == pytest.approx(acquiring_us, abs=5000)


def test_events_do_not_depend_on_whether_the_cpu_sleeps_or_is_stalled():
    """The workaround for the emulator's sleeping CPU must not change which pulses are recorded."""
    fates = []
    for held in (False, True):
        head = Head(FrontEnd())
        with chip.open_chip(None, head) as target:
            i = Instrument(target)
            i.connect()
            i.start()
            target.inject(poisson(5_000, 0.1, 7, pairs=0.3))
            if held:
                target.hardware(0.11)
            else:
                i.advance(0.11)
            i.stop()
            fates.append(head.fates)
    asleep, held = fates
    assert asleep.injected == held.injected and held.lost_dead_time > 3
    assert abs(asleep.delivered - held.delivered) <= 4  # some events occur while the CPU is awake


def test_a_flash_write_while_counting_is_only_a_stall():
    """The ring holds all events of one erase; with many consecutive erases the loss is accounted for."""
    files = chip.broken(
        "fsw/pus/rates.py",
        "        s = a.state\n",
        '        with open("/file", "wb") as f:\n            for _ in range(12):\n                f.write(bytes(250))\n'
        "        s = a.state\n",
    )
    head = Head(FrontEnd())
    with chip.open_chip(None, head, files=files) as target:
        i = Instrument(target)
        i.connect()
        i.start()
        play(i, poisson(5_000, 5.5, 8))
        rates = i.stop()
        assert target.stalled_s > pico_flash.SECTOR_ERASE_S
        assert head.fates.delivered == sum(rates["accepted"]) + rates["overrun_hits"]
        assert rates["overrun_hits"] == rates["gap_us"] == 0


def test_an_overrun_detected_at_the_stop_restarts_nothing():
    """150 ms pass between command and stop: the ring overruns, and the loss is accounted for."""
    files = chip.broken(
        "fsw/health/modes.py",
        " and not acquiring:\n            self._acquisition.stop()\n",
        " and not acquiring:\n            import time\n\n            time.sleep_ms(150)\n"
        "            self._acquisition.stop()\n",
    )
    head = Head(FrontEnd())
    with chip.open_chip(None, head, files=files) as target:
        i = Instrument(target)
        i.connect()
        target.inject(regular(200_000, 50_000))  # 20 kcps, before the start and after the stop
        i.start()
        i.advance(0.1)
        rates = i.stop()
        head.cut()
        ((gap_us, hits),) = i.events("ring_overrun")
        assert 140_000 < gap_us == rates["gap_us"] and hits == rates["overrun_hits"]
        assert rates["events"] == pytest.approx(rates["real_us"] / 50, abs=3)
        # every pulse is counted or accounted for: none was recorded after the lines were switched off
        assert rates["events"] + hits == pytest.approx((rates["real_us"] + gap_us) / 50, abs=3)
        spectra = {p.fields["detector"]: p.fields for p in i.received if p.name == "spectrum"}
        assert {f["real_us"] for f in spectra.values()} == {rates["real_us"]}


def test_a_flood_of_bytes_delays_nothing():
    """20 kB as fast as the port accepts them: no task overrun, no reset, no loss, and telecommands still work."""
    with instrument("rp2040") as i:
        i.start()
        i.target.inject(poisson(1_000, 2.0, 3))
        i.target.send(random.Random(4).randbytes(20_000) + b"\0")
        i.advance(2.1)
        i.command("ping", limit_s=10)
        rates = i.stop()
        hk = i.next("housekeeping")
        assert i.target.resets == 0 and hk["task_overruns"] == 0 and hk["frames_bad"] > 10
        assert i.target.head.fates.delivered == sum(rates["accepted"])


def test_a_host_that_does_not_read_delays_nothing():
    """For 7 s the host does not read the USB port: all events are counted, dropped packets are counted."""
    with instrument("rp2040") as i:
        i.set("rates_period", 1)
        i.start()
        i.target.inject(poisson(500, 8.0, 5))
        i.advance(1)
        usb = i.target.mcu.usb_ctrl
        delay_us, usb.write_delay_microseconds = usb.write_delay_microseconds, 8_000_000
        i.advance(7)
        usb.write_delay_microseconds = delay_us
        i.advance(9)
        rates = i.stop()
        hk = i.next("housekeeping")
        assert rates["gap_us"] == hk["task_overruns"] == 0 and hk["packets_dropped"] > 0
        assert i.target.head.fates.delivered == sum(rates["accepted"])
        assert i.sequence_gaps > 0
