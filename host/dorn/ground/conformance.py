"""Conformance of the traffic on the interface to the ICD: each packet, whatever its source, and the order of packets.

RULES lists the rules; each packet is checked against those that apply to it, in order of transmission. While the link
is down or the power is off, no packets are expected, and afterwards the next counts are unknown.
"""

from __future__ import annotations

import json
import zlib
from collections import Counter
from dataclasses import dataclass, field
from pathlib import Path

from dorn.dictionary import Ack, Dictionary, DictionaryError, Packet, PacketError
from dorn.dictionary.codec import faults
from dorn.dictionary.headers import (
    EVENT_REPORTING,
    LAST_COUNT,
    REPORTS_OF_FAILURE,
    TC_HEADER,
    VERIFICATION,
    count_after,
)
from dorn.errors import UserError
from dorn.link.records import Received

RULES = {
    "frame": "every frame is intact",
    "packet": "header, length, CRC and fields of every telemetry packet conform to the ICD",
    "value": "a field with an enumeration has a value of that enumeration",
    "dictionary": "housekeeping carries the hash of this dictionary",
    "sequence": "the sequence count increases by one from packet to packet, from 0 after a start",
    "message count": "the count of each service and subtype increases by one, from 0 after a start",
    "time": "on-board time never goes backwards",
    "start": "the first packet after power-on is the event booted, within 3 s",
    "record": "a record number identifies one packet, which is retransmitted unchanged",
    "verification": "a telecommand is reported as its flags request, in order, once; failure always, as the last one",
    "completion": "the last report of a telecommand follows within 10.5 s",
    "telecommand": "header, length, CRC, service and subtype of every telecommand conform to the ICD",
    "count": "the sequence count of telecommands increases by one",
}
# a parameter is written to flash at least 10 s after the previous one, by a task with a period of 0.2 s
START_S, COMPLETION_S = 3.0, 10.5
_ALL = (1, 2**32 - 1)  # records
_SHOWN = 20  # violations of one rule listed in the text
_STAGES = {
    "acceptance_success": Ack.ACCEPTANCE,
    "start_success": Ack.START,
    "completion_success": Ack.COMPLETION,
}


@dataclass
class _Sent:
    """A telecommand with outstanding reports."""

    name: str
    at_s: float
    wanted: list[int]  # flags of the outstanding reports, in order


@dataclass
class Finding:
    """Result for one rule: number of checks, and violations (target time in s, what)."""

    checked: int = 0
    broken: list[tuple[float, str]] = field(default_factory=list)


