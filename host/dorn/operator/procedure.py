"""Procedures: sequences of statements, executed up to the first that fails. `procedures/` has the shipped ones."""

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
    """Path of a procedure, given as a path or as the name of a shipped one. Raises UserError if it is neither."""
    if Path(name).exists():
        return Path(name)
    if name in shipped():
        return PROCEDURES / f"{name}.txt"
    raise UserError.at("procedure", "FILE", f"neither a file nor one of {', '.join(shipped())}", name)


def run(session: Session, procedure: list[tuple[int, str, Statement]]) -> bool:
    """Execute a procedure parsed by `parsing.parse_all`. Returns whether every statement succeeded.

    Prints each statement with on-board time at its start and end, and answers and event reports in between.
    """
    from dorn.operator.running import Runner  # imports numpy, which would delay the completion of names
    from dorn.targets import TargetError

    runner = Runner(session)

    def show(packet) -> None:
        # the result of a telecommand is printed with its statement
        if packet.service != VERIFICATION and lines.is_asked_for(packet, session.dictionary):
            print(lines.packet_line(packet, session.dictionary), flush=True)

    def tell(text: str) -> None:
        print(f"{runner.time_s:12.3f} s  {text}", flush=True)

    runner.on_packet = show
    for number, text, statement in procedure:
        if not isinstance(statement, Say | Check):  # these take no time
            tell(f"{number}: {text}")
        try:
            message = runner.run(statement)
        except TargetError as error:
            tell(f"{number}: FAILED: {text}: {error}")
            return False
        if isinstance(statement, Say):
            tell(message)
        else:
            tell(f"{number}: ok{message and f': {message}'}")
    return True
