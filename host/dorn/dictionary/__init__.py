"""The dictionary of the instrument (`firmware/icd.toml`) and the packets it defines."""

import json
import tomllib
import zlib
from pathlib import Path

from dorn.dictionary import codec, headers, reading
from dorn.dictionary.codec import Packet, PacketError
from dorn.dictionary.definitions import DictionaryError, EventReport, Layout, Parameter
from dorn.dictionary.headers import Ack
from dorn.dictionary.layouts import layouts
from dorn.util.paths import onboard_root

__all__ = ["Ack", "Dictionary", "DictionaryError", "EventReport", "Layout", "Packet", "PacketError", "Parameter"]

_TABLES = "mission instrument enum about optional function parameter table monitor action lines command telemetry event"
_HOUSEKEEPING = [
    ("record", "u32"),
    ("origin", "u16"),
    ("structure_id", "u8"),
    ("dictionary", "u32"),
]  # first fields of housekeeping in every dictionary
# keys left out of the hash: wording, and values that only the ground uses
_PROSE = ("about", "effect", "valid", "refused", "limits")


class Dictionary:
    """Every packet, command, parameter and event of one instrument.

    mission, instrument: the tables of those names, unchanged.
    enums: name -> {text: number}, including `parameter`, `event`, `function`, `monitor` and `table` with the ids of
    those tables.
    meanings: name of an enum -> {text: meaning}, for values that need an explanation.
    optional: optional service (a file of fsw/pus) -> its number.
    parameters, events, functions, monitors: name -> Parameter, EventReport, Function, Monitor.
    commands, telemetry: name -> Layout.
    parameter_sets: name of an observation table -> (its number, {parameter: value}).
    actions: event -> telecommand it releases, as defined at boot. lines: name -> nuclide of a line whose region is
    counted.
    tables: the parsed TOML.
    hash: CRC-32 of the dictionary without prose; housekeeping carries it.
    """

    def __init__(self, tables: dict):
        """Check the parsed TOML `tables`. Raises DictionaryError naming the entry and the value."""
        reading.entry("dictionary", tables, _TABLES)
        for name in ("mission", "instrument", "enum", "optional", "lines"):
            if not isinstance(tables[name], dict):
                raise DictionaryError(f"{name}: {tables[name]!r} is not a table")
        for name, value in tables["instrument"].items():
            reading.check_name("instrument", name)
            if type(value) not in (int, float):
                raise DictionaryError(f"instrument: {name} {value!r} is not a number")
        self.tables = tables
        self.mission = dict(tables["mission"])
        self.instrument = dict(tables["instrument"])
        self.optional = reading.services(tables["optional"])
        for name, high in (
            ("apid", 2046),
            ("pus_version", 15),
            ("source_id", 65535),
            ("destination_id", 65535),
        ):
            reading.integer("mission", name, self.mission.get(name), 0, high)
        reading.integer("mission", "max_packet", self.mission.get("max_packet"), 32, 65542)
        trailer = self.mission.get("authentication_trailer")
        reading.integer("mission", "authentication_trailer", trailer, 0, 255)
        self.parameters = reading.parameters(tables["parameter"], self.optional)
        self.events = reading.events(tables["event"])
        enums = reading.enumerations(tables["enum"])
        self.meanings = reading.meanings(tables["about"], enums)
        self.functions = reading.functions(tables["function"], enums.get("mode", {}))
        self.monitors = reading.monitors(tables["monitor"])
        self.parameter_sets = reading.parameter_sets(tables["table"], self.parameters)
        self.lines = reading.lines(tables["lines"])
        numbered = (self.parameters, self.events, self.functions, self.monitors)
        self.enums = enums | {
            name: {text: entry.id for text, entry in entries.items()}
            for name, entries in zip(reading.NUMBERED, numbered, strict=False)
        }
        self.enums["table"] = {name: number for name, (number, _) in self.parameter_sets.items()}
        self.commands = layouts("command", tables["command"], self.enums)
        self.telemetry = layouts("telemetry", tables["telemetry"], self.enums)
        self._check_layouts()
        # enumeration -> {number: name}
        self.texts = {name: {number: text for text, number in values.items()} for name, values in self.enums.items()}
        self._by_type = {(layout.service, layout.subtype): layout for layout in self.telemetry.values()}
        self.actions = {
            event: self._action(event, *telecommand)
            for event, *telecommand in reading.actions(tables["action"], self.events)
        }
        self.hash = zlib.crc32(json.dumps(_without_prose(tables), sort_keys=True, separators=(",", ":")).encode())

    def _action(self, event: str, command: str, fields: dict) -> bytes:
        try:
            return self.encode(command, 0, ack=Ack.NONE, **fields)
        except (PacketError, TypeError) as error:  # TypeError: a field is named like an argument of encode
            raise DictionaryError(f"action {event}: {error}") from None

    def _check_layouts(self):
        for command in self.commands.values():
            arrays = [(array.type, array.length) for array in command.arrays]
            if arrays and arrays != [("u8", command.scalars[-1].name if command.scalars else None)]:
                raise DictionaryError(
                    f"command {command.name}: the firmware reads at most one array, u8, whose length is the last scalar"
                )
        for layout in self.telemetry.values():
            size = codec.smallest(layout)
            if size > self.mission["max_packet"]:
                raise DictionaryError(f"telemetry {layout.name}: {size} octets exceed max_packet")
        first = [(field.name, field.type) for field in self._housekeeping().fields[:4]]
        if first != _HOUSEKEEPING:
            raise DictionaryError(f"telemetry housekeeping: begins with {first}, not {_HOUSEKEEPING}")

    def _housekeeping(self) -> Layout:
        if "housekeeping" not in self.telemetry:
            raise DictionaryError("telemetry: no housekeeping, which carries the hash of the dictionary")
        return self.telemetry["housekeeping"]

    @classmethod
    def load(cls, path: Path | str | None = None) -> "Dictionary":
        """Read a dictionary, by default that of the firmware in this package."""
        path = Path(path) if path else onboard_root() / "firmware" / "icd.toml"
        try:
            return cls(tomllib.loads(path.read_text(encoding="utf-8")))
        except (DictionaryError, tomllib.TOMLDecodeError) as error:
            raise DictionaryError(f"{path}: {error}") from None

    def decode(self, packet: bytes) -> Packet:
        """Decode one telemetry packet. Raises PacketError naming the fault."""
        return codec.decode(packet, self.mission, self._by_type, self.texts)

    def check_hash(self, packet: bytes) -> bool:
        """Return True for housekeeping made with this dictionary, False for any other packet.

        Raises DictionaryError for housekeeping made with another dictionary.
        The packet's CRC must have been checked; its length may be that of another dictionary.
        """
        layout, at = self._housekeeping(), headers.TM_HEADER + 7  # after record, origin and structure id
        if packet[7:9] != bytes((layout.service, layout.subtype)) or len(packet) < at + 4 + headers.CRC:
            return False
        if packet[at - 1] != self.enums["structure"]["health"]:  # before 0.4, packets had no origin
            at -= 2
        found = int.from_bytes(packet[at : at + 4], "big")
        if found != self.hash:
            raise DictionaryError(
                f"made with dictionary {found:08x}, this one is {self.hash:08x}: "
                "use the software version that matches it"
            )
        return True

    def encode(
        self, command: str, sequence: int, *, ack: int = Ack.ACCEPTANCE | Ack.COMPLETION, check: bool = True, **fields
    ) -> bytes:
        """Build one telecommand packet.

        sequence: 14-bit count.
        ack: successes to report, flags of Ack.
        fields: numbers, or names from the field's enumeration, such as parameter names; bytes for an array, whose
            length field is omitted.
        check: refuse values outside the range of the parameter or the field; if False, only the field's type matters.
        Raises PacketError naming the telecommand, the field and the value.
        """
        if command not in self.commands:
            raise PacketError(f"unknown command {command!r}")
        layout = self.commands[command]
        values = codec.values(layout, fields, self.enums)
        if check:
            codec.check_valid(layout, values)
        if check and {"parameter", "value"} <= values.keys():
            codec.check_range(layout, values["parameter"], values["value"], self.parameters)
        return codec.encode(layout, values, sequence, ack, self.mission)


def _without_prose(node):
    if isinstance(node, dict):
        return {key: _without_prose(value) for key, value in node.items() if key not in _PROSE}
    return [_without_prose(value) for value in node] if isinstance(node, list) else node
