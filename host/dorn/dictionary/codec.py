"""Packets of the dictionary: CCSDS 133.0-B space packets with ECSS-E-ST-70-41C (PUS-C) headers.

Octets of telemetry: 0 version, type, APID; 2 sequence; 4 length - 7; 6 PUS version, time status; 7 service;
8 subtype; 9 message count; 11 destination; 13 CUC time (4 + 2 octets); 19 source data; CRC-16 of all preceding octets.
Octets of a telecommand: 0 to 5 as above; 6 PUS version, acknowledgement flags; 7 service; 8 subtype;
9 source; 11 application data; CRC-16 of all preceding octets.
"""

import struct
from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import Any

import crcmod.predefined

from dorn.dictionary import coding, headers
from dorn.dictionary.definitions import TYPES, Field, Layout, Parameter
from dorn.dictionary.headers import CRC, LAST_COUNT, TC_HEADER, TELECOMMAND, TELEMETRY, TM_HEADER, UNSEGMENTED
from dorn.errors import UserError

crc16 = crcmod.predefined.mkPredefinedCrcFun("crc-ccitt-false")  # 0 over a packet including its CRC


class PacketError(UserError):
    """A packet or a field value that the dictionary does not allow; one line naming it."""


@dataclass(frozen=True)
class Packet:
    """A decoded telemetry packet.

    sequence: 14-bit count per APID. message_count: 16-bit count per service and subtype.
    time_s: on-board time at which it was built, seconds (resolution 2^-16 s).
    fields: name -> int, or list of int for an array; coded arrays are included in decoded form.
    """

    name: str
    service: int
    subtype: int
    sequence: int
    message_count: int
    apid: int
    time_s: float
    fields: dict[str, Any]
    texts: dict[str, dict[int, str]] = field(default_factory=dict, repr=False, compare=False)

    def text(self, name: str) -> str:
        """The field as text: the enumeration's name if it has one, else the value."""
        value = self.fields[name]
        return self.texts.get(name, {}).get(value, str(value)) if isinstance(value, int) else str(value)


def smallest(layout: Layout) -> int:
    """Octets of the shortest telemetry packet of a layout, with variable-length arrays empty."""
    fixed = sum(item.size * item.length for item in layout.arrays if isinstance(item.length, int))
    return TM_HEADER + struct.calcsize(layout.format) + fixed + CRC


def decode(packet: bytes, mission: dict, layouts: dict[tuple[int, int], Layout], texts: dict) -> Packet:
    """Decode one telemetry packet by its service and subtype; texts: enumeration -> {number: text}."""
    packet = bytes(packet)
    size = len(packet)
    if size < TM_HEADER + CRC:
        raise PacketError(f"length {size}: a telemetry packet has at least {TM_HEADER + CRC} octets")
    (identification, sequence, length, version, service, subtype, count, _, seconds, fraction) = struct.unpack_from(
        ">HHHBBBHHIH", packet
    )
    if length + 7 != size:
        raise PacketError(f"length field {length} means {length + 7} octets, the packet has {size}")
    if crc16(packet):
        raise PacketError(f"bad CRC {packet[-CRC:].hex()}, expected {crc16(packet[:-CRC]):04x}")
    if identification & 0xF800 != TELEMETRY or sequence & UNSEGMENTED != UNSEGMENTED:
        raise PacketError(f"header {packet[:4].hex()} is not that of an unsegmented telemetry packet")
    if identification & 0x7FF != mission["apid"]:
        raise PacketError(f"APID {identification & 0x7FF}, expected {mission['apid']}")
    if version >> 4 != mission["pus_version"]:
        raise PacketError(f"PUS version {version >> 4}, expected {mission['pus_version']}")
    if (service, subtype) not in layouts:
        raise PacketError(f"unknown service and subtype ({service}, {subtype})")
    layout = layouts[service, subtype]
    return Packet(
        name=layout.name,
        service=service,
        subtype=subtype,
        sequence=sequence & LAST_COUNT,
        message_count=count,
        apid=identification & 0x7FF,
        time_s=seconds + fraction / 65536,
        fields=_fields(layout, packet[TM_HEADER:-CRC], texts),
        texts={item.name: texts[item.enum] for item in layout.fields if item.enum},
    )


def _fields(layout: Layout, data: bytes, texts: dict) -> dict[str, Any]:
    at = struct.calcsize(layout.format)
    if len(data) < at:
        raise PacketError(f"{layout.name}: {len(data)} octets of data, {at} expected before any array")
    numbers = struct.unpack_from(layout.format, data)
    found = dict(zip((item.name for item in layout.scalars), numbers, strict=True))
    for item in layout.arrays:
        count = item.length if isinstance(item.length, int) else found[str(item.length)]
        end = at + count * item.size
        if end > len(data):
            raise PacketError(f"{layout.name}: {item.name}: {count} values do not fit in {len(data)} octets of data")
        found[item.name] = list(struct.unpack(f">{count}{TYPES[item.type]}", data[at:end]))
        if item.codes:
            found[item.codes.name] = _decoded(layout, item.codes, found, data[at:end], texts)
        at = end
    if at != len(data):
        raise PacketError(f"{layout.name}: {len(data)} octets of data, {at} expected")
    return found


