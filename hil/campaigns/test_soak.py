"""A mission, from cruise to surface, with resets and link outages: the counts reconcile to the last particle.

Hits delivered by the head = counts in the spectra on ground + hits lost in resets, that is, those between the last
checkpoint, or the last spectrum on flash, and the reset. Each spectrum holds exactly the hits of its time interval.
"""

import contextlib
import random
from array import array
from bisect import bisect_left
from collections import Counter

from bench import BenchLink
from dorn.head.front_end import FrontEnd, Head
from dorn.link.archive import NAME, Archive
from dorn.products.collection import Collection
from dorn.session import CommandFailed
from dorn.session.acquire import collect
from dorn.session.downlink import Downlink
from dorn.session.instrument import Instrument
from dorn.targets import open_target
from dorn.targets.event_model import EventModel

PO_209, RADON = (4883.0,), (5489.48, 6002.55, 7686.82)  # keV; radon with its deposited progeny
PHASES = {  # hours, particles per second of Po-209 and of radon
    "cruise": (10, 2.0, 0.0),
    "first orbit": (32, 2.0, 1.0),
    "second orbit": (111, 2.0, 2.0),
    "surface": (23, 2.0, 8.0),
}
SHORT = 80  # the short form is shorter by this factor
NOISE_KEV = 30
SPACING_NS = 1_000_000  # minimum, so that no particle is lost in the dead time of another
SEGMENTS_BYTES = 4 * 64  # the packet store keeps the numbers of full segments in RAM
TOLERANCE_BYTES = 64
INCIDENTS = {"cut": 4, "power_cycle": 2, "reset_pin": 2, "commanded": 2, "watchdog": 1, "series": 0.5}
RESETS = ("power_cycle", "reset_pin", "commanded", "watchdog")


