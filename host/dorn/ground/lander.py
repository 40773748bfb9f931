"""`dorn lander`: the spacecraft's side of the interface, simulated from a timeline.

A timeline has one statement a line: those of procedures (dorn.operator.statements), and what a spacecraft does besides,
GRAMMAR. Everything that goes over the link is held against the ICD (dorn.ground.conformance) and archived.
"""

from __future__ import annotations

import re
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

from dorn.dictionary import Dictionary
from dorn.errors import UserError, shown
from dorn.ground.conformance import Conformance
from dorn.head import sources
from dorn.link import frames
from dorn.link.key import TRAILER, Key
from dorn.operator import parsing, procedure, statements, telecommands
from dorn.operator.running import Runner
from dorn.session import CommandFailed, Session
from dorn.session.downlink import Downlink
from dorn.targets import Target
from dorn.util.checks import at_least, text_of

GRAMMAR = {
    "at": "at SECONDS",
    "power": "power off SECONDS",
    "reset": "reset",
    "link": "link up|down",
    "time": "time",
    "collect": "collect",
    "source": "source FILE",
    "procedure": "procedure NAME",
}
MEANING = {
    "at": "wait until so long after the begin of the timeline",
    "power": "take the power away for so long",
    "reset": "pull the reset pin",
    "link": "from here on nothing comes through, or everything",
    "time": "give the instrument the spacecraft's time",
    "collect": "ask for every stored packet that did not come",
    "source": "what the detectors of a simulated instrument see from now on (.toml, .csv, .spe)",
    "procedure": "carry out a written procedure, a file or one of dorn's own",
}
TIMELINES = Path(__file__).parent / "timelines"


@dataclass(frozen=True)
class Act:
    """One of GRAMMAR: its word, and what stands behind it."""

    word: str
    value: float | str | None = None


Step = tuple[int, str, "statements.Statement | Act"]  # line, its text, what it says


def shipped() -> list[str]:
    """Names of the timelines that come with this package."""
    return sorted(path.stem for path in TIMELINES.glob("*.txt"))


def load(name: str, dictionary: Dictionary) -> list[Step]:
    """A timeline, a file or the name of one of dorn's own, read and checked. UserError at the first bad line."""
    path = TIMELINES / f"{name}.txt" if name in shipped() else Path(name)
    if not path.exists():
        raise UserError.at("timeline", "FILE", f"neither a file nor one of {', '.join(shipped())}", name)
    steps: list[Step] = []
    at_s = 0.0
    for number, line in enumerate(re.split(r"\r\n|\n|\r", text_of(path)), 1):
        try:
            found = _parse(number, line, path.parent, dictionary)
            for _, text, step in found:
                if isinstance(step, Act) and step.word == "at":
                    if step.value < at_s:
                        raise UserError(f"at: before the one above it, {at_s:g} ({text})")
                    at_s = step.value
        except UserError as error:
            raise UserError(f"{path}:{number}: {error}") from None
        steps += found
    if not steps:
        raise UserError.at(path, "timeline", "has no statement")
    return steps


def _parse(number: int, line: str, folder: Path, dictionary: Dictionary) -> list[Step]:
    text = " ".join(parsing.without_comment(line).split())
    word, *rest = text.split() or [""]
    if not word:
        return []
    if word not in GRAMMAR:
        if word not in statements.GRAMMAR:
            telecommands.one_of("statement", word, [*statements.GRAMMAR, *GRAMMAR])
        return [(number, text, parsing.parse(line, dictionary))]
    if len(rest) != len(GRAMMAR[word].split()) - 1:
        raise UserError(f"{word}: is not `{GRAMMAR[word]}` ({shown(text)})")
    if word == "at":
        return [(number, text, Act(word, at_least(0, rest[0], "at", "SECONDS")))]
    if word == "power":
        telecommands.one_of("power", rest[0], ("off",))
        return [(number, text, Act(word, at_least(0.01, rest[1], "power off", "SECONDS")))]
    if word == "link":
        return [(number, text, Act(word, telecommands.one_of("link", rest[0], ("up", "down"))))]
    if word == "source":
        sources.load(folder / rest[0])  # said now, not in the middle
        return [(number, text, Act(word, str(folder / rest[0])))]
    if word == "procedure":
        path = procedure.find(rest[0])
        return [
            (number, f"{path.stem}:{n}: {said}", statement)
            for n, said, statement in parsing.parse_all(text_of(path), path, dictionary)
        ]
    return [(number, text, Act(word))]


