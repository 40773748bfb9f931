"""The XTCE documents among the exports: valid, without dangling references, and for Yamcs with every telecommand."""

import tomllib
import xml.etree.ElementTree as ET
from pathlib import Path

import pytest
import xmlschema
from dorn import exports
from dorn.util.paths import onboard_root
from support.data import data

SPACE = {"x": "http://www.omg.org/spec/XTCE/20180204"}
XTCE = ("xtce-portable.xml", "xtce-yamcs.xml")


@pytest.mark.parametrize("name", XTCE)
def test_xtce_is_valid_against_its_schema(name):
    # the schema imports that of the XML namespace by URL: the copy in xmlschema is used
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


def yamcs_commands():
    """Name -> element of each telecommand for Yamcs."""
    root = ET.parse(exports.folder() / "xtce-yamcs.xml").getroot()
    return {element.get("name"): element for element in root.iterfind(".//x:MetaCommand", SPACE)}


def test_yamcs_has_every_telecommand_and_every_range():
    root = ET.parse(exports.folder() / "xtce-yamcs.xml").getroot()
    ranges = {}
    for element in root.iterfind(".//x:IntegerArgumentType", SPACE):
        valid = element.find(".//x:ValidRange", SPACE)
        if valid is not None:
            name = element.get("name").removesuffix("_type")
            ranges[name] = [int(valid.get("minInclusive")), int(valid.get("maxInclusive"))]
    tables = tomllib.loads((onboard_root() / "firmware" / "icd.toml").read_text(encoding="utf-8"))
    expected = {f"set_parameter_{table['name']}_value": table["range"] for table in tables["parameter"]}
    for table in tables["command"]:
        expected |= {f"{table['name']}_{f['name']}": f["valid"] for f in table["fields"] if "valid" in f}
    assert ranges == expected
    assert set(yamcs_commands()) == {
        "telecommand",
        *(table["name"] for table in tables["command"]),
        *(f"function_{table['name']}" for table in tables["function"]),
        *(f"set_parameter_{table['name']}" for table in tables["parameter"]),
    }


def test_yamcs_asks_before_every_telecommand_that_is_or_carries_a_hazardous_one():
    commands = yamcs_commands()
    asked = {name for name, element in commands.items() if element.find("x:DefaultSignificance", SPACE) is not None}
    assert asked == {
        *("function_reset", "function_maintenance", "function_bias_on", "function_pulser_on"),  # armed
        *("load_memory", "set_time"),  # armed, at least for some values
        *("insert_activity", "add_action"),  # carry another telecommand
    }
    never_issued = {name for name, element in commands.items() if element.get("abstract") == "true"}
    assert never_issued == {"telecommand", "function", "set_parameter"}
