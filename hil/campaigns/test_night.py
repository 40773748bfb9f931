"""A night without a ground station: eight hours later a new session retrieves every record, and nothing is missing."""

from dorn.head.front_end import FrontEnd, Head
from dorn.link.archive import NAME, Archive
from dorn.products.collection import Collection
from dorn.session import Session
from dorn.session.acquire import collect
from dorn.session.downlink import Downlink
from dorn.targets import open_target
from particles import regular

HOURS = 8
PARTICLES = HOURS * 3600 * 2  # at 2 per second, the last one before the morning


def test_a_night_is_retrieved_in_the_morning(seed, tmp_path, totals):
    with open_target("unix", Head(FrontEnd(), seed), unique_id=seed) as target:
        evening = Session(target)
        evening.connect()
        quotas = {f"quota_{event_class}": 0 for event_class in range(4)}
        evening.set_parameters(integration_time=3600, rates_period=60, housekeeping_period=60, **quotas)
        evening.command("function", function="start")
        target.inject(regular(PARTICLES, 500_000_000))
        for _ in range(HOURS * 60):
            target.advance(60)
            target.receive()  # discarded: there is no ground station

        morning = Session(target)
        morning.connect()
        morning.record(tmp_path / NAME)
        collect(morning, lambda session: session.command("function", function="stop"))
        morning.wait_for(lambda packet: packet.name == "rates", 60)
        morning.advance(30)  # until the last records are on flash
        result = Downlink(morning).complete()
        morning.close()
        delivered = target.head.fates.delivered
    with Archive(morning.dictionary, tmp_path / NAME) as archive:
        found = Collection(archive)
        counts = sum(int(spectrum.counts.sum()) for spectrum in found.all_spectra().values())
        assert result.lost == 0 and archive.conflicts == 0 and found.incomplete_spectra == 0
        assert counts == found.totals().count("accepted") == delivered == PARTICLES
    totals(f"night: {result.received} records in {result.requests} requests, {counts} counts, 0 lost, seed {seed}")
