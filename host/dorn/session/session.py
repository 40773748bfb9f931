"""A session with the instrument over a target: packets are decoded and archived, telecommands verified."""

from __future__ import annotations

import contextlib
import random
from collections.abc import Callable
from pathlib import Path

from dorn.dictionary import Ack, Dictionary, Packet
from dorn.dictionary.headers import LAST_COUNT, REPORTS_OF_FAILURE, count_after
from dorn.errors import UserError
from dorn.link import frames
from dorn.link.key import Key, challenge_in
from dorn.link.records import Received, Records
from dorn.session.receiver import Receiver
from dorn.session.recorder import Recorder
from dorn.targets import NoAnswer, Reconnected, Target, TargetError

_ASK_S = 2.0  # interval between requests for housekeeping
_COMPLETION_S = 15.0  # a parameter may be written to flash 10 s after the previous one
_ATTEMPTS, _CHALLENGE_S = 5, 3.0  # the instrument repeats its challenge at most every 10 s
_ACK = Ack.ACCEPTANCE | Ack.COMPLETION
_RECOGNITION_S, _STEP_S = 30.0, 0.1  # after a new connection: timeout; interval between checks for packets
_TOGETHER = 16  # parameters that the instrument queues for its flash


class CommandFailed(TargetError):
    """The instrument refused a telecommand, or failed to execute it. failure: name of the reported failure code."""

    def __init__(self, text: str, failure: str):
        super().__init__(text)
        self.failure = failure


