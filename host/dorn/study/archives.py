"""Archives of any length: a short run of the simulated instrument, repeated.

On-board time, sequence counts, record numbers and start times of integrations continue, and CRCs are renewed, so that
all packets differ.
"""

from __future__ import annotations

import struct
from pathlib import Path

from dorn.dictionary import Dictionary
from dorn.dictionary.codec import crc16
from dorn.dictionary.headers import CRC, LAST_COUNT, TM_HEADER, UNSEGMENTED
from dorn.head import sources
from dorn.head.front_end import FrontEnd, Head
from dorn.link import archive
from dorn.session import Session
from dorn.session.acquire import collect
from dorn.targets import open_target


def run(path: Path, rate_cps: float, duration_s: float, integration_s: int, quota: int = 0) -> bytes:
    """Acquire the demonstration's sources on the unix target and return the archive, written to `path`."""
    source = sources.load(sources.DEMO)
    acquire(path, source, FrontEnd(), 1, rate_cps, duration_s, quota, integration_time=integration_s)
    return path.read_bytes()


def acquire(
    path: Path, source, front_end: FrontEnd, seed: int, rate_cps: float, duration_s: float, quota: int, **parameters
) -> None:
    """Acquire a source on the unix target into the archive `path`, with parameters by name. quota: number
    of listed events per second in each class."""
    with open_target("unix", Head(front_end, seed)) as target:
        session = Session(target)
        session.record(path, force=True)
        session.connect()
        quotas = {name: quota for name in session.dictionary.parameters if name.startswith("quota_")}
        session.set_parameters(kept=False, **parameters, **quotas)
        session.command("function", function="start")
        target.inject(source.particles(rate_cps, duration_s, seed, "poisson", False))
        session.advance(duration_s)
        collect(session, lambda session: session.command("function", function="stop"))
        session.close()


def repeat(data: bytes, duration_s: float, path: Path, octets: int) -> None:
    """Write the packets of an archive repeatedly, continuing everything that identifies them."""
    dictionary = Dictionary.load()
    packets = list(archive.split(data))
    places = {layout.kind: _places(layout) for layout in dictionary.telemetry.values()}
    records = max(int.from_bytes(p[TM_HEADER : TM_HEADER + 4], "big") for p in packets if places[_kind(p)])
    seconds = int(duration_s) + 60  # including the time before and after the acquisition
    written = n = 0
    with path.open("wb") as file:
        while written < octets:
            for packet in packets:
                file.write(_continued(packet, n, len(packets), seconds, records, places[_kind(packet)]))
                written += len(packet)
            n += 1


def _kind(packet: bytes) -> int:
    return packet[7] << 8 | packet[8]


def _places(layout) -> list[tuple[int, str, str]]:
    """(offset, struct code, field) of the fields of a stored packet that identify it."""
    found, at = [], TM_HEADER
    for item in layout.scalars:
        if item.name in ("record", "start_us", "time_us", "integration"):
            found.append((at, {4: ">I", 8: ">Q"}[item.size], item.name))
        at += item.size
    return found


def _continued(packet: bytes, n: int, packets: int, seconds: int, records: int, places) -> bytes:
    """A packet as it would be in the n-th repetition."""
    content = bytearray(packet)
    sequence = (int.from_bytes(packet[2:4], "big") + n * packets) & LAST_COUNT
    struct.pack_into(">H", content, 2, UNSEGMENTED | sequence)
    struct.pack_into(">I", content, 13, int.from_bytes(packet[13:17], "big") + n * seconds)
    us = 1_000_000 * seconds
    step = {"record": records, "start_us": us, "time_us": us, "integration": 1000}
    for at, code, name in places:
        (value,) = struct.unpack_from(code, content, at)
        if value:
            struct.pack_into(code, content, at, value + n * step[name])
    struct.pack_into(">H", content, len(content) - CRC, crc16(content[:-CRC]))
    return bytes(content)
