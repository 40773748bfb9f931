"""Telemetry packets built by spacepackets, and generated field values."""

from hypothesis import strategies as st
from spacepackets.ecss.tm import PusTm

APID = 100
TIME = bytes([0, 0, 0, 1, 0x80, 0])  # 1.5 s


def tm(service: int, subtype: int, data: bytes, *, apid: int = APID, count: int = 3) -> bytes:
    """A telemetry packet with this source data and time 1.5 s."""
    packet = PusTm(
        service=service,
        message_subtype=subtype,
        timestamp=TIME,
        source_data=data,
        apid=apid,
        seq_count=count,
        message_counter=7,
        destination_id=1,
    )
    return bytes(packet.pack())


def source_data(layout, fields: dict) -> bytes:
    """The octets of a layout's fields."""
    octets = b""
    for field in layout.fields:
        value = fields[field.name]
        for item in [value] if field.length is None else value:
            octets += item.to_bytes(int(field.type[1:]) // 8, "big")
    return octets


@st.composite
def fields_of(draw, layout, enums=None):
    """Values of all fields; with `enums`, enumerated fields take values of their enumeration.

    Arrays that may be coded are raw.
    """
    found = {}
    for field in layout.fields:
        if field.name == "coding":
            found[field.name] = 0
            continue
        if field.name == "octets":
            found[field.name] = 2 * found["count"]
            continue
        length = found[field.length] if isinstance(field.length, str) else field.length
        if enums and field.enum:
            number = st.sampled_from(sorted(enums[field.enum].values()))
        else:
            number = st.integers(0, min(field.high, 50) if field.name == "count" else field.high)
        found[field.name] = draw(number if length is None else st.lists(number, min_size=length, max_size=length))
        if field.codes:
            data = bytes(found[field.name])
            found[field.codes.name] = [int.from_bytes(data[at : at + 2], "big") for at in range(0, len(data), 2)]
    return found
