"""Malformed telecommands are rejected, each with its failure code; valid ones are executed; no memory leaks."""

import random
import zlib

from cobs import cobs
from dorn.dictionary.codec import crc16
from dorn.link import frames
from dorn.session.instrument import Instrument
from dorn.targets import open_target

SHORT, LONG = 2_500, 100_000
AT_ONCE = 49  # malformed telecommands per batch, followed by a valid one
LONGEST = 1100  # octets
MAX_FRAMED = 613  # octets: a packet of 600 and its authentication trailer
OURS = 1 << 13  # sequence counts below this belong to the valid telecommands
HEAP_EVERY = 4  # batches between heap readings; the first third of the readings, while objects are created, is ignored
HEAP_BYTES = 64


class Broken:
    """Telecommands with one fault each, and the failure code expected for it.

    The failure is None if the packet is too short for a request ID, "frame" if the frame is damaged.
    """

    def __init__(self, dictionary, seed):
        self._dictionary = dictionary
        self._rng = random.Random(seed)
        self._enums = dictionary.enums
        self._faults = [getattr(self, name) for name in dir(self) if name.startswith("with_")]

    def draw(self):
        """-> (frame, failure, first four octets of the packet)"""
        packet, failure = self._rng.choice(self._faults)()
        while len(packet) >= 4 and int.from_bytes(packet[2:4], "big") & ~(OURS - 1) == 0xC000:
            packet, failure = self._rng.choice(self._faults)()
        if failure == "frame":
            return packet + b"\0", failure, b""
        if len(packet) > MAX_FRAMED or not packet:
            failure = "frame"
        elif len(packet) < 4:
            failure = None
        return frames.encode(packet), failure, packet[:4]

    def _good(self):
        """A valid telecommand, to be corrupted."""
        rng = self._rng
        name = rng.choice(list(self._dictionary.commands))
        layout = self._dictionary.commands[name]
        values = {item.name: rng.randrange(min(item.high, 8) + 1) for item in layout.scalars}
        for item in layout.arrays:
            del values[item.length]
            values[item.name] = rng.randbytes(rng.randrange(30))
        return bytearray(
            self._dictionary.encode(name, rng.randrange(OURS, 2 * OURS), ack=rng.randrange(16), check=False, **values)
        )

    def _closed(self, packet):
        """The packet with correct length and CRC."""
        packet = bytearray(packet)
        packet[4:6] = (len(packet) - 7).to_bytes(2, "big")
        packet[-2:] = crc16(bytes(packet[:-2])).to_bytes(2, "big")
        return bytes(packet)

    def with_any_octets(self):
        packet = self._rng.randbytes(self._rng.randrange(LONGEST))
        length = len(packet) >= 13 and int.from_bytes(packet[4:6], "big") + 7 == len(packet)
        return packet, "bad_crc" if length else "bad_length"

    def with_another_length(self):
        packet = self._good()
        n = self._rng.choice([n for n in (0, 1, 2, 65535, len(packet), len(packet) - 8) if n != len(packet) - 7])
        packet[4:6] = n.to_bytes(2, "big")
        return bytes(packet), "bad_length"

    def with_a_wrong_size(self):
        packet = self._good()
        if self._rng.random() < 0.5:
            return bytes(packet[: self._rng.randrange(len(packet))]), "bad_length"
        return bytes(packet) + self._rng.randbytes(self._rng.randrange(1, LONGEST - len(packet))), "bad_length"

    def with_a_bit_flipped(self):
        packet = self._good()
        bit = self._rng.randrange(6 * 8, 8 * len(packet))  # after the length field
        packet[bit // 8] ^= 1 << bit % 8
        return bytes(packet), "bad_crc"

    def with_another_header(self):
        packet = self._good()
        place, mask = self._rng.choice(((0, 0xE0), (0, 0x10), (0, 0x08), (1, 0xFF), (2, 0xC0), (6, 0xF0)))
        bits = [bit for bit in range(8) if mask >> bit & 1]
        packet[place] ^= 1 << self._rng.choice(bits)
        return self._closed(packet), "bad_header"

    def with_an_unknown_service(self):
        packet = self._good()
        known = {layout.service for layout in self._dictionary.commands.values()} | {130, 129}
        packet[7] = self._rng.choice([n for n in range(256) if n not in known])
        return self._closed(packet), "unknown_service"

    def with_an_unknown_subtype(self):
        packet = self._good()
        known = {layout.subtype for layout in self._dictionary.commands.values() if layout.service == packet[7]}
        packet[8] = self._rng.choice([n for n in range(256) if n not in known])
        return self._closed(packet), "unknown_subtype"

    def with_other_data(self):
        """More or less data than the layout has."""
        packet = self._good()
        if len(packet) > 13 and self._rng.random() < 0.5:
            return self._closed(packet[:11] + packet[12:]), "bad_length"
        more = self._rng.randbytes(self._rng.randrange(1, 600 - len(packet)))
        return self._closed(packet[:-2] + more + packet[-2:]), "bad_length"

    def with_an_unknown_function(self):
        number = self._rng.choice([n for n in range(256) if n not in self._enums["function"].values()])
        return self._tc("function", function=number), "unknown_function"

    def with_an_unknown_parameter(self):
        number = self._rng.choice([n for n in range(1 << 16) if n not in self._enums["parameter"].values()])
        name = self._rng.choice(("set_parameter", "report_parameter"))
        return self._tc(name, parameter=number, **({"value": 0} if "set" in name else {})), "unknown_parameter"

    def with_a_value_out_of_range(self):
        name, parameter = self._rng.choice(list(self._dictionary.parameters.items()))
        values = [
            v
            for v in (parameter.low - 1, parameter.high + 1, 2**32 - 1)
            if 0 <= v < 2**32 and not parameter.low <= v <= parameter.high
        ]
        if not values:
            return self.with_a_bit_flipped()
        return self._tc("set_parameter", parameter=name, value=self._rng.choice(values)), "out_of_range"

    def with_an_unknown_entry(self):
        name, fields = self._rng.choice(
            (
                ("enable_event", {"event": 255}),
                ("load_table", {"table": 0}),
                ("report_structure", {"structure": 77}),
                ("dump_memory", {"region": 99, "offset": 0, "count": 1}),
                ("delete_activity", {"request_sequence": 1}),
                ("enable_monitor", {"monitor": 200}),
                ("enable_action", {"event": 1}),
            )
        )
        return self._tc(name, **fields), "unknown_entry"

    def with_a_function_not_armed(self):
        armed = [name for name, function in self._dictionary.functions.items() if function.armed]
        return self._tc("function", function=self._rng.choice(armed)), "not_armed"

    def with_a_damaged_frame(self):
        content = bytes(self._good())
        content += (zlib.crc32(content) ^ 1 << self._rng.randrange(32)).to_bytes(4, "big")
        return cobs.encode(content), "frame"

    def _tc(self, name, **fields):
        return self._dictionary.encode(
            name, self._rng.randrange(OURS, 2 * OURS), ack=self._rng.randrange(16), check=False, **fields
        )


def failures(packets):
    """(failure, first four octets of the telecommand) of each failure report."""
    fields = [packet.fields for packet in packets if "failure" in packet.fields]
    return [(f["failure"], (f["request_id"] << 16 | f["request_sequence"]).to_bytes(4, "big")) for f in fields]


def test_malformed_commands(long, seed, totals):
    with open_target("unix") as target:
        instrument = Instrument(target)
        instrument.connect()
        instrument.set("housekeeping_period", 1)
        broken = Broken(instrument.dictionary, seed)
        numbers = instrument.dictionary.enums["failure"]
        hk = instrument.next("housekeeping")
        sent = executed = damaged = 0
        seen, free = set(), []
        while sent < (LONG if long else SHORT):
            drawn = [broken.draw() for _ in range(AT_ONCE)]
            wanted = [(numbers[failure], head) for _, failure, head in drawn if failure not in ("frame", None)]
            instrument.received.clear()
            target.send(b"".join(frame for frame, _, _ in drawn))
            instrument.command("ping", limit_s=60)
            assert failures(instrument.received) == wanted, f"seed {seed}, after {sent}"
            executed += sum(p.name == "pong" for p in instrument.received)
            damaged += sum(failure == "frame" for _, failure, _ in drawn)
            seen |= {failure for _, failure, _ in drawn}
            sent += AT_ONCE + 1
            if executed % HEAP_EVERY == 0:
                free.append(instrument.next("housekeeping")["heap_free"])
        after = instrument.next("housekeeping")
        assert executed == sent // (AT_ONCE + 1)
        assert after["frames_bad"] == (hk["frames_bad"] + damaged) % 2**16
        assert after["commands_accepted"] == (hk["commands_accepted"] + executed) % 2**16
        assert (after["boot_count"], after["mode"], after["task_failures"]) == (1, hk["mode"], 0)
        third = len(free) // 3
        first, last = max(free[third : 2 * third]), max(free[2 * third :])
        assert first - last <= HEAP_BYTES, free
    totals(
        f"malformed: {sent - executed} telecommands, all rejected: {damaged} as damaged frames, the rest as expected;"
        f" {executed} valid ones interspersed, all executed; heap free {first}, {last} bytes;"
        f" codes {', '.join(sorted(map(str, seen)))}; seed {seed}"
    )
