"""XTCE 1.2 with all that Yamcs reads: arrays, alarms, telecommands and their verification by ST[01] reports.

The parameters of the portable dialect have the same names here. In addition, some parameters are shared by several
packets, because verifiers and Yamcs's decoder of event reports read one parameter each.
"""

import xml.etree.ElementTree as ET
from typing import NamedTuple

from dorn.dictionary import Ack, Dictionary, Layout, headers
from dorn.dictionary.definitions import Field
from dorn.dictionary.headers import VERIFICATION
from dorn.exports import hazards
from dorn.exports.xtce import Telemetry, add, binary_type, dynamic_value, scalar_type, space_system, written
from dorn.exports.xtce_verifiers import REPORT, add_verifiers

_BASE = "telecommand"
_ABSTRACT = ("function", "set_parameter")  # each value has a telecommand of its own, with its significance or its range
_ACK_FLAGS = int(Ack.ACCEPTANCE | Ack.START | Ack.COMPLETION)  # the stages that are verified
# service -> field -> (shared parameter that repeats the field's last bits in any packet of the service, number of bits)
_SHARED = {
    1: {
        "request_id": ("request_apid", 11),
        "request_sequence": ("request_count", 14),
        "failure": ("request_failure", 8),
        "detail": ("request_detail", 32),
    },
    5: {"event": ("event_id", 8), "a": ("event_a", 32), "b": ("event_b", 32)},
}
_ALARMS = {1: "WatchRange", 2: "WatchRange", 3: "WarningRange", 4: "CriticalRange"}  # by subtype of event reports


_CENTIKELVIN = "0.01 K"
_ZERO_CELSIUS_K = 273.15


def calibrated(field: Field, value: float) -> float:
    """The value of a field as Yamcs shows it: temperatures in degrees Celsius."""
    return round(value / 100 - _ZERO_CELSIUS_K, 2) if field.unit == _CENTIKELVIN else value


def function_command(name: str) -> str:
    """The telecommand of a function."""
    return f"function_{name}"


def parameter_command(table: dict) -> str:
    """The telecommand that sets an entry of the dictionary's parameters."""
    return f"set_parameter_{table['name']}"


def entries(table: dict, dictionary: Dictionary) -> dict[str, int]:
    """Name -> number of each parameter that an entry defines."""
    return {
        name: parameter.id
        for name, parameter in dictionary.parameters.items()
        if 0 <= parameter.id - table["id"] < table.get("count", 1)
    }


def text(dictionary: Dictionary) -> str:
    """The whole file."""
    return written(space_system(dictionary, _YamcsTelemetry(dictionary).element(), _Commands(dictionary).element()))


