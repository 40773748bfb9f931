"""Collected telemetry: spectra summed over integrations, counts between rates packets."""

from bisect import bisect_right
from dataclasses import dataclass, field

import numpy as np

from dorn.errors import UserError
from dorn.link.records import Records

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
    """One integration of one spectrum, as far as its packets have been received."""

    counts: np.ndarray
    total: int  # counts of the whole spectrum, as given in each of its packets
    real_us: int
    live_us: int


@dataclass
class Rates:
    """Counts of one interval, or of several combined."""

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
    """Takes packets one by one, in the order received; packets retrieved from the packet store may be late or repeated.

    On-board time gives the order. It continues across resets; an instrument that lost its boot record starts again from
    zero, which shows as a step back in a packet that is not late: a new *life* begins.

    `dictionary`: a dorn.dictionary.Dictionary; of a packet `name`, `time_s` and `fields` are used.
    """

    def __init__(self, dictionary):
        self.instrument = dictionary.instrument
        self.classes = {number: name for name, number in dictionary.enums["event_class"].items()}
        self.boards = {number: name for name, number in dictionary.enums["board"].items()}
        self._booted = dictionary.enums["event"]["booted"]
        self._by_reset = dictionary.enums["closed_by"]["reset"]
        self.spectra = {}  # (class, detector or unit) -> Spectrum
        self.records = Records()
        self.housekeeping = None  # fields of the last packet
        self.packets = 0
        self._pending = {}  # (life, class, detector, integration, start) -> _Integration with missing channels
        self._partial = {}  # the same for integrations ended by a reset, as of the last checkpoint before it
        self._complete = set()  # keys of complete integrations: a packet sent again must not be counted twice
        self._life = 0
        self._latest_s = 0.0  # on-board time, in this life
        self._boots = []  # (life, time_s, boot count), of the packets that carry it
        self._counted = []  # (life, time_s, number of the packet, Rates since the last clear)
        self._rates = None  # differences, computed on demand

    def add(self, packet):
        """Take one decoded packet. Packets that no product needs are only counted."""
        late, new = self.records.take(packet)
        if not new:
            return
        self.packets += 1
        if not late:
            self._life += packet.time_s < self._latest_s
            self._latest_s = packet.time_s
        if packet.name == "spectrum":
            size = self.instrument["channels"]
            self._add_spectrum(packet.fields, packet.fields["detector"], size)
        elif packet.name == "coincidence_spectrum":
            size = self.instrument["coincidence_channels"]
            self._add_spectrum(packet.fields, packet.fields["unit"], size)
        elif packet.name == "rates":
            self._add_rates(packet)
        elif packet.name == "housekeeping":
            if not late:
                self.housekeeping = packet.fields
            self._boots.append((self._life, packet.time_s, packet.fields["boot_count"]))
        elif packet.name == "event_info" and packet.fields["event"] == self._booted:
            # everything before it belongs to another boot, known or not
            self._boots += [(self._life, -1.0, -1), (self._life, packet.time_s, packet.fields["a"])]
            self._rates = None

    @property
    def incomplete_spectra(self):
        """Integrations, counted per spectrum, of which channels with counts are missing."""
        partial = (part for key, part in self._partial.items() if key not in self._pending)
        return len(self._pending) + sum(int(part.counts.sum()) != part.total for part in partial)

    def _add_spectrum(self, fields, detector, size):
        first, count = fields["first"], fields["count"]
        if first + count > size:
            raise UserError(f"spectrum packet: first + count: beyond channel {size - 1} ({first} + {count})")
        if fields["event_class"] not in self.classes:
            raise UserError(f"spectrum packet: event_class: unknown ({fields['event_class']})")
        # a spectrum may be closed early and restarted within one integration
        began = fields["integration"], fields["start_us"]
        key = self._life, self.classes[fields["event_class"]], detector, *began
        if key in self._complete:
            return
        parts = self._partial if fields["closed_by"] == self._by_reset else self._pending
        part = parts.get(key)
        if part is None:
            times = fields["real_us"], fields["live_us"]
            part = parts[key] = _Integration(np.zeros(size, np.int64), fields["total"], *times)
        part.counts[first : first + count] = fields["counts"]
        if parts is self._pending and part.counts.sum() == part.total:
            # only the sum is kept: a week of one-minute integrations would not fit in memory individually
            _accumulate(self.spectra, key, self._pending.pop(key))
            self._complete.add(key)
            self._partial.pop(key, None)  # a reset fell between the end of the integration and that of its checkpoint

    def all_spectra(self):
        """(class, detector or unit) -> Spectrum, with incomplete integrations as far as received."""
        spectra = {key: Spectrum(s.counts.copy(), s.real_us, s.live_us) for key, s in self.spectra.items()}
        for key, part in (self._partial | self._pending).items():
            _accumulate(spectra, key, part)
        order = {name: number for number, name in self.classes.items()}
        return dict(sorted(spectra.items(), key=lambda item: (order[item[0][0]], item[0][1])))

    def _add_rates(self, packet):
        f = packet.fields
        hits = [value for name in PER_DETECTOR for value in f[name]]
        counters = np.array([f[name] for name in SCALARS] + hits, dtype=np.int64)
        now = Rates(packet.time_s, f["real_us"], f["live_us"], counters)
        self._counted.append((self._life, packet.time_s, len(self._counted), now))
        self._rates = None

    @property
    def rates(self):
        """List of Rates: counts from one rates packet to the next, in the order of on-board time."""
        if self._rates is None:
            boots, last, last_boot = sorted(self._boots), Rates(), None
            self._rates = []
            for life, time_s, _, now in sorted(self._counted, key=lambda counted: counted[:3]):
                at = bisect_right(boots, (life, time_s, 2**32)) - 1
                boot = boots[at][::2] if at >= 0 and boots[at][0] == life else None
                self._rates.append(_since(last, now, last_boot not in (None, boot)))
                last, last_boot = now, boot
        return self._rates

    def totals(self):
        """Rates of all intervals combined; None without a rates packet."""
        rates = self.rates
        if not rates:
            return None
        real_us, live_us = sum(r.real_us for r in rates), sum(r.live_us for r in rates)
        return Rates(rates[-1].time_s, real_us, live_us, np.sum([r.counters for r in rates], 0))


def _since(last, now, reset):
    """Counts from `last` to `now`; all of `now` if there was a reset or a clear in between."""
    counted = (now.counters - last.counters) % 2**32  # 32-bit counters
    if reset or now.real_us < last.real_us or (counted >= 2**31).any():  # more counts than any interval has
        last, counted = Rates(), now.counters
    return Rates(now.time_s, now.real_us - last.real_us, now.live_us - last.live_us, counted)


def _accumulate(spectra, key, part):
    _, event_class, detector, *_ = key
    spectrum = spectra.setdefault((event_class, detector), Spectrum(np.zeros_like(part.counts)))
    spectrum.counts += part.counts
    spectrum.real_us += part.real_us
    spectrum.live_us += part.live_us
