"""`dorn bridge`: the instrument's frames on one side, whole packets for any ground system on the other.

Telemetry goes out as one UDP datagram per packet, and back to back to the clients of a TCP port; telecommands are
received in the same two ways (outlets.py). Packets are forwarded unchanged. Anything but a telecommand of this
instrument is dropped and counted; a damaged frame affects no other. While the instrument's port is unavailable, the
bridge waits for it without limit; telecommands that arrive meanwhile are dropped and counted, as they may be outdated.
"""

from __future__ import annotations

import selectors
import time
from collections import Counter
from collections.abc import Callable, Sequence

from dorn.dictionary import Ack, Dictionary, DictionaryError, PacketError
from dorn.dictionary.codec import faults
from dorn.dictionary.headers import EVENT_REPORTING, TELECOMMAND
from dorn.ground.conformance import Conformance
from dorn.ground.notices import Notices
from dorn.ground.outlets import Outlet
from dorn.link import frames
from dorn.link.key import Key, challenge_in
from dorn.session.receiver import Receiver
from dorn.targets import OtherInstrument, Target, TargetError
from dorn.targets.pace import Pace

# faults for which a telecommand is dropped -> the reason printed; the instrument itself reports other faults
_DROPPED = {
    "length": "length",
    "length field": "length field",
    "header": "not a telecommand of this APID",
    "CRC": "CRC",
}
_AWAY = "the instrument is unavailable"
AWAY_S = 0.2  # how long the target itself waits for its port; the outlets are not served meanwhile
_PROBE = b"\0"  # an idle octet
_STEP_S = 0.02  # maximum target time between polls; about the latency of an answer
_RETRY_S = 0.1  # wall time between attempts to reach an unavailable instrument


