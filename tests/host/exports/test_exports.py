"""Exports of the dictionary: the programs they are made for decode packets like `dorn decode`."""

import io
import re
import struct
import sys
import tomllib
import warnings
from pathlib import Path

import ccsdspy
import pytest
from dorn import cli, exports
from dorn.dictionary import Dictionary
from dorn.dictionary.definitions import TYPES
from dorn.exports.__main__ import main as exports_command
from dorn.util.paths import onboard_root
from hypothesis import given, settings
from hypothesis import strategies as st
from space_packet_parser.xtce.definitions import XtcePacketDefinition
from spacepackets.ecss.tm import PusTm
from support import every_packet
from support.packets import fields_of, source_data, tm

dictionary = Dictionary.load()
layouts = list(dictionary.telemetry.values())
portable = XtcePacketDefinition.from_xtce(exports.folder() / "xtce-portable.xml")


@pytest.fixture(scope="module")
def recording(tmp_path_factory) -> list[bytes]:
    path = tmp_path_factory.mktemp("run") / "telemetry.ccsds"
    every_packet.record(path)
    return every_packet.split(path, dictionary)


# -- packets decoded by other programs: header and fields as from `dorn decode` ---------------------------------------


def header(packet) -> dict:
    """Header of a decoded packet, under the names used in the exports."""
    return {
        "PKT_APID": packet.apid,
        "SRC_SEQ_CTR": packet.sequence,
        "pus_service": packet.service,
        "pus_subtype": packet.subtype,
        "pus_message_count": packet.message_count,
        "time_s": packet.time_s,
    }


def by_spacepackets(octets: bytes, layout) -> tuple[dict, dict]:
    """Header and scalar fields."""
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
        warnings.simplefilter("error")  # left-over bits cause only a warning
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
            unpacked = struct.iter_unpack(f">{TYPES[field.type]}", packet[name])
            fields[field.name] = [item for (item,) in unpacked]
    return found, fields


def by_ccsdspy(packets: list[bytes], layout) -> list[tuple[dict, dict]]:
    varies = any(isinstance(field.length, str) for field in layout.fields)
    kind = ccsdspy.VariableLength if varies else ccsdspy.FixedLength
    reader = kind.from_file(str(exports.folder() / "ccsdspy" / f"{layout.name}.csv"))
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # about sequence gaps: the packets in between have other layouts
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


def as_sent(packet, layout) -> dict:
    """Fields of a decoded packet as transmitted, without arrays decoded from other fields."""
    return {field.name: packet.fields[field.name] for field in layout.fields}


def check(packets: list[bytes], layout) -> None:
    """All decoders agree on these packets of one layout."""
    expected = [dictionary.decode(octets) for octets in packets]
    table = by_ccsdspy(packets, layout)
    for octets, packet, row in zip(packets, expected, table, strict=True):
        fields = as_sent(packet, layout)
        assert row == (header(packet), fields)
        assert by_space_packet_parser(octets, layout) == (header(packet), fields)
        scalars = {field.name: packet.fields[field.name] for field in layout.scalars}
        assert by_spacepackets(octets, layout) == (header(packet), scalars)


@pytest.mark.parametrize("layout", layouts, ids=lambda layout: layout.name)
def test_other_decoders_agree_on_every_packet_of_a_run(recording, layout):
    check([octets for octets in recording if dictionary.decode(octets).name == layout.name], layout)


@pytest.mark.parametrize("layout", layouts, ids=lambda layout: layout.name)
@settings(max_examples=10)
@given(st.data())
def test_other_decoders_agree_on_any_values(layout, draws):
    values = draws.draw(fields_of(layout, dictionary.enums))
    packet = tm(layout.service, layout.subtype, source_data(layout, values))
    assert dictionary.decode(packet).fields == values
    check([packet], layout)


