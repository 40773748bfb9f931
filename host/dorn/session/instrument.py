"""An instrument in a test: a session that keeps all packets and can query them."""

from __future__ import annotations

from collections.abc import Callable, Iterable

from dorn.dictionary import Packet
from dorn.dictionary.headers import EVENT_REPORTING
from dorn.link import frames
from dorn.session import Session
from dorn.session.acquire import collect

# timeout: housekeeping is sent every 10 s, rates every 5 s, by an emulated board on a busy host at half the speed
PERIODIC_S = 25.0


class Instrument(Session):
    """`received` has all packets so far, including housekeeping once `connect` returns."""

    def __init__(self, target, key=None):
        self.received: list[Packet] = []
        super().__init__(target, self.received.append, key)

    # -- telemetry ---------------------------------------------------------------------------------

    def last(self, name: str) -> dict:
        """Fields of the last packet with that name."""
        return next(packet.fields for packet in reversed(self.received) if packet.name == name)

    def events(self, name: str) -> list[tuple[int, int]]:
        """(a, b) of every event report with that name."""
        return [(p.fields["a"], p.fields["b"]) for p in self._reports(name)]

    def reported_at_us(self, name: str) -> float:
        """On-board time of the last event report with that name, us."""
        return max(p.time_s for p in self._reports(name)) * 1e6

    def _reports(self, name: str) -> Iterable[Packet]:
        number = self.dictionary.enums["event"][name]
        return (p for p in self.received if p.service == EVENT_REPORTING and p.fields.get("event") == number)

    def counts(self, name: str = "spectrum") -> dict[tuple[int, int], int]:
        """(detector or unit, channel) -> counts, over all packets so far."""
        out: dict[tuple[int, int], int] = {}
        for f in (p.fields for p in self.received if p.name == name):
            for i, counts in enumerate(f["counts"]):
                key = f.get("detector", f.get("unit", 0)), f["first"] + i
                out[key] = out.get(key, 0) + counts
        return {key: counts for key, counts in out.items() if counts}

    # -- telecommands ------------------------------------------------------------------------------

    def until(self, condition: Callable[[], bool], limit_s: float) -> None:
        """Let target time pass until `condition` holds, evaluated whenever data arrive. Raises NoAnswer on timeout."""

        def here() -> bool:
            self.pump()
            return condition()

        self.target.wait_for(here, limit_s)

    def next(self, name: str, limit_s: float = PERIODIC_S) -> dict:
        """Fields of the next packet with that name."""
        return self.next_packet(name, limit_s).fields

    def next_packet(self, name: str, limit_s: float = PERIODIC_S) -> Packet:
        return self.wait_for(lambda packet: packet.name == name, limit_s)

    def set(self, parameter: str, value: int) -> None:
        """Set a parameter and wait until it takes effect, not until it is on flash as set_parameters() does."""
        self.set_parameters(kept=False, **{parameter: value})

    def value(self, parameter: str, limit_s: float = 5.0) -> int:
        """The value of a parameter, as the instrument reports it."""

        def wanted(packet: Packet) -> bool:
            return packet.name == "parameter_value" and packet.text("parameter") == parameter

        ask = lambda: self.command("report_parameter", parameter=parameter)  # noqa: E731
        return self.wait_for(wanted, limit_s, ask).fields["value"]

    def function(self, function: str, limit_s: float = 5.0) -> None:
        self.command("function", limit_s, function=function)

    def armed(self, function: str) -> None:
        """Perform a function that must be armed."""
        self.function("arm")
        self.function(function)

    def send(self, *commands: tuple[str, dict], first: int = 100) -> None:
        """Send telecommands back to back, with sequence counts from `first`, without waiting."""
        encoded = (self.dictionary.encode(name, first + n, **fields) for n, (name, fields) in enumerate(commands))
        self.target.send(b"".join(map(frames.encode, encoded)))

    def reboot(self, begin: Callable[[], None], limit_s: float = 15.0) -> tuple[int, int]:
        """Call `begin`, which causes a boot, and wait for the boot report. Returns (boot count, cause)."""
        boots = len(self.events("booted"))
        begin()
        self.until(lambda: len(self.events("booted")) > boots, limit_s)
        return self.events("booted")[-1]

    def start(self) -> None:
        self.function("start")

    def calibrate(self) -> None:
        self.function("calibrate")

    def stop(self) -> dict:
        """Stop and wait for all spectra. Returns the fields of the next rates packet."""
        collect(self, lambda session: session.command("function", function="stop"))
        return self.next("rates")
