"""Layouts for ccsdspy: a CSV file for each telemetry packet, with everything after its primary header.

Read by `ccsdspy.FixedLength.from_file`, or `VariableLength.from_file` for a packet with a variable-length array.
ccsdspy distinguishes packets by APID only, and here all have the same one: give it packets of one service and subtype.
"""

from dorn.dictionary import Dictionary, Layout, headers


def files(dictionary: Dictionary) -> dict[str, str]:
    """Name -> text of each file."""
    return {f"{layout.name}.csv": _text(layout, dictionary.mission) for layout in dictionary.telemetry.values()}


def _text(layout: Layout, mission: dict) -> str:
    rows = [(item.name, "uint", item.bits) for item in headers.telemetry(mission)]
    for field in layout.fields:
        rows.append((field.name, "uint" if field.length is None else f"uint({field.length})", 8 * field.size))
    rows.append((headers.TRAILER.name, "uint", headers.TRAILER.bits))
    return "name,data_type,bit_length\n" + "".join(f"{','.join(map(str, row))}\n" for row in rows)
