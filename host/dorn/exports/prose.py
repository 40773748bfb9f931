"""Prose of the interface control document, around the tables generated from the dictionary (document.py)."""

HEAD = """\
# Interface control document

Generated from `firmware/icd.toml` by `python -m dorn.exports`: edit that, not this. Dictionary `{hash:08x}`: every
`housekeeping` packet carries this number; if it differs, this document does not apply to the instrument. Operation of
the instrument is described in `firmware/OPERATIONS.md`.

All numbers are unsigned and big-endian; bit 0 is the first and most significant bit, octet 0 the first of the packet.
Types: u8, u16, u32, u64, and arrays of these: `u32[16]` has 16 elements; the number of elements of `u16[count]` is in
the field `count`.
"""

LINK = """\
The link is a stream of octets; its physical layer depends on the board (`boards/pico/wiring.md`). In both directions a
packet travels in a frame:

    00 COBS(packet, CRC-32 of the packet) 00

COBS is Consistent Overhead Byte Stuffing: no octet within a frame is zero, so a zero octet always ends it. The zero
octet before the frame ends what a glitch, or another program that probes the port, may have sent; consecutive zero
octets are an idle line. The CRC-32 is that of ISO 3309 (as in zlib: polynomial 04C11DB7, reflected,
preset and final complement), 4 octets, big-endian. A damaged frame is dropped, and counted in
`housekeeping.frames_bad`; it affects no other frame. A packet has at most {most} octets.

An instrument with a key on board accepts telecommands only with a trailer after the packet, in the frame, before its
CRC-32: number of the key u8, counter u32, and the first 8 octets of the HMAC-SHA-256 (RFC 2104) of packet, number and
counter. Every counter must be higher than all previous ones.
"""

PACKETS = """\
CCSDS space packets (133.0-B) with the secondary headers of PUS-C (ECSS-E-ST-70-41C 7.4). The last {octets} octets are a
{about}: polynomial 1021, preset FFFF, neither reflected nor
complemented. It is 29B1 for "123456789", and 0 for a whole packet including its own CRC.
"""

TIME = """\
CUC (CCSDS 301.0-B) without its P-field, which would be {p_field:02X}: {seconds} octets of seconds and {fraction} of
fractions since an agency-defined epoch: {epoch}, until (9,128) sets the time. On-board time never goes backwards, and
continues across resets. Fields named `_us` are on-board times or durations in microseconds. After a reset the sequence
count starts at 0; event `booted` has the boot count.
"""

TELECOMMANDS = """\
Every telecommand is verified by ST[01] reports: success as requested by its acknowledgement flags, failure always:

| stage | success, and its flag | failure |
| --- | --- | --- |
| routing | | (1,10): no such service on board |
| acceptance | (1,1), 1 | (1,2): invalid telecommand |
| start | (1,3), 2 | (1,4): not allowed with this value, or in this state |
| completion | (1,7), 8 | (1,8): execution failed |

Reports carry packet identification and sequence control of the telecommand, its first four octets; failure reports also
a code and a detail, such as the value that is out of range. Sequence counts are assigned by the ground: the
instrument does not check their order. Any telecommand can fail with
{any_failure},
and, with a key on board, with {with_key}; further failures are listed with each telecommand.
In mode boot, no telecommands are executed.

Example: `ping`, requesting reports of acceptance and completion, and its frame:

    {packet}
    {frame}
"""

TOOLS = """\
Generated from the same dictionary, beside this document:

- `xtce-portable.xml`: the telemetry as XTCE 1.2, for space_packet_parser, Yamcs and others. Names are PACKET_FIELD.
  Every element of an array of fixed length is a parameter; an array of variable length is a parameter of octets.
- `xtce-yamcs.xml`: telemetry and telecommands for Yamcs, with arrays, alarms, and verification of every telecommand.
  `function` and `set_parameter` are abstract: `function_NAME` and `set_parameter_NAME` have significance and range.
  Its telecommand link needs `org.yamcs.pus.PusCommandPostprocessor` with `CRC-16-CCIIT`, which fills in count, length
  and CRC; its telemetry link `org.yamcs.pus.PusPacketPreprocessor`.
- `ccsdspy/`: a layout for each telemetry packet, with everything after the primary header.
- `cosmos/`: telemetry and telecommands for OpenC3 COSMOS, `tlm.txt` and `cmd.txt` for the folder `cmd_tlm` of a
  target, and `plugin.txt` with its interface to `dorn bridge --tcp 0.0.0.0:10036`. The definitions of telemetry have no
  CRC-16: the interface checks and removes it. COSMOS lets an array of size 0 extend to the end of the packet, so it
  would read the CRC as part of an array of 0 elements, which `schedule_report` and `disabled_events` may have.
"""

