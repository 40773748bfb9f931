"""Follows an acquisition by the instrument's packets while a run waits for its end."""

from __future__ import annotations

from collections.abc import Callable

from dorn.dictionary import Dictionary, Packet
from dorn.dictionary.headers import EVENT_REPORTING

# event -> what it means for a measurement, with the values of the event report
_CHANGES = {
    "detector_off": "detector {a} switched off: its line was stuck",
    "bias_tripped": "the bias tripped",
    "bias_off": "the bias was switched off",
    "storm_begin": "storm mode: {a} triggers per second, no events are listed",
    "storm_end": "end of storm mode",
    "cleared": "spectra and counters were cleared",
}


class Watch:
    """Takes the packets received during an acquisition.

    resets: number of resets of the instrument. stopped: why the acquisition has stopped, None while it runs; by_reset:
    whether a reset stopped it. changes: all messages reported.
    """

    def __init__(self, dictionary: Dictionary, housekeeping: Packet, say: Callable[[str], object]):
        """housekeeping: the last packet before the start. say: called with a line for each change that matters for the
        measurement."""
        self._say = say
        self._events = dictionary.texts["event"]
        self._modes = dictionary.texts["mode"]
        self._causes = dictionary.texts["reset_cause"]
        self._since_s = housekeeping.time_s
        self._boot_count = housekeeping.fields["boot_count"]
        self._counted_s = {"real": 0.0, "live": 0.0}  # counted before the counters last restarted
        self._latest: Packet | None = None  # the latest rates packet
        self.resets = 0
        self.stopped: str | None = None
        self.by_reset = False
        self.changes: list[str] = []

    def time_s(self, name: str) -> float:
        """Real or live time ("real", "live") acquired according to the latest rates packet, across resets."""
        latest = self._latest.fields[f"{name}_us"] / 1e6 if self._latest else 0.0
        return self._counted_s[name] + latest

    def restarted(self) -> None:
        """The acquisition was started again."""
        self._mode("science")

    def take(self, packet: Packet) -> None:
        if packet.time_s < self._since_s:  # retrieved from the store
            return
        if packet.name == "housekeeping":
            self._booted(packet.fields["boot_count"], packet.text("reset_cause"))
            self._mode(packet.text("mode"))
        elif packet.name == "rates":
            self._rates(packet)
        elif packet.service == EVENT_REPORTING:
            self._event(self._events.get(packet.fields["event"]), packet.fields["a"], packet.fields["b"])

    def _rates(self, packet: Packet) -> None:
        if self._latest and packet.time_s < self._latest.time_s:
            return
        if self._latest and packet.fields["real_us"] < self._latest.fields["real_us"]:
            self._counted_s = {name: self.time_s(name) for name in self._counted_s}
        self._latest = packet

    def _event(self, name: str | None, a: int, b: int) -> None:
        if name == "booted":
            self._booted(a, self._causes.get(b, str(b)))
        elif name == "mode_changed":
            self._mode(self._modes.get(b, str(b)))
        elif name in _CHANGES:
            self._add(_CHANGES[name].format(a=a, b=b))

    def _booted(self, count: int, cause: str) -> None:
        if count != self._boot_count:
            self._boot_count = count
            self._counted_s = {name: self.time_s(name) for name in self._counted_s}
            self._latest = None
            self.resets += 1
            self.stopped, self.by_reset = f"the instrument was reset: {cause}", True
            self._add(self.stopped)

    def _mode(self, mode: str) -> None:
        if mode == "science":
            if self.stopped:
                self._add("the acquisition was started again")
            self.stopped, self.by_reset = None, False
        elif self.stopped is None:
            self.stopped, self.by_reset = f"the acquisition was stopped: mode {mode}", False
            self._add(self.stopped)
        elif mode == "safe" and self.by_reset:
            self.stopped, self.by_reset = f"{self.stopped}, mode safe", False

    def _add(self, change: str) -> None:
        self.changes.append(change)
        self._say(change)
