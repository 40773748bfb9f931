"""The XTCE documents among the exports: valid, without dangling references, and for Yamcs with every telecommand."""

import tomllib
import xml.etree.ElementTree as ET
from pathlib import Path

import pytest
import xmlschema
from dorn import exports
from dorn.util.paths import onboard_root
from support.data import data

XTCE = ("xtce-portable.xml", "xtce-yamcs.xml")


@pytest.mark.parametrize("name", XTCE)
def test_xtce_is_valid_against_its_schema(name):
    # the schema imports that of the XML namespace by URL: use the copy in xmlschema
    here = Path(xmlschema.__file__).parent / "schemas" / "XML" / "xml.xsd"
    schema = xmlschema.XMLSchema(
        data("xtce-xsd", "SpaceSystem.xsd"),
        allow="local",
        locations={"http://www.w3.org/XML/1998/namespace": str(here)},
    )
    assert [error.reason for error in schema.iter_errors(exports.folder() / name)] == []


@pytest.mark.parametrize("name", XTCE)
def test_every_reference_in_xtce_resolves(name):
    root = ET.parse(exports.folder() / name).getroot()
    names = {element.get("name") for element in root.iter() if element.get("name")}
    assert len([e for e in root.iter() if e.tag.endswith("}Parameter")]) > 200
    for element in root.iter():
        for key, value in element.attrib.items():
            assert not key.endswith("Ref") or value in names or value.startswith("/yamcs/"), (key, value)


def test_yamcs_has_every_telecommand_and_every_range():
    space = {"x": "http://www.omg.org/spec/XTCE/20180204"}
    root = ET.parse(exports.folder() / "xtce-yamcs.xml").getroot()
    commands = {element.get("name") for element in root.iterfind(".//x:MetaCommand", space)}
    ranges = {}
    for element in root.iterfind(".//x:IntegerArgumentType", space):
        valid = element.find(".//x:ValidRange", space)
        if valid is not None:
            name = element.get("name").removesuffix("_type")
            ranges[name] = [int(valid.get("minInclusive")), int(valid.get("maxInclusive"))]
    tables = tomllib.loads((onboard_root() / "firmware" / "icd.toml").read_text(encoding="utf-8"))
    expected = {f"set_parameter_{table['name']}_value": table["range"] for table in tables["parameter"]}
    for table in tables["command"]:
        expected |= {f"{table['name']}_{f['name']}": f["valid"] for f in table["fields"] if "valid" in f}
    assert ranges == expected
    assert commands == {
        "telecommand",
        *(table["name"] for table in tables["command"]),
        *(f"function_{table['name']}" for table in tables["function"]),
        *(f"set_parameter_{table['name']}" for table in tables["parameter"]),
    }
