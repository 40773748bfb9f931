"""A long bad link: no damaged packet is accepted, and after it has recovered every stored record reaches the ground."""

import random
import zlib
from collections import Counter

import pytest
from bench import BenchLink
from cobs import cobs
from dorn.head.front_end import FrontEnd, Head
from dorn.link import archive, frames
from dorn.session import Session
from dorn.session.downlink import Downlink
from dorn.targets import TargetError, open_target
from mangler import FAULTS, Mangler
from particles import poisson

SHORT, LONG = 100_000, 10_000_000  # bytes each way
FAULTS_UP = dict.fromkeys(FAULTS, 0.001)  # per byte; an uplink frame has about 20 bytes
FAULTS_DOWN = dict.fromkeys(FAULTS, 0.0001)  # a downlink frame has up to 600 bytes
TENTH = 0.0004  # probability of a bit flip per byte that damages a tenth of the frames of 270 bytes
AT_ONCE = 100  # uplink bytes per write, ten writes a second
SET_US = 1_000_000  # minimum interval between set_parameter telecommands
STRETCH_S = 600  # maximum length of a bad stretch: the store has 1 MB
BAD_DOWNLINK_S = 1800  # limit, target time


def packets_in(data):
    """The packets in complete, undamaged frames."""
    for piece in filter(None, data.split(b"\0")):
        try:
            content = cobs.decode(piece)
        except cobs.DecodeError:
            continue
        if len(content) > 4 and zlib.crc32(content[:-4]).to_bytes(4, "big") == content[-4:]:
            yield content[:-4]


class Uplink:
    """Records the packets sent and those that passed `fault` intact. refused: packets the instrument must reject."""

    def __init__(self):
        self.fault = bytes
        self.octets = self.posted = 0
        self.sent = set()
        self.intact = Counter()
        self.refused = set()
        self.last_set = {}  # parameter (2 octets) -> value (4 octets)
        self._rest = b""

    def __call__(self, data):
        self.octets += len(data)
        sent = list(packets_in(data))
        self.posted += len(sent)
        self.sent.update(sent)
        data = self.fault(data)
        whole, zero, self._rest = (self._rest + data).rpartition(b"\0")
        for packet in packets_in(whole + zero):
            assert packet in self.sent
            self.intact[packet] += 1
            if packet[7:9] == bytes((20, 3)) and packet not in self.refused:
                self.last_set[packet[11:13]] = packet[13:17]
        return data


class Downlinked:
    """Compares packets that arrived with packets that the instrument sent."""

    def __init__(self, link):
        self._link = link
        self.octets = self.pongs = 0
        self.records = {}  # number -> packet
        self._recent = set()
        self.fault = bytes

    def __call__(self, data):
        self.octets += len(data)
        return self.fault(data)

    def inspect(self, dictionary):
        """Check the packets since the last call; packets that a fault delays may arrive after later ones."""
        sent, arrived = self._link.sent[:], self._link.arrived[:]
        self._link.sent.clear()
        self._link.arrived.clear()
        if self.fault is bytes:
            self._recent.clear()
        self._recent.update(sent)
        assert self._recent.issuperset(arrived), "a packet arrived that was not sent"
        for packet in sent:
            decoded = dictionary.decode(packet)
            self.pongs += decoded.name == "pong"
            record = decoded.fields.get("record")
            if record:
                assert self.records.setdefault(record, packet) == packet, f"record {record} was repeated but differs"


