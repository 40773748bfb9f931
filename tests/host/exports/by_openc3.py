"""OpenC3 COSMOS as an oracle for the COSMOS definitions, run by hand because of its size and its licence.

`pip install openc3==7.4.1`, then `pytest -s tests/host/exports/by_openc3.py`. The interface of plugin.txt is connected
to a server that plays a recorded run and receives the telecommands.
"""

import contextlib
import shlex
import socket
import threading

import pytest
from dorn import exports
from dorn.dictionary import Dictionary
from openc3.__version__ import __version__
from openc3.packets.packet_config import PacketConfig
from openc3.top_level import get_class_from_module
from openc3.utilities.string import filename_to_class_name, filename_to_module
from support import every_packet
from support.telecommands import values_of

dictionary = Dictionary.load()
FOLDER = exports.folder() / "cosmos"
LIMIT_S = 20
HEADER = {
    "PKT_APID": "apid",
    "SRC_SEQ_CTR": "sequence",
    "PUS_SERVICE": "service",
    "PUS_SUBTYPE": "subtype",
    "PUS_MESSAGE_COUNT": "message_count",
}


def config(name: str) -> PacketConfig:
    found = PacketConfig()
    found.process_file(str(FOLDER / name), "DORN")
    assert found.warnings == []
    return found


telemetry = config("tlm.txt").telemetry["DORN"]
commands = config("cmd.txt").commands["DORN"]


@contextlib.contextmanager
def interface(port: int):
    """The interface of plugin.txt, connected to this port, built as COSMOS does."""

    def built(name: str):
        return get_class_from_module(filename_to_module(name), filename_to_class_name(name))

    found = None
    for line in (FOLDER / "plugin.txt").read_text().splitlines():
        match shlex.split(line, comments=True):
            case ["INTERFACE", _, name, _, _, _, *arguments]:
                found = built(name)("127.0.0.1", port, port, *arguments)
            case ["PROTOCOL", way, name, *arguments]:
                found.add_protocol(built(name), arguments, way)
    found.connect()
    yield found
    found.disconnect()


@contextlib.contextmanager
def server(sent: bytes):
    """A TCP server that sends these octets. Yields its port, and a list that finally contains the octets received."""
    received = []

    def serve():
        connection, _ = listening.accept()
        connection.settimeout(LIMIT_S)
        with connection:
            connection.sendall(sent)
            while data := connection.recv(65536):
                received.append(data)

    with socket.create_server(("127.0.0.1", 0)) as listening:
        thread = threading.Thread(target=serve)
        thread.start()
        yield listening.getsockname()[1], received
        thread.join(LIMIT_S)


def test_every_packet_of_a_run(tmp_path):
    path = tmp_path / "telemetry.ccsds"
    every_packet.record(path)
    recording = every_packet.split(path, dictionary)
    items = empty = 0
    with server(b"".join(recording)) as (port, _), interface(port) as link:
        for octets in recording:
            expected = dictionary.decode(octets)
            read = link.read().buffer
            assert read == octets[:-2]  # the CRC is removed
            (packet,) = (packet for packet in telemetry.values() if packet.identify(read))
            assert packet.packet_name == expected.name.upper()
            packet.buffer = read
            wanted = {name: getattr(expected, attribute) for name, attribute in HEADER.items()}
            for field in dictionary.telemetry[expected.name].fields:
                wanted[field.name.upper()] = expected.fields[field.name]
            assert {name: packet.read(name, "RAW") for name in wanted} == wanted
            items += len(wanted)
            empty += sum(value == [] for value in wanted.values())
    assert empty > 0
    print(
        f"\nopenc3 {__version__}: {len(recording)} packets, {items} items, {empty} of them arrays of 0 elements: equal"
    )


def test_every_telecommand():
    expected = []
    with server(b"") as (port, received), interface(port) as link:
        for layout in dictionary.commands.values():
            packet = commands[layout.name.upper()].clone()
            packet.restore_defaults()
            values = values_of(layout)
            for name, value in values.items():
                packet.write(name.upper(), value, "RAW")
            link.write(packet)
            expected.append(dictionary.encode(layout.name, 0, ack=9, check=False, **values))
    assert b"".join(received) == b"".join(expected)
    print(f"\nopenc3 {__version__}: {len(expected)} telecommands with length and CRC: equal")


def test_the_limits_of_the_monitors():
    packet = telemetry["HOUSEKEEPING"]
    fields = {field.limits: field.name.upper() for field in dictionary.telemetry["housekeeping"].fields if field.limits}
    assert len(fields) == 6
    for monitor, item in fields.items():
        limits = dictionary.monitors[monitor]
        for value, good in ((limits.low, True), (limits.high, True), (limits.low - 1, False), (limits.high + 1, False)):
            if not 0 <= value < 2**32 - (item in ("TEMPERATURE_HEAD",)):
                continue
            for _ in range(limits.repetition):
                packet.restore_defaults()
                packet.write(item, value, "RAW")
                packet.check_limits()
            assert (packet.get_item(item).limits.state in ("GREEN", "BLUE", None)) == good, (item, value)


@pytest.mark.parametrize("name", ["LOAD_MEMORY", "SET_TIME", "INSERT_ACTIVITY", "ADD_ACTION", "PING"])
def test_telecommands_that_ask(name):
    assert bool(commands[name].hazardous) == (name != "PING")
