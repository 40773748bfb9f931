"""The dictionary as a document: what a partner's engineer needs to talk to the instrument without having it."""

from collections.abc import Callable, Iterable, Iterator

from dorn.dictionary import Dictionary, Layout, codec, headers
from dorn.dictionary.definitions import SEVERITIES, Field
from dorn.dictionary.headers import Bits
from dorn.exports.lines import line_kev
from dorn.exports.manual import TABLES, markdown
from dorn.link import frames

_HEAD = """\
# Interface control document

Generated from `firmware/icd.toml` by `python -m dorn.exports`: edit that, not this. Dictionary `{hash:08x}`: every
`housekeeping` packet carries this number, and with another one this document is not that of the instrument. How the
instrument is operated stands in `firmware/OPERATIONS.md`.

All numbers are unsigned and big-endian; bit 0 is the first and most significant one, octet 0 the first of the packet.
Types: u8, u16, u32, u64, and arrays of these: `u32[16]` has 16 elements, `u16[count]` as many as the field `count`
says.
"""

_LINK = """\
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

_PACKETS = """\
CCSDS space packets (133.0-B) with the secondary headers of PUS-C (ECSS-E-ST-70-41C 7.4). The last {octets} octets are a
{about}: polynomial 1021, preset FFFF, neither reflected nor
complemented. Of "123456789" it is 29B1, of a whole packet with its own one 0.
"""

_TIME = """\
CUC (CCSDS 301.0-B) without its P-field, which would be {p_field:02X}: {seconds} octets of seconds and {fraction} of
fractions since an epoch of the agency's, {epoch}, until (9,128) sets it. It never goes backwards, and goes on over
resets. Fields named `_us` are microseconds of it, or durations. After a reset the sequence count begins with 0; event
`booted` has the number of the boot.
"""

_TELECOMMANDS = """\
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

