"""The telemetry as XTCE 1.2 (CCSDS 660.1-B-2), in the dialect that both Yamcs and space_packet_parser read.

Scalars only, in sequence, without offsets: an array of fixed length becomes one parameter per element, one of variable
length becomes octets (big-endian elements, for the user to unpack).
"""

import textwrap
import xml.etree.ElementTree as ET

from dorn.dictionary import Dictionary, Layout, headers
from dorn.dictionary.definitions import Field
from dorn.dictionary.headers import Bits

ROOT = "CCSDSPacket"  # the default root of space_packet_parser
BASE = "telemetry"
NAMESPACE = "http://www.omg.org/spec/XTCE/20180204"
_SHORT = 80  # characters of a shortDescription


def text(dictionary: Dictionary) -> str:
    """The whole file."""
    return written(space_system(dictionary, Telemetry(dictionary).element()))


def space_system(dictionary: Dictionary, *parts: ET.Element) -> ET.Element:
    """The root element with its header."""
    about = f"alpha spectrometer, dictionary {dictionary.hash:08x}"
    root = ET.Element(
        "SpaceSystem", {"xmlns": NAMESPACE, "name": dictionary.mission["name"], "shortDescription": about}
    )
    root.append(ET.Comment(" Generated from firmware/icd.toml by `python -m dorn.exports`: edit that, not this. "))
    # no date, which would make every export differ: the hash identifies it
    ET.SubElement(root, "Header", validationStatus="Released", version=f"{dictionary.hash:08x}")
    root.extend(parts)
    return root


def written(root: ET.Element) -> str:
    """The element as a file."""
    ET.indent(root, " ")
    return f'<?xml version="1.0" encoding="UTF-8"?>\n{ET.tostring(root, encoding="unicode")}\n'


def add(parent: ET.Element, tag: str, content: str | None = None, **attributes: str | float | None) -> ET.Element:
    """Add an element; attributes that are None or empty are left out.

    A shortDescription of more than 80 characters, which XTCE discourages and xtce-lib refuses, is shortened, and the
    full text is added as a LongDescription.
    """
    wanted = {name: str(value) for name, value in attributes.items() if value not in (None, "")}
    element = ET.SubElement(parent, tag, wanted)
    element.text = content
    about = wanted.get("shortDescription", "")
    if len(about) > _SHORT:
        element.set("shortDescription", textwrap.shorten(about, _SHORT, placeholder=" …"))
        add(element, "LongDescription", about)
    return element


def scalar_type(
    parent: ET.Element, kind: str, name: str, bits: int, unit: str = "", enum: dict[str, int] | None = None
) -> ET.Element:
    """Add the type of an unsigned number or, with `enum`, of an enumeration. kind: Parameter or Argument."""
    made = "Enumerated" if enum is not None else "Integer"
    size = {"signed": "false", "sizeInBits": bits} if enum is None else {}
    element = add(parent, f"{made}{kind}Type", name=name, **size)
    _units(element, unit)
    add(element, "IntegerDataEncoding", encoding="unsigned", sizeInBits=bits)
    if enum is not None:
        listed = add(element, "EnumerationList")
        for label, value in enum.items():
            add(listed, "Enumeration", label=label, value=value)
    return element


def _units(element: ET.Element, unit: str = "") -> None:
    """Add the UnitSet, even if empty: XTCE does not require it, but xtce-lib does."""
    units = add(element, "UnitSet")
    if unit:
        add(units, "Unit", unit)


def binary_type(parent: ET.Element, kind: str, name: str, length: str, octets: int) -> ET.Element:
    """Add a binary type: `octets` for each element; the parameter or argument `length` has the number of elements."""
    element = add(parent, f"Binary{kind}Type", name=name)
    _units(element)
    size = add(add(element, "BinaryDataEncoding"), "SizeInBits")
    dynamic_value(size, kind, length, slope=8 * octets)
    return element


def dynamic_value(parent: ET.Element, kind: str, reference: str, slope: int = 1, intercept: int = 0) -> None:
    """Add a number given by another parameter or argument."""
    value = add(parent, "DynamicValue")
    add(value, f"{kind}InstanceRef", **{f"{kind.lower()}Ref": reference})
    add(value, "LinearAdjustment", slope=slope, intercept=intercept)


