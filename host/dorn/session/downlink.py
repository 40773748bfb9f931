"""Complete downlink: what the instrument has stored and the archive has not is asked for again, and nothing else."""

from __future__ import annotations

import contextlib
from dataclasses import dataclass

from dorn.dictionary import Ack, Packet
from dorn.errors import UserError
from dorn.session import Session
from dorn.targets import TargetError

_AT_ONCE = 64  # records of one request: a damaged link costs no more of them, and what is new comes between
_REQUEST_S = 20.0  # the longest a request takes: 64 of the longest packets at 115 200 baud take 4 s
_TRIES = 20  # requests in a row that bring nothing


@dataclass
class DownlinkResult:
    """Of the records since the first one known. lost: gone from the instrument's store before they came, at most: an
    instrument that was reset out of order leaves numbers out, and nobody can tell once they are behind its store."""

    received: int
    repeated: int
    lost: int
    requests: int


class Downlink:
    """Over a connected session."""

    def __init__(self, session: Session):
        self._session = session
        self._lost = self._requests = 0

    def complete(self) -> DownlinkResult:
        """Ask until everything that is on the instrument's flash now is here. TargetError if requests bring nothing.

        What is stored meanwhile, or comes besides, does not count: an instrument that talks on would keep us for ever.
        """
        records = self._session.records
        tries, until = 0, None
        while True:
            report = self._report()
            until = report["last"] if until is None else until
            missing = self._missing(report["first"], until)
            if not missing:
                return DownlinkResult(records.received, records.repeated, self._lost, self._requests)
            for first, last in missing:
                self._ask_all(first, last)
            brought = any(records.missing(*asked) != [asked] for asked in missing)
            tries = 0 if brought else tries + 1
            if tries == _TRIES:
                raise TargetError(
                    f"target {self._session.target.name}: records {missing[0][0]} to {missing[0][1]}:"
                    f" asked for {_TRIES} times, and nothing came"
                )

    def _missing(self, first_stored: int, last_stored: int) -> list[tuple[int, int]]:
        records = self._session.records
        if not first_stored:
            return []
        if not records.latest:  # an archive begins with what there is
            records.settle(1, first_stored - 1)
        for first, last in records.missing(1, first_stored - 1):
            self._lost += last - first + 1
            records.settle(first, last)
        return records.missing(first_stored, last_stored)

    def _report(self) -> dict:
        """The store's own account; asked for until it comes."""
        for _ in range(_TRIES - 1):
            with contextlib.suppress(TargetError):
                return self._report_asked_for()
        return self._report_asked_for()

    def _report_asked_for(self) -> dict:
        answer = self._session.wait_for(_report_or_refusal, 5.0, self._ask_for_report)
        if answer.name == "storage_report":
            return answer.fields
        raise UserError(
            f"target {self._session.target.name}: report_storage refused: {answer.text('failure')};"
            " is --key the one on board?"
        )

    def _ask_for_report(self) -> None:
        self._session.post("report_storage", ack=Ack.NONE)

    def _ask_all(self, first: int, last: int) -> None:
        """Some at once; where the instrument has none, as after a reset that left 4096 numbers out, twice as many."""
        at_once = _AT_ONCE
        while first <= last:
            until = min(first + at_once - 1, last)
            at_once = 2 * at_once if self._ask(first, until) == 0 else _AT_ONCE
            first = until + 1

    def _ask(self, first: int, last: int) -> int | None:
        """One request; -> how many the instrument has, None if it does not say. The rest is asked for the next time."""
        self._requests += 1

        def over(packet) -> bool:
            return packet.name == "retrieved" and (packet.fields["first"], packet.fields["last"]) == (first, last)

        def request() -> None:  # its answer is verification enough
            self._session.post("retrieve_records", ack=Ack.NONE, first=first, last=last)

        records = self._session.records
        try:
            answer = self._session.wait_for(over, _REQUEST_S, request)
        except TargetError:  # the request or its end was lost
            return None
        here = last - first + 1 - sum(high - low + 1 for low, high in records.missing(first, last))
        if here >= answer.fields["count"]:  # all it has are here: the other numbers were never given
            records.settle(first, last)
        return answer.fields["count"]


def _report_or_refusal(packet: Packet) -> bool:
    """What no repetition can cure is no reason to try again."""
    refused = packet.name == "acceptance_failure" and packet.text("failure") in ("unsigned", "forged")
    return packet.name == "storage_report" or refused
