"""The firmware in a process of MicroPython's unix port: deterministic, and idle time is skipped.

The firmware sends a request over a pipe whenever it waits (messages: boards/unix/board.py); the answer has the time at
which the wait ended, and the data of link and event builder. So every byte and every event has its exact target time.
"""

from __future__ import annotations

import contextlib
import fcntl
import os
import random
import shutil
import struct
import subprocess
import sys
import tempfile
from collections.abc import Callable
from pathlib import Path
from typing import IO, cast

from dorn.errors import UserError
from dorn.head.front_end import FrontEnd, Head
from dorn.head.slow_control import SimulatedDevices
from dorn.image import firmware
from dorn.image.constants import constants
from dorn.link.key import BOARD_FILE
from dorn.targets import TargetError, identity
from dorn.targets.event_model import EventModel, board_times
from dorn.targets.simulated import SerialPort, SimulatedTarget
from dorn.util.extras import missing

HEAP_KB = 512  # words are twice as long as on the chip
_TO_HOST = struct.Struct("<BQQI")
_FROM_HOST = struct.Struct("<QII")
_EVENT = struct.Struct("<II")
_WATCHDOG_EXIT, _RESET_EXIT, _MAINTENANCE_EXIT = 3, 4, 5  # as in boards/unix/board.py
_ENDLESS = 1 << 40
_SCRATCH_REGISTERS = 4
_FOLDER, _IN_USE = "dorn-unix-", "in-use"  # prefix of temporary folders; folder in each, locked while in use
_NEVER_US = 1 << 62
_POWER_ON, _WATCHDOG, _COMMANDED, _RESET_PIN = 1, 2, 3, 4


def micropython() -> str:
    """Path of MicroPython's unix port: beside this Python, or on the PATH. Raises UserError if there is none."""
    beside = Path(sys.executable).with_name("micropython")
    found = str(beside) if beside.exists() else shutil.which("micropython")
    if not found:
        raise missing("target unix: no micropython found", "sim")
    return found


@contextlib.contextmanager
def _alone():
    """Only one program at a time creates or removes folders: a folder is not locked during all of either."""
    descriptor = os.open(tempfile.gettempdir(), os.O_RDONLY)
    try:
        fcntl.flock(descriptor, fcntl.LOCK_EX)
        yield
    finally:
        os.close(descriptor)


def _remove_abandoned() -> None:
    """Remove the temporary folders of programs that were killed."""
    for folder in Path(tempfile.gettempdir()).glob(f"{_FOLDER}*/{_IN_USE}"):
        with contextlib.suppress(UserError, OSError):  # in use, or owned by another user
            identity.Lock(folder).close()
            shutil.rmtree(folder.parent)


