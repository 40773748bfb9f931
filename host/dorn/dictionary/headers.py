"""Headers and trailer of every packet, bit by bit: CCSDS 133.0-B-2 4.1.3 and ECSS-E-ST-70-41C 7.4.

The codec and the exports share this table. The primary header's fields have the names that space_packet_parser uses.
"""

from enum import IntFlag
from typing import NamedTuple

PRIMARY_HEADER, TM_HEADER, TC_HEADER, CRC = 6, 19, 11, 2  # octets; TM_HEADER and TC_HEADER include the secondary header
LONGEST = PRIMARY_HEADER + 2**16  # octets that the length of a space packet can express
TELEMETRY, TELECOMMAND = 0x0800, 0x1800  # the first 16 bits without the APID: version 0, type, secondary header
UNSEGMENTED, LAST_COUNT = 0xC000, 0x3FFF  # the second 16 bits: flags of an unsegmented packet, bits of the count
VERIFICATION, EVENT_REPORTING = 1, 5  # services
REPORTS_OF_FAILURE = ("acceptance_failure", "start_failure", "completion_failure", "routing_failure")


class Ack(IntFlag):
    """Acknowledgement flags of a telecommand: the successes to report (ECSS-E-ST-70-41C 7.4.4.1)."""

    NONE = 0
    ACCEPTANCE = 1
    START = 2
    PROGRESS = 4
    COMPLETION = 8


def size(packet: bytes | bytearray) -> int:
    """Octets of the packet according to the length in its primary header."""
    return int.from_bytes(packet[4:6], "big") + PRIMARY_HEADER + 1


def count_after(sequence: int) -> int:
    """The sequence count of the next packet: 14 bits."""
    return (sequence + 1) & LAST_COUNT


class Bits(NamedTuple):
    """A bit field of a header; `value` is None if it varies between packets of a layout."""

    name: str
    bits: int
    value: int | None
    about: str


SERVICE, SUBTYPE = "pus_service", "pus_subtype"  # these identify a packet's layout
APID, LENGTH = "PKT_APID", "PKT_LEN"
TRAILER = Bits("packet_error_control", 16, None, "CRC-16/CCITT-FALSE of all preceding octets")


def primary(mission: dict, telecommand: bool) -> tuple[Bits, ...]:
    """The 6 octets of the CCSDS primary header."""
    return (
        Bits("VERSION", 3, 0, "packet version number"),
        Bits("TYPE", 1, int(telecommand), "packet type: 0 telemetry, 1 telecommand"),
        Bits("SEC_HDR_FLG", 1, 1, "a secondary header follows"),
        Bits(APID, 11, mission["apid"], "application process identifier"),
        Bits("SEQ_FLGS", 2, 3, "sequence flags: unsegmented"),
        Bits("SRC_SEQ_CTR", 14, None, "packet sequence count per APID and type; wraps"),
        Bits(LENGTH, 16, None, "packet data length: octets after this field, minus 1"),
    )


def telemetry(mission: dict, service: int | None = None, subtype: int | None = None) -> tuple[Bits, ...]:
    """The 13 octets of the PUS-C secondary header of telemetry."""
    return (
        Bits("pus_version", 4, mission["pus_version"], "2: PUS-C"),
        Bits("pus_time_status", 4, 0, "spacecraft time reference status, not used"),
        Bits(SERVICE, 8, service, "service type"),
        Bits(SUBTYPE, 8, subtype, "message subtype"),
        Bits("pus_message_count", 16, None, "message type counter per service and subtype; wraps"),
        Bits("pus_destination_id", 16, mission["destination_id"], "destination: the ground"),
        Bits("pus_time_seconds", 32, None, "on-board time, CUC: seconds"),
        Bits("pus_time_fraction", 16, None, "on-board time, CUC: fraction, in 2^-16 s"),
    )


def telecommand(mission: dict, service: int | None = None, subtype: int | None = None) -> tuple[Bits, ...]:
    """The 5 octets of the PUS-C secondary header of a telecommand."""
    return (
        Bits("pus_version", 4, mission["pus_version"], "2: PUS-C"),
        Bits("pus_ack_flags", 4, None, "successes to report: sum of 1 acceptance, 2 start, 4 progress, 8 completion"),
        Bits(SERVICE, 8, service, "service type"),
        Bits(SUBTYPE, 8, subtype, "message subtype"),
        Bits("pus_source_id", 16, mission["source_id"], "source: the ground"),
    )