_TOOLS = """\
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

_FAILURES_OF_ANY = ("bad_crc", "bad_length", "bad_header", "unknown_service", "unknown_subtype", "internal")
_FAILURES_WITH_KEY = ("unsigned", "forged", "replayed", "unsynchronised")


def text(dictionary: Dictionary) -> str:
    """The whole document."""
    parts = [_HEAD.format(hash=dictionary.hash)]
    for title, chapter in _CHAPTERS.items():
        parts.append(f"\n## {title}\n\n")
        parts.extend(chapter(dictionary))
    return "".join(parts)


def _link(dictionary: Dictionary) -> Iterator[str]:
    yield _LINK.format(most=dictionary.mission["max_packet"])


def _packets(dictionary: Dictionary) -> Iterator[str]:
    mission, trailer = dictionary.mission, headers.TRAILER
    yield _PACKETS.format(octets=trailer.bits // 8, about=trailer.about)
    for kind, telecommand, secondary in (
        ("Telemetry", False, headers.telemetry(mission)),
        ("Telecommands", True, headers.telecommand(mission)),
    ):
        yield f"\n**{kind}**\n\n{markdown(_header_rows((*headers.primary(mission, telecommand), *secondary)))}"


def _header_rows(bits: Iterable[Bits]):
    yield "bit", "bits", "field", "value", "meaning"
    at = 0
    for item in bits:
        yield at, item.bits, f"`{item.name}`", "" if item.value is None else item.value, item.about
        at += item.bits
    yield at, "", "data", "", "fields of the packet, then the CRC-16"


def _time(dictionary: Dictionary) -> Iterator[str]:
    p_field = dictionary.mission["cuc_p_field"]
    seconds, fraction = (p_field >> 2 & 3) + 1, p_field & 3  # CCSDS 301.0-B-4 3.2.2
    yield _TIME.format(p_field=p_field, seconds=seconds, fraction=fraction, epoch=dictionary.mission["epoch"])


def _telecommands(dictionary: Dictionary) -> Iterator[str]:
    packet = dictionary.encode("ping", 1)
    any_failure = ", ".join(f"`{name}`" for name in _FAILURES_OF_ANY)
    with_key = ", ".join(f"`{name}`" for name in _FAILURES_WITH_KEY)
    yield _TELECOMMANDS.format(
        any_failure=any_failure,
        with_key=with_key,
        packet=packet.hex(" "),
        frame=frames.encode(packet).hex(" "),
    )
    for layout in _by_service(dictionary.commands):
        yield from _heading(layout)
        if layout.fields:
            yield markdown(_field_rows(layout, codec.TC_HEADER)) + "\n"
        for failure, when in layout.refused.items():
            yield f"- `{failure}`: {when}\n"
        if not layout.refused:
            yield "Nothing else refuses it.\n"


def _telemetry(dictionary: Dictionary) -> Iterator[str]:
    yield (
        "What is stored on board is sent again, octet by octet the same, when it is retrieved. Priority 1 is stored"
        " as long as\nthe budget lasts, priority 2 while half of it is left.\n"
    )
    for layout in _by_service(dictionary.telemetry):
        yield from _heading(layout)
        if layout.store_priority:
            yield f"Stored with priority {layout.store_priority}.\n\n"
        yield markdown(_field_rows(layout, codec.TM_HEADER)) if layout.fields else "No data.\n"


def _by_service(layouts: dict[str, Layout]) -> list[Layout]:
    return sorted(layouts.values(), key=lambda layout: (layout.service, layout.subtype))


def _heading(layout: Layout) -> Iterator[str]:
    yield f"\n### ({layout.service},{layout.subtype}) {layout.name}\n\n{_sentence(layout.about)}\n\n"


def _sentence(text: str) -> str:
    return text[:1].upper() + text[1:] + "."


def _field_rows(layout: Layout, header: int):
    yield "octet", "bits", "field", "type", "unit", "meaning"
    at, varying = header, ""
    for field in layout.fields:
        yield f"{at}{varying}", _bits(field), f"`{field.name}`", _type(field), field.unit, _meaning(field)
        if isinstance(field.length, str):
            varying += f" + {_times(field)}"
        else:
            at += field.size * (field.length or 1)


def _times(field: Field) -> str:
    return field.length if field.size == 1 else f"{field.size}·{field.length}"


def _bits(field: Field) -> str:
    each = 8 * field.size
    return str(each) if field.length is None else f"{field.length} x {each}"


def _type(field: Field) -> str:
    return field.type if field.length is None else f"{field.type}[{field.length}]"


def _meaning(field: Field) -> str:
    parts = [field.about] if field.about else []
    if field.enum:
        parts.append(f"number of {_anchor(field.enum)}")
    if field.valid:
        parts.append(f"{field.valid[0]} to {field.valid[1]}")
    if field.codes:
        parts.append(f"`{field.codes.name}`, {_type(field.codes)}, as {_anchor('coding')} says")
    if field.limits:
        parts.append(f"monitor `{field.limits}`")
    return "; ".join(parts)


def _anchor(enum: str) -> str:
    return f"[{enum}](#{_NUMBERED.get(enum, f'enumeration-{enum}')})"


def _functions(dictionary: Dictionary) -> Iterator[str]:
    yield (
        "Performed by (8,1). → leads to another mode, • does not; an empty place: refused, `wrong_mode`."
        " One that is armed needs\n`arm` in the 10 s before, else it is refused, `not_armed`.\n\n"
    )
    yield markdown([("function", "number"), *((f"`{n}`", f.id) for n, f in dictionary.functions.items())])
    yield "\n" + markdown(TABLES["modes"](dictionary))


def _parameters(dictionary: Dictionary) -> Iterator[str]:
    yield "Set by (20,3), reported by (20,2); kept over resets.\n\n"

    def rows():
        yield "number", "parameter", "least", "greatest", "default", "unit", "meaning"
        for table in sorted(dictionary.tables["parameter"], key=lambda table: table["id"]):
            first, count = table["id"], table.get("count")
            numbers = f"{first} to {first + count - 1}" if count else first
            name = f"`{table['name']}_0` … `_{count - 1}`" if count else f"`{table['name']}`"
            yield numbers, name, *table["range"], table["default"], table["unit"], table.get("effect", "")

    yield markdown(rows())
    yield "\nTables of parameters, loaded as a whole by (20,129): "
    yield ", ".join(f"`{name}` {number}" for name, (number, _) in dictionary.parameter_sets.items()) + ".\n\n"
    yield markdown(TABLES["observation"](dictionary))


def _monitors(dictionary: Dictionary) -> Iterator[str]:
    yield (
        "ST[12]: limits at boot, inclusive. A value is out of them when so many checks in a row found it so: an event,"
        "\nand (12,12); the event may release a telecommand (ST[19]). What is not read is not checked.\n\n"
    )
    numbers = ", ".join(f"`{name}` {monitor.id}" for name, monitor in dictionary.monitors.items())
    yield f"Numbers: {numbers}.\n\n{markdown(TABLES['monitors'](dictionary))}"


def _events(dictionary: Dictionary) -> Iterator[str]:
    severities = {subtype: name for name, subtype in SEVERITIES.items()}

    def rows():
        yield "number", "event", "severity", "packet", "a", "b"
        for name, event in sorted(dictionary.events.items(), key=lambda item: item[1].id):
            yield event.id, f"`{name}`", severities[event.subtype], f"(5,{event.subtype})", event.a, event.b

    yield markdown(rows())


def _enumerations(dictionary: Dictionary) -> Iterator[str]:
    for enum, values in dictionary.enums.items():
        if enum in _NUMBERED:
            continue
        meanings = dictionary.meanings.get(enum, {})
        yield f"\n### Enumeration {enum}\n\n"
        yield markdown(
            [("number", "name", "meaning"), *((n, f"`{v}`", meanings.get(v, "")) for v, n in values.items())]
        )


def _instrument(dictionary: Dictionary) -> Iterator[str]:
    i = dictionary.instrument
    yield (
        "What the science packets are made with. Detection unit u has detector 2u in front and 2u + 1 behind it; bit d"
        " of a hit\npattern or mask is detector d. A channel c of a detector's spectrum has the ADC codes from"
        f" {i['codes_per_channel']}c on, of a coincidence\nspectrum the sums (front code + back code - zero_code) from"
        f" {i['codes_per_coincidence_channel']}c on. By default calibration the middle of a channel is\n\n"
        f"    E/keV = kev_per_code ({i['codes_per_channel']} c + {(i['codes_per_channel'] - 1) / 2} - zero_code)\n"
        f"    E/keV = kev_per_code ({i['codes_per_coincidence_channel']} c"
        f" + {(i['codes_per_coincidence_channel'] - 1) / 2} - zero_code)    coincidences\n\n"
    )
    yield markdown([("constant", "value"), *((f"`{name}`", value) for name, value in dictionary.instrument.items())])
    yield "\nLines whose regions `line_rates` counts, in this order:\n\n"
    yield markdown([("line", "keV"), *((f"`{name}`", f"{kev:.1f}") for name, kev in line_kev(dictionary).items())])
    yield "\nServices that a board may do without: "
    yield ", ".join(f"`{name}` ST[{number}]" for name, number in dictionary.optional.items()) + ".\n"


def _tools(_: Dictionary) -> Iterator[str]:
    yield _TOOLS


# numbers that are those of a table of its own -> its chapter's anchor
_NUMBERED = {
    "function": "functions",
    "parameter": "parameters",
    "table": "parameters",
    "monitor": "monitors",
    "event": "events",
}

_CHAPTERS: dict[str, Callable[[Dictionary], Iterable[str]]] = {
    "Link": _link,
    "Packets": _packets,
    "Time": _time,
    "Telecommands": _telecommands,
    "Telemetry": _telemetry,
    "Functions": _functions,
    "Parameters": _parameters,
    "Monitors": _monitors,
    "Events": _events,
    "Enumerations": _enumerations,
    "Instrument": _instrument,
    "Other ground systems": _tools,
}
