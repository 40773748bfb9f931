"""Complete downlink: requests exactly the records that the instrument has stored and the archive lacks."""

from __future__ import annotations

import contextlib
from dataclasses import dataclass

from dorn.dictionary import Ack, Packet
from dorn.errors import UserError
from dorn.session import Session
from dorn.targets import NoAnswer, TargetError

_AT_ONCE = 64  # records per request: limits the loss on a damaged link, and lets new packets through between requests
_REQUEST_S = 20.0  # timeout of a request: 64 packets of maximum length take 4 s at 115 200 baud
_TRIES = 20  # consecutive requests without a result


@dataclass
class DownlinkResult:
    """Numbers of records since the first known one.

    lost: upper limit of the records overwritten on board before they were received. An unexpected reset skips record
    numbers, which cannot be distinguished from overwritten records once they precede the store.
    """

    received: int
    repeated: int
    lost: int
    requests: int


class Downlink:
    """Downlink over a connected session."""

    def __init__(self, session: Session):
        self._session = session
        self._lost = self._requests = 0

    def complete(self) -> DownlinkResult:
        """Request until every record now on flash has been received. Raises TargetError if requests remain unanswered.

        Records stored meanwhile are not requested: otherwise an active instrument would keep the loop running.
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
            progress = any(records.missing(*asked) != [asked] for asked in missing)
            tries = 0 if progress else tries + 1
            if tries == _TRIES:
                raise TargetError(
                    f"target {self._session.target.name}: records {missing[0][0]} to {missing[0][1]}:"
                    f" requested {_TRIES} times, none received"
                )

    def _missing(self, first_stored: int, last_stored: int) -> list[tuple[int, int]]:
        records = self._session.records
        if not first_stored:
            return []
        if not records.latest:  # an empty archive begins with the first stored record
            records.settle(1, first_stored - 1)
        for first, last in records.missing(1, first_stored - 1):
            self._lost += last - first + 1
            records.settle(first, last)
        return records.missing(first_stored, last_stored)

    def _report(self) -> dict:
        """The store's report, requested until it arrives."""
        for _ in range(_TRIES - 1):
            with contextlib.suppress(NoAnswer):
                return self._requested_report()
        return self._requested_report()

    def _requested_report(self) -> dict:
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
        """Request in pieces; double their size while they yield no record, e.g. where a reset skipped 4096 numbers."""
        at_once = _AT_ONCE
        while first <= last:
            until = min(first + at_once - 1, last)
            at_once = 2 * at_once if self._ask(first, until) == 0 else _AT_ONCE
            first = until + 1

    def _ask(self, first: int, last: int) -> int | None:
        """Send one request. Returns how many of the records the instrument has, None on a timeout."""
        self._requests += 1

        def over(packet) -> bool:
            return packet.name == "retrieval_end" and (packet.fields["first"], packet.fields["last"]) == (first, last)

        def request() -> None:  # without verification reports: the answer is enough
            self._session.post("retrieve_records", ack=Ack.NONE, first=first, last=last)

        records = self._session.records
        try:
            answer = self._session.wait_for(over, _REQUEST_S, request)
        except NoAnswer:  # the request or its final report was lost; the rest is requested next time
            return None
        here = last - first + 1 - sum(high - low + 1 for low, high in records.missing(first, last))
        if here >= answer.fields["count"]:  # all records on board were received: the other numbers were never assigned
            records.settle(first, last)
        return answer.fields["count"]


def _report_or_refusal(packet: Packet) -> bool:
    """Whether it is the report, or a refusal that a repetition would not change."""
    refused = packet.name == "acceptance_failure" and packet.text("failure") in ("unsigned", "forged")
    return packet.name == "storage_report" or refused
