"""The tables of a scenario that emit particles: [[source]] and [background], as described in scenario.py.

Constant sources and backgrounds are added to one mixture. Those that vary in time, follow a power law, or have a tail
or a `followed_by` become separate streams, so that for the same seed the particles of all others stay the same.
"""

import math
from dataclasses import replace

from dorn import nuclides
from dorn.nuclides import Nuclide
from dorn.util.tables import Table

from . import decay
from .arrivals import MAX_DURATION_S, MAX_RATE_CPS
from .mixture import DETECTORS, GROUPS, Component, Mixture
from .profile import Rate
from .stream import Follower, Stream

Tail = tuple[float, float]  # tail_kev, tail_fraction
_LONGEST_DELAY_S = 1000  # longest half-life of a follower: all pending followers are held in memory


def source(table: Table, mixture: Mixture) -> list[Stream]:
    """Read a [[source]]; its constant part is added to the mixture. Raises SourceError if it is invalid."""
    nuclide = _nuclide(table, "nuclide")
    detectors = _detectors(table)
    decays_cps = _decays_cps(table, len(detectors))
    beta_kev = table.above_zero("beta_kev") if "beta_kev" in table.values else None
    chain = table.flag("chain")
    tail = _tail(table)
    span = _span(table)
    falls = table.flag("decays") or chain
    components = {
        name: [replace(component, detectors=detectors) for component in _components(name, tail, beta_kev)]
        for name in (decay.rates(nuclide.name, chain) if falls else [nuclide.name])
    }
    follower = _follower(table, nuclide, beta_kev, tail)
    table.done()
    if not any(components.values()):
        raise table.error("nuclide", "has no alpha line; give beta_kev to detect its electrons", nuclide.name)
    if not (falls or any(tail) or follower or span):
        (constant,) = components.values()
        mixture.components += [replace(component, weight=decays_cps * component.weight) for component in constant]
        return []
    begin_s, end_s = span or (0.0, MAX_DURATION_S)
    rates = decay.rates(nuclide.name, chain) if falls else {nuclide.name: Rate([0, MAX_DURATION_S], [1, 1])}
    streams = []
    for name, listed in components.items():
        if listed:
            seen = Mixture(listed)
            rate = rates[name].scaled(decays_cps * seen.total, begin_s).until(end_s)
            streams.append(Stream(seen, rate, follower))
    return streams


def background(table: Table, mixture: Mixture, name: str) -> list[Stream]:
    """Read a [background]; a constant one is added to the mixture. Raises SourceError if it is invalid."""
    varies = "profile" in table.values
    rate_cps = 1.0 if varies else table.above_zero("rate_cps")
    rate = _profile(table) if varies else Rate([0, MAX_DURATION_S], [rate_cps, rate_cps])
    power = table.at_least(0, "power", 0)
    min_kev = table.above_zero("min_kev") if power else table.at_least(0, "min_kev")
    max_kev = table.above_zero("max_kev")
    through = table.fraction("through_fraction", 0)
    table.done()
    if max_kev <= min_kev:
        raise table.error("max_kev", "not above min_kev", max_kev)
    part = Mixture() if varies or power else mixture
    part.add(rate_cps * (1 - through), min_kev, max_kev, name=name, power=power)
    part.add(rate_cps * through, min_kev, max_kev, through=True, name=name, power=power)
    return [] if part is mixture else [Stream(part, rate)]


def _nuclide(table: Table, key: str) -> Nuclide:
    try:
        return nuclides.nuclide(table.get(key))
    except nuclides.UnknownNuclide as error:
        raise table.error(key, error) from None


