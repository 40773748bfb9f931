"""The outlet of the bridge for a Yamcs server: packets over TCP, and the data that the server needs besides.

Before a packet is sent, the server receives the UTC of on-board time 0, if that has changed, and the parameters
computed from the packet; after an event report, an event.
"""

from __future__ import annotations

import time
from collections import deque
from collections.abc import Iterable, Iterator, Mapping
from typing import Protocol

from dorn.dictionary import Dictionary, Packet, PacketError
from dorn.dictionary.headers import CRC, EVENT_REPORTING, TC_HEADER
from dorn.exports.xtce_local import Local
from dorn.ground.outlets import Tcp
from dorn.ground.yamcs.client import Client
from dorn.ground.yamcs.conditions import SYSTEM, Conditions
from dorn.ground.yamcs.correlation import Correlation
from dorn.link.records import Received

_REPETITION_S = 0.1  # wall time
_WAITING = 100_000  # packets kept while the server is not connected: hours of telemetry
_SEVERITIES = {1: "info", 2: "watch", 3: "distress", 4: "critical"}  # by subtype


class View(Protocol):
    """Computes parameters from packets: name -> value."""

    def parameters(self) -> Iterable[Local]: ...
    def initial(self) -> dict: ...
    def take(self, packet: Packet) -> dict: ...


class MissionControl:
    """views: name of a system of local parameters -> view. Packets retrieved from the store do not change them."""

    def __init__(
        self,
        link: Tcp,
        client: Client,
        correlation: Correlation,
        views: Mapping[str, View],
        conditions: Conditions,
        dictionary: Dictionary,
    ):
        self._link = link
        self._client = client
        self._correlation = correlation
        self._views = {**views, SYSTEM: conditions}
        self._conditions = conditions
        self._dictionary = dictionary
        self._received = Received()
        self._epoch_s: float | None = None  # as the server knows it
        self._waiting: deque[bytes] = deque()  # packets for a server that is not connected
        self._repeated_s = time.monotonic()
        self.dropped = link.dropped
        for system, view in self._views.items():
            self._publish(system, view.initial())

    def sockets(self) -> list:
        return self._link.sockets()

    def take(self) -> Iterator[bytes]:
        telecommands = list(self._link.take())
        self._flush()
        for telecommand in telecommands:
            if len(telecommand) >= TC_HEADER + CRC:  # else the bridge drops it
                self._publish(SYSTEM, self._conditions.sent(telecommand))
            yield telecommand
        if time.monotonic() - self._repeated_s >= _REPETITION_S:
            self._publish(SYSTEM, self._conditions.repeated())
            self._repeated_s = time.monotonic()

    def put(self, packet: bytes) -> None:
        try:
            decoded = self._dictionary.decode(packet)
        except PacketError:
            self._send(packet)
            return
        late, new = self._received.take(decoded)
        epoch_s = self._correlation.epoch_s(decoded, late)
        if epoch_s != self._epoch_s:
            accepted = self._client.correlate(epoch_s)
            self._report(accepted, "time correlation not accepted by Yamcs")
            self._epoch_s = epoch_s if accepted else None
        if new and not late:
            for system, view in self._views.items():
                self._publish(system, view.take(decoded))
        self._send(packet)
        if decoded.service == EVENT_REPORTING and decoded.subtype in _SEVERITIES:
            self._event(decoded, epoch_s + decoded.time_s)

    def _send(self, packet: bytes) -> None:
        """Send a packet, or keep it until the server has reconnected; the server tries every 10 s."""
        self._waiting.append(packet)
        if len(self._waiting) > _WAITING:
            self._waiting.popleft()
            self.dropped["Yamcs not connected"] += 1
        self._flush()

    def _flush(self) -> None:
        while self._waiting and self._link.clients:
            self._link.put(self._waiting.popleft())

    def _publish(self, system: str, values: dict) -> None:
        if values:
            named = {f"/{system}/{name}": value for name, value in values.items()}
            self._report(self._client.publish(named), "values not accepted by Yamcs")

    def _event(self, packet: Packet, time_s: float) -> None:
        severity = _SEVERITIES[packet.subtype]
        text = event_text(packet, self._dictionary)
        accepted = self._client.event(packet.text("event"), text, severity, time_s, packet.sequence)
        self._report(accepted, "event not accepted by Yamcs")

    def _report(self, accepted: bool, why: str) -> None:
        if not accepted:
            self.dropped[why] += 1

    def close(self) -> None:
        self._link.close()
        self._client.close()


def event_text(packet: Packet, dictionary: Dictionary) -> str:
    """An event report with the meaning of its two values, in words."""
    name = packet.text("event")
    event = dictionary.events.get(name)
    if event is None:
        return name
    values = []
    for about, value in ((event.a, packet.fields["a"]), (event.b, packet.fields["b"])):
        if about not in ("", "0"):  # the value is used
            about = about.partition(";")[0]
            values.append(f"{about} {_value_text(about, value, dictionary)}")
    return f"{name}: {', '.join(values)}" if values else name


def _value_text(about: str, value: int, dictionary: Dictionary) -> str:
    """The name of a value, if its description begins with the name of an enumeration (one or two words)."""
    words = about.split()
    for enum in ("_".join(words[:2]), words[0]):
        if enum in dictionary.texts:
            return dictionary.texts[enum].get(value, str(value))
    return hex(value) if "mask" in words else str(value)