class Conformance:
    def __init__(self, dictionary: Dictionary):
        self.findings = {rule: Finding() for rule in RULES}
        self.packets, self.telecommands = Counter(), Counter()  # name -> how many
        self._dictionary = dictionary
        self._values = {name: set(numbers.values()) for name, numbers in dictionary.enums.items()}
        self._commands = {(c.service, c.subtype): c for c in dictionary.commands.values()}
        self._booted = dictionary.enums["event"]["booted"]
        self._received = Received()
        self._contents: dict[tuple[int, int], int] = {}  # origin and record -> CRC-32 of its packet
        self._asked: list[tuple[int, int]] = []  # ranges of record numbers requested
        self._sent: dict[int, _Sent] = {}
        self._count: int | None = None
        self._time_s = 0.0
        self._powered_s: float | None = None  # time of power-on; None once a packet has been received
        self._ended = ""  # why the traffic ended early
        self._known()

    def _known(self, sequence: int | None = None) -> None:
        """Restart the counts of packets and clear the message counts. sequence: the next count, None if unknown."""
        self._sequence = sequence
        self._message_counts: dict[tuple[int, int], int] = {}
        self._from_zero = sequence is not None

    @property
    def clean(self) -> bool:
        """Whether the verdict is PASSED: something was checked, no rule was broken, the traffic did not end early."""
        findings = self.findings.values()
        return not self._ended and any(f.checked for f in findings) and not any(f.broken for f in findings)

    def check(self, rule: str, kept: bool, now_s: float, what: str) -> None:
        finding = self.findings[rule]
        finding.checked += 1
        if not kept:
            finding.broken.append((now_s, what))

    # -- link and power ----------------------------------------------------------------------------

    def interrupted(self) -> None:
        """The link was down: packets sent meanwhile, either way, are lost."""
        self._sent.clear()
        self._known()

    def powered(self, now_s: float) -> None:
        """Power was switched on, or the reset pin was pulled."""
        self._sent.clear()
        self._asked.clear()
        self._known(0)
        self._powered_s = now_s

    def frames(self, good: int, bad: int, now_s: float) -> None:
        """Count the frames received since the last call."""
        self.findings["frame"].checked += good
        for _ in range(bad):
            self.check("frame", False, now_s, "a damaged frame")

    def ended(self, why: str) -> None:
        """Note that the traffic ended early; only the first reason is kept."""
        self._ended = self._ended or why

    def over(self, now_s: float) -> None:
        """End the checks: reports that are overdue are missing."""
        self._overdue(now_s)

    # -- up ----------------------------------------------------------------------------------------

    def up(self, packet: bytes, now_s: float) -> None:
        """Check a telecommand, without its authentication trailer."""
        wrong = self._wrong(packet)
        self.check("telecommand", not wrong, now_s, f"{wrong}: {packet[:13].hex(' ')}")
        count = int.from_bytes(packet[2:4], "big") & LAST_COUNT
        if len(packet) >= TC_HEADER:  # an invalid one also uses a sequence count
            if self._count is not None:
                self.check("count", count == self._count, now_s, f"{count}, not {self._count}")
            self._count = count_after(count)
        if wrong:
            return
        name = self._commands[packet[7], packet[8]].name
        self.telecommands[name] += 1
        if name == "retrieve_records":
            self._asked.append((int.from_bytes(packet[11:15], "big"), int.from_bytes(packet[15:19], "big")))
        elif name == "retrieve_by_time":
            self._asked.append(_ALL)
        flags = packet[6] & 0xF
        self._sent[count] = _Sent(name, now_s, [stage for stage in _STAGES.values() if flags & stage])

    def _wrong(self, packet: bytes) -> str:
        for fault in faults(packet, self._dictionary.mission):
            return {"length": f"{len(packet)} octets", "flags": "header"}.get(fault, fault)
        return "" if (packet[7], packet[8]) in self._commands else "service and subtype"

    # -- down --------------------------------------------------------------------------------------

    def down(self, octets: bytes, now_s: float) -> None:
        """Check a telemetry packet."""
        try:
            packet = self._dictionary.decode(octets)
        except PacketError as error:
            self.check("packet", False, now_s, str(error))
            return
        self.check("packet", len(octets) <= self._dictionary.mission["max_packet"], now_s, f"{len(octets)} octets")
        self.packets[packet.name] += 1
        self._in_order(packet, octets, now_s)
        self._fields(packet, octets, now_s)
        if packet.service == VERIFICATION:
            self._verify(packet, now_s)
        self._overdue(now_s)

    def _in_order(self, packet: Packet, octets: bytes, now_s: float) -> None:
        record = packet.fields.get("record", 0)
        late, _ = self._received.take(packet)
        if record:
            crc = zlib.crc32(octets)
            same = self._contents.setdefault((packet.fields["origin"], record), crc) == crc
            self.check("record", same, now_s, f"record {record} has a different packet than before")
        asked = packet.time_s < self._time_s and any(first <= record <= last for first, last in self._asked)
        if late or asked:
            return  # retrieved: its counts and its time date from its first transmission
        started = packet.fields.get("event") == self._booted and packet.service == EVENT_REPORTING
        if self._powered_s is not None:
            after_s = now_s - self._powered_s
            self.check("start", started and after_s <= START_S, now_s, f"{packet.name} after {after_s:.1f} s")
            self._powered_s = None
            self._sent.clear()  # telecommands sent before may not have been received
        elif started:  # a reset by the instrument itself
            self._sent.clear()
            self._known(0)
        if started:
            self._asked.clear()
        elif packet.name == "retrieval_end":  # without record numbers: a retrieval by time
            over = (packet.fields["first"], packet.fields["last"]) if packet.fields["first"] else _ALL
            self._asked = [asked for asked in self._asked if asked != over]
        kind = packet.service, packet.subtype
        if self._sequence is not None:
            self.check("sequence", packet.sequence == self._sequence, now_s, f"{packet.sequence}, not {self._sequence}")
        count = self._message_counts.get(kind, 0 if self._from_zero else None)
        if count is not None:
            what = f"{packet.name}: {packet.message_count}, not {count}"
            self.check("message count", packet.message_count == count, now_s, what)
        self._sequence = count_after(packet.sequence)
        self._message_counts[kind] = packet.message_count + 1 & 0xFFFF
        self.check("time", packet.time_s >= self._time_s, now_s, f"{packet.time_s:.3f} s after {self._time_s:.3f} s")
        self._time_s = packet.time_s

    def _fields(self, packet: Packet, octets: bytes, now_s: float) -> None:
        layout = self._dictionary.telemetry[packet.name]
        for item, enum in ((item, item.enum) for item in layout.scalars if item.enum):
            value = packet.fields[item.name]
            known = value in self._values[enum] or value == item.high  # all ones: no value
            self.check("value", known, now_s, f"{packet.name}.{item.name}: {value} is not a value of {enum}")
        if packet.name == "housekeeping":
            try:
                same, why = self._dictionary.check_hash(octets), ""
            except DictionaryError as error:
                same, why = False, str(error)
            self.check("dictionary", same, now_s, why)

    def _verify(self, packet: Packet, now_s: float) -> None:
        count = packet.fields["request_sequence"] & LAST_COUNT
        sent = self._sent.get(count)
        if sent is None:  # released by the instrument itself, or sent before the link went down
            return
        if packet.name in REPORTS_OF_FAILURE:
            self.check("verification", True, now_s, "")
            del self._sent[count]
            return
        stage = _STAGES.get(packet.name)
        right = bool(sent.wanted) and stage == sent.wanted[0]
        self.check("verification", right, now_s, f"{sent.name}, count {count}: unexpected {packet.name}")
        if right:
            sent.wanted.pop(0)
        if not sent.wanted:
            self.check("completion", now_s - sent.at_s <= COMPLETION_S, now_s, f"{sent.name}, count {count}")
            del self._sent[count]

    def _overdue(self, now_s: float) -> None:
        for count, sent in list(self._sent.items()):
            if now_s - sent.at_s > COMPLETION_S:
                if sent.wanted:
                    self.check("completion", False, now_s, f"{sent.name}, count {count}: a report is missing")
                del self._sent[count]

    # -- the report --------------------------------------------------------------------------------

    @property
    def verdict(self) -> str:
        """The result in one line."""
        checked = [rule for rule, finding in self.findings.items() if finding.checked]
        broken = [rule for rule in checked if self.findings[rule].broken]
        result = f"{len(broken)} of {len(checked)} rules broken: {', '.join(broken)}" if broken else ""
        result = result or (f"{len(checked)} rules kept" if checked else "nothing was checked")
        return f"{'PASSED' if self.clean else 'FAILED'}: {self._ended}{'; ' if self._ended else ''}{result}"

    def text(self) -> str:
        """The report as text: the verdict; for every rule the number of checks and the violations."""
        lines = [
            self.verdict,
            f"{sum(self.packets.values())} packets of {len(self.packets)} types,"
            f" {sum(self.telecommands.values())} telecommands of {len(self.telecommands)} types",
            "",
        ]
        for rule, finding in self.findings.items():
            verdict = f"BROKEN {len(finding.broken)} times" if finding.broken else "kept" if finding.checked else "-"
            lines.append(f"{rule:14} {finding.checked:8} checks  {verdict:20} {RULES[rule]}")
            lines += [f"    {now_s:12.3f} s  {what}" for now_s, what in finding.broken[:_SHOWN]]
        absent = sorted(set(self._dictionary.telemetry) - set(self.packets))
        lines += ["", f"not seen: {', '.join(absent) or 'nothing'}"]
        return "\n".join(lines) + "\n"

    def write(self, folder: Path) -> None:
        """Write conformance.txt and conformance.json. Raises UserError if that fails."""
        try:
            folder.mkdir(parents=True, exist_ok=True)
            (folder / "conformance.txt").write_text(self.text(), encoding="utf-8")
            (folder / "conformance.json").write_text(self.json(), encoding="utf-8")
        except OSError as error:
            raise UserError.at(folder, "folder", f"cannot be written: {error.strerror}") from None

    def json(self) -> str:
        """The report as JSON."""
        rules = {
            rule: {"checked": finding.checked, "broken": [[now_s, what] for now_s, what in finding.broken]}
            for rule, finding in self.findings.items()
        }
        result = {"verdict": self.verdict, "clean": self.clean}
        content = result | {"rules": rules, "packets": self.packets, "telecommands": self.telecommands}
        return json.dumps(content, indent=1) + "\n"
