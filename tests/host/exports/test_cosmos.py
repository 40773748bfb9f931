"""The COSMOS definitions, read by the rules of COSMOS: packets and telecommands agree with the dictionary.

by_openc3.py does the same with OpenC3 itself, by hand.
"""

import shlex
from dataclasses import dataclass, field

import pytest
from dorn import exports
from dorn.dictionary import Dictionary
from hypothesis import given, settings
from hypothesis import strategies as st
from support import every_packet
from support.packets import fields_of, source_data, tm
from support.telecommands import values_of

dictionary = Dictionary.load()
layouts = list(dictionary.telemetry.values())
CRC = 2  # octets: removed from telemetry by the interface, which also computes CRC and length of telecommands


@dataclass
class Item:
    """One item of a packet; size: bits of the whole array, None for a number; counted: item with its length."""

    name: str
    bits: int
    size: int | None = None
    value: int | None = None  # identifies the packet, or is the default of a parameter
    counted: str | None = None
    hazardous: list[str] = field(default_factory=list)  # states


@dataclass
class Packet:
    name: str
    items: list[Item] = field(default_factory=list)
    hazardous: bool = False

    def read(self, octets: bytes) -> dict:
        """Name -> value. An array of size 0 extends to the end of the packet, as in COSMOS."""
        everything, at, found = "".join(f"{octet:08b}" for octet in octets), 0, {}

        def number(bits: int) -> int:
            nonlocal at
            at += bits
            assert at <= len(everything)
            return int(everything[at - bits : at], 2)

        for item in self.items:
            if item.size is None:
                found[item.name] = number(item.bits)
                continue
            size = found[item.counted] * item.bits if item.counted else item.size
            count, left = divmod(size or len(everything) - at, item.bits)
            assert not left, item.name
            found[item.name] = [number(item.bits) for _ in range(count)]
        assert at == len(everything)
        return found

    def knows(self, octets: bytes) -> bool:
        at = 0
        for item in self.items:
            if item.value is not None:
                found = int.from_bytes(octets, "big") >> 8 * len(octets) - at - item.bits & (1 << item.bits) - 1
                if found != item.value:
                    return False
            at += item.bits if item.size is None else 0
        return True

    def built(self, values: dict) -> bytes:
        bits = ""
        for item in self.items:
            if item.size is None:
                lengths = [len(values[array.name]) for array in self.items if array.counted == item.name]
                bits += f"{lengths[0] if lengths else values.get(item.name, item.value):0{item.bits}b}"
            else:
                bits += "".join(f"{octet:08b}" for octet in values[item.name])
        return int(bits, 2).to_bytes(len(bits) // 8, "big")


def packets_of(name: str) -> list[Packet]:
    """The packets that a file defines."""
    packets = []
    for line in (exports.folder() / "cosmos" / name).read_text(encoding="utf-8").splitlines():
        match shlex.split(line, comments=True):
            case ["TELEMETRY" | "COMMAND", "DORN", packet, "BIG_ENDIAN", _]:
                packets.append(Packet(packet))
            case ["APPEND_ITEM", item, bits, "UINT", _]:
                packets[-1].items.append(Item(item, int(bits)))
            case ["APPEND_ID_ITEM", item, bits, "UINT", value, _]:
                packets[-1].items.append(Item(item, int(bits), value=int(value)))
            case ["APPEND_ARRAY_ITEM", item, bits, "UINT", size, _]:
                packets[-1].items.append(Item(item, int(bits), int(size)))
            case ["APPEND_PARAMETER" | "APPEND_ID_PARAMETER", item, bits, "UINT", low, high, value, _]:
                assert int(low) <= int(value) <= int(high)
                packets[-1].items.append(Item(item, int(bits), value=int(value)))
            case ["APPEND_PARAMETER", item, "0", "BLOCK", "", _]:
                packets[-1].items.append(Item(item, 8, 0))
            case ["VARIABLE_BIT_SIZE", counted, bits]:
                packets[-1].items[-1].counted = counted
                assert int(bits) == packets[-1].items[-1].bits
            case ["STATE", state, _, *hazard]:
                packets[-1].items[-1].hazardous += [state] if hazard else []
            case ["HAZARDOUS", _]:
                packets[-1].hazardous = True
            case [] | ["UNITS" | "LIMITS" | "REQUIRED", *_]:
                pass
            case words:
                pytest.fail(f"{name}: {words}")
    return packets


telemetry = packets_of("tlm.txt")
commands = {packet.name: packet for packet in packets_of("cmd.txt")}


def check(octets: bytes) -> dict:
    """The fields of the packet, as read by the definitions and by the dictionary."""
    expected = dictionary.decode(octets)
    read = octets[:-CRC]
    (packet,) = (packet for packet in telemetry if packet.knows(read))
    assert packet.name == expected.name.upper()
    found = packet.read(read)
    assert found["SRC_SEQ_CTR"] == expected.sequence and found["PUS_MESSAGE_COUNT"] == expected.message_count
    assert found["PUS_TIME_SECONDS"] + found["PUS_TIME_FRACTION"] / 65536 == expected.time_s
    fields = {item.name: expected.fields[item.name] for item in dictionary.telemetry[expected.name].fields}
    assert {name: found[name.upper()] for name in fields} == fields
    return fields


def test_every_packet_of_a_run(tmp_path):
    path = tmp_path / "telemetry.ccsds"
    every_packet.record(path)
    empty = set()
    for octets in every_packet.split(path, dictionary):
        if [] in check(octets).values():
            empty.add(dictionary.decode(octets).name)
    assert empty >= {"disabled_events", "schedule_report", "out_of_limits"}  # sent with 0 elements


@pytest.mark.parametrize("layout", layouts, ids=lambda layout: layout.name)
@settings(max_examples=10)
@given(st.data())
def test_any_values(layout, draws):
    check(tm(layout.service, layout.subtype, source_data(layout, draws.draw(fields_of(layout)))))


VARYING = [layout for layout in layouts if any(isinstance(array.length, str) for array in layout.arrays)]


@pytest.mark.parametrize("layout", VARYING, ids=lambda layout: layout.name)
def test_arrays_of_no_elements(layout):
    values = {item.name: 0 if item.length is None else [] for item in layout.fields}
    fields = check(tm(layout.service, layout.subtype, source_data(layout, values)))
    assert all(fields[array.name] == [] for array in layout.arrays)


@pytest.mark.parametrize("layout", dictionary.commands.values(), ids=lambda layout: layout.name)
def test_every_telecommand(layout):
    values = values_of(layout)
    expected = dictionary.encode(layout.name, 0, ack=9, check=False, **values)
    built = commands[layout.name.upper()].built({name.upper(): value for name, value in values.items()})
    assert built[:4] + expected[4:6] + built[6:-CRC] + expected[-CRC:] == expected


def test_telecommands_that_are_or_carry_a_hazardous_one_ask():
    asking = {name for name, packet in commands.items() if packet.hazardous}
    assert asking == {"LOAD_MEMORY", "SET_TIME", "INSERT_ACTIVITY", "ADD_ACTION"}
    states = {name: item.hazardous for name, packet in commands.items() for item in packet.items if item.hazardous}
    assert states == {"FUNCTION": ["RESET", "MAINTENANCE", "BIAS_ON", "PULSER_ON"]}


def test_the_interface_removes_the_crc_and_fills_in_length_and_crc():
    lines = (exports.folder() / "cosmos" / "plugin.txt").read_text(encoding="utf-8").splitlines()
    protocols = [words[1:] for words in map(str.split, lines) if words[:1] == ["PROTOCOL"]]
    folder = "openc3/interfaces/protocols/"
    assert protocols == [
        ["READ", f"{folder}length_protocol.py", "32", "16", "7"],
        ["READ", f"{folder}crc_protocol.py", "None", "TRUE", "ERROR", "-16", "16"],
        ["WRITE", f"{folder}crc_protocol.py", "PACKET_ERROR_CONTROL", "FALSE", "ERROR", "-16", "16"],
        ["WRITE", f"{folder}length_protocol.py", "32", "16", "7", "1", "BIG_ENDIAN", "0", "None", "None", "TRUE"],
    ]