def _components(name: str, tail: Tail, beta_kev: float | None) -> list[Component]:
    """What a decay of the nuclide emits; the weights are probabilities."""
    tail_kev, lost = tail
    components = [
        Component(part, kev, kev, name=name, tail_kev=tail_kev, tail_fraction=lost)
        for kev, part in nuclides.lines(name)
    ]
    electrons = sum(daughter.fraction for daughter in nuclides.nuclide(name).daughters if _is_beta(name, daughter.name))
    if beta_kev is not None and electrons:
        components.append(Component(electrons, 0.0, beta_kev, name=f"{name} beta", beta=True))
    return components


def _is_beta(name: str, daughter: str) -> bool:
    """Whether the decay leaves the mass number unchanged."""
    return name.split("-")[1] == daughter.split("-")[1]


def _decays_cps(table: Table, detectors: int) -> float:
    """Decays per second whose particles reach the detectors."""
    if "activity_bq_per_cm2" not in table.values:
        return table.above_zero("activity_bq") * table.fraction("efficiency", 1)
    bq_per_cm2, area_cm2 = table.above_zero("activity_bq_per_cm2"), table.above_zero("area_cm2")
    half_angle_deg = table.above_zero("half_angle_deg")
    if half_angle_deg > 90:
        raise table.error("half_angle_deg", "above 90", half_angle_deg)
    return detectors * bq_per_cm2 * area_cm2 / 2 * (1 - math.cos(math.radians(half_angle_deg)))


def _tail(table: Table) -> Tail:
    if not table.values.keys() & {"tail_kev", "tail_fraction"}:
        return 0.0, 0.0
    return table.above_zero("tail_kev"), table.fraction("tail_fraction")


def _span(table: Table) -> tuple[float, float] | None:
    """(begin_s, end_s); None if neither is given."""
    if not table.values.keys() & {"begin_s", "end_s"}:
        return None
    begin_s, end_s = table.at_least(0, "begin_s", 0), table.at_least(0, "end_s", MAX_DURATION_S)
    if end_s <= begin_s:
        raise table.error("end_s", "not above begin_s", end_s)
    return begin_s, end_s


def _follower(table: Table, nuclide: Nuclide, beta_kev: float | None, tail: Tail) -> Follower | None:
    if "followed_by" not in table.values:
        return None
    daughter = _nuclide(table, "followed_by")
    fraction = table.fraction("followed_fraction")
    known = [other.name for other in nuclide.daughters]
    after_beta = _is_beta(nuclide.name, daughter.name)
    if daughter.name not in known:
        what = f"not a daughter of {nuclide.name}; known: {', '.join(known) or 'none'}"
    elif not daughter.lines:
        what = "has no alpha line"
    elif daughter.half_life_s > _LONGEST_DELAY_S:
        what = f"half-life above {_LONGEST_DELAY_S} s: define it as a separate source"
    elif after_beta and beta_kev is None:
        what = f"follows the electron of {nuclide.name}: beta_kev is missing"
    elif table.get("chain", False):
        what = "not allowed with chain, which already includes it"
    else:
        lines = Mixture(_components(daughter.name, tail, None))
        return Follower(daughter.name, lines, fraction, daughter.half_life_s / math.log(2), after_beta)
    raise table.error("followed_by", what, daughter.name)


def _profile(table: Table) -> Rate:
    """The rate of a background."""
    try:
        rate = Rate.from_pairs(table.get("profile"), least=0, most=MAX_RATE_CPS)
    except ValueError as error:
        raise table.error("profile", error) from None
    if not rate.total:
        raise table.error("profile", "no particles")
    if "rate_cps" in table.values:
        raise table.error("profile", "not allowed with rate_cps")
    return rate


def _detectors(table: Table):
    value = table.get("detectors", "all")
    if isinstance(value, str) and value in GROUPS:
        return GROUPS[value]
    known = isinstance(value, list) and all(type(d) is int and 0 <= d < DETECTORS for d in value)
    if not known or not value or len(set(value)) < len(value):
        what = f'neither "all", "front", "back" nor a list of distinct numbers from 0 to {DETECTORS - 1}'
        raise table.error("detectors", what, value)
    return value
