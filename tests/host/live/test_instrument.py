"""An instrument recorded by the page sends the current state of the spectra that browsers show."""

import contextlib

from dorn.head.front_end import FrontEnd, Head
from dorn.link.archive import NAME
from dorn.live.instrument import LiveInstrument
from dorn.session import Session
from dorn.targets import open_target
from support.products import DICTIONARY

RUNNING = DICTIONARY.enums["closed_by"]["running"]


def test_the_spectra_that_are_shown_are_requested_until_they_are_no_longer(tmp_path):
    copies = []

    def keep(packet):
        if packet.fields.get("closed_by") == RUNNING:
            copies.append((packet.name, packet.fields.get("detector", packet.fields.get("unit"))))

    with open_target("unix", Head(FrontEnd())) as target, contextlib.closing(Session(target, keep)) as session:
        session.record(tmp_path / NAME)
        session.connect()
        instrument = LiveInstrument(session)
        instrument.begin()

        def serve(seconds, spectra):
            end_us = target.now_us + seconds * 1e6

            def stopped():
                if spectra:
                    instrument.ask(spectra)  # as each browser does, twice a second
                return target.now_us >= end_us

            instrument.serve(20.0, stopped)

        serve(6, 0)
        assert copies == []
        serve(6, 1 << 2 | 1 << 16)
        assert set(copies) == {("spectrum", 2), ("coincidence_spectrum", 0)}
        assert 3 <= copies.count(("spectrum", 2)) <= 6  # every 1.2 s
        serve(2, 0)  # requests still pending
        copies.clear()
        serve(6, 0)
        assert copies == []
        serve(20, (1 << 24) - 1)
        assert len(set(copies)) == 24 and copies.count(("spectrum", 3)) <= 3  # every 9.6 s