class Session:
    """`on_packet(packet)` is called with every decoded packet on arrival; `record` archives all intact packets.

    `key` signs the telecommands. A record of the packet store that was received before is dropped. watchers: called
    with every packet that is not late, after `on_packet`.
    """

    def __init__(self, target: Target, on_packet: Callable[[Packet], None] | None = None, key: Key | None = None):
        self.target = target
        self.key = key
        self.dictionary = Dictionary.load()
        self.packets = self.sequence_gaps = self.unknown = 0
        self.housekeeping: Packet | None = None
        self.on_packet = on_packet
        self._recorder = Recorder()
        self._received = Received()
        self._receiver = Receiver(target, self.dictionary)
        self._expected: int | None = None
        self._booted = self.dictionary.enums["event"]["booted"]
        # Reports name a telecommand only by its sequence count. Sessions that share an instrument
        # start at a random count, so two of their telecommands in progress have the same count with a probability of
        # only 1 in 16 384.
        self._sequence = random.randrange(LAST_COUNT + 1) if target.is_shared else 0
        self._sent = 0  # request_sequence of the last telecommand posted
        self.watchers: list[Callable[[Packet], None]] = []
        self._waiting: list[Callable[[Packet], None]] = []

    @property
    def records(self) -> Records:
        """Records of the instrument's packet store received so far, live or retrieved."""
        return self._received.records

    @property
    def archived(self) -> int:
        """Octets in the archive so far."""
        return self._recorder.octets

    @property
    def crc_errors(self) -> int:
        """Damaged frames."""
        return self._receiver.crc_errors

    def record(self, path: Path, keep: bool = False, force: bool = False) -> None:
        """Archive from now on, including earlier packets. Raises UserError if it exists, is in use or is not writable.

        keep: append to the file, and count the records in it as received. force: replace it.
        """
        self._received.know(self._recorder.open(path, keep, force, self.dictionary))

    def close(self) -> None:
        self._recorder.close()

    def pump(self) -> None:
        """Process what the link has received. Raises OtherInstrument if another instrument than before sent it."""
        for octets, packet in self._receiver.packets():
            if packet is None:
                self.unknown += 1
                self._recorder.add(octets)
                continue
            late, new = self._received.take(packet)
            if new:
                self._recorder.add(octets)
                self._take(packet, late)
        if self._receiver.asks():
            with contextlib.suppress(Reconnected):  # requested again later
                self._transmit(self.embedded("report_structure", Ack.NONE, structure="health"))

    def _take(self, packet: Packet, late: bool) -> None:
        self.packets += 1
        if not late:
            if packet.fields.get("event") == self._booted:  # the first packet after a start counts from 0
                self._expected = None
            self.sequence_gaps += self._expected not in (None, packet.sequence)
            self._expected = count_after(packet.sequence)
        if packet.name == "housekeeping":
            found = packet.fields["dictionary"]
            if found != self.dictionary.hash:
                raise UserError(
                    f"target {self.target.name}: dictionary: the instrument has {found:08x}, this software"
                    f" {self.dictionary.hash:08x}; flash the instrument, or use the matching software version"
                )
            if not late:
                self.housekeeping = packet
        if self.key and not late and packet.fields.get("event") == self.dictionary.enums["event"]["challenge"]:
            self.key.challenge = challenge_in(packet.fields)
        if self.key and self._is_refused(packet, "replayed") and packet.fields["request_sequence"] == self._sent:
            self.key.skip()
        if self.on_packet:
            self.on_packet(packet)
        for watcher in self._waiting + ([] if late else self.watchers):
            watcher(packet)

    def _is_refused(self, packet: Packet, failure: str) -> bool:
        return bool(self.key) and packet.name in REPORTS_OF_FAILURE and packet.text("failure") == failure

    def wait_for(
        self, wanted: Callable[[Packet], bool], limit_s: float, begin: Callable[[], object] | None = None
    ) -> Packet:
        """Call `begin` and return the next packet for which `wanted` is true.

        Raises NoAnswer after `limit_s` of target time.
        """
        found: list[Packet] = []
        self.pump()
        watcher = lambda packet: found.append(packet) if wanted(packet) else None  # noqa: E731
        self._waiting.append(watcher)

        def here() -> bool:
            self.pump()
            return bool(found)

        try:
            if begin:
                begin()
            self.target.wait_for(here, limit_s)
        finally:
            self._waiting.remove(watcher)
        return found[0]

    def advance(self, seconds: float) -> None:
        self.target.advance(seconds)
        self.pump()

    def connect(self, limit_s: float = 15.0, ask: bool = True) -> Packet:
        """Wait for housekeeping, which identifies the instrument. Raises UserError on timeout or a dictionary mismatch.

        ask: request housekeeping every 2 s. Not after a reset: the telecommand contains the octet of Ctrl-C, which in
        the maintenance window (1.2 s, shorter than opening a port and waiting 2 s) would prevent the firmware from
        starting; and the firmware sends housekeeping when it starts.
        """
        if self.housekeeping is None:
            end_us = self.target.now_us + limit_s * 1e6
            while self.housekeeping is None:
                left_s = (end_us - self.target.now_us) / 1e6
                try:
                    self.wait_for(lambda packet: packet.name == "housekeeping", min(left_s, _ASK_S) if ask else left_s)
                except NoAnswer as error:
                    if self.target.now_us < end_us:
                        self.post("report_structure", ack=Ack.NONE, structure="health")
                        continue
                    raise UserError(
                        f"target {self.target.name}: no housekeeping packet within {limit_s:g} s;"
                        " is it flashed, and is this its port?"
                    ) from error
                except TargetError as error:
                    raise UserError(f"target {self.target.name}: no housekeeping packet: {error}") from error
        return self.housekeeping

    @property
    def version(self) -> str:
        """Version of the firmware from housekeeping; valid after `connect`."""
        fields = self.connect().fields
        return ".".join(str(fields[f"version_{part}"]) for part in ("major", "minor", "patch"))

    def command(
        self, name: str, /, limit_s: float = _COMPLETION_S, check: bool = True, ack: int = _ACK, **fields: int | str
    ) -> Packet:
        """Send a telecommand and wait for its completion report. Raises CommandFailed if it fails or is refused.

        check=False: allow values outside the dictionary's ranges. ack: as for Dictionary.encode; must include
        completion.
        """
        key = self.key
        challenged = bool(key and key.challenge)
        report = self._verified(name, limit_s, check, ack, fields)
        # replayed: this was the first telecommand after a reset, and the next counter is high enough; forged: another
        # client answered the challenge first
        for _ in range(_ATTEMPTS):
            if key and self._is_refused(report, "unsynchronised"):
                if not key.challenge:  # the instrument repeats it only in response to a telecommand
                    with contextlib.suppress(NoAnswer):
                        self.wait_for(lambda packet: bool(key.challenge), _CHALLENGE_S)
            elif not (self._is_refused(report, "replayed") or (challenged and self._is_refused(report, "forged"))):
                break
            report = self._verified(name, limit_s, check, ack, fields)
        self._raise_refused(report, name, fields)
        return report

    def _verified(self, name: str, limit_s: float, check: bool, ack: int, fields: dict) -> Packet:
        sent: list[int] = []

        def verified(packet: Packet) -> bool:
            return packet.fields.get("request_sequence") in sent and _is_final(packet)

        return self.wait_for(verified, limit_s, lambda: sent.append(self._post(name, ack, check, fields)))

    def _raise_refused(self, report: Packet, name: str, fields: dict) -> None:
        if report.name in REPORTS_OF_FAILURE:
            failure = report.text("failure")
            values = (value.hex() if isinstance(value, bytes) else value for value in fields.values())
            sent = " ".join([name, *(f"{field}={value}" for field, value in zip(fields, values, strict=True))])
            raise CommandFailed(f"{sent}: {report.name}: {failure} (detail {report.fields['detail']})", failure)

    def set_parameters(self, /, kept: bool = True, **values: int) -> None:
        """Set parameters by name, sent together: one at a time, each would take 10 s to be written to flash.

        kept: wait until they are on flash; they take effect earlier. Raises CommandFailed if one is refused; the others
        are set.
        """
        if self.key:
            self.command("ping")  # synchronises the key's counter
        names = list(values)
        for at in range(0, len(names), _TOGETHER):
            settings = [{"parameter": name, "value": values[name]} for name in names[at : at + _TOGETHER]]
            self._set_together(settings, kept)

    def _set_together(self, settings: list[dict], kept: bool) -> None:
        open_: dict[int, dict] = {}
        reports: list[tuple[Packet, dict]] = []

        def post() -> None:
            for fields in settings:
                ack = Ack.COMPLETION if kept else Ack.START
                open_[self._post("set_parameter", ack, True, fields)] = fields

        def over(packet: Packet) -> bool:
            final = _is_final(packet) or (not kept and packet.name == "start_success")
            if packet.fields.get("request_sequence") in open_ and final:
                reports.append((packet, open_.pop(packet.fields["request_sequence"])))
            return len(reports) == len(settings)

        self.wait_for(over, _COMPLETION_S, post)
        for report, fields in reports:
            self._raise_refused(report, "set_parameter", fields)

    def post(self, name: str, /, ack: int = _ACK, check: bool = True, **fields: int | str) -> None:
        """Send a telecommand without waiting. ack, check: as for Dictionary.encode."""
        self._post(name, ack, check, fields)

    def _post(self, name: str, ack: int, check: bool, fields: dict) -> int:
        """Send a telecommand, to the same instrument as before. Returns its request_sequence."""
        self._recognise()
        packet = self.embedded(name, ack, check, **fields)
        self._sent = int.from_bytes(packet[2:4], "big")
        for _ in range(_ATTEMPTS):
            with contextlib.suppress(Reconnected):
                self._transmit(packet)
                return self._sent
            self._recognise()
        raise TargetError(f"target {self.target.name}: its port comes and goes")

    def _transmit(self, packet: bytes) -> None:
        self.target.send(frames.encode(self.key.sign(packet) if self.key else packet))

    def _recognise(self) -> None:
        """Wait until the instrument is known to be the same as before. Raises NoAnswer if no instrument answers."""
        end_us = self.target.now_us + _RECOGNITION_S * 1e6
        self.pump()
        while not self._receiver.recognised:
            if self.target.now_us >= end_us:
                raise NoAnswer(f"target {self.target.name}: after a new connection, no instrument identified itself")
            self.advance(_STEP_S)

    def embedded(
        self, name: str, /, ack: int = Ack.COMPLETION, check: bool = True, **fields: int | str | bytes
    ) -> bytes:
        """Encode a telecommand with the next sequence count, to send or to embed in another. ack, check: as above."""
        packet = self.dictionary.encode(name, self._sequence, ack=ack, check=check, **fields)
        self._sequence = count_after(self._sequence)
        return packet


def _is_final(report: Packet) -> bool:
    """Whether no further report of the telecommand follows."""
    return report.name == "completion_success" or report.name in REPORTS_OF_FAILURE
