"""An instrument for a test, on either simulated target, with what it said."""

from contextlib import contextmanager

import chip
import pytest
from dorn.dictionary import Dictionary
from dorn.head.front_end import FrontEnd, Head
from dorn.run import collect
from dorn.session import Session
from dorn.targets.unix import UnixTarget

SIMULATED = ("unix", "rp2040")
DICTIONARY = Dictionary.load()
both = pytest.mark.parametrize("where", SIMULATED)


class Instrument(Session):
    """A session that keeps every packet; `booted` when the first housekeeping is there."""

    def __init__(self, target):
        self.said = []
        super().__init__(target, self.said.append)

    def last(self, name):
        """Fields of the last packet of that name."""
        return next(packet.fields for packet in reversed(self.said) if packet.name == name)

    def events(self, name):
        """(a, b) of every event report of that name."""
        number = DICTIONARY.enums["event"][name]
        reports = (p.fields for p in self.said if p.name.startswith("event_"))
        return [(f["a"], f["b"]) for f in reports if f["event"] == number]

    def said_at(self, name):
        """On-board time of the last event report of that name, us."""
        number = DICTIONARY.enums["event"][name]
        reports = (p for p in self.said if p.name.startswith("event_") and p.fields["event"] == number)
        return max(p.time_s for p in reports) * 1e6

    def start(self):
        self.command("function", function="start")

    def play(self, particles):
        """Play them, until 1 ms after the last."""
        self.target.inject(particles)
        while not self.target.head.dry:
            self.advance(0.1)
        self.advance(0.001)

    def stop(self):
        """Stop and wait for all spectra; -> fields of the rates packet after it."""
        collect(self, lambda session: session.command("function", function="stop"))
        return self.wait_for(lambda packet: packet.name == "rates", 10).fields

    def counts(self, name="spectrum"):
        """(detector or unit, channel) -> counts, over all packets so far."""
        out = {}
        for f in (p.fields for p in self.said if p.name == name):
            for i, counts in enumerate(f["counts"]):
                key = f.get("detector", f.get("unit")), f["first"] + i
                out[key] = out.get(key, 0) + counts
        return {key: counts for key, counts in out.items() if counts}


def open_simulated(where, head=None, flash=None, files=None):
    """A simulated target; skips where it cannot be had."""
    return UnixTarget(head, flash, files) if where == "unix" else chip.open_chip(None, head, files, flash=flash)


@contextmanager
def instrument(where, flash=None, files=None, **front_end):
    """An instrument that has booted, with the simulated head."""
    with open_simulated(where, Head(FrontEnd(**front_end)), flash, files) as target:
        session = Instrument(target)
        session.connect()
        yield session