READERS = """\
Most programs distinguish packets by their APID. Here all packets have the same one and differ in service and subtype
(octets 7 and 8), so give such a program the packets of one type. These commands write one archive per packet type,
without damaged packets or duplicates, and the files generated from the dictionary:

    dorn decode telemetry.ccsds --split --out decoded
    dorn dictionary --out icd

Sequence counts missing in such a file are those of packets of other types.

### ccsdspy

Given packets of all types in one file, ccsdspy would read every packet with this layout. `FixedLength` reads packets
without an array of variable length.

```python
import ccsdspy

reader = ccsdspy.VariableLength.from_file("icd/ccsdspy/spectrum.csv")
spectra = reader.load("decoded/packets/spectrum.ccsds", include_primary_header=True)
print(spectra["detector"], spectra["live_us"] / 1e6, spectra["total"])
```

Spectra in the coding `ccsds121` are read by any decoder of CCSDS 121.0-B, such as libaec, which the package imagecodecs
contains. Zero bits fill the last octet.

```python
import imagecodecs
import numpy


def decompressed(data, count):
    counts = imagecodecs.aec_decode(
        data,
        bitspersample=16,
        flags=imagecodecs.AEC.FLAG.DATA_PREPROCESS,
        blocksize=16,
        rsi=64,
        out=bytearray(2 * count),
    )
    return numpy.frombuffer(counts, "<u2")


counts = [
    decompressed(bytes(data), int(count)) if coding else numpy.frombuffer(bytes(data), ">u2")
    for data, count, coding in zip(spectra["data"], spectra["count"], spectra["coding"])
]
print([channels.sum() for channels in counts])
```

### space_packet_parser

`create_dataset` takes packets of one type only. It needs `space-packet-parser[xarray]`.

```python
from space_packet_parser.xarr import create_dataset

rates = create_dataset("decoded/packets/rates.ccsds", "icd/xtce-portable.xml")[APID]
print(rates["rates_events"].diff("packet") / rates["rates_live_us"].diff("packet") * 1e6)
```

It drops zero octets at the end of an array of variable length. Restore them:

```python
import numpy

lists = create_dataset("decoded/packets/event_list.ccsds", "icd/xtce-portable.xml")[APID]
words = [
    numpy.frombuffer(octets.ljust(2 * count, bytes(1)), ">u2")
    for octets, count in zip(lists["event_list_words"].values, lists["event_list_count"].values)
]
print([len(list_) for list_ in words])
```

Packet by packet, it reads an archive of all types, but does not check the CRC-16.

```python
import space_packet_parser

definition = space_packet_parser.load_xtce("icd/xtce-portable.xml")
with open("telemetry.ccsds", "rb") as archive:
    packets = [definition.parse_bytes(octets) for octets in space_packet_parser.ccsds_generator(archive)]
print(len(packets), packets[0]["pus_service"], packets[0]["pus_subtype"])
```

### spacepackets

It checks length and CRC-16, and reads the headers; `source_data` has the fields, from octet 19 on.

```python
from spacepackets.ccsds import SpacePacketHeader
from spacepackets.ecss.tm import PusTm

packets = []
with open("telemetry.ccsds", "rb") as archive:
    while header := archive.read(6):
        octets = header + archive.read(SpacePacketHeader.unpack(header).packet_len - 6)
        packets.append(PusTm.unpack(octets, timestamp_len=6))
for packet in packets:
    time_s = int.from_bytes(packet.timestamp, "big") / 65536
    print(packet.service, packet.message_subtype, time_s, len(packet.source_data))
```

### xtce-lib

It reads the definitions, not the packets.

```python
from pathlib import Path

from xtce_lib import XtceFile

telemetry = XtceFile(Path("icd/xtce-portable.xml")).database.telemetry_metadata
names = {layout.name: [str(entry.parameter_ref) for entry in layout.entries] for layout in telemetry.containers}
print(names["storage_report"])
```
"""