class _YamcsTelemetry(Telemetry):
    def element(self) -> ET.Element:
        element = super().element()
        scalar_type(self.types, "Parameter", f"{REPORT}_type", 8)
        self.parameter(REPORT, "subtype of the last packet of service 1")
        reports = [layout.name for layout in self.dictionary.telemetry.values() if layout.service == VERIFICATION]
        for container in self.containers:
            for entries in container.findall("EntryList") if container.get("name") in reports else ():
                entry = self.refer(entries, REPORT)
                location = add(entry, "LocationInContainerInBits", referenceLocation="containerStart")
                add(location, "FixedValue", str(_offset(self.dictionary.mission, headers.SUBTYPE)))
        return element

    def container(self, name, about, base, known_by, abstract=False) -> ET.Element:
        entries = super().container(name, about, base, known_by, abstract)
        if not abstract:  # the archive is partitioned by packet
            ancillary = ET.Element("AncillaryDataSet")
            add(ancillary, "AncillaryData", "UseAsArchivingPartition", name="Yamcs")
            element = self.containers[-1]
            element.insert(len(element.findall("LongDescription")), ancillary)
        return entries

    def scalar(self, entries: ET.Element, layout: Layout, field: Field) -> None:
        super().scalar(entries, layout, field)
        if field.limits:
            self._alarm(self.types[-1], f"{layout.name}_{field.name}", field, field.limits)
        name, bits = _SHARED.get(layout.service, {}).get(field.name, (None, 0))
        if name:
            if name not in self.names:
                enum = self.dictionary.enums[field.enum] if field.enum else None
                scalar_type(self.types, "Parameter", f"{name}_type", bits, enum=enum)
                self.parameter(name, f"{field.name} of any packet of service {layout.service}")
            add(add(self.refer(entries, name), "LocationInContainerInBits"), "FixedValue", str(-bits))

    def field_type(self, name: str, field: Field) -> ET.Element:
        if field.unit != _CENTIKELVIN:
            return super().field_type(name, field)
        element = add(self.types, "FloatParameterType", name=name, sizeInBits=64)
        add(add(element, "UnitSet"), "Unit", "degC")
        encoding = add(element, "IntegerDataEncoding", encoding="unsigned", sizeInBits=8 * field.size)
        polynomial = add(add(encoding, "DefaultCalibrator"), "PolynomialCalibrator")
        for exponent, coefficient in enumerate((f"{-_ZERO_CELSIUS_K}", "0.01")):
            add(polynomial, "Term", coefficient=coefficient, exponent=exponent)
        return element

    def _alarm(self, element: ET.Element, name: str, field: Field, limits: str) -> None:
        element.set("sizeInBits", "64")  # Yamcs compares 32 bits as a signed number, which would not match all ones
        monitor = self.dictionary.monitors[limits]
        # all ones mean not read: the value is invalid, without an alarm
        valid = add(element, "ValidRange", minInclusive=0, maxInclusive=field.high - 1)
        valid.set("validRangeAppliesToCalibrated", "false")
        alarm = add(add(element, "ContextAlarmList"), "ContextAlarm", minViolations=monitor.repetition)
        level = _ALARMS[self.dictionary.events[f"limit_{limits}"].subtype]
        low = calibrated(field, monitor.low)
        high = calibrated(field, monitor.high) if monitor.high < field.high else None
        add(add(alarm, "StaticAlarmRanges"), level, minInclusive=low, maxInclusive=high)
        read = add(alarm, "ContextMatch")
        value = {"value": field.high, "useCalibratedValue": "false"}
        add(read, "Comparison", parameterRef=name, comparisonOperator="!=", **value)

    def array(self, entries: ET.Element, layout: Layout, field: Field) -> None:
        name = f"{layout.name}_{field.name}"
        self.field_type(f"{name}_element_type", field)
        array = add(self.types, "ArrayParameterType", name=f"{name}_type", arrayTypeRef=f"{name}_element_type")
        dimension = add(add(array, "DimensionList"), "Dimension")
        add(add(dimension, "StartingIndex"), "FixedValue", "0")
        end = add(dimension, "EndingIndex")
        if isinstance(field.length, str):
            dynamic_value(end, "Parameter", f"{layout.name}_{field.length}", intercept=-1)
        elif field.length:
            add(end, "FixedValue", str(field.length - 1))
        self.parameter(name, field.about)
        add(entries, "ArrayParameterRefEntry", parameterRef=name)


def _offset(mission: dict, name: str) -> int:
    """Bits from the start of a telemetry packet to a field of its headers."""
    bits = headers.primary(mission, telecommand=False) + headers.telemetry(mission)
    return sum(item.bits for item in bits[: [item.name for item in bits].index(name)])


class _Argument(NamedTuple):
    """A field of a telecommand, the names of its values, and its default value."""

    field: Field
    enum: dict[str, int] | None
    initial: str | int | None = None


