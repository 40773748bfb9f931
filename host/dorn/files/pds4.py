"""PDS4 bundles: tables of delimited text with their labels, in collections by processing level.

Labels conform to information model 1.26.0.0. A table is a file NAME.csv, with the field names in its first line,
described by a label NAME.xml; a missing value is empty.
Source: PDS4 Standards Reference and the schema and Schematron PDS4_PDS_1Q00.
"""

from __future__ import annotations

import csv
import hashlib
import io
import math
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime
from xml.etree import ElementTree
from xml.etree.ElementTree import Element, SubElement

from dorn.util.dates import utc_text

_NAMESPACE = "http://pds.nasa.gov/pds4/pds/v1"
_SCHEMA = "https://pds.nasa.gov/pds4/pds/v1/PDS4_PDS_1Q00"
_HEAD = f"""<?xml version="1.0" encoding="UTF-8"?>
<?xml-model href="{_SCHEMA}.sch" schematypens="http://purl.oclc.org/dsdl/schematron"?>
"""
_MODEL, _VERSION = "1.26.0.0", "1.0"
LEVELS = {"data_raw": "Raw", "data_calibrated": "Calibrated", "data_derived": "Derived"}  # collection -> its level
INTEGER, COUNT, REAL = "ASCII_Integer", "ASCII_NonNegative_Integer", "ASCII_Real"
TEXT, DATE = "UTF8_String", "ASCII_Date_Time_YMD_UTC"


@dataclass(frozen=True)
class Field:
    """One field of a table, or a group of `repeated` columns."""

    name: str
    data_type: str
    unit: str = ""
    about: str = ""
    repeated: int = 1
    longest: int = 0  # octets; 0: not stated


@dataclass(frozen=True)
class Table:
    """A table of one collection, a key of LEVELS."""

    collection: str
    name: str
    title: str
    about: str
    fields: Sequence[Field]
    rows: Iterable[Sequence[object]] | bytes  # values of each record, or the whole file with its heading


@dataclass(frozen=True)
class Bundle:
    """What all labels of a bundle have in common. start, stop: UTC; None: unknown."""

    name: str  # last part of the bundle's identifier
    title: str
    instrument: str
    about: str  # description of the instrument
    seen: str  # target of the observation
    start: datetime | None
    stop: datetime | None
    year: int  # of publication
    comment: str = ""

    @property
    def lid(self) -> str:
        return f"urn:nasa:pds:{self.name}"


def files(bundle: Bundle, tables: Iterable[Table]) -> dict[str, bytes]:
    """Name -> content of each file of a bundle, without empty tables and collections, which PDS4 does not allow."""
    found: dict[str, bytes] = {}
    members: dict[str, list[str]] = {}
    for table in tables:
        content, header, records = _content(table)
        if records:
            found[f"{table.collection}/{table.name}.csv"] = content
            found[f"{table.collection}/{table.name}.xml"] = _label(bundle, table, content, header, records)
            members.setdefault(table.collection, []).append(table.name)
    for collection, names in members.items():
        lines = [f"P,{bundle.lid}:{collection}:{name}::{_VERSION}\n" for name in names]
        inventory = "".join(lines).encode()
        found[f"{collection}/collection_{collection}.csv"] = inventory
        found[f"{collection}/collection_{collection}.xml"] = _collection(bundle, collection, inventory, len(lines))
    return found | {"bundle.xml": _bundle(bundle, list(members))}


def _content(table: Table) -> tuple[bytes, int, int]:
    """(octets of the file, octets of its first line, records)."""
    if isinstance(table.rows, bytes):
        return table.rows, table.rows.index(b"\n") + 1, table.rows.count(b"\n") - 1
    text, records = io.StringIO(), 0
    writer = csv.writer(text, lineterminator="\n")
    names = [
        [one.name] if one.repeated == 1 else [f"{one.name}_{n}" for n in range(one.repeated)] for one in table.fields
    ]
    writer.writerow([name for several in names for name in several])
    header = text.tell()  # names are ASCII
    for row in table.rows:
        writer.writerow([_cell(value) for value in row])
        records += 1
    return text.getvalue().encode(), header, records


def _cell(value: object) -> object:
    """Empty for a missing number; quotation marks, which the format cannot hold, become apostrophes."""
    if value is None or (isinstance(value, float) and not math.isfinite(value)):
        return ""
    return " ".join(value.replace('"', "'").split()) if isinstance(value, str) else value


def _label(bundle: Bundle, table: Table, content: bytes, header: int, records: int) -> bytes:
    top = _product("Product_Observational", f"{bundle.lid}:{table.collection}:{table.name}", table.title)
    area = SubElement(top, "Observation_Area")
    if bundle.comment:
        _text(area, "comment", bundle.comment)
    _context(area, bundle, "data", LEVELS[table.collection])
    area = SubElement(top, "File_Area_Observational")
    _file(area, f"{table.name}.csv", content)
    _texts(SubElement(area, "Header"), offset="0", object_length=str(header), parsing_standard_id="UTF-8 Text")
    area.findall("Header/offset")[0].set("unit", "byte")
    area.findall("Header/object_length")[0].set("unit", "byte")
    one = SubElement(area, "Table_Delimited")
    _delimited(one, header, records, table.about)
    _record(one, table.fields)
    return _written(top)