def test_the_document_gives_the_position_of_every_field(recording):
    """The packets of a run are decoded with the offsets in the tables of ICD.md."""
    document = (exports.folder() / "ICD.md").read_text(encoding="utf-8")
    telemetry = document.partition("\n## Telemetry\n")[2].partition("\n## ")[0]
    chapters = {}
    for chapter in telemetry.split("\n### ")[1:]:
        service, subtype, name = re.match(r"\((\d+),(\d+)\) (\w+)\n", chapter).groups()
        rows = re.findall(r"^\| (\d[^|]*) \| (?:(\w+) x )?(\d+) \| `(\w+)` ", chapter, re.MULTILINE)
        chapters[int(service), int(subtype)] = name, rows
    assert len(chapters) == len(layouts)
    for octets in recording:
        expected = dictionary.decode(octets)
        name, rows = chapters[octets[7], octets[8]]
        found = {}
        for at, several, bits, field in rows:
            begin = eval(at.replace("·", "*"), {}, found)  # "21 + 4·count"
            size = int(bits) // 8
            count = 1 if not several else found[several] if several in found else int(several)
            items = [int.from_bytes(octets[begin + n * size :][:size], "big") for n in range(count)]
            found[field] = items if several else items[0]
        assert (name, found) == (expected.name, as_sent(expected, dictionary.telemetry[expected.name]))


def test_the_document_contains_every_entry_of_the_dictionary():
    document = (exports.folder() / "ICD.md").read_text(encoding="utf-8")
    tables = tomllib.loads((onboard_root() / "firmware" / "icd.toml").read_text(encoding="utf-8"))
    for kind in ("command", "telemetry"):
        for table in tables[kind]:
            assert f"\n### ({table['service']},{table['subtype']}) {table['name']}\n" in document
            for text in (table["about"], *table.get("refused", {}).values()):
                assert text[1:] in document
    for kind in ("function", "parameter", "monitor", "event", "table"):
        for table in tables[kind]:
            assert f"`{table['name']}" in document, table["name"]
    for enum, values in tables["enum"].items():
        chapter = document.partition(f"\n### Enumeration {enum}\n")[2].partition("\n##")[0]
        for name, number in values.items():
            assert f"| {number} | `{name}` | {tables['about'].get(enum, {}).get(name, '')} |" in chapter


# -- the files ---------------------------------------------------------------------------------------------------------


def files_in(folder: Path) -> dict[str, str]:
    return {str(path.relative_to(folder)): path.read_text(encoding="utf-8") for path in folder.rglob("*.*")}


def test_the_committed_files_are_up_to_date():
    assert files_in(exports.folder()) == exports.files(dictionary)


@pytest.mark.parametrize("change", ["extra line", "missing", "obsolete"])
def test_check_names_the_outdated_file_and_a_run_without_check_regenerates_it(change, tmp_path, monkeypatch, capsys):
    exports.write(dictionary, tmp_path)
    path = tmp_path / "ccsdspy" / "pong.csv"
    if change == "extra line":
        path.write_text(path.read_text() + "x,uint,8\n")
    elif change == "missing":
        path.unlink()
    else:
        path = path.with_name("obsolete.csv")
        path.write_text("name,data_type,bit_length\n")
    monkeypatch.setattr(exports, "folder", lambda: tmp_path)
    monkeypatch.setattr(sys, "argv", ["exports", "--check"])
    assert exports_command() == 1
    assert capsys.readouterr().out == f"{path} is out of date: run python -m dorn.exports\n"
    monkeypatch.setattr(sys, "argv", ["exports"])
    assert exports_command() == 0
    assert files_in(tmp_path) == exports.files(dictionary)


def test_dorn_dictionary_writes_the_exports_to_the_given_folder(tmp_path, capsys):
    out = tmp_path / "new" / "exports"
    assert cli.main(["dictionary", "--out", str(out)]) == 0
    assert files_in(out) == exports.files(dictionary)
    assert set(capsys.readouterr().out.splitlines()) == {str(path) for path in out.rglob("*.*")}
    (tmp_path / "file").write_text("")
    assert cli.main(["dictionary", "--out", str(tmp_path / "file")]) == 2
    assert "--out: DIR: not a directory" in capsys.readouterr().err
