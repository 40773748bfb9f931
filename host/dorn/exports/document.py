"""The dictionary as a document, for a partner's engineer who must interface to the instrument without access to it."""

from collections.abc import Callable, Iterable, Iterator

from dorn.dictionary import Dictionary, Layout, headers
from dorn.dictionary.definitions import SEVERITIES, Field
from dorn.dictionary.headers import Bits
from dorn.exports import prose
from dorn.exports.lines import line_kev
from dorn.exports.manual import TABLES, markdown
from dorn.link import frames

_FAILURES_OF_ANY = ("bad_crc", "bad_length", "bad_header", "unknown_service", "unknown_subtype", "internal")
_FAILURES_WITH_KEY = ("unsigned", "forged", "replayed", "unsynchronised")


def text(dictionary: Dictionary) -> str:
    """The whole document."""
    parts = [prose.HEAD.format(hash=dictionary.hash)]
    for title, chapter in _CHAPTERS.items():
        parts.append(f"\n## {title}\n\n")
        parts.extend(chapter(dictionary))
    return "".join(parts)


def _link(dictionary: Dictionary) -> Iterator[str]:
    yield prose.LINK.format(most=dictionary.mission["max_packet"])


def _packets(dictionary: Dictionary) -> Iterator[str]:
    mission, trailer = dictionary.mission, headers.TRAILER
    yield prose.PACKETS.format(octets=trailer.bits // 8, about=trailer.about)
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
    yield prose.TIME.format(p_field=p_field, seconds=seconds, fraction=fraction, epoch=dictionary.mission["epoch"])


def _telecommands(dictionary: Dictionary) -> Iterator[str]:
    packet = dictionary.encode("ping", 1)
    any_failure = ", ".join(f"`{name}`" for name in _FAILURES_OF_ANY)
    with_key = ", ".join(f"`{name}`" for name in _FAILURES_WITH_KEY)
    yield prose.TELECOMMANDS.format(
        any_failure=any_failure,
        with_key=with_key,
        packet=packet.hex(" "),
        frame=frames.encode(packet).hex(" "),
    )
    for layout in _by_service(dictionary.commands):
        yield from _heading(layout)
        if layout.fields:
            yield markdown(_field_rows(layout, headers.TC_HEADER)) + "\n"
        for failure, when in layout.refused.items():
            yield f"- `{failure}`: {when}\n"
        if not layout.refused:
            yield "No other failures.\n"


def _telemetry(dictionary: Dictionary) -> Iterator[str]:
    yield (
        "Packets stored on board are sent again, identical to the octet, when retrieved. Those of priority 1 are\n"
        "stored as long as the budget lasts, those of priority 2 while at least half of it is left.\n"
    )
    for layout in _by_service(dictionary.telemetry):
        yield from _heading(layout)
        if layout.store_priority:
            yield f"Stored with priority {layout.store_priority}.\n\n"
        yield markdown(_field_rows(layout, headers.TM_HEADER)) if layout.fields else "No data.\n"


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
    return str(field.length) if field.size == 1 else f"{field.size}·{field.length}"


def _bits(field: Field) -> str:
    each = 8 * field.size
    return str(each) if field.length is None else f"{field.length} x {each}"


def _type(field: Field) -> str:
    return field.type if field.length is None else f"{field.type}[{field.length}]"


def _meaning(field: Field) -> str:
    parts = [field.about] if field.about else []
    if field.enum:
        parts.append(f"value of {_anchor(field.enum)}")
    if field.valid:
        parts.append(f"{field.valid[0]} to {field.valid[1]}")
    if field.codes:
        parts.append(f"`{field.codes.name}`, {_type(field.codes)}, coded according to {_anchor('coding')}")
    if field.limits:
        parts.append(f"monitor `{field.limits}`")
    return "; ".join(parts)


def _anchor(enum: str) -> str:
    return f"[{enum}](#{_NUMBERED.get(enum, f'enumeration-{enum}')})"


def _functions(dictionary: Dictionary) -> Iterator[str]:
    yield (
        "Performed by (8,1). → changes the mode, • keeps it; an empty cell: refused with `wrong_mode`. A function\n"
        "marked (armed) requires `arm` in the preceding 10 s, or it is refused with `not_armed`.\n\n"
    )
    yield markdown([("function", "number"), *((f"`{n}`", f.id) for n, f in dictionary.functions.items())])
    yield "\n" + markdown(TABLES["modes"](dictionary))


def _parameters(dictionary: Dictionary) -> Iterator[str]:
    yield "Set by (20,3), reported by (20,2); retained across resets.\n\n"

    def rows():
        yield "number", "parameter", "minimum", "maximum", "default", "unit", "meaning"
        for table in sorted(dictionary.tables["parameter"], key=lambda table: table["id"]):
            first, count = table["id"], table.get("count")
            numbers = f"{first} to {first + count - 1}" if count else first
            name = f"`{table['name']}_0` … `_{count - 1}`" if count else f"`{table['name']}`"
            yield numbers, name, *table["range"], table["default"], table["unit"], table.get("effect", "")

    yield markdown(rows())
    yield "\nObservation tables, loaded as a whole by (20,129): "
    yield ", ".join(f"`{name}` {number}" for name, (number, _) in dictionary.parameter_sets.items()) + ".\n\n"
    yield markdown(TABLES["observation"](dictionary))


def _monitors(dictionary: Dictionary) -> Iterator[str]:
    yield (
        "ST[12]: limits at boot, inclusive. After the given number of consecutive checks out of limits, an event\n"
        "report and (12,12) are sent; the event report may release a telecommand (ST[19]). Values not read are not\n"
        "checked.\n\n"
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
        "Constants of the science packets. Detection unit u has front detector 2u and back detector 2u + 1; bit d of a"
        f" hit\npattern or mask is detector d. Channel c of a detector's spectrum begins at ADC code"
        f" {i['codes_per_channel']}c, of a coincidence\nspectrum at the sum (front code + back code - zero_code) of"
        f" {i['codes_per_coincidence_channel']}c. In the default calibration, the centre of channel c is\n\n"
        f"    E/keV = kev_per_code ({i['codes_per_channel']} c + {(i['codes_per_channel'] - 1) / 2} - zero_code)\n"
        f"    E/keV = kev_per_code ({i['codes_per_coincidence_channel']} c"
        f" + {(i['codes_per_coincidence_channel'] - 1) / 2} - zero_code)    coincidences\n\n"
    )
    yield markdown([("constant", "value"), *((f"`{name}`", value) for name, value in dictionary.instrument.items())])
    yield "\nLines whose regions are counted in `line_rates`, in this order:\n\n"
    yield markdown([("line", "keV"), *((f"`{name}`", f"{kev:.1f}") for name, kev in line_kev(dictionary).items())])
    yield "\nServices that can be left out: "
    yield ", ".join(f"`{name}` ST[{number}]" for name, number in dictionary.optional.items()) + ".\n"


def _tools(_: Dictionary) -> Iterator[str]:
    yield prose.TOOLS


def _readers(dictionary: Dictionary) -> Iterator[str]:
    yield prose.READERS.replace("[APID]", f"[{dictionary.mission['apid']}]")


# enumeration with a chapter of its own -> the chapter's anchor
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
    "Other readers": _readers,
}
