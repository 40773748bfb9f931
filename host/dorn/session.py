"""A conversation with the instrument over a target: packets come in and are archived, telecommands are verified."""

from __future__ import annotations

import fcntl
from collections.abc import Callable
from pathlib import Path
from typing import BinaryIO

from dorn.dictionary import Dictionary, Packet, PacketError
from dorn.errors import UserError
from dorn.link import frames
from dorn.targets import Target, TargetError

_FAILURES = ("acceptance_failure", "start_failure", "completion_failure", "routing_failure")


class CommandFailed(TargetError):
    """The instrument refused a telecommand, or failed to execute it."""


class Session:
    """`on_packet(packet)` is called with every decoded packet, in order; `record` archives the intact ones."""

    def __init__(self, target: Target, on_packet: Callable[[Packet], None] | None = None):
        self.target = target
        self.dictionary = Dictionary.load()
        self.packets = self.sequence_gaps = self.unknown = 0
        self.housekeeping: Packet | None = None
        self.on_packet = on_packet
        self._archive: BinaryIO | None = None
        self._before = bytearray()  # what came before there was an archive
        self._deframer = frames.Deframer()
        self._expected: int | None = None
        self._booted = self.dictionary.enums["event"]["booted"]
        self._sequence = 0
        self._watchers: list[Callable[[Packet], None]] = []

    @property
    def crc_errors(self) -> int:
        """Damaged frames."""
        return self._deframer.crc_errors

    def record(self, path: Path) -> None:
        """Archive from now on, and what came before. UserError if another run writes there, or nobody can."""
        try:
            path.parent.mkdir(parents=True, exist_ok=True)
            archive = path.open("ab")
            fcntl.flock(archive, fcntl.LOCK_EX | fcntl.LOCK_NB)
            archive.truncate(0)
        except BlockingIOError:
            archive.close()
            raise UserError(f"{path}: another run is writing it") from None
        except OSError as error:
            raise UserError(f"{path}: cannot be written: {error.strerror}") from None
        archive.write(self._before)
        archive.flush()
        self._archive, self._before = archive, bytearray()

    def close(self) -> None:
        if self._archive:
            self._archive.close()

    def pump(self) -> None:
        """Take what the link has."""
        for data in self._deframer.feed(self.target.receive()):
            if self._archive:
                self._archive.write(data)
                self._archive.flush()  # whole packets only, whenever it is interrupted
            else:
                self._before += data
            try:
                packet = self.dictionary.decode(data)
            except PacketError:
                self.unknown += 1
                continue
            self._take(packet)

    def _take(self, packet: Packet) -> None:
        self.packets += 1
        if packet.fields.get("event") == self._booted:  # the first packet after a start counts from 0
            self._expected = None
        self.sequence_gaps += self._expected not in (None, packet.sequence)
        self._expected = (packet.sequence + 1) & 0x3FFF
        if packet.name == "housekeeping":
            found = packet.fields["dictionary"]
            if found != self.dictionary.hash:
                raise UserError(
                    f"target {self.target.name}: dictionary: the instrument has {found:08x}, this software"
                    f" {self.dictionary.hash:08x}; flash it, or use the software of its version"
                )
            self.housekeeping = packet
        if self.on_packet:
            self.on_packet(packet)
        for watcher in self._watchers:
            watcher(packet)

    def wait_for(
        self, wanted: Callable[[Packet], bool], limit_s: float, begin: Callable[[], None] | None = None
    ) -> Packet:
        """The next packet for which `wanted` is true, within that much target time. `begin` is called first.

        TargetError if it does not come.
        """
        found: list[Packet] = []
        self.pump()
        watcher = lambda packet: found.append(packet) if wanted(packet) else None  # noqa: E731
        self._watchers.append(watcher)

        def here() -> bool:
            self.pump()
            return bool(found)

        try:
            if begin:
                begin()
            self.target.wait_for(here, limit_s)
        finally:
            self._watchers.remove(watcher)
        return found[0]

    def advance(self, seconds: float) -> None:
        self.target.advance(seconds)
        self.pump()

    def connect(self, limit_s: float = 15.0) -> Packet:
        """Wait for housekeeping: it tells who is there. UserError if nobody is, or with another dictionary."""
        if self.housekeeping is None:
            self.target.send(b"\0")  # ends what another client may have left on the line
            try:
                self.wait_for(lambda packet: packet.name == "housekeeping", limit_s)
            except TargetError as error:
                raise UserError(
                    f"target {self.target.name}: no housekeeping packet: {error};"
                    " is it flashed, and is this the port it speaks on?"
                ) from error
        return self.housekeeping

    @property
    def version(self) -> str:
        """Of the firmware, as housekeeping tells: after `connect`."""
        fields = self.housekeeping.fields
        return ".".join(str(fields[f"version_{part}"]) for part in ("major", "minor", "patch"))

    def command(self, name: str, limit_s: float = 5.0, check: bool = True, **fields: int | str) -> Packet:
        """Send a telecommand and wait for its completion report. CommandFailed if it is refused.

        check=False: also with values that the dictionary does not allow.
        """
        sequence = self._sequence
        self._sequence = (sequence + 1) & 0x3FFF
        data = frames.encode(self.dictionary.encode(name, sequence, check=check, **fields))

        def verified(packet: Packet) -> bool:
            mine = packet.fields.get("request_sequence") == 0xC000 | sequence
            return mine and (packet.name == "completion_success" or packet.name in _FAILURES)

        report = self.wait_for(verified, limit_s, begin=lambda: self.target.send(data))
        if report.name in _FAILURES:
            said = f"{report.name}: {report.text('failure')} ({report.fields['detail']})"
            raise CommandFailed(f"{name} {fields}: {said}")
        return report