class EventLog:
    """Output of every run of the event builder: its start and the time stamps of each detector's hits, target time."""

    def __init__(self, monkeypatch):
        self.runs: list[tuple[int, list[array]]] = []  # us
        self.cut_off = 0  # hits of events cut off by a reset
        start, run, stop = EventModel.start, EventModel.run, EventModel.stop

        def logged_start(model, now_ns, detectors):
            self.runs.append((now_ns // 1000, [array("q") for _ in range(16)]))
            start(model, now_ns, detectors)

        def logged_run(model, until_ns, limit):
            reached_ns, events = run(model, until_ns, limit)
            for stamp_us, word, codes in events:
                if codes:
                    (d,) = (d for d in range(16) if word >> 16 + d & 1)
                    self.runs[-1][1][d].append(stamp_us)
            return reached_ns, events

        def logged_stop(model):
            lost = stop(model)
            self.cut_off += lost
            return lost

        monkeypatch.setattr(EventModel, "start", logged_start)
        monkeypatch.setattr(EventModel, "run", logged_run)
        monkeypatch.setattr(EventModel, "stop", logged_stop)

    @property
    def hits(self):
        return sum(len(stamps) for _, detectors in self.runs for stamps in detectors)


class Mission:
    def __init__(self, target, seed, integration_s, archive):
        self.target = target
        self.link = BenchLink(target)
        self.commander = Instrument(self.link)
        self.commander.record(archive)
        self.downlink = Downlink(self.commander)
        self.counts = Counter()
        self.lost = self.requests = 0  # records, retrieval requests
        self.particles = 0
        self._resets = []  # (target time, kind)
        self._rng = random.Random(seed)
        self._to_come = self._rng.sample(list(INCIDENTS), len(INCIDENTS))  # each at least once
        self._integration_s = integration_s
        self._checkpoint_s, self._delay_s = integration_s // 6, integration_s // 60
        self.commander.connect()
        self.set(**{f"quota_{event_class}": 1 for event_class in range(4)})  # events must not use up the budget

    # -- phases ------------------------------------------------------------------------------------

    def phase(self, seconds, po_209_cps, radon_cps):
        """Run one mission phase, with its own parameters, until its source ends."""
        radon = radon_cps > 0
        whole = self._integration_s
        self.set(
            integration_time=whole if radon else 2 * whole,
            checkpoint_period=self._checkpoint_s,
            housekeeping_period=whole // 6,
            rates_period=whole // 2,
            storage_per_day=2_000_000 * 3600 // whole,  # enough for 24 spectra (detectors and units) per integration
            storage_delay=self._delay_s,
            reset_window=max(whole // 6, 10),
        )
        self.measure()
        self.target.inject(self._source(seconds, po_209_cps, radon_cps))
        end_us = self.target.now_us + seconds * 1e6
        while (gap_s := self._rng.expovariate(1 / (1.5 * whole))) < (end_us - self.target.now_us) / 1e6:
            self.commander.advance(gap_s)
            if not self._to_come:
                self._to_come = self._rng.choices(list(INCIDENTS), INCIDENTS.values())
            self._happen(self._to_come.pop())
            self.complete()
            self.commander.advance(self._rng.expovariate(20 / whole))
            self.measure()
        while not self.target.head.dry:
            self.commander.advance(10)
        collect(self.commander, lambda session: session.function("stop"))
        self.complete()

    def complete(self):
        """Downlink every stored record."""
        result = self.downlink.complete()
        self.lost, self.requests = result.lost, result.requests

    def set(self, **parameters):
        for parameter, value in parameters.items():
            self.commander.set(parameter, value)

    def measure(self):
        """Start acquiring from any mode: functions invalid in the current mode are rejected."""
        for function in ("start", "standby", "start"):
            with contextlib.suppress(CommandFailed):
                self.commander.function(function)

    def _source(self, seconds, po_209_cps, radon_cps):
        rng = random.Random(self._rng.random())
        at_ns = 0
        while (at_ns := at_ns + SPACING_NS + int(rng.expovariate(po_209_cps + radon_cps) * 1e9)) < seconds * 1e9:
            self.particles += 1
            lines = PO_209 if rng.random() * (po_209_cps + radon_cps) < po_209_cps else RADON
            yield at_ns, rng.randrange(16), rng.choice(lines)

    # -- incidents ---------------------------------------------------------------------------------

    def _happen(self, kind):
        if kind == "cut":
            self.link.up = self.link.down = lambda data: b""
            self.counts["cut"] += 1
            for _ in range(self._rng.choice((0, 0, 1, 2))):  # resets during the outage
                self._reset(self._rng.choice(("power_cycle", "reset_pin", "watchdog")), self._away)
                self._away()
            self._away()
            self.link.heal()
        elif kind == "series":  # leads to SAFE
            for _ in range(6):
                self._reset("power_cycle", lambda: self.commander.advance(3))
        else:
            self._reset(kind, lambda: self.commander.advance(3))

    def _away(self):
        self.commander.advance(self._rng.uniform(0.05, 0.5) * self._integration_s)

    def _reset(self, kind, then):
        self.counts[kind] += 1
        self._resets.append((self.target.now_us, kind))
        if kind == "power_cycle":
            self.target.power_cycle(self._rng.uniform(0.1, 30))
        elif kind == "reset_pin":
            self.target.reset()
        elif kind == "watchdog":
            self.target.stall(10)
        else:
            self.commander.function("arm")
            self.commander.reboot(lambda: self.commander.function("reset"))
        then()

    # -- accounting --------------------------------------------------------------------------------

    def packets(self, *names):
        return [packet for packet in self.commander.received if packet.name in names]

    def spectra(self):
        """detector -> {start: (real time, counts)} of the spectra on ground, us of on-board time, in order.

        If a spectrum was sent before a reset and again from the last checkpoint after it, the first one is used.
        """
        by_reset = self.commander.dictionary.enums["closed_by"]["reset"]
        found = [{} for _ in range(16)]
        for f in (packet.fields for packet in self.packets("spectrum")):
            assert sum(f["counts"]) == f["total"], "a spectrum must fit in one packet"
            spectra = found[f["detector"]]
            if f["start_us"] not in spectra or f["closed_by"] != by_reset:
                spectra[f["start_us"]] = f["real_us"], f["total"]
        return [dict(sorted(spectra.items())) for spectra in found]

    def kept_us(self, began_us):
        """Target time in us before which a run cannot lose hits. A reset loses hits since the last checkpoint, or since
        the previous one while spectra sent meanwhile wait in memory; a commanded reset loses none."""
        at_us, kind = next(reset for reset in [*self._resets, (1 << 62, "none")] if reset[0] >= began_us)
        return at_us if kind in ("commanded", "none") else at_us - (self._checkpoint_s + self._delay_s + 1) * 1e6

    def starts_us(self):
        """On-board time of every start of the acquisition, from its event reports."""
        number = self.commander.dictionary.enums["event"]["acquisition_started"]
        return sorted(round(p.time_s * 1e6) for p in self.packets("event_info") if p.fields["event"] == number)


def lost_in_resets(mission, log):
    """Hits of each run after its last spectrum on ground; checks each spectrum against the hits of its interval."""
    starts_us, spectra = mission.starts_us(), mission.spectra()
    assert len(starts_us) == len(log.runs)
    lost = 0
    for k, (began_us, hits) in enumerate(log.runs):
        next_us = starts_us[k + 1] if k + 1 < len(starts_us) else 1 << 62
        for d, stamps in enumerate(hits):
            of_run = [(t, *about) for t, about in spectra[d].items() if starts_us[k] - 16 <= t < next_us - 16]
            at = 0
            # the first spectrum starts with the run
            until_us = shift_us = None
            for start_us, real_us, counts in of_run:
                if shift_us is None:
                    assert abs(start_us - starts_us[k]) <= 16  # a packet's time is in 2^-16 s
                    shift_us = began_us - start_us
                else:
                    assert start_us == until_us, f"run {k}, detector {d}: a spectrum is missing"
                until_us = start_us + real_us
                end = bisect_left(stamps, until_us + shift_us)
                assert counts == end - at, f"run {k}, detector {d}, from {start_us} us: {counts}, not {end - at}"
                at = end
            if at < len(stamps):
                assert stamps[at] >= mission.kept_us(began_us), f"run {k}, detector {d}: more than a reset may lose"
            lost += len(stamps) - at
    return lost


def check_heap(mission):
    """Free heap, bytes, in the first and in the last boot that acquired for several integrations.

    Readings vary with the objects in use at the time, so the maximum of several is compared.
    """
    started = mission.commander.dictionary.enums["event"]["acquisition_started"]
    boots = {}
    begun = None
    for packet in sorted(mission.packets("event_info", "housekeeping"), key=lambda packet: packet.time_s):
        f = packet.fields
        if f.get("event") == started:
            begun = f["a"]
        elif packet.name == "housekeeping" and packet.text("mode") == "science" and f["integration"] > begun + 1:
            boots.setdefault(f["boot_count"], []).append(f["heap_free"])
    boots = [free for free in boots.values() if len(free) >= 4]
    first, last = max(boots[0]), max(boots[-1])
    assert first - last <= SEGMENTS_BYTES + TOLERANCE_BYTES
    longest = max(boots, key=len)
    half = len(longest) // 2
    assert max(longest[:half]) - max(longest[half:]) <= SEGMENTS_BYTES + TOLERANCE_BYTES
    return first, last


def test_soak(long, seed, totals, monkeypatch, tmp_path):
    log = EventLog(monkeypatch)
    integration_s, times = (3600, 1) if long else (180, SHORT)
    head = Head(FrontEnd(noise_kev=NOISE_KEV), seed)
    with open_target("unix", head, unique_id=seed) as target:
        mission = Mission(target, seed, integration_s, tmp_path / NAME)
        for hours, *cps in PHASES.values():
            mission.phase(hours * 3600 // times, *cps)
        hours = target.now_us / 3.6e9
    counts, fates, records = mission.counts, head.fates, mission.commander.records
    housekeeping = [packet.fields for packet in mission.packets("housekeeping")]
    for f in housekeeping:
        wrong = {n: f[n] for n in ("store_discarded", "packets_dropped", "ring_overruns", "task_failures") if f[n]}
        assert not wrong, f"boot {f['boot_count']}, after {f['uptime_ms']} ms: {wrong}"
    with Archive(mission.commander.dictionary, tmp_path / NAME) as archive:
        collection = Collection(archive)
    ground = sum(int(spectrum.counts.sum()) for spectrum in collection.all_spectra().values())
    lost = lost_in_resets(mission, log) + log.cut_off
    heap = check_heap(mission)
    missed = fates.lost_dead_time + fates.disabled + head.pending  # while nothing was acquired
    safe = len(mission.commander.events("safe"))
    totals(
        f"soak: {hours:.1f} h, {fates.injected} particles: {ground} on ground, {lost} lost in resets,"
        f" {missed} while nothing was acquired; "
        + ", ".join(f"{counts[kind]} {kind}" for kind in (*RESETS, "cut"))
        + f", {safe} times to SAFE; records: {records.received} received, {mission.requests} requests,"
        f" {records.repeated} repeated, {mission.lost} lost; heap free {heap[0]}, {heap[1]} bytes; seed {seed}"
    )
    assert fates.injected == mission.particles and fates.merged == fates.below_threshold == fates.spurious == 0
    assert fates.injected == fates.delivered + missed
    assert fates.delivered == log.hits + log.cut_off
    assert fates.delivered == ground + lost
    assert mission.lost == 0
    assert ground > fates.injected / 2 and all(counts[kind] for kind in (*RESETS, "cut")) and safe
