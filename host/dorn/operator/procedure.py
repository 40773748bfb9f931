"""Procedures: statements one after the other, up to the first that fails. Those shipped are in `procedures/`."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

from dorn.dictionary.headers import VERIFICATION
from dorn.errors import UserError
from dorn.operator import lines
from dorn.operator.statements import Check, Say, Statement

if TYPE_CHECKING:
    from dorn.session import Session

PROCEDURES = Path(__file__).with_name("procedures")


def shipped() -> list[str]:
    """Names of the procedures that come with this package."""
    return sorted(path.stem for path in PROCEDURES.glob("*.txt"))


def find(name: str) -> Path:
    """A procedure by its path, or by the name of one that is shipped. UserError if there is neither."""
    if Path(name).exists():
        return Path(name)
    if name in shipped():
        return PROCEDURES / f"{name}.txt"
    raise UserError.at("procedure", "FILE", f"neither a file nor one of {', '.join(shipped())}", name)


def run(session: Session, procedure: list[tuple[int, str, Statement]]) -> bool:
    """Carry it out, as `parsing.parse_all` read it; -> whether every statement went well.

    Each is printed with on-board time when it begins and when it is done, answers and event reports between them.
    """
    from dorn.operator.running import Runner  # these import numpy, which completing a name shall not wait for
    from dorn.targets import TargetError

    runner = Runner(session)

    def show(packet) -> None:
        # whether a telecommand went well is said in other words
        if packet.service != VERIFICATION and lines.is_asked_for(packet, session.dictionary):
            print(lines.packet_line(packet, session.dictionary), flush=True)

    def tell(text: str) -> None:
        print(f"{runner.time_s:12.3f} s  {text}", flush=True)

    runner.on_packet = show
    for number, text, statement in procedure:
        if not isinstance(statement, Say | Check):  # these take no time
            tell(f"{number}: {text}")
        try:
            said = runner.run(statement)
        except TargetError as error:
            tell(f"{number}: FAILED: {text}: {error}")
            return False
        if isinstance(statement, Say):
            tell(said)
        else:
            tell(f"{number}: ok{said and f': {said}'}")
    return True