class UnixTarget(SimulatedTarget):
    name = "unix"

    def __init__(
        self,
        head: Head | None = None,
        flash: str | Path | None = None,
        files: dict[str, bytes] | None = None,
        unique_id: int | None = None,
    ):
        """files: sources to run instead of the firmware's. unique_id: the board's; it also seeds the board's
        random source, so that a run can be repeated to the byte. By default the seed is new, and so is the id, unless
        one is saved with the flash image."""
        self.head = head or Head(FrontEnd())
        self.slow_control = SimulatedDevices(self.head, lambda: self._now_us * 1000)
        self.resets = 0
        board = constants("pico")
        times = board_times(board)
        self._backlog = board["BACKLOG"]  # number of events that end a wait, as on a chip
        self._piece = board["UART_READ"]  # octets that the link transfers at once
        self._piece_us = round(self._piece * 10e6 / board["UART_BAUD"])
        self._model = EventModel(self.head, times)
        # contains the program, and the flash image if it is not saved
        with _alone():
            _remove_abandoned()
            self._folder = tempfile.TemporaryDirectory(prefix=_FOLDER)
            self._in_use = identity.Lock(Path(self._folder.name) / _IN_USE)
        program = Path(self._folder.name) / "program"
        files = firmware.files("unix") if files is None else files
        for path, content in files.items():
            (program / path).parent.mkdir(parents=True, exist_ok=True)
            (program / path).write_bytes(content)
        self._flash = Path(flash or Path(self._folder.name) / "flash")
        self._lock = identity.Lock(self._flash)
        (self._flash / firmware.MANIFEST).write_bytes(files.get(firmware.MANIFEST, b""))
        if BOARD_FILE in files:
            (self._flash / BOARD_FILE).write_bytes(files[BOARD_FILE])
        self.unique_id = identity.unique_id(unique_id, self._flash / identity.FILE)
        self._random = random.Random(unique_id)
        self._command = [
            micropython(),
            "-X",
            f"heapsize={HEAP_KB}K",
            str(program / "main.py"),
            str(self._flash),
        ]
        self._dead = times.dead
        self._environment = {"MICROPYPATH": f"{program}:.frozen"}
        self._link = SerialPort()
        self.ports = {"usb": self._link}
        self._now_us = self._base_us = 0
        self._boot(_POWER_ON)

    def _boot(self, cause: int, maintenance: bool = False) -> None:
        self._base_us = self._now_us  # the firmware's clock starts at 0
        if cause in (_POWER_ON, _RESET_PIN):
            self._scratch = [0] * _SCRATCH_REGISTERS
        board = (self.unique_id, self._random.getrandbits(32))
        start = " ".join(map(str, (cause, *self._dead, int(maintenance), *board, *self._scratch)))
        self._process = subprocess.Popen(
            [*self._command, start],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            env=self._environment,
            start_new_session=True,  # Ctrl-C goes to the host only, which ends the run properly
        )
        self._stdin, self._stdout = cast(IO[bytes], self._process.stdin), cast(IO[bytes], self._process.stdout)
        self._model.stop()
        self._events = bytearray()
        self._n_events = self._converted = 0
        self._until_us: int | None = None  # end of the firmware's wait; None while it runs
        self._takes_us = 0  # when the link accepts the next piece, unless the firmware still has one to read
        self._has_piece = False

    def inject(self, particles) -> None:
        self.head.inject(particles, self._now_us * 1000 + 1000)

    @property
    def now_us(self) -> int:
        return self._now_us

    def power_cycle(self, off_s: float = 0.1) -> None:
        self.slow_control.power_up()
        self._restart(off_s, _POWER_ON)

    def reset(self) -> None:
        self._restart(0.001, _RESET_PIN)

    def stall(self, seconds: float) -> None:
        while self._until_us is None:  # until it waits; that request is not answered
            self._listen()
        end_us = self._now_us + round(seconds * 1e6)
        while self._now_us < end_us:
            self._play(end_us, _ENDLESS)

    def _restart(self, held_s: float, cause: int) -> None:
        self._end()
        self._link.up.clear()
        self._model.stop()
        self._now_us += round(held_s * 1e6)
        self.head.advance(self._now_us * 1000)  # the head keeps running
        self._boot(cause)

    def _end(self) -> None:
        self._process.kill()
        self._process.wait()
        self._stdin.close()
        self._stdout.close()

    def close(self) -> None:
        self._end()
        self._lock.close()
        with _alone():
            self._in_use.close()
            self._folder.cleanup()

    def _run(self, seconds: float, condition: Callable[[], bool] | None) -> bool:
        until_us = self._now_us + round(seconds * 1e6)
        while True:
            if self._until_us is None:
                self._listen()
                if condition is not None and self._link.down and condition():
                    return True
                continue
            takes_us = self._takes_us if self._link.up and not self._has_piece else _NEVER_US
            wake_us = min(self._until_us, until_us, takes_us)
            if wake_us > self._now_us and self._n_events < self._backlog:
                self._play(wake_us)
            if self._now_us >= min(self._until_us, takes_us) or self._n_events >= self._backlog:
                self._answer()
            elif self._now_us >= until_us:
                return False

    def _play(self, until_us: int, limit: int | None = None) -> None:
        """Run the event builder to `until_us`, or until `limit` events are pending (default: the backlog)."""
        reached_ns, events = self._model.run(until_us * 1000, (limit or self._backlog) - self._n_events)
        self._now_us = max(self._now_us, min(until_us, reached_ns // 1000))
        for stamp_us, word, codes in events:
            self._events += _EVENT.pack((stamp_us - self._base_us) & 0xFFFFFFFF, word)
            self._events += struct.pack(f"<{len(codes)}H", *codes)
            self._converted += len(codes)
        self._n_events += len(events)

    def _answer(self) -> None:
        wake_us = self._now_us - self._base_us
        piece = b""
        if self._link.up and not self._has_piece and self._now_us >= self._takes_us:
            piece = bytes(self._link.up[: self._piece])
            del self._link.up[: self._piece]
            self._takes_us = self._now_us + self._piece_us
        self._write(_FROM_HOST.pack(wake_us, len(piece), len(self._events)) + piece + self._events)
        self._events, self._n_events = bytearray(), 0
        self._until_us = None

    def _listen(self) -> None:
        """Process one message from the firmware."""
        header = self._read(_TO_HOST.size)
        if header is None:
            return
        kind, now_us, argument, n = _TO_HOST.unpack(header)
        if chr(kind) not in "WHSEXILK":  # a traceback
            self._process.kill()
            output = (header + self._stdout.read()).decode(errors="replace")
            raise TargetError(f"target unix: the firmware ended: {' '.join(output.split())[-300:]}")
        data = self._read(n) or b"" if n else b""
        now_us += self._base_us
        while now_us > self._now_us:  # it waited without a request: the maintenance window, a transfer on the I2C bus
            self._play(now_us)
        if kind in b"WH":
            self._link.down += data
            self._has_piece = kind == ord("H")
            self._until_us = argument + self._base_us
        elif kind == ord("S"):
            self._events, self._n_events, self._converted = bytearray(), 0, 0
            self._model.start(self._now_us * 1000, argument)
        elif kind == ord("E"):
            self.head.enabled = argument
        elif kind == ord("K"):
            self._scratch[argument >> 32] = argument & 0xFFFFFFFF
        elif kind == ord("X"):
            self._converted += self._model.stop()
            self._write(struct.pack("<I", self._converted))
        elif kind == ord("I"):
            error, answer = self.slow_control.transfer(argument & 0x7F, data, argument >> 8)
            self._write(struct.pack("<II", error, len(self._events)) + self._events + answer)
            self._events, self._n_events = bytearray(), 0
        else:
            self._write(struct.pack("<I", self.head.lines & self.head.enabled))

    def _write(self, data: bytes) -> None:
        try:
            self._stdin.write(data)
            self._stdin.flush()
        except BrokenPipeError:
            pass  # the process ended: the next read reports it

    def _read(self, n: int) -> bytes | None:
        data = self._stdout.read(n)
        if len(data) == n:
            return data
        status = self._process.wait()
        if status in (_WATCHDOG_EXIT, _RESET_EXIT, _MAINTENANCE_EXIT):
            self.resets += 1
            cause = _WATCHDOG if status == _WATCHDOG_EXIT else _COMMANDED
            self._boot(cause, maintenance=status == _MAINTENANCE_EXIT)
            return None
        raise TargetError(f"target unix: the firmware ended with status {status}")