def _collection(bundle: Bundle, collection: str, inventory: bytes, records: int) -> bytes:
    level = LEVELS[collection]
    top = _product("Product_Collection", f"{bundle.lid}:{collection}", f"{bundle.title}: {level.lower()} data", bundle)
    area = SubElement(top, "Context_Area")
    _context(area, bundle, "collection", level)
    _texts(SubElement(top, "Collection"), collection_type="Data", description=f"{level} data: {bundle.about}")
    area = SubElement(top, "File_Area_Inventory")
    _file(area, f"collection_{collection}.csv", inventory)
    one = SubElement(area, "Inventory")
    _delimited(one, 0, records, "products of the collection")
    fields = Field("Member Status", "ASCII_String", longest=1), Field("LIDVID_LID", "ASCII_LIDVID_LID", longest=255)
    _record(one, fields)
    _text(one, "reference_type", "inventory_has_member_product")
    return _written(top)


def _bundle(bundle: Bundle, collections: Sequence[str]) -> bytes:
    top = _product("Product_Bundle", bundle.lid, bundle.title, bundle)
    area = SubElement(top, "Context_Area")
    _context(area, bundle, "bundle", *(LEVELS[collection] for collection in collections))
    _texts(SubElement(top, "Bundle"), bundle_type="Archive", description=bundle.about)
    for collection in collections:
        _texts(
            SubElement(top, "Bundle_Member_Entry"),
            lidvid_reference=f"{bundle.lid}:{collection}::{_VERSION}",
            member_status="Primary",
            reference_type="bundle_has_data_collection",
        )
    return _written(top)


def _product(kind: str, lid: str, title: str, bundle: Bundle | None = None) -> Element:
    """The root of a label with its identification, and with a citation for a bundle or a collection."""
    location = {"xmlns:xsi": "http://www.w3.org/2001/XMLSchema-instance"}
    location["xsi:schemaLocation"] = f"{_NAMESPACE} {_SCHEMA}.xsd"
    top = Element(kind, {"xmlns": _NAMESPACE} | location)
    area = SubElement(top, "Identification_Area")
    _texts(area, logical_identifier=lid, version_id=_VERSION, title=title, information_model_version=_MODEL)
    _text(area, "product_class", kind)
    if bundle:
        citation = SubElement(area, "Citation_Information")
        _texts(citation, author_list="DORN-FSW", publication_year=str(bundle.year), description=bundle.about)
    return top


def _context(area: Element, bundle: Bundle, referring: str, *levels: str) -> None:
    times = SubElement(area, "Time_Coordinates")
    for name, then in (("start_date_time", bundle.start), ("stop_date_time", bundle.stop)):
        one = SubElement(times, name)
        if then is None:
            one.set("xsi:nil", "true")
            one.set("nilReason", "unknown")
        else:
            one.text = utc_text(then)
    summary = SubElement(area, "Primary_Result_Summary")
    _text(summary, "purpose", "Science")
    for level in levels:
        _text(summary, "processing_level", level)
    one = SubElement(area, "Investigation_Area")
    _texts(one, name=bundle.instrument, type="Individual Investigation")
    lid = f"urn:nasa:pds:context:investigation:individual_investigation.{bundle.name}"
    _texts(SubElement(one, "Internal_Reference"), lid_reference=lid, reference_type=f"{referring}_to_investigation")
    one = SubElement(SubElement(area, "Observing_System"), "Observing_System_Component")
    _texts(one, name=bundle.instrument, type="Instrument", description=bundle.about)
    _texts(SubElement(area, "Target_Identification"), name=bundle.seen, type="Equipment")


def _file(area: Element, name: str, content: bytes) -> None:
    one = SubElement(area, "File")
    _text(one, "file_name", name)
    _text(one, "file_size", str(len(content))).set("unit", "byte")
    _text(one, "md5_checksum", hashlib.md5(content, usedforsecurity=False).hexdigest())


def _delimited(one: Element, offset: int, records: int, about: str) -> None:
    _text(one, "offset", str(offset)).set("unit", "byte")
    _texts(one, parsing_standard_id="PDS DSV 1", description=about, records=str(records))
    _texts(one, record_delimiter="Line-Feed", field_delimiter="Comma")


def _record(one: Element, fields: Sequence[Field]) -> None:
    groups = sum(field.repeated > 1 for field in fields)
    record = SubElement(one, "Record_Delimited")
    _texts(record, fields=str(len(fields) - groups), groups=str(groups))
    for number, field in enumerate(fields, 1):
        parent = record
        if field.repeated > 1:
            parent = SubElement(record, "Group_Field_Delimited")
            _texts(parent, name=f"{field.name}s", repetitions=str(field.repeated), fields="1", groups="0")
        row = SubElement(parent, "Field_Delimited")
        _text(row, "name", field.name)
        if groups == 0:  # with groups, a number would be that within its group
            _text(row, "field_number", str(number))
        _text(row, "data_type", field.data_type)
        if field.longest:
            _text(row, "maximum_field_length", str(field.longest)).set("unit", "byte")
        for name, text in (("unit", field.unit), ("description", field.about)):
            if text:
                _text(row, name, text)


def _texts(parent: Element, **texts: str) -> None:
    for name, text in texts.items():
        _text(parent, name, text)


def _text(parent: Element, name: str, text: str) -> Element:
    child = SubElement(parent, name)
    child.text = " ".join("".join(one if one.isprintable() else " " for one in text).split())
    return child


def _written(top: Element) -> bytes:
    ElementTree.indent(top)
    return _HEAD.encode() + ElementTree.tostring(top, encoding="unicode").encode() + b"\n"
