# Flash wear by the persistent structures: days of the firmware's own classes on littlefs, with every erase counted.
import os
from array import array

import vfs
from cutting import BLOCK, PAGE, Flash, mount
from doubles import Board, Clock
from fsw import icd
from fsw.health.faults import Failures
from fsw.link import frame
from fsw.store.boot import BootRecord, OnBoardTime
from fsw.store.checkpoint import Checkpoint
from fsw.store.packets import PacketStore
from fsw.store.segments import Segments
from fsw.store.slots import Slots

_ROOT = "/flash"
_STEP_S = 10  # simulation step: nothing is due more often
_OCTETS = 600  # maximum stored packet
_FILES = 30
_DAY_S = 86_400
_PER_S = 1_000_000


class Acquisition:
    """Spectra with counts in every channel: the largest possible checkpoints."""

    running = True
    integration = 1
    _counts = array("H", range(icd.CHANNELS))

    def snapshot(self, s):
        channels = icd.CHANNELS if s < icd.DETECTORS else icd.COINCIDENCE_CHANNELS
        return (self.integration, 0, 0, 0, 0), 0, channels - 1, self._counts, 0


class Wear:
    """A flash of `blocks` blocks, with `octets` of files never written, like the firmware's own, and a packet store of
    `segments` segments.

    erases: number per block. stored: octets stored.
    """

    def __init__(self, blocks, octets, segments, folder):
        self.erases = array("I", [0] * blocks)
        self.stored = 0
        flash = Flash(bytearray(b"\x5a" * BLOCK * blocks), self._before)
        vfs.VfsLfs2.mkfs(flash, progsize=PAGE)
        mount(flash, _ROOT)
        for n in range(_FILES):
            with open(f"{_ROOT}/file{n}", "wb") as f:
                f.write(bytes(octets // _FILES))
        os.mkdir(_ROOT + folder)
        folder = _ROOT + folder
        self._clock = Clock()
        self._acquisition = Acquisition()
        failures, time = Failures(), OnBoardTime(self._clock, 0)
        failures.note = self._failed
        self._boot = BootRecord(folder, Board(icd.RESET_CAUSE_POWER_ON), failures)
        files = Segments(folder + "/store")
        self._store = PacketStore(files, segments, self._boot.record, failures, bytearray(4096))
        self._checkpoint = Checkpoint(folder, self._acquisition, self._failed, time, failures)
        self._boot.follow(time, self._store, self._checkpoint)
        Slots(folder + "/parameters").save(bytes(200))
        for block in range(blocks):
            self.erases[block] = 0

    def _before(self, at, old, new):
        self.erases[at // BLOCK] += len(new) == BLOCK

    def _failed(self, *why):
        raise AssertionError(why)

    def run(self, days, per_day, delay_s, checkpoint_s, integration_s):
        """Store `per_day` octets of packets per day, evenly, which causes the most writes that `delay_s` allows.
        Checkpoints and boot record are written when due."""
        store, clock, checkpoint = self._store, self._clock, self._checkpoint
        store.delay_us = _PER_S * delay_s
        checkpoint.period_us = _PER_S * checkpoint_s
        packet, framed = bytearray(_OCTETS), bytearray(frame.size(_OCTETS))
        budget = 0  # octets times _DAY_S
        for now_s in range(0, _DAY_S * days, _STEP_S):
            clock.now_us += _PER_S * _STEP_S
            budget += per_day * _STEP_S
            octets = min(budget // _DAY_S, _OCTETS)
            if octets >= 100:
                packet[19:23] = store.take_number().to_bytes(4, "big")
                n = frame.encode(packet, octets, framed)
                store.append(memoryview(framed)[:n])
                budget -= n * _DAY_S
                self.stored += n
            while store.step(clock.now_us):
                pass
            while checkpoint.step(clock.now_us, False, not store.pending):
                pass
            self._boot.keep()
            self._acquisition.integration += now_s % integration_s == 0
