"""Decay chains over time: Bateman's equations, with branches.

The number of atoms of member j is a sum over its ancestors and itself,

    N_j(t) = sum over k of C_jk exp(-l_k t),    l_k = ln 2 / T_k

    C_jk = sum over parents p of f_pj l_p C_pk / (l_j - l_k)     k an ancestor of j; f: branching fraction
    C_jj = N_j(0) - sum over k of C_jk

(H. Bateman, Proc. Cambridge Phil. Soc. 15, 423 (1910)). The terms cancel: in double precision, no
digit of the activity of Po-210 is correct a minute after pure Rn-222. They are therefore added in decimal arithmetic,
with as many digits as each sum needs.
"""

import decimal
from collections.abc import Callable, Iterable, Mapping
from decimal import Decimal
from graphlib import TopologicalSorter

import numpy as np

from dorn.errors import UserError

from . import Nuclide, nuclide

_DIGITS = 40  # for the first attempt; doubled until a sum is accurate
_ACCURATE = Decimal("1e-12")  # relative
_TINY = Decimal("1e-320")  # smaller results are 0

Activities = dict[str, np.ndarray]


def members(parents: Iterable[str], of: Callable[[str], Nuclide] = nuclide) -> dict[str, Nuclide]:
    """The parents and everything that they decay to, a nuclide before its daughters. Raises UnknownNuclide."""
    found: dict[str, Nuclide] = {}
    waiting = list(parents)
    while waiting:
        name = waiting.pop()
        if name not in found:
            found[name] = of(name)
            waiting += [daughter.name for daughter in found[name].daughters]
    graph = {name: [daughter.name for daughter in member.daughters] for name, member in found.items()}
    return {name: found[name] for name in reversed([*TopologicalSorter(graph).static_order()])}


def per_decay(parent: str) -> dict[str, float]:
    """Decays of each member of a chain for one decay of the parent, after all of its progeny has decayed."""
    found = members([parent])
    decays = dict.fromkeys(found, 0.0) | {parent: 1.0}
    for name, member in found.items():
        for daughter in member.daughters:
            decays[daughter.name] += decays[name] * daughter.fraction
    return decays


def alpha_emitters(parents: Iterable[str], least: float = 0.01) -> list[str]:
    """The parents and their progeny with at least `least` alpha lines per decay of the parent, sorted by energy."""
    found = {}
    for parent in parents:
        for name, decays in per_decay(parent).items():
            lines = nuclide(name).lines
            if decays * sum(line.intensity for line in lines) > least:
                found[name] = max(lines, key=lambda line: line.intensity).energy_kev
    return sorted(found, key=lambda name: (found[name], name))


def activities(
    initial_bq: Mapping[str, float],
    times_s,
    *,
    atoms: Mapping[str, float] | None = None,
    atoms_per_s: Mapping[str, float] | None = None,
    of: Callable[[str], Nuclide] = nuclide,
) -> Activities:
    """Activities in Bq of all members of the chains, for each time since the initial state: member -> float64[n].

    initial_bq, atoms: the inventory at time 0, as activities or as numbers of atoms. atoms_per_s: constant production
    rates from time 0. of: returns the nuclide of a name, with half-life and branches. The relative error is below 1e-9
    for every member at every time. Raises UserError for a negative number, and UnknownNuclide; no two members of a
    chain may have the same half-life.
    """
    found = _sum(initial_bq, atoms or {}, times_s, of, integral=False)
    if atoms_per_s:
        # the activity of what was produced at a rate r is r times the decays of one atom until then
        for name, bq in _sum({}, atoms_per_s, times_s, of, integral=True).items():
            found[name] = found.get(name, 0.0) + bq
    return found


def decays(
    initial_bq: Mapping[str, float],
    times_s,
    *,
    atoms: Mapping[str, float] | None = None,
    of: Callable[[str], Nuclide] = nuclide,
) -> Activities:
    """Expected number of decays from time 0 to each time: member -> float64[n]. Arguments as for `activities`."""
    return _sum(initial_bq, atoms or {}, times_s, of, integral=True)


def _sum(bq, atoms, times_s, of, integral) -> Activities:
    """Activities of the chain of the initial atoms, or their integrals over time."""
    times = np.atleast_1d(np.asarray(times_s, dtype=float))
    for what, values in (("activity", bq.values()), ("atoms", atoms.values()), ("time", times)):
        for value in values:
            if not 0 <= value < float("inf"):
                raise UserError(f"{what}: negative or not finite ({value:g})")
    chain = list(members([*bq, *atoms], of).values())
    solutions: dict[int, _Solution] = {}
    result = np.empty((len(chain), len(times)))
    for i, time in enumerate(times.tolist()):
        digits = _DIGITS
        while True:
            with decimal.localcontext(prec=digits, Emin=decimal.MIN_EMIN, Emax=decimal.MAX_EMAX):
                if digits not in solutions:
                    solutions[digits] = _Solution(chain, bq, atoms)
                values = solutions[digits].at(Decimal(time), integral)
            if values is not None:
                result[:, i] = values
                break
            digits *= 2
    return {member.name: result[j] for j, member in enumerate(chain)}


class _Solution:
    """The coefficients C_jk, in the precision of the decimal context, which must not change before they are used.

    `bounds` has the same sums for the magnitudes of all terms: multiplied by the relative rounding error of a single
    operation, they bound the error.
    """

    def __init__(self, chain: list[Nuclide], bq: Mapping[str, float], atoms: Mapping[str, float]):
        self.decay_constants = [Decimal(2).ln() / Decimal(member.half_life_s) for member in chain]
        place = {member.name: j for j, member in enumerate(chain)}
        feeds: list[list[tuple[int, Decimal]]] = [[] for _ in chain]  # (parent, f_pj l_p) of each member
        self.terms: list[dict[int, Decimal]] = []
        self.bounds: list[dict[int, Decimal]] = []
        for j, member in enumerate(chain):
            own, terms, bounds = self.decay_constants[j], {}, {}
            for parent, rate in feeds[j]:
                for k in self.terms[parent]:
                    distance = own - self.decay_constants[k]
                    terms[k] = terms.get(k, 0) + rate * self.terms[parent][k] / distance
                    bounds[k] = bounds.get(k, 0) + rate * self.bounds[parent][k] / abs(distance)
            initial = Decimal(bq.get(member.name, 0)) / own + Decimal(atoms.get(member.name, 0))
            terms[j] = initial - sum(terms.values())
            bounds[j] = initial + sum(bounds.values())
            self.terms.append(terms)
            self.bounds.append(bounds)
            for daughter in member.daughters:
                feeds[place[daughter.name]].append((j, Decimal(daughter.fraction) * own))

    def at(self, time: Decimal, integral: bool) -> list[float] | None:
        """Activity of each member, or its integral from time 0; None if more digits are needed."""
        left = [(-constant * time).exp() for constant in self.decay_constants]
        weights = scales = left
        if integral:
            weights = [(1 - part) / constant for part, constant in zip(left, self.decay_constants, strict=True)]
            scales = [1 / constant for constant in self.decay_constants]
        rounding = Decimal(1).scaleb(2 - decimal.getcontext().prec)
        found = []
        for own, terms, bounds in zip(self.decay_constants, self.terms, self.bounds, strict=True):
            value = own * sum(term * weights[k] for k, term in terms.items())
            error = own * sum(bound * scales[k] for k, bound in bounds.items()) * rounding
            if error > max(abs(value) * _ACCURATE, _TINY):
                return None
            found.append(float(max(value, 0)))
        return found
