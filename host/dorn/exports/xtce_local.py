"""Parameters that are set from outside, as XTCE for Yamcs: what the host computes from packets, for displays."""

from __future__ import annotations

import xml.etree.ElementTree as ET
from collections.abc import Iterable
from dataclasses import dataclass

from dorn.exports.xtce import NAMESPACE, add, written


@dataclass(frozen=True)
class Local:
    """kind: integer, float, string or boolean. length: maximum number of elements of an array, else 0."""

    name: str
    kind: str
    unit: str = ""
    length: int = 0
    about: str = ""


def text(system: str, parameters: Iterable[Local]) -> str:
    """The file that defines a system of local parameters."""
    root = ET.Element("SpaceSystem", {"xmlns": NAMESPACE, "name": system})
    telemetry = add(root, "TelemetryMetaData")
    types, listed = add(telemetry, "ParameterTypeSet"), add(telemetry, "ParameterSet")
    for parameter in parameters:
        _type(types, parameter)
        made = add(
            listed,
            "Parameter",
            name=parameter.name,
            parameterTypeRef=f"{parameter.name}_type",
            shortDescription=parameter.about,
        )
        add(made, "ParameterProperties", dataSource="local")
    return written(root)


def _type(types: ET.Element, parameter: Local) -> None:
    name = f"{parameter.name}_type"
    element_name = f"{parameter.name}_element_type" if parameter.length else name
    element = add(types, f"{parameter.kind.title()}ParameterType", name=element_name)
    units = add(element, "UnitSet")
    if parameter.unit:
        add(units, "Unit", parameter.unit)
    if parameter.length:
        array = add(types, "ArrayParameterType", name=name, arrayTypeRef=element_name)
        dimension = add(add(array, "DimensionList"), "Dimension")
        add(add(dimension, "StartingIndex"), "FixedValue", "0")
        add(add(dimension, "EndingIndex"), "FixedValue", str(parameter.length - 1))
