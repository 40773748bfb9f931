"""Self-check of the emulated Pico: each workaround for a limitation of the emulator works, and is needed.

A workaround that is no longer needed can be removed; one that stops working is detected here, not in a measurement.
"""

import time

import pytest
from dorn.errors import UserError
from dorn.head.front_end import FrontEnd, Head
from dorn.session.instrument import Instrument
from dorn.study import recording
from dorn.targets import emulate, pico_flash
from dorn.targets.rp2040 import Rp2040Target
from dorn.targets.rp2040_head import HeadPins
from support import chip, host_time
from support.onboard import script

WRITES = script("flash_writes")
MISSING = script("missing_host")
UNIQUE_ID = script("unique_id")


def dead_us():
    """Dead time of an event, from 300 double pulses 4.48 to 4.78 us apart, of which the second pulse may be lost."""
    head = Head(FrontEnd(width_ns=2500))
    gaps_ns = range(4480, 4780, 1)
    with chip.open_chip(None, head) as target:
        i = Instrument(target)
        i.connect()
        i.start()
        particles = [
            (k * 200_000 + late, d, 3000.0) for k, gap in enumerate(gaps_ns, 1) for late, d in ((0, 0), (gap, 1))
        ]
        target.inject(particles)
        i.advance(0.065)
        i.stop()
    return (gaps_ns.start + head.fates.lost_dead_time) / 1000


def test_dead_time_is_right_while_the_cpu_sleeps(monkeypatch):
    assert dead_us() == pytest.approx(4.64, abs=0.03)
    monkeypatch.setattr(HeadPins, "busy", lambda self: False)
    monkeypatch.setattr(HeadPins, "edge_is_near", lambda self: False)
    assert dead_us() != pytest.approx(4.64, abs=0.03)


def took_us():
    return int(chip.run(WRITES).partition("TOOK ")[2].split()[0])


def test_the_flash_takes_its_real_time(monkeypatch):
    """20 kB take five sector erases, 80 page programs, and more for the file system itself."""
    least_us = 1e6 * (5 * pico_flash.SECTOR_ERASE_S + 79 * pico_flash.PAGE_PROGRAM_S)
    assert least_us < took_us() < least_us + 3e6 * pico_flash.SECTOR_ERASE_S
    monkeypatch.setattr(pico_flash, "busy_s", lambda before, after: 0.0)
    assert took_us() < least_us / 5


def test_a_device_that_does_not_answer_is_an_error():
    assert chip.run(MISSING, limit_s=5).count("ERRNO") == 2


def unique_id(given=None):
    with chip.open_chip(UNIQUE_ID, unique_id=given) as target:
        return target.unique_id, int(chip.until_prompt(target, 5.0).partition(b"ID ")[2].split()[0], 16)


def test_the_flash_has_a_unique_id(monkeypatch):
    """At start, MicroPython reads the id that the target was given or has drawn, which differs between targets."""
    (one, read_one), (two, read_two) = unique_id(), unique_id()
    assert one == read_one != two == read_two
    assert unique_id(0x0102030405060708) == (0x0102030405060708,) * 2
    monkeypatch.setattr(pico_flash, "Identity", lambda mcu, unique_id: None)
    assert unique_id()[1] == 2**64 - 1


def test_the_flash_is_saved_while_the_board_runs(tmp_path):
    """The image survives `kill -9` of `dorn emulate`: nothing is closed here."""
    target, end_s = chip.open_chip(flash=tmp_path), time.monotonic() + 60
    image = Rp2040Target.image_in(tmp_path)

    def stopped():
        assert time.monotonic() < end_s
        return target.flash.operations > 20 and target._kept == target.flash.operations  # the first boot writes more

    emulate.serve(target, {"usb": emulate.PseudoTerminal()}, stopped)
    assert image.read_bytes() == target.flash.contents()
    target._lock.close()  # as when the process ends
    target._device.stop()
    with chip.open_chip(flash=tmp_path) as again:
        i = Instrument(again)
        assert i.connect().fields["boot_count"] == 2


def test_a_damaged_image_is_rejected(tmp_path):
    chip.required()
    Rp2040Target.image_in(tmp_path).write_bytes(b"damaged")
    with pytest.raises(UserError, match="has 7 octets, not 1441792"):
        Rp2040Target(flash=tmp_path)


def run(link):
    """What the board sends while it counts, with the times, and its memory at the end."""
    with chip.open_chip(link=link) as target:
        i = Instrument(target)
        i.connect()
        i.start()
        for _ in range(30):
            i.post("ping")
        target.inject(recording.flat(through=0.2).particles(200, 1, 1))
        return host_time.sent(target, 1), bytes(target.mcu.sram)


@pytest.mark.parametrize("link", ["usb", "uart"])
def test_a_run_does_not_depend_on_the_speed_of_the_host(monkeypatch, link):
    fast, slow = host_time.both(monkeypatch, lambda: run(link))
    assert fast == slow
