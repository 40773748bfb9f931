"""A full flash: the oldest packets are dropped for the newest, whatever the size of the file system.

The whole firmware runs on MicroPython's littlefs: under the unix port on file systems of several sizes, and on the
emulated Pico with few free blocks. Flash operations are compared with those of a flash with free space.
"""

import contextlib
import tempfile
from functools import cache, partial
from pathlib import Path

import pytest
from bench import missing
from dorn.image import firmware
from dorn.session.instrument import Instrument
from dorn.targets.pico_flash import free_blocks
from kept_flash import BLOCK, Littlefs

ROOMY = 340  # blocks, about as on a Pico
SIZES = (*range(10, 29), 60)  # blocks; the smallest have room for one segment
SHORT_SIZES = (10, 15, 28)
FREE, SHORT_FREE = (0, 5, 40), (5,)  # free blocks on the Pico
LONG_S, SHORT_S = 3600, 600  # of target time
PICO_S, SHORT_PICO_S = 600, 10
BEFORE_S = 30  # storing on the Pico before the first measurement
MOST = 2.0  # flash operations, relative to a flash with free space
NEWEST = 20  # records that are read back
STEPS = 5  # each must store new records


def pytest_generate_tests(metafunc):
    long = metafunc.config.getoption("long")
    if "blocks" in metafunc.fixturenames:
        metafunc.parametrize("blocks", SIZES if long else SHORT_SIZES)
    if "free" in metafunc.fixturenames:
        metafunc.parametrize("free", FREE if long else SHORT_FREE)


@contextlib.contextmanager
def on_unix(folder, blocks):
    """-> instrument, function that returns its flash operations so far"""
    flash = Littlefs(folder, blocks)
    with flash.instrument() as i:
        yield i, lambda: flash.operations


def store(i, operations, seconds, rates_s=5):
    """Store packets for `seconds`, rates every `rates_s`, and read the newest back. -> flash operations of storing"""
    i.set_parameters(storage_per_day=100_000_000, storage_delay=10, rates_period=rates_s)
    before, lasts, last_us = operations(), [], i.target.now_us
    for _ in range(STEPS):
        i.advance(seconds / STEPS)
        lasts.append(i.next("housekeeping")["store_last"])
    took = operations() - before
    assert lasts == sorted(set(lasts)), "storing does not continue"
    hk = i.last("housekeeping")
    assert hk["task_failures"] == 0
    minutes = (i.target.now_us - last_us) / 60e6
    assert len(i.events("flash_failed")) <= minutes + 1
    last = hk["store_last"]
    ask = partial(i.post, "retrieve_records", first=last - NEWEST + 1, last=last)
    again = i.wait_for(lambda p: p.name == "retrieval_end", 60, ask).fields["count"]
    assert again == min(NEWEST, last - hk["store_first"] + 1)
    return took


def report(i):
    ask = partial(i.post, "report_storage")
    return i.wait_for(lambda p: p.name == "storage_report", 5, ask).fields


@cache
def with_room(seconds):
    """Number of flash operations in `seconds` on a flash with free space."""
    with tempfile.TemporaryDirectory() as folder, on_unix(Path(folder) / "flash", ROOMY) as (i, operations):
        took = store(i, operations, seconds)
        assert report(i)["overwritten"] == 0 and not i.events("flash_failed")
    return took


def test_a_small_file_system(blocks, long, tmp_path, totals):
    seconds = LONG_S if long else SHORT_S
    most = with_room(seconds)
    with on_unix(tmp_path / "flash", blocks) as (i, operations):
        took = store(i, operations, seconds)
        dropped = report(i)["overwritten"]
        failures = sum(b for _, b in i.events("flash_failed"))
    assert took <= MOST * most
    assert dropped or blocks > 30
    totals(
        f"{blocks} blocks: storing continues for {seconds} s; {dropped} records dropped, {failures} writes without"
        f" room, {took} flash operations, {most} with free space"
    )


def test_a_pico_with_few_free_blocks(free, long, tmp_path, totals):
    lacking = missing("rp2040")
    if lacking:
        pytest.skip(lacking)
    from dorn.targets.rp2040 import Rp2040Target

    def on_pico(more=None):
        return Rp2040Target(flash=tmp_path, files=firmware.files("pico") | (more or {}), unique_id=1)

    seconds, took = PICO_S if long else SHORT_PICO_S, []
    with on_pico() as target:
        i = Instrument(target)
        i.connect()
        store(i, lambda: target.flash.operations, BEFORE_S, 1)
        took.append(store(i, lambda: target.flash.operations, seconds, 1))
        image = target.image_in(tmp_path)
        target.close()
    filler = {"filler": bytes((free_blocks(image.read_bytes()) - free) * (BLOCK - 8))}
    with on_pico(filler) as target:
        i = Instrument(target)
        i.connect()
        took.append(store(i, lambda: target.flash.operations, seconds, 1))
        dropped = report(i)["overwritten"]
        failures = sum(b for _, b in i.events("flash_failed"))
    assert took[1] <= MOST * took[0] and dropped
    totals(
        f"rp2040, {free} free blocks: storing continues for {seconds} s; {dropped} records dropped, {failures} writes"
        f" without room, {took[1]} flash operations, {took[0]} with free space"
    )
