"""The flight link on the emulated chip: short stalls lose no data, and data lost in long stalls are counted."""

import pytest
from dorn.head.front_end import FrontEnd, Head
from dorn.image import firmware
from dorn.link import frames
from dorn.util.paths import onboard_root
from particles import poisson
from support import chip
from support.instrument import DICTIONARY, Instrument

BAUD = 921_600
PASS = "_PASS = const(1 << 27)"


def open_instrument(files=None):
    return chip.open_chip(None, Head(FrontEnd()), files=files, link="uart")


def pings(n, first=1000):
    """Telecommands that request a completion report, and their request ids."""
    wanted = {0xC000 | first + k for k in range(n)}
    return b"".join(frames.encode(DICTIONARY.encode("ping", first + k)) for k in range(n)), wanted


def completed(i):
    return {p.fields["request_sequence"] for p in i.received if p.name == "completion_success"}


def answered(i, wanted):
    """Check that all telecommands are answered within 5 s."""

    def here():
        i.pump()
        return wanted <= completed(i)

    i.target.wait_for(here, 5)


@pytest.fixture
def instrument():
    with open_instrument() as target:
        i = Instrument(target)
        i.connect()
        yield i


def test_a_45_ms_stall_loses_no_byte_in_either_direction(instrument):
    i = instrument
    data, wanted = pings(230)
    assert len(data) > BAUD / 10 * 0.045  # at full line rate during and after the stall
    i.set("integration_time", 1)
    i.start()
    i.target.inject(poisson(20_000, 1.3, 1))
    i.advance(1.01)  # spectra are being sent
    i.target.send(data)
    i.advance(0.001)
    i.target.stall(0.045)
    answered(i, wanted)
    rates = i.stop()
    hk = i.next("housekeeping")
    assert hk["frames_bad"] == hk["packets_dropped"] == i.sequence_gaps == i.crc_errors == 0
    assert sum(rates["accepted"]) == i.target.head.fates.delivered > 20_000 and rates["overrun_hits"] == 0
    assert sum(i.counts().values()) == rates["front"] + rates["back"]


def test_the_loss_of_a_long_stall_is_counted_and_the_link_recovers(instrument):
    i = instrument
    data, wanted = pings(1000)  # 0.3 s of bytes; the ring holds 89 ms
    i.target.send(data)
    i.advance(0.00002)  # before the firmware reads: this stall may interrupt a copy, which a flash write cannot
    i.target.stall(0.25)
    i.advance(4.0)  # telecommands in the ring are executed
    lost = len(wanted - completed(i))
    assert 0 < lost < len(wanted)
    hk = i.next("housekeeping")
    assert hk["frames_bad"] > 0
    octets = len(data) // len(wanted)
    assert 0 <= lost * octets - hk["uplink_lost"] <= 2 * octets * hk["frames_bad"], "a damaged frame merges two"
    i.until(lambda: i.events("uplink_overrun"), 11)
    assert i.events("uplink_overrun") == [(hk["uplink_lost"], hk["uplink_lost"])]
    i.target.send(b"\0")
    i.command("ping")


def test_the_two_dma_channels_alternate_indefinitely():
    """With a DMA transfer of one ring instead of 2**27 bytes the channels alternate every 89 ms."""
    path = "boards/rp2/uart.py"
    source = (onboard_root() / path).read_text()
    assert source.count(PASS) == 1
    files = firmware.files("pico", changed={path: source.replace(PASS, "_PASS = const(1 << 13)")})
    with open_instrument(files) as target:
        i = Instrument(target)
        i.connect()
        sent, asked = 0, set()
        while sent < 5 << 13:
            data, wanted = pings(10, 1000 + len(asked))
            data += bytes(1000)  # an idle line
            target.send(data)
            sent += len(data)
            asked |= wanted
            i.advance(0.15)  # a ping takes about 9 ms: faster ones would fill the ring
        answered(i, asked)
        assert i.next("housekeeping")["frames_bad"] == 0