class _Commands:
    """CommandMetaData: every telecommand, plus one for each function and for each parameter with its own range."""

    def __init__(self, dictionary: Dictionary):
        self._dictionary = dictionary
        self._element = ET.Element("CommandMetaData")
        self._types = add(self._element, "ArgumentTypeSet")
        self._commands = add(self._element, "MetaCommandSet")

    def element(self) -> ET.Element:
        self._base()
        for layout in self._dictionary.commands.values():
            self._command(layout)
        for name, function in self._dictionary.functions.items():
            self._function(name, function)
        for table in self._dictionary.tables["parameter"]:
            self._parameter(table)
        return self._element

    def _base(self) -> None:
        mission = self._dictionary.mission
        command = add(self._commands, "MetaCommand", name=_BASE, abstract="true")
        entries = add(add(command, "CommandContainer", name=_BASE), "EntryList")
        for item in headers.primary(mission, telecommand=True):
            self._fixed(entries, item.name, item.bits, item.value or 0)  # count and length: filled in by Yamcs
        add_verifiers(command, self._dictionary)

    def _command(self, layout: Layout) -> None:
        arguments = [
            _Argument(field, self._dictionary.enums[field.enum] if field.enum else None) for field in layout.fields
        ]
        command = self._packet(layout.name, layout.about, layout, arguments)
        if layout.name in _ABSTRACT:
            command.set("abstract", "true")
        _significance(command, hazards.of_command(layout))

    def _function(self, name: str, function) -> None:
        modes = ", ".join(function.modes)
        own = function_command(name)
        command = add(self._commands, "MetaCommand", name=own, shortDescription=f"{function.about}; in {modes}")
        assigned = add(add(command, "BaseMetaCommand", metaCommandRef="function"), "ArgumentAssignmentList")
        add(assigned, "ArgumentAssignment", argumentName="function", argumentValue=name)
        container = add(command, "CommandContainer", name=own)
        add(container, "EntryList")
        add(container, "BaseContainer", containerRef="function")
        _significance(command, hazards.of_function(function))

    def _parameter(self, table: dict) -> None:
        """set_parameter for one entry of the parameters, with its range."""
        layout = self._dictionary.commands["set_parameter"]
        names = entries(table, self._dictionary)
        number, value = layout.fields
        ranged = Field(value.name, value.type, unit=table["unit"], valid=tuple(table["range"]))
        arguments = [_Argument(number, names, next(iter(names))), _Argument(ranged, None, table["default"])]
        self._packet(parameter_command(table), table.get("effect", ""), layout, arguments)

    def _packet(self, name: str, about: str, layout: Layout, arguments: list[_Argument]) -> ET.Element:
        """Add a telecommand of the service and subtype of `layout`, and return it."""
        command = add(self._commands, "MetaCommand", name=name, shortDescription=about)
        add(command, "BaseMetaCommand", metaCommandRef=_BASE)
        listed = ET.Element("ArgumentList")
        if arguments:
            command.append(listed)
        container = add(command, "CommandContainer", name=name)
        entries = add(container, "EntryList")
        add(container, "BaseContainer", containerRef=_BASE)
        for item in headers.telecommand(self._dictionary.mission, layout.service, layout.subtype):
            self._fixed(entries, item.name, item.bits, _ACK_FLAGS if item.value is None else item.value)
        for argument in arguments:
            self._argument(listed, name, argument)
            add(entries, "ArgumentRefEntry", argumentRef=argument.field.name)
        return command

    def _fixed(self, entries: ET.Element, name: str, bits: int, value: int) -> None:
        octets = (bits + 7) // 8
        add(entries, "FixedValueEntry", name=name, binaryValue=value.to_bytes(octets, "big").hex(), sizeInBits=bits)

    def _argument(self, listed: ET.Element, command: str, argument: _Argument) -> None:
        field, type_name = argument.field, f"{command}_{argument.field.name}_type"
        if field.length is not None:  # arrays of telecommands are octets, counted by a preceding field
            binary_type(self._types, "Argument", type_name, str(field.length), field.size)
        else:
            made = scalar_type(self._types, "Argument", type_name, 8 * field.size, field.unit, argument.enum)
            if field.valid:
                low, high = field.valid
                ranges = add(made, "ValidRangeSet", validRangeAppliesToCalibrated="false")
                add(ranges, "ValidRange", minInclusive=low, maxInclusive=high)
        add(
            listed,
            "Argument",
            name=field.name,
            argumentTypeRef=type_name,
            initialValue=argument.initial,
            shortDescription=field.about,
        )


def _significance(command: ET.Element, hazard: str | None) -> None:
    if hazard:
        add(command, "DefaultSignificance", consequenceLevel="critical", reasonForWarning=hazard)
