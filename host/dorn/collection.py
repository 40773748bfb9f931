"""Decoded telemetry, collected: spectra summed over integrations, counts between rates packets."""

from dataclasses import dataclass, field

import numpy as np

from dorn.errors import UserError

SCALARS = [
    "events",
    "front",
    "back",
    "front_back",
    "several_units",
    "none_accepted",
    "passes",
    "overrun_hits",
]
PER_DETECTOR = ["accepted", "below_threshold", "over_range", "disabled"]
COUNTERS = SCALARS + [f"{name}_{detector}" for name in PER_DETECTOR for detector in range(16)]


@dataclass
class Spectrum:
    """The sum of all integrations of one spectrum."""

    counts: np.ndarray  # int64[channels]
    real_us: int = 0
    live_us: int = 0


@dataclass
class _Integration:
    """One integration of one spectrum, as far as its packets have come."""

    counts: np.ndarray
    total: int  # counts of the whole spectrum, as every packet of it says
    real_us: int
    live_us: int


@dataclass
class Rates:
    """What was counted in one interval, or in several together."""

    time_s: float = 0.0  # end of the interval, on-board clock
    real_us: int = 0
    live_us: int = 0
    counters: np.ndarray = field(default_factory=lambda: np.zeros(len(COUNTERS), np.int64))  # as COUNTERS

    def count(self, name):
        """The counter `name` of SCALARS, or the sum over the detectors of one of PER_DETECTOR."""
        if name in PER_DETECTOR:
            return int(sum(self.counters[COUNTERS.index(f"{name}_{d}")] for d in range(16)))
        return int(self.counters[COUNTERS.index(name)])


class Collection:
    """Takes packets one by one, in the order received.

    `dictionary`: a dorn.dictionary.Dictionary; of a packet `name`, `time_s` and `fields` are used.
    """

    def __init__(self, dictionary):
        self.instrument = dictionary.instrument
        self.classes = {number: name for name, number in dictionary.enums["event_class"].items()}
        self.boards = {number: name for name, number in dictionary.enums["board"].items()}
        self._booted = dictionary.enums["event"]["booted"]
        self.spectra = {}  # (class, detector or unit) -> Spectrum
        self.rates = []  # of Rates: one for every rates packet
        self.housekeeping = None  # fields of the last
        self.packets = 0
        self._pending = {}  # (boots, class, detector, integration, start) -> _Integration that misses channels
        self._complete = set()  # the same keys: a packet sent again must not count twice
        self._latest_s = 0.0  # on-board time of the packets since the last reset
        self._boots = 0  # resets seen: integrations and counters begin anew with each
        self._boot_count = None  # the instrument's, once it is known
        self._last_rates = 0, Rates()

    def add(self, packet):
        """Take one decoded packet. Kinds of packet that no product needs are only counted."""
        self.packets += 1
        if packet.name == "spectrum":
            size = self.instrument["channels"]
            self._add_spectrum(packet.fields, packet.fields["detector"], size)
        elif packet.name == "coincidence_spectrum":
            size = self.instrument["coincidence_channels"]
            self._add_spectrum(packet.fields, packet.fields["unit"], size)
        elif packet.name == "rates":
            self._add_rates(packet)
        elif packet.name == "housekeeping":
            self.housekeeping = packet.fields
            self._boot(packet.fields["boot_count"])
        elif packet.name == "event_info" and packet.fields["event"] == self._booted:
            # a flash that forgets counts the same boot again, but its clock begins anew
            again = packet.time_s < self._latest_s and packet.fields["a"] == self._boot_count
            self._boot(packet.fields["a"], again)
        self._latest_s = max(self._latest_s, packet.time_s)

    def _boot(self, boot_count, again=False):
        if again or self._boot_count not in (None, boot_count):
            self._boots += 1
            self._latest_s = 0.0
        self._boot_count = boot_count

    @property
    def incomplete_spectra(self):
        """Integrations, counted per spectrum, of which channels with counts have not come."""
        return len(self._pending)

    def _add_spectrum(self, fields, detector, size):
        first, count = fields["first"], fields["count"]
        if first + count > size:
            raise UserError(f"spectrum packet: first + count: beyond channel {size - 1} ({first} + {count})")
        if fields["event_class"] not in self.classes:
            raise UserError(f"spectrum packet: event_class: unknown ({fields['event_class']})")
        # a spectrum may be closed early and begin anew within one integration
        began = fields["integration"], fields["start_us"]
        key = self._boots, self.classes[fields["event_class"]], detector, *began
        if key in self._complete:
            return
        part = self._pending.get(key)
        if part is None:
            times = fields["real_us"], fields["live_us"]
            part = self._pending[key] = _Integration(np.zeros(size, np.int64), fields["total"], *times)
        part.counts[first : first + count] = fields["counts"]
        if part.counts.sum() == part.total:
            # kept as a sum only: a week of one-minute integrations would not fit in memory one by one
            _accumulate(self.spectra, key, self._pending.pop(key))
            self._complete.add(key)

    def all_spectra(self):
        """(class, detector or unit) -> Spectrum, with what has come of incomplete integrations."""
        spectra = {key: Spectrum(s.counts.copy(), s.real_us, s.live_us) for key, s in self.spectra.items()}
        for key, part in self._pending.items():
            _accumulate(spectra, key, part)
        order = {name: number for number, name in self.classes.items()}
        return dict(sorted(spectra.items(), key=lambda item: (order[item[0][0]], item[0][1])))

    def _add_rates(self, packet):
        f = packet.fields
        hits = [value for name in PER_DETECTOR for value in f[name]]
        counters = np.array([f[name] for name in SCALARS] + hits, dtype=np.int64)
        now = Rates(packet.time_s, f["real_us"], f["live_us"], counters)
        boots, last = self._last_rates
        self._last_rates = self._boots, now
        wrapped = (now.counters - last.counters) % 2**32  # counters of 32 bits
        backwards = now.real_us < last.real_us or (wrapped >= 2**31).any()  # no interval has so many counts
        if boots != self._boots or backwards:
            # a reset or a clear: everything in the packet was counted since then
            last, wrapped = Rates(), now.counters
        times = now.real_us - last.real_us, now.live_us - last.live_us
        self.rates.append(Rates(now.time_s, *times, wrapped))

    def totals(self):
        """Rates of all intervals together; None where no rates packet came."""
        if not self.rates:
            return None
        real_us, live_us = sum(r.real_us for r in self.rates), sum(r.live_us for r in self.rates)
        return Rates(self.rates[-1].time_s, real_us, live_us, sum(r.counters for r in self.rates))


def _accumulate(spectra, key, part):
    _, event_class, detector, *_ = key
    spectrum = spectra.setdefault((event_class, detector), Spectrum(np.zeros_like(part.counts)))
    spectrum.counts += part.counts
    spectrum.real_us += part.real_us
    spectrum.live_us += part.live_us