class Line:
    """The link of a target, which may be down, and a witness of what goes over it. The rest is the target's."""

    def __init__(self, target: Target, conformance: Conformance, signed: bool):
        self.is_up = True
        self._target = target
        self._conformance = conformance
        self._trailer = TRAILER if signed else 0
        self._up, self._down = frames.Deframer(), frames.Deframer()

    def __getattr__(self, name):
        return getattr(self._target, name)

    @property
    def now_s(self) -> float:
        return self._target.now_us / 1e6

    def send(self, data: bytes) -> None:
        if not self.is_up:
            return
        for content in self._up.feed(data):
            self._conformance.up(content[: len(content) - self._trailer], self.now_s)
        self._target.send(data)

    def receive(self) -> bytes:
        data = self._target.receive()
        if not self.is_up:
            return b""
        good, bad = self._down.good, self._down.crc_errors
        for packet in self._down.feed(data):
            self._conformance.down(packet, self.now_s)
        self._conformance.frames(self._down.good - good, self._down.crc_errors - bad, self.now_s)
        return data

    def cut(self) -> None:
        self.receive()
        self.is_up = False

    def heal(self) -> None:
        """A frame that began while it was down is not counted as damaged."""
        self._target.receive()
        self.is_up = True
        self._down = frames.Deframer()
        self._conformance.interrupted()
        self._target.send(b"\0")


class Lander:
    """Carries a timeline out. say(text): what happens. epoch_s: of the spacecraft's clock at its begin.

    times: how many times faster the timeline goes: what stands behind `at` is so many times earlier.
    """

    def __init__(
        self,
        target: Target,
        dictionary: Dictionary,
        key: Key | None = None,
        epoch_s: int = 800_000_000,
        times: float = 1.0,
        say: Callable[[str], None] = print,
    ):
        self.conformance = Conformance(dictionary)
        self.line = Line(target, self.conformance, key is not None)
        self.session = Session(self.line, key=key)
        self.lost = self.collected = 0  # stored packets that did not come; that came because they were asked for
        self._runner = Runner(self.session)
        self._downlink = Downlink(self.session)
        self._epoch_s = epoch_s
        self._times = times
        self._say = say
        self._begin_us = target.now_us

    def run(self, steps: list[Step]) -> bool:
        """-> whether every statement went well and every rule was kept; ends at the first that does not."""
        if self.line.in_real_time:
            _check_possible(steps, self.line.name)
        else:  # what is simulated was switched on just now
            self.conformance.powered(self.line.now_s)
        self.session.connect()
        well = True
        for number, text, step in steps:
            self._say(f"{self.line.now_s:12.3f} s  {number}: {text}")
            try:
                said = self._act(step) if isinstance(step, Act) else self._runner.run(step)
            except UserError as error:
                self._say(f"{self.line.now_s:12.3f} s  {number}: FAILED: {error}")
                well = False
                break
            if said:
                self._say(f"{self.line.now_s:12.3f} s  {number}: {said}")
        self.session.pump()
        self.conformance.over(self.line.now_s)
        return well and self.conformance.clean

    def _act(self, act: Act) -> str:
        return getattr(self, f"_{act.word}")(act.value) or ""

    def _at(self, seconds: float) -> None:
        left_s = seconds / self._times - (self.line.now_us - self._begin_us) / 1e6
        if left_s > 0:
            self.session.advance(left_s)

    def _power(self, seconds: float) -> None:
        self.session.pump()
        self.line.power_cycle(seconds)
        self._started()

    def _reset(self, _) -> None:
        self.session.pump()
        self.line.reset()
        self._started()

    def _started(self) -> None:
        """The link's idle octets would be in the way of what listens for Ctrl-C: nothing is sent until it speaks."""
        if not self.line.is_up:
            return
        self.conformance.powered(self.line.now_s)
        self.session.wait_for(lambda packet: packet.name == "housekeeping", 15)

    def _link(self, state: str) -> None:
        self.line.cut() if state == "down" else self.line.heal()

    def _time(self, _) -> str:
        try:
            return self._set_time()
        except CommandFailed as refused:
            if refused.failure != "not_armed":
                raise
        self.session.command("function", function="arm")  # as for the first time of all, which is far ahead
        return self._set_time()

    def _set_time(self) -> str:
        since_s = (self.line.now_us - self._begin_us) / 1e6
        seconds = self._epoch_s + int(since_s)
        try:
            self.session.command("set_time", seconds=seconds, fraction=int(since_s % 1 * 65536))
        except CommandFailed as refused:
            if refused.failure != "out_of_range":
                raise
            return f"{seconds} s: refused: its clock is ahead, as after a reset, and never goes backwards"
        return f"{seconds} s"

    def _collect(self, _) -> str:
        before = self.session.records.received
        balance = self._downlink.complete()
        self.collected += balance.received - before
        self.lost = balance.lost
        return f"{balance.received - before} stored packets came, {balance.lost} lost"

    def _source(self, path: str) -> str:
        if self.line.in_real_time:
            return "its detectors are real, and see what they see"
        self.line.inject(sources.endless(sources.load(path)))
        return ""


def _check_possible(steps: list[Step], target: str) -> None:
    """Nobody here switches the power of a real instrument or pulls its reset."""
    for number, text, step in steps:
        if isinstance(step, Act) and step.word in ("power", "reset"):
            raise UserError(f"line {number}: {text}: not on target {target}, whose power is not switched from here")
