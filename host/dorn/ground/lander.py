"""`dorn lander`: the spacecraft's side of the interface, simulated from a timeline.

A timeline has one statement per line: those of procedures (dorn.operator.statements), and the spacecraft's actions in
GRAMMAR. All traffic on the link is checked against the ICD (dorn.ground.conformance) and archived.
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
from dorn.targets.link import Link
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
    "at": "wait until this time after the start of the timeline",
    "power": "switch the power off for this time",
    "reset": "pull the reset pin",
    "link": "restore or cut the link",
    "time": "set the instrument's time to that of the spacecraft",
    "collect": "retrieve every stored packet that was not received",
    "source": "what the detectors of a simulated instrument see from now on (.toml, .csv, .spe)",
    "procedure": "run a procedure, a file or the name of a shipped one",
}
TIMELINES = Path(__file__).parent / "timelines"


@dataclass(frozen=True)
class Act:
    """One of GRAMMAR: its keyword and its argument."""

    word: str
    value: float | str | None = None


Step = tuple[int, str, "statements.Statement | Act"]  # line number, its text, the parsed statement


def shipped() -> list[str]:
    """Names of the timelines that come with this package."""
    return sorted(path.stem for path in TIMELINES.glob("*.txt"))


def load(name: str, dictionary: Dictionary) -> list[Step]:
    """Read and check a timeline, a file or the name of a shipped one. Raises UserError at the first bad line."""
    path = TIMELINES / f"{name}.txt" if name in shipped() else Path(name)
    if not path.exists():
        raise UserError.at("timeline", "FILE", f"neither a file nor one of {', '.join(shipped())}", name)
    steps: list[Step] = []
    at_s = 0.0
    for number, line in enumerate(re.split(r"\r\n|\n|\r", text_of(path)), 1):
        try:
            found = _parse(number, line, path.parent, dictionary)
            for _, text, step in found:
                if isinstance(step, Act) and step.word == "at" and isinstance(step.value, float):
                    if step.value < at_s:
                        raise UserError(f"at: before the previous one, {at_s:g} ({text})")
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
        statement = parsing.parse(line, dictionary)
        return [(number, text, statement)] if statement else []
    if len(rest) != len(GRAMMAR[word].split()) - 1:
        raise UserError(f"{word}: expected `{GRAMMAR[word]}` ({shown(text)})")
    if word == "at":
        return [(number, text, Act(word, at_least(0, rest[0], "at", "SECONDS")))]
    if word == "power":
        telecommands.one_of("power", rest[0], ("off",))
        return [(number, text, Act(word, at_least(0.01, rest[1], "power off", "SECONDS")))]
    if word == "link":
        return [(number, text, Act(word, telecommands.one_of("link", rest[0], ("up", "down"))))]
    if word == "source":
        sources.load(folder / rest[0])  # raise errors now, not half-way through the timeline
        return [(number, text, Act(word, str(folder / rest[0])))]
    if word == "procedure":
        path = procedure.find(rest[0])
        return [
            (number, f"{path.stem}:{n}: {text}", statement)
            for n, text, statement in parsing.parse_all(text_of(path), path, dictionary)
        ]
    return [(number, text, Act(word))]


class WatchedLink(Link):
    """A link that can be cut, with all traffic checked against the ICD. signed: telecommands have a trailer."""

    def __init__(self, target: Target, conformance: Conformance, signed: bool):
        super().__init__(target)
        self.is_up = True
        self._conformance = conformance
        self._trailer = TRAILER if signed else 0
        self._sent, self._received = frames.Deframer(), frames.Deframer()
        self.up, self.down = self._see_up, self._see_down

    @property
    def now_s(self) -> float:
        return self._target.now_us / 1e6

    def _see_up(self, data: bytes) -> bytes:
        for content in self._sent.feed(data):
            self._conformance.up(content[: len(content) - self._trailer], self.now_s)
        return data

    def _see_down(self, data: bytes) -> bytes:
        good, bad = self._received.good, self._received.crc_errors
        for packet in self._received.feed(data):
            self._conformance.down(packet, self.now_s)
        self._conformance.frames(self._received.good - good, self._received.crc_errors - bad, self.now_s)
        return data

    def cut(self) -> None:
        """Block the link both ways until `heal`."""
        self.receive()
        self.is_up = False
        self.up = self.down = lambda data: b""

    def heal(self) -> None:
        """Restore the link; a frame that began while it was down is not counted as damaged."""
        self._target.receive()
        super().heal()
        self.is_up = True
        self._received = frames.Deframer()
        self.up, self.down = self._see_up, self._see_down
        self._conformance.interrupted()


class Lander:
    """Runs a timeline. say(text): prints progress. epoch_s: the spacecraft's clock at the start.

    times: factor by which the timeline runs faster: the times of `at` are divided by it.
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
        self.link = WatchedLink(target, self.conformance, key is not None)
        self.session = Session(self.link, key=key)  # pyright: ignore[reportArgumentType] acts as a target
        self.lost = self.collected = 0  # stored packets not received; received on request
        self._runner = Runner(self.session)
        self._downlink = Downlink(self.session)
        self._epoch_s = epoch_s
        self._times = times
        self._say = say
        self._begin_us = target.now_us

    def run(self, steps: list[Step]) -> bool:
        """Run until the first statement that fails. Returns whether the report is clean and no statement failed."""
        if self.link.in_real_time:
            _check_possible(steps, self.link.name)
        else:  # a simulated target has just been powered on
            self.conformance.powered(self.link.now_s)
        try:
            self.session.connect()
            self._follow(steps)
            self.session.pump()
        except BaseException:
            self.conformance.ended("the timeline was interrupted")
            raise
        self.conformance.over(self.link.now_s)
        return self.conformance.clean

    def _follow(self, steps: list[Step]) -> None:
        for number, text, step in steps:
            self._say(f"{self.link.now_s:12.3f} s  {number}: {text}")
            try:
                message = self._act(step) if isinstance(step, Act) else self._runner.run(step)
            except UserError as error:
                self._say(f"{self.link.now_s:12.3f} s  {number}: FAILED: {error}")
                self.conformance.ended(f"the timeline ended at line {number}: {error}")
                return
            if message:
                self._say(f"{self.link.now_s:12.3f} s  {number}: {message}")

    def _act(self, act: Act) -> str:
        return getattr(self, f"_{act.word}")(act.value) or ""

    def _at(self, seconds: float) -> None:
        left_s = seconds / self._times - (self.link.now_us - self._begin_us) / 1e6
        if left_s > 0:
            self.session.advance(left_s)

    def _power(self, seconds: float) -> None:
        self.session.pump()
        self.link.power_cycle(seconds)
        self._started()

    def _reset(self, _) -> None:
        self.session.pump()
        self.link.reset()
        self._started()

    def _started(self) -> None:
        """Send nothing until housekeeping is received: idle octets would disturb the maintenance window (Ctrl-C)."""
        if not self.link.is_up:
            return
        self.conformance.powered(self.link.now_s)
        self.session.wait_for(lambda packet: packet.name == "housekeeping", 15)

    def _link(self, state: str) -> None:
        self.link.cut() if state == "down" else self.link.heal()

    def _time(self, _) -> str:
        try:
            return self._set_time()
        except CommandFailed as refused:
            if refused.failure != "not_armed":
                raise
        self.session.command("function", function="arm")  # required for a large step ahead, such as the first setting
        return self._set_time()

    def _set_time(self) -> str:
        since_s = (self.link.now_us - self._begin_us) / 1e6
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
        result = self._downlink.complete()
        self.collected += result.received - before
        self.lost = result.lost
        return f"{result.received - before} stored packets received, {result.lost} lost"

    def _source(self, path: str) -> str:
        if self.link.in_real_time:
            return "ignored: the detectors are real"
        self.link.inject(sources.endless(sources.load(path)))
        return ""


def _check_possible(steps: list[Step], target: str) -> None:
    """Raise UserError for statements that switch the power of a real instrument or pull its reset pin."""
    for number, text, step in steps:
        if isinstance(step, Act) and step.word in ("power", "reset"):
            raise UserError(
                f"line {number}: {text}: not possible on target {target}, whose power is not controlled from here"
            )
