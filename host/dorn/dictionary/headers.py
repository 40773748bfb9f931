"""The headers and the trailer of every packet, bit by bit: CCSDS 133.0-B-2 4.1.3 and ECSS-E-ST-70-41C 7.4.

One table for all exports. Names of the primary header are those that space_packet_parser's own definitions have.
"""

from typing import NamedTuple


class Bits(NamedTuple):
    """Some bits of a header; `value` is None where it is not the same in every packet of a layout."""

    name: str
    bits: int
    value: int | None
    about: str


SERVICE, SUBTYPE = "pus_service", "pus_subtype"  # by these a packet's layout is known
APID, LENGTH = "PKT_APID", "PKT_LEN"
TRAILER = Bits("packet_error_control", 16, None, "CRC-16/CCITT-FALSE of all octets before")


def primary(mission: dict, telecommand: bool) -> tuple[Bits, ...]:
    """The 6 octets of the CCSDS primary header."""
    return (
        Bits("VERSION", 3, 0, "packet version number"),
        Bits("TYPE", 1, int(telecommand), "packet type: 0 telemetry, 1 telecommand"),
        Bits("SEC_HDR_FLG", 1, 1, "a secondary header follows"),
        Bits(APID, 11, mission["apid"], "application process identifier"),
        Bits("SEQ_FLGS", 2, 3, "sequence flags: unsegmented"),
        Bits("SRC_SEQ_CTR", 14, None, "packet sequence count, of this APID and type; wraps"),
        Bits(LENGTH, 16, None, "packet data length: octets behind this field, less 1"),
    )


def telemetry(mission: dict, service: int | None = None, subtype: int | None = None) -> tuple[Bits, ...]:
    """The 13 octets of the PUS-C secondary header of telemetry."""
    return (
        Bits("pus_version", 4, mission["pus_version"], "2: PUS-C"),
        Bits("pus_time_status", 4, 0, "spacecraft time reference status, not used"),
        Bits(SERVICE, 8, service, "service type"),
        Bits(SUBTYPE, 8, subtype, "message subtype"),
        Bits("pus_message_count", 16, None, "message type counter, of each service and subtype; wraps"),
        Bits("pus_destination_id", 16, mission["destination_id"], "destination: the ground"),
        Bits("pus_time_seconds", 32, None, "on-board time, CUC: seconds"),
        Bits("pus_time_fraction", 16, None, "on-board time, CUC: fraction, in 2^-16 s"),
    )


def telecommand(mission: dict, service: int | None = None, subtype: int | None = None) -> tuple[Bits, ...]:
    """The 5 octets of the PUS-C secondary header of a telecommand."""
    return (
        Bits("pus_version", 4, mission["pus_version"], "2: PUS-C"),
        Bits("pus_ack_flags", 4, None, "successes to report: 1 acceptance, 2 start, 4 progress, 8 completion; summed"),
        Bits(SERVICE, 8, service, "service type"),
        Bits(SUBTYPE, 8, subtype, "message subtype"),
        Bits("pus_source_id", 16, mission["source_id"], "source: the ground"),
    )
