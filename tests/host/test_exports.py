"""The exports of the dictionary, read by the programs they are made for, which then decode as `dorn decode` does."""

import io
import struct
import warnings
from pathlib import Path

import ccsdspy
import every_packet
import pytest
import xmlschema
from data import data
from dorn.dictionary import Dictionary, exports
from dorn.dictionary.__main__ import main as dictionary_command
from hypothesis import given, settings
from hypothesis import strategies as st
from packets import fields_of, source_data, tm
from space_packet_parser.xtce.definitions import XtcePacketDefinition
from spacepackets.ecss.tm import PusTm

dictionary = Dictionary.load()
layouts = list(dictionary.telemetry.values())
portable = XtcePacketDefinition.from_xtce(exports.folder() / "xtce-portable.xml")


@pytest.fixture(scope="module")
def recording(tmp_path_factory) -> list[bytes]:
    path = tmp_path_factory.mktemp("run") / "telemetry.ccsds"
    every_packet.record(path)
    return every_packet.split(path, dictionary)


# -- what others make of a packet: its header, and its fields as `dorn decode` has them -------------------------------


def header(packet) -> dict:
    """Of a decoded packet, under the names of the exports."""
    return {
        "PKT_APID": packet.apid,
        "SRC_SEQ_CTR": packet.sequence,
        "pus_service": packet.service,
        "pus_subtype": packet.subtype,
        "pus_message_count": packet.message_count,
        "time_s": packet.time_s,
    }


def by_spacepackets(octets: bytes, layout) -> tuple[dict, dict]:
    """The header, and of the fields those before the arrays."""
    packet = PusTm.unpack(octets, timestamp_len=6)  # checks length and CRC
    seconds, fraction = struct.unpack(">IH", packet.timestamp)
    found = {
        "PKT_APID": packet.apid,
        "SRC_SEQ_CTR": packet.seq_count,
        "pus_service": packet.service,
        "pus_subtype": packet.message_subtype,
        "pus_message_count": packet.pus_tm_sec_header.message_counter,
        "time_s": seconds + fraction / 65536,
    }
    fields, at = {}, 0
    for field in layout.scalars:
        fields[field.name] = int.from_bytes(packet.source_data[at : at + field.size], "big")
        at += field.size
    return found, fields


def by_space_packet_parser(octets: bytes, layout) -> tuple[dict, dict]:
    with warnings.catch_warnings():
        warnings.simplefilter("error")  # it only warns of bits that are left over
        packet = portable.parse_bytes(octets)
    found = {name: packet[name] for name in packet if name in HEADER}
    found["time_s"] = packet["pus_time_seconds"] + packet["pus_time_fraction"] / 65536
    fields = {}
    for field in layout.fields:
        name = f"{layout.name}_{field.name}"
        if field.length is None:
            fields[field.name] = packet[name].raw_value
            if field.enum:
                assert dictionary.enums[field.enum][str(packet[name])] == packet[name].raw_value
        elif isinstance(field.length, int):
            fields[field.name] = [packet[f"{name}_{n}"].raw_value for n in range(field.length)]
        else:
            unpacked = struct.iter_unpack(f">{'?B?H???I'[field.size * 2 - 1]}", packet[name])
            fields[field.name] = [item for (item,) in unpacked]
    return found, fields


def by_ccsdspy(packets: list[bytes], layout) -> list[tuple[dict, dict]]:
    varies = any(isinstance(field.length, str) for field in layout.fields)
    kind = ccsdspy.VariableLength if varies else ccsdspy.FixedLength
    reader = kind.from_file(str(exports.folder() / "ccsdspy" / f"{layout.name}.csv"))
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # of gaps in the sequence: packets of other layouts
        table = reader.load(io.BytesIO(b"".join(packets)), include_primary_header=True)
    found = []
    for n in range(len(packets)):
        row = {name: column[n].tolist() for name, column in table.items()}
        seconds, fraction = row["pus_time_seconds"], row["pus_time_fraction"]
        head = {name: row[name] for name in HEADER if name in row}
        head |= {"PKT_APID": row["CCSDS_APID"], "SRC_SEQ_CTR": row["CCSDS_SEQUENCE_COUNT"]}
        fields = {field.name: row[field.name] for field in layout.fields}
        found.append((head | {"time_s": seconds + fraction / 65536}, fields))
    return found


HEADER = ("PKT_APID", "SRC_SEQ_CTR", "pus_service", "pus_subtype", "pus_message_count")


def check(packets: list[bytes], layout) -> None:
    """They decode these packets of one layout alike."""
    expected = [dictionary.decode(octets) for octets in packets]
    table = by_ccsdspy(packets, layout)
    for octets, packet, row in zip(packets, expected, table, strict=True):
        assert row == (header(packet), packet.fields)
        assert by_space_packet_parser(octets, layout) == (header(packet), packet.fields)
        scalars = {field.name: packet.fields[field.name] for field in layout.scalars}
        assert by_spacepackets(octets, layout) == (header(packet), scalars)


@pytest.mark.parametrize("layout", layouts, ids=lambda layout: layout.name)
def test_others_decode_every_packet_of_a_run_as_we_do(recording, layout):
    check([octets for octets in recording if dictionary.decode(octets).name == layout.name], layout)


@pytest.mark.parametrize("layout", layouts, ids=lambda layout: layout.name)
@settings(max_examples=10)
@given(st.data())
def test_others_decode_any_values_as_we_do(layout, data):
    values = data.draw(fields_of(layout, dictionary.enums))
    packet = tm(layout.service, layout.subtype, source_data(layout, values))
    assert dictionary.decode(packet).fields == values
    check([packet], layout)
