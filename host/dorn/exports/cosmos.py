"""The dictionary for OpenC3 COSMOS: files for the folder cmd_tlm of a target, and the plugin's interface.

The interface's protocols fill in length and CRC of telecommands, and check and remove the CRC of telemetry: COSMOS lets
an array of size 0 extend to the end of the packet, so nothing may follow an array whose count can be 0.
"""

from collections.abc import Iterator, Mapping

from dorn.dictionary import Ack, Dictionary, Layout, headers
from dorn.dictionary.definitions import Field
from dorn.dictionary.headers import Bits
from dorn.exports import hazards

_HEAD = "# Generated from firmware/icd.toml by `python -m dorn.exports`: edit that, not this.\n"
_BRIDGE = "host.docker.internal 10036 10036"  # host, write port, read port: `dorn bridge --tcp`
_FOLDER = "openc3/interfaces"  # a folder of COSMOS
_ACK_FLAGS = int(Ack.ACCEPTANCE | Ack.COMPLETION)  # the default, which the operator can change
_KNOWN_BY = ("TYPE", headers.APID, headers.SERVICE, headers.SUBTYPE)


def files(dictionary: Dictionary) -> dict[str, str]:
    """Name -> text of each file."""
    return {
        "tlm.txt": _text(_telemetry(layout, dictionary) for layout in dictionary.telemetry.values()),
        "cmd.txt": _text(_command(layout, dictionary) for layout in dictionary.commands.values()),
        "plugin.txt": _text([_plugin(dictionary.mission["name"])]),
    }


def _plugin(name: str) -> Iterator[str]:
    """The interface to `dorn bridge`, which passes whole packets over TCP, with the protocols of both directions."""
    trailer = headers.TRAILER
    length = f"{_FOLDER}/protocols/length_protocol.py 32 16 7"  # bit offset, bit size, octets not counted
    crc, at = f"{_FOLDER}/protocols/crc_protocol.py", f"-{trailer.bits} {trailer.bits}"
    yield f"TARGET {name} {name}"
    yield f"INTERFACE {name}_INT {_FOLDER}/tcpip_client_interface.py {_BRIDGE} 10.0 None"
    yield f"  MAP_TARGET {name}"
    yield f"  PROTOCOL READ {length}"
    yield f"  PROTOCOL READ {crc} None TRUE ERROR {at}"
    yield "  # the last write protocol is applied first: the CRC covers the length"
    yield f"  PROTOCOL WRITE {crc} {trailer.name.upper()} FALSE ERROR {at}"
    yield f"  PROTOCOL WRITE {length} 1 BIG_ENDIAN 0 None None TRUE"


def _text(packets) -> str:
    return _HEAD + "".join("\n" + "".join(f"{line}\n" for line in packet) for packet in packets)


def _quoted(text: str) -> str:
    return '"' + text.replace('"', "'") + '"'


def _first(kind: str, layout: Layout, dictionary: Dictionary) -> str:
    return f"{kind} {dictionary.mission['name']} {layout.name.upper()} BIG_ENDIAN {_quoted(layout.about)}"


def _telemetry(layout: Layout, dictionary: Dictionary) -> Iterator[str]:
    mission = dictionary.mission
    yield _first("TELEMETRY", layout, dictionary)
    secondary = headers.telemetry(mission, layout.service, layout.subtype)
    for item in (*headers.primary(mission, telecommand=False), *secondary):
        yield _bits(item)
    for field in layout.fields:
        yield from _item(field, dictionary)


def _bits(item: Bits) -> str:
    known_by = item.name in _KNOWN_BY
    kind, value = ("APPEND_ID_ITEM", f" {item.value}") if known_by else ("APPEND_ITEM", "")
    return f"  {kind} {item.name.upper()} {item.bits} UINT{value} {_quoted(item.about)}"


def _item(field: Field, dictionary: Dictionary) -> Iterator[str]:
    name, bits = field.name.upper(), 8 * field.size
    if field.length is None:
        yield f"  APPEND_ITEM {name} {bits} UINT {_quoted(field.about)}"
    else:
        size = bits * field.length if isinstance(field.length, int) else 0
        yield f"  APPEND_ARRAY_ITEM {name} {bits} UINT {size} {_quoted(field.about)}"
        if isinstance(field.length, str):
            yield f"    VARIABLE_BIT_SIZE {field.length.upper()} {bits}"
    yield from _meaning(field, dictionary)
    if field.limits:
        monitor = dictionary.monitors[field.limits]
        # COSMOS limits lie outside the good range, yellow may equal red, and "not read" cannot be excluded
        low, high = monitor.low - 1, monitor.high + 1
        yield f"    LIMITS DEFAULT {monitor.repetition} ENABLED {low} {low} {high} {high}"


def _meaning(field: Field, dictionary: Dictionary, hazardous: Mapping[str, str | None] = {}) -> Iterator[str]:
    for text, number in dictionary.enums[field.enum].items() if field.enum else ():
        danger = hazardous.get(text)
        yield f"    STATE {text.upper()} {number}" + (f" HAZARDOUS {_quoted(danger)}" if danger else "")
    if field.unit:
        yield f"    UNITS {_quoted(field.unit)} {_quoted(field.unit)}"


def _command(layout: Layout, dictionary: Dictionary) -> Iterator[str]:
    mission = dictionary.mission
    yield _first("COMMAND", layout, dictionary)
    hazard = hazards.of_command(layout)
    if hazard:
        yield f"  HAZARDOUS {_quoted(hazard)}"
    secondary = headers.telecommand(mission, layout.service, layout.subtype)
    for item in (*headers.primary(mission, telecommand=True), *secondary):
        value = item.value
        if value is None:
            value = _ACK_FLAGS if item.name == "pus_ack_flags" else 0
        kind = "APPEND_ID_PARAMETER" if item.name in _KNOWN_BY else "APPEND_PARAMETER"
        high = value if item.value is not None else 2**item.bits - 1
        low = value if item.value is not None else 0
        yield f"  {kind} {item.name.upper()} {item.bits} UINT {low} {high} {value} {_quoted(item.about)}"
    counted = {field.length for field in layout.arrays}  # lengths, which COSMOS fills in
    for field in layout.fields:
        yield from _parameter(field, dictionary)
        if field.length is None and field.name not in counted:
            yield "    REQUIRED"
    trailer = headers.TRAILER
    yield (
        f"  APPEND_PARAMETER {trailer.name.upper()} {trailer.bits} UINT 0 {2**trailer.bits - 1} 0"
        f" {_quoted(trailer.about)}"
    )


def _parameter(field: Field, dictionary: Dictionary) -> Iterator[str]:
    name, bits = field.name.upper(), 8 * field.size
    if field.length is not None:  # arrays of telecommands are octets
        yield f'  APPEND_PARAMETER {name} 0 BLOCK "" {_quoted(field.about)}'
        yield f"    VARIABLE_BIT_SIZE {str(field.length).upper()} {bits}"
        return
    low, high = field.valid or (0, field.high)
    numbers = dictionary.enums[field.enum].values() if field.enum else (low,)
    yield f"  APPEND_PARAMETER {name} {bits} UINT {low} {high} {next(iter(numbers))} {_quoted(field.about)}"
    asked = {name: hazards.of_function(function) for name, function in dictionary.functions.items()}
    yield from _meaning(field, dictionary, asked if field.enum == "function" else {})
