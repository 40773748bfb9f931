"""The stimulus board as its host sees it: particles become pulses, commands get answers (boards/stimulus/README.md)."""

from __future__ import annotations

import struct
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass
from typing import Protocol

from dorn.errors import UserError
from dorn.image import stimulus
from dorn.targets import NoAnswer, TargetError
from dorn.targets.ladder import IDEAL, Ladder
from dorn.targets.stimulus_list import Feed

CYCLE_NS = 8
TOGETHER_NS = 240  # pulses closer than this are one: their edges take as long
WIDTH_CYCLES = 500  # comparators stay high for 4 us
_BLOCK = 64  # pulses
_PULSE = struct.Struct("<IHBB")  # gap in cycles, lines, heights of front and back
_LONGEST_GAP = (1 << 30) - 1
MOST = 500_000_000  # pulses of a list, and pauses: as boards/stimulus/edges.py
_ANSWER_S = 10.0
_CONNECT_S = 10.0  # it may be starting
_READ_ONLY = ("state", "identity")  # commands that do not end a list


Pulse = tuple[int, int, int, int]  # gap in cycles since the one before, lines, level of front, level of back


def pulses(particles: Iterable[tuple[int, int, float]], ladder: Ladder = IDEAL) -> Iterator[Pulse]:
    """(time_ns, detector, energy_kev), in time order, as pulses.

    Those within TOGETHER_NS of the first are one pulse. All front detectors of a pulse have the height of the first of
    them, and so have the back detectors; without one, that of the other side, as a pulse on other lines may join it.
    Raises UserError for a detector that does not exist, or a time that decreases.
    """
    before, begin_ns, lines, heights = 0, 0, 0, [0, 0]
    last_ns = 0
    for time_ns, detector, energy_kev in particles:
        if not 0 <= detector < 16:
            raise UserError.at("particles", "detector", "not 0 to 15", str(detector))
        if time_ns < last_ns:
            raise UserError.at("particles", "time_ns", f"before the previous one ({last_ns})", str(time_ns))
        last_ns = time_ns
        if lines and time_ns - begin_ns >= TOGETHER_NS:
            cycle = begin_ns // CYCLE_NS
            yield cycle - before, lines, heights[0] or heights[1], heights[1] or heights[0]
            before, lines, heights = cycle, 0, [0, 0]
        if not lines:
            begin_ns = time_ns
        lines |= 1 << detector
        heights[detector & 1] = heights[detector & 1] or ladder.level(energy_kev)
    if lines:
        yield begin_ns // CYCLE_NS - before, lines, heights[0] or heights[1], heights[1] or heights[0]


def blocks(found: Iterable[Pulse]) -> bytes:
    """Pulses as the stimulus board reads them: blocks of 64, the last one filled with zeros."""
    out = bytearray()
    for gap, lines, front, back in found:
        while gap > _LONGEST_GAP:
            out += _PULSE.pack(_LONGEST_GAP, 0, 0, 0)
            gap -= _LONGEST_GAP
        out += _PULSE.pack(gap, lines, front, back)
    whole = _PULSE.size * _BLOCK
    return bytes(out + bytes(whole - len(out) % whole))


@dataclass(frozen=True)
class State:
    """Truth, counted by the hardware of the board. Numbers since the start of the list, except `resets`."""

    playing: int  # 1 while a list is being played
    asked: int  # pulses of the list so far
    played: int  # those that have risen
    shown: int  # those that rose on quiet lines while the instrument was looking: its events
    early: int  # those that rose on quiet lines after a reset, before the instrument looked again: one pass or more
    resets: int  # resets by the instrument since power-on: its events, passes and starts
    late: int  # pulses that rose later than the list asks, because they were too close to another edge
    starved: int  # 1 if the list was not sent, or made, fast enough: it then ended early


class Port(Protocol):
    """The board's serial port."""

    name: str
    feed: Feed  # of lists

    def send(self, data: bytes) -> None: ...

    def receive(self) -> bytes: ...

    def wait_for(self, condition: Callable[[], bool], limit_s: float) -> None: ...


