"""Archives: files of space packets (CCSDS 133.0-B) back to back, as ccsdspy and other tools read them."""

from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path

from dorn.dictionary import Dictionary, DictionaryError, Packet, PacketError
from dorn.dictionary.codec import crc16
from dorn.dictionary.headers import CRC, LAST_COUNT, PRIMARY_HEADER, TELEMETRY, TM_HEADER, count_after, size
from dorn.errors import UserError
from dorn.link.records import Records

NAME = "telemetry.ccsds"  # in the folder of a run


class ArchiveError(UserError):
    """A file that is not an archive, or one of another instrument; one line naming file and fault."""


@dataclass
class DecodedArchive:
    """The content of an archive.

    packets: the intact ones in file order, each once, at its first position: a packet that was sent again, or is in two
        archives that were concatenated, is identical to the bit.
    sequence_gaps: places where the sequence count does not increase by one (lost packets, or a reset).
    crc_errors: damaged packets; a stretch in which no packet can be recognised counts as one.
    unknown: intact packets of this APID that the dictionary does not define.
    """

    packets: list[Packet] = field(default_factory=list)
    sequence_gaps: int = 0
    crc_errors: int = 0
    unknown: int = 0


def read(path: Path | str) -> Iterator[bytes]:
    """Yield the packets of an intact archive of any mission. Raises ArchiveError naming file and offset."""
    data = Path(path).read_bytes()
    at = 0
    while at < len(data):
        if data[at] >> 5:
            raise ArchiveError(
                f"{path}: offset {at}: {data[at]:#04x} does not start a space packet (version {data[at] >> 5})"
            )
        if len(data) - at < PRIMARY_HEADER:
            raise ArchiveError(f"{path}: offset {at}: the file ends within a packet header")
        end = at + size(data[at : at + PRIMARY_HEADER])
        if end > len(data):
            raise ArchiveError(f"{path}: offset {at}: a packet of {end - at} octets, the file has {len(data) - at}")
        yield data[at:end]
        at = end


def check_dictionary(path: Path | str, dictionary: Dictionary) -> bool:
    """Compare the hash in the first housekeeping packet of an archive with the dictionary's.

    Returns True if it is the same, False if there is no housekeeping packet.
    Raises ArchiveError if the archive was made with another dictionary.
    """
    try:
        return any(
            dictionary.check_hash(packet) for packet in _scan(Path(path).read_bytes(), dictionary, DecodedArchive())
        )
    except DictionaryError as error:
        raise ArchiveError(f"{path}: {error}") from None


def decode(path: Path | str, dictionary: Dictionary) -> DecodedArchive:
    """Decode an archive; damaged parts are skipped and counted.

    Raises ArchiveError if it was made with another dictionary.
    """
    check_dictionary(path, dictionary)
    return decode_bytes(Path(path).read_bytes(), dictionary)


def decode_bytes(data: bytes, dictionary: Dictionary) -> DecodedArchive:
    """Decode packets back to back, without checking with which dictionary they were made."""
    recording, records = DecodedArchive(), Records()
    expected = None
    seen: set[bytes] = set()
    for octets in _scan(data, dictionary, recording):
        if octets in seen:
            continue
        seen.add(octets)
        try:
            packet = dictionary.decode(octets)
        except PacketError:
            packet = None
            recording.unknown += 1
        late = False
        if packet:
            late, new = records.take(packet)
            if new:
                recording.packets.append(packet)
        if not late:
            sequence = int.from_bytes(octets[2:4], "big") & LAST_COUNT
            recording.sequence_gaps += expected not in (None, sequence)
            expected = count_after(sequence)
    return recording


def _scan(data: bytes, dictionary: Dictionary, recording: DecodedArchive) -> Iterator[bytes]:
    """Yield the packets with a valid CRC and count the others."""
    header = (TELEMETRY | dictionary.mission["apid"]).to_bytes(2, "big")
    longest = dictionary.mission["max_packet"]

    def length(at: int) -> int:
        """Octets of the packet whose header begins here, 0 if none does."""
        if data[at : at + 2] != header or len(data) - at < PRIMARY_HEADER:
            return 0
        n = size(data[at : at + PRIMARY_HEADER])
        return n if TM_HEADER + CRC <= n <= min(longest, len(data) - at) else 0

    def intact(at: int) -> bool:
        return length(at) > 0 and crc16(data[at : at + length(at)]) == 0

    at = 0
    while at < len(data):
        end = at + length(at)
        if intact(at):
            yield data[at:end]
            at = end
            continue
        recording.crc_errors += 1
        if end > at and length(end):  # another header follows: this packet alone is damaged
            at = end
            continue
        at = data.find(header, at + 1)
        while at >= 0 and not intact(at):
            at = data.find(header, at + 1)
        if at < 0:
            return
