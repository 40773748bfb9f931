"""Packets of other missions: decoded to their published values, reported in one line if they are damaged.

The codec decodes unsigned fields of whole octets after a PUS-C header. Therefore the data of these packets are
put into packets built by spacepackets, and their layout replaces one of ours.
"""

import csv
import json
import struct
import tomllib

import ccsdspy.utils
import numpy as np
import pytest
from dorn import cli
from dorn.dictionary import Dictionary
from dorn.link import archive
from dorn.link.archive import ArchiveError
from dorn.util.paths import onboard_root
from hypothesis import given, settings
from hypothesis import strategies as st
from support.data import data
from support.packets import tm

PRIMARY_HEADER = 6
JPSS = ("ccsds-jpss", "jpss", "J01_G011_LZ_2021-04-09T00-00-00Z_V01.DAT1")
CYGNSS = ("ccsds-vectors", "split", "CYGNSS_F7_L0_2022_086_10_15_V01_F__first101pkts.tlm")


def dictionary_with(**fields: str) -> Dictionary:
    """Our dictionary with these fields (name -> type) in its packet `pong`."""
    tables = tomllib.loads((onboard_root() / "firmware" / "icd.toml").read_text(encoding="utf-8"))
    tables["mission"]["max_packet"] = 2000
    pong = next(table for table in tables["telemetry"] if table["name"] == "pong")
    pong["fields"] = [{"name": name, "type": kind} for name, kind in fields.items()]
    return Dictionary(tables)


def decoded(packets, **fields: str) -> list[dict]:
    """Fields of packets of other missions."""
    dictionary = dictionary_with(**fields)
    return [dictionary.decode(tm(17, 2, packet[PRIMARY_HEADER:])).fields for packet in packets]


def headers(path) -> dict[str, list[int]]:
    """Fields of the primary headers of an archive, named as in ccsdspy."""
    words = [struct.unpack(">HHH", packet[:PRIMARY_HEADER]) for packet in archive.read(path)]
    return {
        "CCSDS_VERSION_NUMBER": [first >> 13 for first, _, _ in words],
        "CCSDS_PACKET_TYPE": [first >> 12 & 1 for first, _, _ in words],
        "CCSDS_SECONDARY_FLAG": [first >> 11 & 1 for first, _, _ in words],
        "CCSDS_APID": [first & 0x7FF for first, _, _ in words],
        "CCSDS_SEQUENCE_FLAG": [second >> 14 for _, second, _ in words],
        "CCSDS_SEQUENCE_COUNT": [second & 0x3FFF for _, second, _ in words],
        "CCSDS_PACKET_LENGTH": [third for _, _, third in words],
    }


def test_every_field_of_jpss_1_agrees_with_two_other_decoders():
    expected = json.loads(data("ccsds-jpss", "jpss", "EXPECTED_derived.json").read_text())
    with data("ccsds-jpss", "jpss", "ccsdspy_jpss1_geolocation.csv").open() as file:
        layout = [(row["name"], row["data_type"], row["bit_length"]) for row in csv.DictReader(file)]
    packets = decoded(archive.read(data(*JPSS)), **{name.lower(): f"u{bits}" for name, _, bits in layout})
    assert len(packets) == expected["packets"] == 7200
    columns = headers(data(*JPSS))
    for name, kind, _ in layout:
        column = np.array([fields[name.lower()] for fields in packets], np.uint32 if kind == "float" else np.uint64)
        columns[name] = column.view(np.float32) if kind == "float" else column
    assert columns.keys() == expected["fields"].keys()
    for name, values in columns.items():
        want = expected["fields"][name]
        assert (values[0], values[-1]) == (want["first"], want["last"]), name
        assert float(np.sum(values, dtype=np.float64)) == pytest.approx(want["sum"], rel=1e-12), name


@pytest.mark.parametrize("order, bits", [("1", 8), ("12", 16), ("1234", 32), ("12345678", 64)])
def test_values_of_every_width_agree_with_the_published_ones(order, bits):
    with data("ccsds-vectors", "byte_order", f"byteorder_{order}.csv").open() as file:
        expected = [[int(value) for value in row] for row in csv.reader(file)]
    path = data("ccsds-vectors", "byte_order", f"byteorder_{order}.bin")
    packets = ccsdspy.utils.split_packet_bytes(str(path))
    assert [fields["v"] for fields in decoded(packets, v=f"u{bits}[{len(expected[0])}]")] == expected
    with pytest.raises(ArchiveError, match=r"offset 0: 0x20 does not start a space packet \(version 1\)"):  # correct
        list(archive.read(path))


def test_packets_of_cygnss_split_by_apid_equal_the_published_files():
    path = data(*CYGNSS)
    by_apid: dict[int, bytes] = {}
    for packet, apid in zip(archive.read(path), headers(path)["CCSDS_APID"], strict=True):
        by_apid[apid] = by_apid.get(apid, b"") + packet
    files = {int(file.stem.removeprefix("apid")): file.read_bytes() for file in path.parent.glob("apid*.tlm")}
    assert by_apid == files and len(files) == 7


@settings(max_examples=50)
@given(st.data())
def test_a_truncated_file_is_rejected_with_the_offset(tmp_path_factory, data_):
    """A file that ends with a complete packet is accepted."""
    content = data(*CYGNSS).read_bytes()
    path = tmp_path_factory.mktemp("cut") / "cut.tlm"
    size = data_.draw(st.integers(1, len(content)))
    path.write_bytes(content[:size])
    ends = np.cumsum([0, *(len(packet) for packet in archive.read(data(*CYGNSS)))])
    last = int(ends[ends <= size].max())
    if last == size:
        assert sum(map(len, archive.read(path))) == size
    else:
        with pytest.raises(ArchiveError, match=rf"cut\.tlm: offset {last}: ") as caught:
            list(archive.read(path))
        assert "\n" not in str(caught.value)


@pytest.mark.parametrize("name", [JPSS, CYGNSS], ids=["jpss", "cygnss"])
def test_dorn_decode_rejects_a_file_of_another_mission(name, tmp_path, capsys):
    assert cli.main(["decode", str(data(*name)), "--out", str(tmp_path / "out")]) == 2
    error = capsys.readouterr().err
    assert error.count("\n") == 1 and "packets: none of this instrument" in error
    assert not (tmp_path / "out").exists()
