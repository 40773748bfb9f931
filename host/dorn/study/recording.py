"""One recording of the instrument for a study: on the unix target, whatever the particles are."""

from __future__ import annotations

from collections.abc import Iterable, Mapping

from dorn.head.front_end import Fates, FrontEnd, Head
from dorn.products import Products
from dorn.run import RATES_S, collect
from dorn.session import Session
from dorn.targets import open_target


def record(
    front_end: FrontEnd, seed: int, particles: Iterable[tuple[int, int, float]], parameters: Mapping[str, int]
) -> tuple[Products, Fates]:
    """Play all particles (time_ns, detector, energy_kev) into an instrument with these parameters, then stop.

    -> (all it sent of the measurement: spectra and the counters that belong to them, what became of the pulses)
    """
    with open_target("unix", Head(front_end, seed)) as target:
        session = Session(target)
        session.connect()
        products = Products(session.dictionary)
        for name, value in parameters.items():
            session.command("set_parameter", parameter=name, value=value)
        session.on_packet = products.add
        session.command("function", function="start")
        target.inject(particles)
        while not target.head.dry:
            session.advance(0.1)
        collect(session, lambda session: session.command("function", function="stop"))
        session.wait_for(lambda packet: packet.name == "rates", RATES_S)
        return products, target.head.fates