class Bridge:
    """Connects a target to outlets, such as Udp and Tcp.

    down, up: packets forwarded; dropped: reason -> number of telecommands. key signs the telecommands. say(text):
    called with messages for the operator. conformance: checks all traffic on the link. clock: wall time, seconds.
    """

    def __init__(
        self,
        target: Target,
        outlets: Sequence[Outlet],
        key: Key | None = None,
        say: Callable = print,
        conformance: Conformance | None = None,
        clock: Callable[[], float] = time.monotonic,
    ):
        self.target = target
        self.conformance = conformance
        self.outlets = outlets
        self.down = self.up = 0
        self.dropped = Counter()
        self._dictionary = Dictionary.load()
        self._booted = self._dictionary.enums["event"]["booted"]
        self._receiver = Receiver(target, self._dictionary)
        self._key = key
        self._say = say
        self._clock = clock
        self._notices = Notices(say, clock)
        self._latest: dict[str, str] = {}  # reason -> the last telecommand dropped for it
        self._foreign = False
        self._away_since_s: float | None = None  # wall time; None: the instrument is available
        self._is_other = False  # another instrument has answered instead
        if key:
            key.skip()  # the instrument may have skipped counters in a reset

    @property
    def _now_s(self) -> float:
        return self.target.now_us / 1e6

    @property
    def bad_frames(self) -> int:
        return self._receiver.crc_errors

    def step(self) -> None:
        """Forward what was received, both ways."""
        self._receive()
        self._take()
        self._notices.update(self._all_dropped(), self._latest)

    def _take(self) -> None:
        """Forward the telecommands that the outlets have received."""
        for outlet in self.outlets:
            for packet in outlet.take():
                self.send(packet)

    def _receive(self) -> None:
        """Forward the telemetry that has arrived, if it comes from the same instrument as before."""
        good, bad = self._receiver.good, self._receiver.crc_errors
        try:
            for octets, _ in self._receiver.packets():
                self._forward(octets)
        except TargetError as error:
            self._lost(error)
        if self.conformance:
            self.conformance.frames(self._receiver.good - good, self._receiver.crc_errors - bad, self._now_s)
        if self._receiver.asks():
            self._attempt(self._frame(self._dictionary.encode("report_structure", 0, ack=Ack.NONE, structure="health")))

    def _forward(self, packet: bytes) -> None:
        self.down += 1
        if self.conformance:
            self.conformance.down(packet, self._now_s)
        self._inspect(packet)
        for outlet in self.outlets:
            outlet.put(packet)

    def _frame(self, packet: bytes) -> bytes:
        return frames.encode(self._key.sign(packet) if self._key else packet)

    def send(self, packet: bytes) -> None:
        """Forward a packet to the instrument if it is a telecommand."""
        if self.conformance:
            self.conformance.up(packet, self._now_s)
        wrong = next((_DROPPED[f] for f in faults(packet, self._dictionary.mission) if f in _DROPPED), None)
        if wrong or self._away_since_s is not None or not self._receiver.recognised:
            self._drop(wrong or _AWAY, packet)
        elif self._attempt(self._frame(packet)):
            self.up += 1
        else:
            self._drop(_AWAY, packet)

    def _drop(self, reason: str, packet: bytes) -> None:
        self.dropped[reason] += 1
        self._latest[reason] = f"{packet[:16].hex(' ')}{' ...' if len(packet) > 16 else ''}"

    def _inspect(self, packet: bytes) -> None:
        """Inspect telemetry: report a different dictionary, and resynchronise the key after a reset."""
        try:
            if self._dictionary.check_hash(packet):
                self._foreign = False
        except DictionaryError as error:
            if not self._foreign:
                self._say(f"housekeeping: {error}")
            self._foreign = True
        if self._key and packet[7:8] == bytes([EVENT_REPORTING]):
            try:
                fields = self._dictionary.decode(packet).fields
            except PacketError:
                return
            if fields.get("event") == self._booted:
                self._key.skip()
            elif fields.get("event") == self._dictionary.enums["event"]["challenge"]:
                self._key.challenge = challenge_in(fields)

    # -- an unavailable instrument -------------------------------------------------------------------------------------

    def _attempt(self, octets: bytes = b"", seconds: float = 0.0) -> bool:
        """Send octets and let target time pass. Returns whether the instrument is available."""
        try:
            if octets:
                self.target.send(octets)
            if seconds:
                self.target.advance(seconds)
        except TargetError as error:
            self._lost(error)
            return False
        return True

    def _lost(self, error: TargetError) -> None:
        is_new = self._away_since_s is None
        if is_new:
            self._away_since_s = self._clock()
            self._is_other = False
            self._interrupted()
        is_other = isinstance(error, OtherInstrument)
        if is_new or is_other > self._is_other:
            self._say(f"{error}; waiting for it")
            self._is_other = is_other

    def _interrupted(self) -> None:
        if self.conformance:
            self.conformance.interrupted()

    def _seek(self) -> None:
        """Try to reach an unavailable instrument."""
        if not self._attempt(_PROBE):
            self._wait(_RETRY_S)
            return
        self._receive()
        if not self._receiver.recognised:  # it may be another instrument
            self._take()
            self._attempt(seconds=_STEP_S)
            return
        self._take()  # telecommands received while it was unavailable are not sent
        self._say(f"target {self.target.name}: back after {self._clock() - (self._away_since_s or 0):.1f} s")
        self._away_since_s = None
        self._interrupted()
        if self._key:
            self._key.skip()  # a reset may have been missed

    # -- time ----------------------------------------------------------------------------------------------------------

    def serve(self, stopped: Callable[[], bool] = lambda: False, speed: float = 1.0) -> None:
        """Forward until `stopped()`. speed: seconds of target time per second of wall time, for a simulated target."""
        pace = None if self.target.in_real_time else Pace(self.target, speed)
        while not stopped():
            self.step()
            if self._away_since_s is not None:
                self._seek()
                continue
            if pace is None:
                self._attempt(seconds=_STEP_S)  # waits
                continue
            due_s, step_s = pace.due_s(), _STEP_S * speed
            if due_s >= step_s:
                self.target.advance(step_s)  # a simulation cannot resume: its error ends the bridge
            else:
                self._wait((step_s - due_s) / speed)

    def _wait(self, seconds: float) -> None:
        """Wait until a client sends something, at most `seconds`."""
        # unlike select it does not limit descriptor numbers, and unlike epoll it works when no descriptor is left
        selector = selectors.PollSelector()
        for outlet in self.outlets:
            for socket in outlet.sockets():
                selector.register(socket, selectors.EVENT_READ)
        selector.select(seconds)

    def close(self) -> None:
        for outlet in self.outlets:
            outlet.close()

    def _all_dropped(self) -> Counter:
        """Reason -> number dropped by the bridge and its outlets."""
        return sum((outlet.dropped for outlet in self.outlets), self.dropped.copy())

    def summary(self) -> str:
        reasons = ", ".join(f"{n} {why}" for why, n in self._all_dropped().items()) or "nothing"
        return f"{self.down} packets down, {self.up} up; {self.bad_frames} damaged frames; dropped: {reasons}"


def telecommand_header(dictionary: Dictionary) -> bytes:
    """The first two octets of every telecommand: version 0, type 1, secondary header, APID."""
    return (TELECOMMAND | dictionary.mission["apid"]).to_bytes(2, "big")
