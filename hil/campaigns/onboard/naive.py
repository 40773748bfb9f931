# Faulty variants of the firmware's classes that a power cut breaks: the campaign must detect each of them.
import os
import random

from fsw import memory
from fsw.store import checkpoint, segments
from fsw.store.boot import BootRecord
from fsw.store.packets import PacketStore
from parts import Kept


class Pieces:
    """A file that commits every write. littlefs commits only on close, which would hide most of the faults."""

    def __init__(self, file):
        self._file = file

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self._file.close()

    def write(self, data):
        self._file.write(data)
        self._file.flush()

    def close(self):
        self._file.close()


class Os:
    """The functions of the module os that checkpoint.py uses."""

    stat, remove, rename = os.stat, os.remove, os.rename


def opened(path, mode):
    file = open(path, mode)
    return Pieces(file) if mode == "wb" else file


def copy_in_use_overwritten():
    def other(path, mode):
        return opened(path[:-1] + str(1 - int(path[-1])) if mode == "wb" else path, mode)

    memory.opened = other


def acknowledged_too_early():
    def step(self, root):
        state = random.getrandbits(30)
        self.allowed = (state,)
        self.write(f"{root}/{self.name}", state, "saved")

    Kept.begin, Kept.step = Kept.step, step


def no_time_reserved():
    _reserve(0, 4096)


def no_numbers_reserved():
    _reserve(600_000_000, 0)


def _reserve(ahead_us, ahead):
    def reserve(self, time_us, record, both=False):
        self._time_half, self._record_half = time_us + 300_000_000, record + 2048
        self._save(time_us + ahead_us, record + ahead, 0, both)

    BootRecord._reserve = reserve


def not_renamed():
    Os.rename = lambda old, new: None
    checkpoint.os = Os


def old_file_removed_first():
    def rename(old, new):
        try:
            os.remove(new)
        except OSError:
            pass
        os.rename(old, new)

    Os.rename = rename
    checkpoint.os = Os


def written_in_place():
    memory.opened = lambda path, mode: opened(path.replace(".new", ""), mode)
    not_renamed()


def not_closed():
    """The packet store writes to a segment and leaves it open."""
    left = []

    class Open(Pieces):
        def write(self, data):
            self._file.write(data)

        def close(self):
            left.append(self._file)

    append = segments.Segments.append
    segments.Segments.append = lambda self, number: Open(append(self, number))


def acknowledged_before_close():
    begin = PacketStore._begin

    def _begin(self):
        begin(self)
        self.last = self._last_end

    PacketStore._begin = _begin


def numbers_reused():
    """The packet store continues after the last record on flash and ignores the boot record."""
    made = PacketStore.__init__
    PacketStore.__init__ = lambda self, files, most, next_record, *rest: made(self, files, most, 0, *rest)