class BadLine:
    def __init__(self, target, seed, path):
        self.target = target
        self.link = BenchLink(target)
        self.link.up, self.link.down = self.up, self.down = Uplink(), Downlinked(self.link)
        self.session = Session(self.link)
        self.seed = seed
        self.rng = random.Random(seed)
        self.counts = Counter()
        self._set_us = 0
        self.session.record(path)
        self.session.connect()

    def bad(self, up, down):
        self.seed += 1
        self.up.fault = Mangler(self.seed, **up)
        self.down.fault = Mangler(-self.seed, **down)

    def heal(self):
        for fault in (self.up.fault, self.down.fault):
            self.counts.update(fault.counts)
        self.up.fault = self.down.fault = bytes
        self.session.advance(3)

    def talk(self):
        """Send AT_ONCE bytes of telecommands and noise."""
        rng, encode = self.rng, self.session.dictionary.encode
        data = b""
        while len(data) < AT_ONCE:
            sequence, ack = rng.randrange(1 << 14), rng.choice((0, 9, 15))
            kind = rng.choice(("ping", "ping", "report", "set", "unarmed", "nonsense", "noise"))
            if kind == "set":  # no more often, including duplicates, than the instrument can write to flash
                kind = "set" if self.target.now_us - self._set_us > SET_US else "ping"
                self._set_us = self.target.now_us if kind == "set" else self._set_us
            if kind == "noise":
                data += rng.randbytes(rng.choice((1, 30, 30, 700)))
                continue
            if kind == "ping":
                packet = encode("ping", sequence, ack=ack)
            elif kind == "report":
                packet = encode("report_parameter", sequence, ack=ack, parameter=rng.randrange(16, 32))
            elif kind == "set":
                values = {"parameter": rng.randrange(16, 32), "value": rng.randrange(200)}
                packet = encode("set_parameter", sequence, ack=ack, **values)
            elif kind == "unarmed":
                packet = encode("function", sequence, ack=ack, function="reset")
            else:
                packet = rng.randbytes(rng.randrange(1, 40))
            if kind in ("unarmed", "nonsense"):
                self.up.refused.add(packet)
            data += frames.encode(packet)
        self.link.send(data)
        self.session.advance(0.1)

    def check_commands(self):
        """Exactly the telecommands that arrived intact were accepted and executed."""
        self.session.advance(3)
        hk, intact, to_refuse = self.session.housekeeping.fields, self.up.intact, self.up.refused
        refused = sum(n for packet, n in intact.items() if packet in to_refuse)
        pings = sum(n for packet, n in intact.items() if packet[7:9] == bytes((17, 1)) and packet not in to_refuse)
        self.down.inspect(self.session.dictionary)
        assert self.down.pongs == pings
        assert hk["commands_rejected"] == refused % 2**16
        assert hk["commands_accepted"] == (intact.total() - refused) % 2**16
        assert hk["boot_count"] == 1 and hk["task_failures"] == hk["store_discarded"] == 0
        for parameter, value in list(self.up.last_set.items()):
            number = int.from_bytes(parameter, "big")
            answer = self.session.wait_for(
                lambda packet, number=number: packet.name == "parameter_value" and packet.fields["parameter"] == number,
                5,
                lambda number=number: self.session.post("report_parameter", parameter=number),
            )
            assert answer.fields["value"] == int.from_bytes(value, "big")

    def downlink(self):
        result = Downlink(self.session).complete()
        assert result.lost == 0
        self.counts["requests"] += result.requests

    def downlink_while_bad(self):
        """A downlink over the bad link ends: complete, or with an error that states what is missing."""
        self.bad({"flip": TENTH}, {"flip": TENTH})
        begin_us, damaged = self.target.now_us, self.session.crc_errors
        self.down.inspect(self.session.dictionary)
        self.counts["while bad"] += 1
        try:
            self.downlink()
        except TargetError as error:
            assert "nothing came" in str(error) or "no answer" in str(error)
            self.counts["abandoned"] += 1
        assert self.target.now_us - begin_us <= BAD_DOWNLINK_S * 1e6
        self.counts["while bad, frames"] += len(self.link.sent)
        self.counts["while bad, damaged"] += self.session.crc_errors - damaged
        self.heal()


def archived(path, dictionary):
    """Record number -> packet of an archive."""
    found = {}
    for packet in archive.read(path):
        record = dictionary.decode(packet).fields.get("record")
        if record:
            assert record not in found
            found[record] = packet
    return found


def test_bad_link(long, seed, totals, tmp_path):
    octets = LONG if long else SHORT
    path = tmp_path / "telemetry.ccsds"
    with open_target("unix", Head(FrontEnd(), seed), unique_id=seed) as target:
        line = BadLine(target, seed, path)
        session, up, down = line.session, line.up, line.down
        # about 300 octets a second are stored: records of a bad stretch stay in the store until the link has recovered
        quotas = {f"quota_{event_class}": 2 for event_class in range(4)}
        wanted = {"housekeeping_period": 2, "rates_period": 10, "storage_per_day": 100_000_000} | quotas
        session.set_parameters(**wanted)
        session.command("function", function="start")
        target.inject(poisson(20, 1e6, seed))
        while min(up.octets, down.octets) < octets:
            line.bad(FAULTS_UP, FAULTS_DOWN)
            until_us = target.now_us + STRETCH_S * 1e6
            while target.now_us < until_us and min(up.octets, down.octets) < octets:
                line.talk()
                down.inspect(session.dictionary)
            line.heal()
            line.check_commands()
            line.downlink_while_bad()
            line.downlink()
        session.command("disable_storage")  # writes records waiting in memory
        session.advance(2)
        line.downlink()
        down.inspect(session.dictionary)
    ground, counts = archived(path, session.dictionary), line.counts
    totals(
        f"bad link: {up.octets} bytes up, {down.octets} down, {sum(counts[fault] for fault in FAULTS)} faults;"
        f" {up.intact.total()} telecommands of {up.posted} arrived intact; {len(ground)} records on ground,"
        f" {counts['requests']} requests; {counts['while bad']} downlinks over the bad link"
        f" ({counts['while bad, damaged']} of {counts['while bad, frames']} frames damaged),"
        f" {counts['abandoned']} abandoned; seed {seed}: exactly the stored records are on ground"
    )
    assert all(counts[fault] for fault in FAULTS) and up.intact.total() < up.posted and session.unknown == 0
    assert ground == down.records


def test_missing_records_end_the_downlink(seed, tmp_path):
    """Packets that arrive live meanwhile must not keep the downlink running forever."""
    with open_target("unix", Head(FrontEnd(), seed), unique_id=seed) as target:
        line = BadLine(target, seed, tmp_path / "telemetry.ccsds")
        line.session.set_parameters(kept=False, housekeeping_period=1, rates_period=1, storage_delay=1)
        missing = range(20, 80, 2)  # one request for each; all together take longer than a housekeeping period

        def fault(data):
            kept = b""
            for frame in filter(None, data.split(b"\0")):  # whole frames, on this target
                (packet,) = packets_in(frame)
                if line.session.dictionary.decode(packet).fields.get("record") not in missing:
                    kept += frame + b"\0"
            return kept

        line.down.fault = fault
        line.session.advance(60)
        begin_us = target.now_us
        with pytest.raises(TargetError, match="records 20 to 20: requested 20 times, none received"):
            line.downlink()
        assert target.now_us - begin_us <= BAD_DOWNLINK_S * 1e6
        line.down.fault = bytes
        line.downlink()
        assert all(record in line.session.records for record in missing)