def _decoded(layout: Layout, item: Field, found: dict, data: bytes, texts: dict) -> list[int]:
    number, count = found["coding"], found[item.length]
    if number not in texts["coding"]:
        raise PacketError(f"{layout.name}: unknown coding {number}")
    try:
        return coding.decode(texts["coding"][number], data, count)
    except ValueError as error:
        raise PacketError(f"{layout.name}: {item.name}: {error}") from None


def values(layout: Layout, given: dict, enums: dict) -> dict[str, Any]:
    """Check the given fields against the layout, convert names to numbers and fill in array lengths."""
    wanted = [item.name for item in layout.fields]
    for item in layout.arrays:  # arrays of octets
        data = given.get(item.name)
        if data is not None and not isinstance(data, bytes | bytearray):
            raise PacketError(f"{layout.name}: {item.name} {data!r} is not octets")
        octets = len(data or b"")
        given = {item.length: octets, **given}
        if given[item.length] != octets:
            raise PacketError(f"{layout.name}: {item.length} {given[item.length]!r}: {item.name} has {octets} octets")
    for name in given:
        if name not in wanted:
            raise PacketError(f"{layout.name}: unknown field {name!r}; fields: {', '.join(wanted) or 'none'}")
    for name in wanted:
        if name not in given:
            raise PacketError(f"{layout.name}: no value for field {name!r}")
    return {item.name: _value(layout, item, given[item.name], enums) for item in layout.fields}


def _value(layout: Layout, item: Field, value, enums: dict) -> int | bytes:
    if item.length is not None:
        return bytes(value)
    if isinstance(value, str):
        texts = enums.get(item.enum, {})
        if value not in texts:
            known = f"; known: {', '.join(texts)}" if texts else ""
            raise PacketError(f"{layout.name}: {item.name} {value!r} is not known{known}")
        value = texts[value]
    if not isinstance(value, int) or isinstance(value, bool) or not 0 <= value <= item.high:
        raise PacketError(f"{layout.name}: {item.name} {value!r} is not an integer from 0 to {item.high}")
    return value


def check_valid(layout: Layout, values: dict[str, Any]) -> None:
    """Raise PacketError for a value outside the field's valid range."""
    for item in layout.scalars:
        if item.valid and not item.valid[0] <= values[item.name] <= item.valid[1]:
            low, high = item.valid
            raise PacketError(f"{layout.name}: {item.name} {values[item.name]} is not from {low} to {high} {item.unit}")


def check_range(layout: Layout, number: int, value: int, parameters: dict[str, Parameter]) -> None:
    """Raise PacketError for an unknown parameter number or a value outside the parameter's range."""
    for name, parameter in parameters.items():
        if parameter.id == number:
            if not parameter.low <= value <= parameter.high:
                expected = f"from {parameter.low} to {parameter.high} {parameter.unit}"
                raise PacketError(f"{layout.name}: {name} {value} is not {expected}")
            return
    raise PacketError(f"{layout.name}: unknown parameter {number}")


def encode(layout: Layout, values: dict[str, Any], sequence: int, ack: int, mission: dict) -> bytes:
    """Build one telecommand packet from checked values."""
    for name, number, high in (("sequence", sequence, LAST_COUNT), ("ack", ack, 0b1111)):
        if not isinstance(number, int) or not 0 <= number <= high:
            raise PacketError(f"{layout.name}: {name} {number!r} is not an integer from 0 to {high}")
    data = struct.pack(layout.format, *(values[item.name] for item in layout.scalars))
    data += b"".join(values[item.name] for item in layout.arrays)
    header = struct.pack(
        ">HHHBBBH",
        TELECOMMAND | mission["apid"],
        UNSEGMENTED | sequence,
        5 + len(data) + CRC - 1,
        mission["pus_version"] << 4 | ack,
        layout.service,
        layout.subtype,
        mission["source_id"],
    )
    packet = header + data
    if len(packet) + CRC > mission["max_packet"]:
        raise PacketError(f"{layout.name}: {len(packet) + CRC} octets: a packet has at most {mission['max_packet']}")
    return packet + struct.pack(">H", crc16(packet))


def faults(packet: bytes, mission: dict) -> Iterator[str]:
    """Yield the faults in the octets of a telecommand: length, length field, header, flags, PUS version, CRC.

    If the length is impossible, nothing else is checked.
    """
    if not TC_HEADER + CRC <= len(packet) <= mission["max_packet"]:
        yield "length"
        return
    if headers.size(packet) != len(packet):
        yield "length field"
    if int.from_bytes(packet[:2], "big") != TELECOMMAND | mission["apid"]:
        yield "header"
    if packet[2] >> 6 != UNSEGMENTED >> 14:
        yield "flags"
    if packet[6] >> 4 != mission["pus_version"]:
        yield "PUS version"
    if crc16(packet):
        yield "CRC"
