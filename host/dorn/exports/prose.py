"""What the interface control document says in words, around the tables made of the dictionary (document.py)."""

HEAD = """\
# Interface control document

Generated from `firmware/icd.toml` by `python -m dorn.exports`: edit that, not this. Dictionary `{hash:08x}`: every
`housekeeping` packet carries this number, and with another one this document is not that of the instrument. How the
instrument is operated stands in `firmware/OPERATIONS.md`.

All numbers are unsigned and big-endian; bit 0 is the first and most significant one, octet 0 the first of the packet.
Types: u8, u16, u32, u64, and arrays of these: `u32[16]` has 16 elements, `u16[count]` as many as the field `count`
says.
"""

LINK = """\
The link is a stream of octets, of a kind that the board says (`boards/pico/wiring.md`). In both directions a packet
travels in a frame:

    COBS(packet, CRC-32 of the packet) 00

COBS is Consistent Overhead Byte Stuffing: within a frame no octet is zero, so that a zero octet ends it, whatever came
before; zero octets in a row are an idle line. The CRC-32 is that of ISO 3309 (as zlib has it: polynomial 04C11DB7,
reflected, preset and final complement), 4 octets, big-endian. A damaged frame is dropped, and counted in
`housekeeping.frames_bad`; it harms no other. A packet has {most} octets at most.

An instrument with a key on board takes telecommands only with a trailer behind the packet, in the frame, before its
CRC-32: number of the key u8, counter u32, and the first 8 octets of the HMAC-SHA-256 (RFC 2104) of packet, number and
counter. Every counter must be higher than all before.
"""

PACKETS = """\
CCSDS space packets (133.0-B) with the secondary headers of PUS-C (ECSS-E-ST-70-41C 7.4). The last {octets} octets are a
{about}: polynomial 1021, preset FFFF, neither reflected nor
complemented. Of "123456789" it is 29B1, of a whole packet with its own one 0.
"""

TIME = """\
CUC (CCSDS 301.0-B) without its P-field, which would be {p_field:02X}: {seconds} octets of seconds and {fraction} of
fractions since an epoch of the agency's, {epoch}, until (9,128) sets it. It never goes backwards, and goes on over
resets. Fields named `_us` are microseconds of it, or durations. After a reset the sequence count begins with 0; event
`booted` has the number of the boot.
"""

TELECOMMANDS = """\
Every telecommand is reported by ST[01], success as its acknowledgement flags ask, failure always:

| stage | success, and its flag | failure |
| --- | --- | --- |
| routing | | (1,10): no such service on board |
| acceptance | (1,1), 1 | (1,2): what it says makes no sense |
| start | (1,3), 2 | (1,4): not with this value, or not now |
| completion | (1,7), 8 | (1,8): its execution failed |

Reports carry packet identification and sequence control of the telecommand, its first four octets; those of failure a
code and a detail, such as the value that is out of range. Sequence counts are the ground's own: the instrument does not
look at their order. Any telecommand can fail with
{any_failure},
with a key on board {with_key}; what else it can be refused for stands with it. In mode boot
nothing is commanded.

An example, `ping`, asking for acceptance and completion, and its frame:

    {packet}
    {frame}
"""

TOOLS = """\
Beside this document stand, of the same dictionary:

- `xtce-portable.xml`: the telemetry as XTCE 1.2, for space_packet_parser, Yamcs and others. Names are PACKET_FIELD.
  Of an array of fixed length every element is a parameter; one whose length varies is a parameter of octets.
- `xtce-yamcs.xml`: telemetry and telecommands for Yamcs, with arrays, alarms, and verification of every telecommand.
  Its telecommand link needs `org.yamcs.pus.PusCommandPostprocessor` with `CRC-16-CCIIT`, which fills in count, length
  and CRC; its telemetry link `org.yamcs.pus.PusPacketPreprocessor`.
- `ccsdspy/`: a layout for each telemetry packet, all behind the primary header. ccsdspy tells packets apart by APID
  only: give it those of one service and subtype (octets 7 and 8).

      import io, ccsdspy, ccsdspy.utils
      packets = ccsdspy.utils.split_packet_bytes("telemetry.ccsds")
      spectra = b"".join(p for p in packets if (p[7], p[8]) == (128, 1))
      table = ccsdspy.VariableLength.from_file("ccsdspy/spectrum.csv").load(io.BytesIO(spectra))

  What it says of missing packets is then of those of other services. Neither it nor space_packet_parser looks at a
  packet's CRC-16: let nothing through that is damaged.

Spectra in the coding `ccsds121` are read by any decoder of CCSDS 121.0-B. Zero bits fill the last octet. With the
package imagecodecs, which has libaec, `data` and `count` of a packet give the counts so:

    import imagecodecs, numpy
    aec = imagecodecs.aec_decode(data, bitspersample=16, flags=imagecodecs.AEC.FLAG.DATA_PREPROCESS,
                                 blocksize=16, rsi=64, out=bytearray(2 * count))
    counts = numpy.frombuffer(aec, "<u2")

And beside this document, too:

- `cosmos/`: telemetry and telecommands for OpenC3 COSMOS, folder `cmd_tlm` of a target. Its interface has to fill in
  length and CRC of telecommands, and to add and take off the frames.
"""