class Telemetry:
    """TelemetryMetaData. Another dialect overrides `array` and extends `scalar` and `container`."""

    def __init__(self, dictionary: Dictionary):
        self.dictionary = dictionary
        self._element = ET.Element("TelemetryMetaData")
        self.types = add(self._element, "ParameterTypeSet")
        self.parameters = add(self._element, "ParameterSet")
        self.containers = add(self._element, "ContainerSet")
        self.names: set[str] = set()

    def element(self) -> ET.Element:
        """The element with everything in the dictionary."""
        mission = self.dictionary.mission
        primary = headers.primary(mission, telecommand=False)
        self._header(ROOT, primary)
        same = {item.name: item.value for item in primary if item.value is not None}
        self._header(BASE, headers.telemetry(mission), ROOT, same)
        self._bits(headers.TRAILER)
        for layout in self.dictionary.telemetry.values():
            known_by = {headers.SERVICE: layout.service, headers.SUBTYPE: layout.subtype}
            entries = self.container(layout.name, layout.about, BASE, known_by)
            for field in layout.fields:
                if field.length is None:
                    self.scalar(entries, layout, field)
                else:
                    self.array(entries, layout, field)
            self.refer(entries, headers.TRAILER.name)
        return self._element

    def _header(self, name: str, bits: tuple[Bits, ...], base: str | None = None, same: dict | None = None) -> None:
        entries = self.container(name, "", base, same, abstract=True)
        for item in bits:
            self._bits(item)
            self.refer(entries, item.name)

    def _bits(self, item: Bits) -> None:
        scalar_type(self.types, "Parameter", f"{item.name}_type", item.bits)
        self.parameter(item.name, item.about)

    def container(
        self, name: str, about: str, base: str | None, known_by: dict[str, int] | None, abstract: bool = False
    ) -> ET.Element:
        """Add a container, derived from `base` where parameters have the values `known_by`. Returns its EntryList."""
        element = add(
            self.containers,
            "SequenceContainer",
            name=name,
            shortDescription=about,
            abstract="true" if abstract else None,
        )
        entries = add(element, "EntryList")
        if base:
            criteria = add(add(element, "BaseContainer", containerRef=base), "RestrictionCriteria")
            comparisons = add(criteria, "ComparisonList")
            for parameter, value in (known_by or {}).items():
                add(comparisons, "Comparison", parameterRef=parameter, value=value, useCalibratedValue="false")
        return entries

    def parameter(self, name: str, about: str, type_name: str | None = None) -> None:
        """Add a parameter; its type is NAME_type unless another is named."""
        if name in self.names:
            raise ValueError(f"XTCE: parameter {name} would appear twice")
        self.names.add(name)
        add(
            self.parameters,
            "Parameter",
            name=name,
            parameterTypeRef=type_name or f"{name}_type",
            shortDescription=about,
        )

    def refer(self, entries: ET.Element, name: str) -> ET.Element:
        """Add a reference to a parameter to a container."""
        return add(entries, "ParameterRefEntry", parameterRef=name)

    def field_type(self, name: str, field: Field) -> ET.Element:
        """Add the type of a field, or of an array's element."""
        enum = self.dictionary.enums[field.enum] if field.enum else None
        return scalar_type(self.types, "Parameter", name, 8 * field.size, field.unit, enum)

    def scalar(self, entries: ET.Element, layout: Layout, field: Field) -> None:
        """Add a field that is one number."""
        name = f"{layout.name}_{field.name}"
        self.field_type(f"{name}_type", field)
        self.parameter(name, field.about)
        self.refer(entries, name)

    def array(self, entries: ET.Element, layout: Layout, field: Field) -> None:
        """Add a field that is an array."""
        name = f"{layout.name}_{field.name}"
        if isinstance(field.length, str):
            binary_type(self.types, "Parameter", f"{name}_type", f"{layout.name}_{field.length}", field.size)
            self.parameter(name, field.about)
            self.refer(entries, name)
            return
        self.field_type(f"{name}_type", field)
        for n in range(field.length or 0):
            self.parameter(f"{name}_{n}", field.about, f"{name}_type")
            self.refer(entries, f"{name}_{n}")
