"""Archives built by spacepackets, and a summary of the packets found in them."""

import os

from dorn.dictionary import Dictionary
from dorn.dictionary.codec import smallest
from dorn.dictionary.headers import CRC, TM_HEADER
from dorn.link.archive import Archive
from spacepackets.ecss.tm import PusTm

dictionary = Dictionary.load()
OTHER = 200  # APID


def tm(sequence: int, service: int = 5, subtype: int = 1, content: bytes = bytes(15), apid: int = 100) -> bytes:
    made = PusTm(
        service=service,
        message_subtype=subtype,
        timestamp=bytes(6),
        source_data=content,
        apid=apid,
        seq_count=sequence,
    )
    return bytes(made.pack())


def housekeeping(sequence: int, number: int = dictionary.hash, unique_id: int = 1, origin: int = 1) -> bytes:
    rest = smallest(dictionary.telemetry["housekeeping"]) - TM_HEADER - CRC - 19
    start = bytes(4) + origin.to_bytes(2, "big") + b"\1" + number.to_bytes(4, "big") + unique_id.to_bytes(8, "big")
    return tm(sequence, 3, 25, start + bytes(rest))


def summary(found: Archive) -> tuple[list[int], int, int, dict[int, int]]:
    """Sequence counts, gaps, damaged packets and foreign packets by APID."""
    counts = [packet.sequence for packet in found.packets()]
    return counts, found.sequence_gaps, found.skipped.damaged, found.skipped.foreign


def decode(*pieces: bytes, **options):
    with Archive(dictionary, memory_file(b"".join(pieces)), **options) as found:
        return summary(found)


def memory_file(content: bytes) -> str:
    """A path for content that is deleted with the last reference."""
    descriptor = os.memfd_create("archive")
    os.write(descriptor, content)
    return f"/proc/self/fd/{descriptor}"
