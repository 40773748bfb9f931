"""The packet store on a failed or full flash, and among foreign files."""

import pytest
from kept_flash import FLASH
from support.instrument import instrument
from support.kept import EIO, EROFS
from support.micropython import run


def test_a_failed_flash_is_reported_once_a_minute(littlefs):
    with littlefs.instrument() as i:
        littlefs.fail(EROFS)
        i.advance(600)
        failures = i.events("flash_failed")
        assert 5 <= len(failures) <= 11 and {errno for errno, _ in failures} == {EROFS}
        assert sum(n for _, n in failures) < 30  # not retried continuously
        littlefs.fail(0)
        i.advance(130)
        reported = len(i.events("flash_failed"))
        last = i.next("housekeeping")["store_last"]
        i.advance(300)
        assert i.next("housekeeping")["store_last"] > last and len(i.events("flash_failed")) == reported


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
def test_a_foreign_file_hides_no_record(flash, name):
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
        assert i.wait_for(lambda p: p.name == "retrieval_end", 10, ask).fields["count"] == 3


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
    """An empty segment left by a power failure, which cannot be removed."""
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
    "room, makes_room, reported",
    [(True, False, "0 [1, 2, 3, 4]"), (False, True, "0 [2, 3, 4]"), (False, False, "300 [3]")],
)
def test_a_flush_before_a_reset_removes_a_segment_of_a_full_flash(room, makes_room, reported):
    assert run(FULL.format(room=room, makes_room=makes_room)).strip() == reported
