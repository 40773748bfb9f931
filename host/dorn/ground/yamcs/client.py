"""What `dorn yamcs` sends to the server besides the packets: time correlation, events, values for displays."""

from __future__ import annotations

import functools
import time
from collections.abc import Callable, Mapping
from datetime import UTC, datetime, timedelta

from dorn.util.extras import missing

INSTANCE = "dorn"
TIME_CORRELATION = "correlation"  # the service in yamcs.dorn.yaml
LINK = "telemetry"
SOURCE = "DORN"  # source of events, as Yamcs shows it
_COUNT_S = 2**-16  # resolution of the 6 octets of on-board time
_BEGINNING = datetime(1970, 1, 1, tzinfo=UTC)
_PROCESSED_S, _PROCESSING_S = 1.0, 0.02  # wall time: limit for all earlier packets; poll interval, above their spacing
_TIMEOUT_S = 2.0  # timeout of a request
_BLOCKED_S = 10.0  # wall time without requests after an unanswered one


def utc(seconds: float) -> datetime:
    """Seconds since 1970 as a time."""
    return _BEGINNING + timedelta(seconds=seconds)


class Client:
    """Raises UserError if yamcs-client is not installed. Its methods return whether the server accepted the data,
    and do not raise: a display must not end the run."""

    def __init__(self, address: str):
        """address: HOST:PORT of the server."""
        try:
            import requests
            from yamcs.client import YamcsClient, YamcsError
        except ImportError:
            raise missing("yamcs: its client is not installed", "yamcs") from None
        self._timeout, self._errors = requests.Timeout, (YamcsError, requests.ConnectionError)
        self._blocked_s = 0.0  # time before which no request is made
        self._client = YamcsClient(address)
        session = self._client.ctx.session
        session.trust_env = False  # the server is on this machine: a proxy in the environment would not reach it
        # without this, requests have no timeout
        session.request = functools.partial(session.request, timeout=_TIMEOUT_S)  # pyright: ignore[reportAttributeAccessIssue]
        self._processor = self._client.get_processor(INSTANCE, "realtime")
        self._correlation = self._client.get_tco_client(INSTANCE, TIME_CORRELATION)

    def correlate(self, epoch_s: float) -> bool:
        """Set the UTC of on-board time 0, s since 1970, once the server has processed all earlier packets."""

        def correlate() -> None:
            end_s = time.monotonic() + _PROCESSED_S
            before, now = -1, self._processed()
            while now != before and time.monotonic() < end_s:
                time.sleep(_PROCESSING_S)
                before, now = now, self._processed()
            self._correlation.override_coefficients(utc(epoch_s), 0, gradient=_COUNT_S)

        return self._attempt(correlate)

    def _processed(self) -> int:
        return self._client.get_link(INSTANCE, LINK).get_info().in_count or 0

    def publish(self, values: Mapping[str, object]) -> bool:
        """Set local parameters, by qualified name."""
        return self._attempt(lambda: self._processor.set_parameter_values(values))

    def event(self, kind: str, text: str, severity: str, time_s: float, number: int) -> bool:
        """Add an event. time_s: UTC, s since 1970. number: distinguishes events with the same time."""
        return self._attempt(
            lambda: self._client.send_event(
                INSTANCE, text, kind, utc(time_s), severity, source=SOURCE, sequence_number=number
            )
        )

    def _attempt(self, call: Callable[[], object]) -> bool:
        if time.monotonic() < self._blocked_s:
            return False
        try:
            call()
        except self._errors:
            return False
        except self._timeout:  # the instrument must not wait for a server that hangs
            self._blocked_s = time.monotonic() + _BLOCKED_S
            return False
        return True

    def close(self) -> None:
        self._client.close()
