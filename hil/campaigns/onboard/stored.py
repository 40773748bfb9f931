# The packet store as a part for the power cut campaigns.
import random

from fsw.health.faults import Failures
from fsw.link import frame
from fsw.store.packets import PacketStore
from fsw.store.retrieval import Retrieval
from fsw.store.segments import Segments
from part import Part


class Stored(Part):
    """The packet store, a ring of a few segments. A record is acknowledged once the store reports it on flash."""

    SEGMENTS = 4
    _packet, _frame = bytearray(604), bytearray(620)

    def begin(self, root):
        self.given = 0  # last record number issued
        self.acknowledged = []
        self._open(root)
        self.step(root)

    def _open(self, root):
        self.failures = Failures()
        self._store = self._made(root, self.given + 1, self.failures)
        self.waiting = []  # numbers issued, not acknowledged

    def _made(self, root, next_record, failures):
        segments = Segments(f"{root}/{self.name}")
        return PacketStore(segments, self.SEGMENTS, next_record, failures, bytearray(4096))

    def step(self, root):
        store = self._store
        for _ in range(random.randrange(1, 8)):
            self.given = self._append(store)
            self.waiting.append(self.given)
        store.ask()
        more = True
        while more and store.pending:
            more = store.step(0)
            self._acknowledge(store)
        self.written["saved"] += not store.pending

    def _acknowledge(self, store):
        """Acknowledge what the store reports after each step; number by number, as a power failure leaves gaps."""
        self.acknowledged += [n for n in self.waiting if n <= store.last]
        self.waiting = [n for n in self.waiting if n > store.last]
        if store.dropped and not self.failures.count:  # after a power failure, dropped records may still be on flash
            self.acknowledged = [n for n in self.acknowledged if n >= store.first]

    def _append(self, store):
        record = store.take_number()
        if record <= self.given:
            raise AssertionError(f"{self.name}: number {record} issued again, last was {self.given}")
        octets = self._octets(record)
        self._packet[:23] = bytes(19) + record.to_bytes(4, "big")
        for at in range(23, octets):
            self._packet[at] = record * at & 0xFF
        store.append(memoryview(self._frame)[: frame.encode(self._packet, octets, self._frame)])
        return record

    def resume(self, root):
        """The boot record has reserved numbers beyond all that were issued."""
        self._open(root)
        if self.failures.count:  # power failed again: the content is not known yet
            raise OSError(self.failures.errno)
        self.acknowledged = self._read(self._store)

    def check(self, root, further=None):
        failures = Failures()
        store = self._made(root, 0, failures)
        self._check_none(failures)
        found = self._read(store)
        wanted = [n for n in self.acknowledged if n >= store.first]
        if found[: len(wanted)] != wanted or (store.first > self.acknowledged[0] and store.segments.bytes < 2 * 16384):
            raise AssertionError(f"{self.name}: found {found[-9:]}, acknowledged {wanted[-9:]}")
        beyond = found[len(wanted) :]
        allowed = range(wanted[-1] + 1, (self.given if further is None else further) + 1)
        if [n for n in beyond if n not in allowed] or (further is not None and store.last != further):
            raise AssertionError(f"{self.name}: found {beyond} after {wanted[-1]}, not in {allowed}, {further}")

    def _check_none(self, failures):
        if failures.count:
            raise AssertionError(f"{self.name}: errno {failures.errno}")

    def _read(self, store):
        """The record numbers on flash, in stored order, without damaged records."""
        found, sent = [], []
        retrieval = Retrieval(
            store.segments,
            lambda: True,
            lambda packet: found.append(self._number(packet)) or True,
            lambda first, last, count: sent.append(count),
        )
        retrieval.by_number(1, 1 << 30)
        while not sent:
            retrieval.step()
        if store.segments.bad or sent != [len(found)]:
            raise AssertionError(f"{self.name}: {store.segments.bad} damaged, {sent} sent, {len(found)} found")
        return found

    def _number(self, packet):
        record = int.from_bytes(packet[19:23], "big")
        if len(packet) != self._octets(record) or packet[-1] != record * (len(packet) - 1) & 0xFF:
            raise AssertionError(f"{self.name}: record {record} has changed")
        return record

    def _octets(self, record):
        return 24 + record % 500

    def write_further(self, root):
        failures = Failures()
        store = self._made(root, self.given + 1, failures)
        record = self._append(store)
        store.flush()
        self._check_none(failures)
        return record