class StimulusBoard:
    """The same for an emulated and for a real board: only the port differs.

    unique_id, manifest: of the board, 16 hexadecimal digits, and of its files; known when it is connected.
    """

    unique_id = ""
    manifest = 0

    def __init__(self, port: Port, ladder: Ladder = IDEAL):
        """ladder: its levels, which become energies."""
        self._port = port
        self.name = port.name
        self.ladder = ladder
        self._received = bytearray()

    def connect(self, limit_s: float = _CONNECT_S) -> int:
        """Bring the board to rest, whatever it was playing or receiving: from then on the lines of the instrument are
        low. Returns the id of its manifest. Raises TargetError if no stimulus board answers."""
        self._port.feed.end()
        before = self._begin(bytes(2 * _PULSE.size * _BLOCK) + b"\nhold 0 0\n")
        try:
            self._port.wait_for(lambda: b"ok" in self._lines(), limit_s)
            kind, manifest, self.unique_id = self.command("identity").split()
            if kind != "stimulus":
                raise ValueError(kind)
            self.manifest = int(manifest, 16)
            return self.manifest
        except (NoAnswer, ValueError):
            name = self._port.name
            if b"\0" in before + self._received:  # between frames
                what = "it sends telemetry, as an instrument does: swapped ports?"
                raise TargetError(f"stimulus {name}: {what}") from None
            raise TargetError(
                f"stimulus {name}: no stimulus board answers: is it another port? Or flash it: dorn flash --board"
                f" stimulus --port {name}"
            ) from None

    def check_firmware(self) -> None:
        """Raises TargetError if its files are not those of this software; it must be connected."""
        if self.manifest != stimulus.manifest_id():
            raise TargetError(
                f"stimulus {self.name}: manifest: its files are not those of this software; flash it: dorn flash"
                f" --board stimulus --port {self.name} ({self.manifest:08x})"
            )

    def command(self, name: str, *numbers: int) -> str:
        """Have a command executed. Returns what follows "ok". Raises TargetError with the board's reason if it is
        refused, or without an answer."""
        if name not in _READ_ONLY:
            self._port.feed.end()
        self._begin(" ".join((name, *map(str, numbers))).encode() + b"\n")
        try:
            self._port.wait_for(lambda: bool(self._lines()), _ANSWER_S)
        except NoAnswer:
            raise NoAnswer(f"stimulus {self._port.name}: no answer to {name} within {_ANSWER_S:g} s") from None
        answer = self._lines()[0].decode(errors="replace")
        if not answer.startswith("ok"):
            raise TargetError(f"stimulus {self._port.name}: {answer}")
        return answer[2:].strip()

    def _begin(self, data: bytes) -> bytes:
        """Send, and discard what was received before. Returns that."""
        before = self._port.receive()
        self._received.clear()
        self._port.send(data)
        return before

    def _lines(self) -> list[bytes]:
        """The whole lines received since `_begin`."""
        self._received += self._port.receive()
        return [line.strip() for line in bytes(self._received).split(b"\n")[:-1]]

    def state(self) -> State:
        """Counters of the board."""
        answer = self.command("state")
        values = dict(word.split("=") for word in answer.split())
        return State(**{name: int(value) for name, value in values.items()})

    def play(self, particles: Iterable[tuple[int, int, float]], width_cycles: int = WIDTH_CYCLES) -> float:
        """Start playing (time_ns from now, detector, energy_kev), in time order; `dorn.targets.stimulus.pulses` tells
        what becomes of those that are close together. Returns the time of the last, seconds."""
        return self.play_pulses(pulses(particles, self.ladder), width_cycles)

    def play_pulses(self, found: Iterable[Pulse], width_cycles: int = WIDTH_CYCLES) -> float:
        """Start playing pulses. Returns the time of the last, seconds."""
        data = blocks(found)
        _check(len(data) // _PULSE.size)
        self.command("list", width_cycles)
        self._port.feed.begin(data)
        return sum(gap for gap, *_ in _PULSE.iter_unpack(data)) * CYCLE_NS / 1e9

    def play_regular(self, number: int, spacing_ns: int, lines: int, front_kev: float, back_kev: float) -> float:
        """Start playing pulses on all of `lines` (a mask) at once. spacing_ns: a multiple of CYCLE_NS. Returns the time
        of the last, seconds."""
        _check(number)
        heights = self.ladder.level(front_kev), self.ladder.level(back_kev)
        self.command("regular", number, spacing_ns // CYCLE_NS, WIDTH_CYCLES, lines, *heights)
        return number * spacing_ns / 1e9

    def play_poisson(
        self, number: int, mean_ns: float, seed: int, lines: int, pairs: float, energies_kev: Iterable[float]
    ) -> float:
        """Start playing pulses at random times, each on one of `lines` (a mask), the fraction `pairs` through both
        detectors of a unit. energies_kev: up to eight, equally probable. Returns the mean time of the last, seconds."""
        _check(number)
        heights = map(self.ladder.level, energies_kev)
        cycles, percent = round(mean_ns / CYCLE_NS), round(100 * pairs)
        self.command("poisson", number, cycles, WIDTH_CYCLES, seed & 0xFFFF, lines, percent, *heights)
        return number * mean_ns / 1e9

    def hold(self, lines: int, energy_kev: float) -> None:
        """End the list, and hold the comparators of `lines` (a mask) high, also while other lists are played; 0: none.

        While a line is held, the height of all others is that of `energy_kev`.
        """
        self.command("hold", lines, self.ladder.level(energy_kev))

    def release(self) -> None:
        """End the list, and hold no line."""
        self.command("hold", 0, 0)

    def stop(self) -> None:
        """End the list."""
        self.command("stop")


def _check(number: int) -> None:
    if not 1 <= number <= MOST:
        raise UserError.at("stimulus", "number of pulses", f"not 1 to {MOST}", number)
