"""State that survives a reset, and damage to it."""

import zlib

EROFS, EIO = 30, 5


def mode(i):
    i.command("report_structure", structure="health")
    return i.housekeeping.text("mode")


def records(i):
    return [p.fields["record"] for p in i.received if p.fields.get("record")]


def damage(path):
    data = bytearray(path.read_bytes())
    data[len(data) // 2] ^= 1
    path.write_bytes(data)


def change(path, at, octets):
    """Replace octets in the payload of a copy, with a correct CRC."""
    data = bytearray(path.read_bytes()[:-4])
    data[4 + at : 4 + at + len(octets)] = octets
    path.write_bytes(data + zlib.crc32(data).to_bytes(4, "big"))


def in_use(i):
    """Set the time and store packets. -> latest on-board time in s, highest record number issued"""
    i.set_parameters(storage_delay=1)
    i.command("set_time", seconds=50_000, fraction=0)
    i.advance(30)
    return i.received[-1].time_s, max(records(i))
