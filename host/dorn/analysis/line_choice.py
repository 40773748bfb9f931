"""How many tails the lines of given spectra need, and whether each nuclide needs its own FWHM.

Few counts cannot decide this: omitting a tail costs 2.5 to 5 % of the counts of a line, while one tail too many only
increases the errors. Above 10 000 counts in a line, its shape limits the accuracy of its counts: fits with one tail and
with two differ by 2 to 4 %.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from typing import Any

import numpy as np
from scipy.stats import chi2

from dorn.analysis.line_fit import Fit, fit
from dorn.analysis.line_model import Emitter, Grid, LineModel
from dorn.analysis.line_shape import MOST_TAILS

ENOUGH_FOR_TAIL, ENOUGH_FOR_WIDTHS = 500, 10_000  # counts in the strongest line
_MOST_IN_TAILS = 0.95  # fraction of a line
_DETERMINED = 2.0  # largest factor by which a tail may increase the errors of an energy scale
_BY_CHANCE = 1e-3  # probability that one more parameter is accepted although its true value is 0
_FIRST = 0.07, 0.6  # initial values for the first tail: fraction, and tau in FWHM
_SECOND = ((0.02, 3.0), (0.02, -0.8))  # and for a second one: longer, or to the right


def better(simple: Fit, other: Fit) -> bool:
    """Whether the likelihood ratio justifies the additional free parameters of `other`."""
    more = simple.dof - other.dof
    return other.valid and bool(simple.deviance - other.deviance > chi2.isf(_BY_CHANCE, max(more, 1)))


def _is_tail(found: Fit) -> bool:
    """Whether the fit is valid and its tails do not replace the Gaussian."""
    return found.valid and found.values.tails[:, 0].sum() < _MOST_IN_TAILS


def _determined(simple: Fit, other: Fit) -> bool:
    """Whether the tails of `other` are distinct from the Gaussian: a short one shifts it, and thus the energy scale."""
    scales = [(one.errors.kev_per_unit, one.errors.zero) for one in (simple, other)]
    return bool(np.all(np.array(scales[1]) <= _DETERMINED * np.array(scales[0])))


def choose(
    grids: Sequence[Grid],
    nuclides: Sequence[str | Emitter],
    counts: Sequence,
    *,
    fwhm_kev: float = 50.0,
    free: Sequence[str] = ("scale", "fwhm"),
    own: Sequence[str] = (),
    search: float = 0.0,
    own_widths: bool = True,
    **options: Any,
) -> Fit:
    """The fit of the spectra with the shape that their counts justify; the tails are common to all lines.

    From ENOUGH_FOR_TAIL counts in the strongest line there is one tail to the left, unless it cannot be distinguished
    from the Gaussian; below, fix the tails of a calibration instead (`line_fit.fit`). A second tail, longer or to the
    right, and from ENOUGH_FOR_WIDTHS counts an FWHM for each nuclide, are added if the likelihood ratio justifies them.
    Without `own_widths` the latter is not tried: weak nuclides do not determine it in each of many spectra. Other
    arguments are those of LineModel and `line_fit.fit`. Raises UserError as they do.
    """

    def tried(start: Fit | None, tails: Sequence[tuple[float, float]], *more_own: str) -> Fit:
        """The fit with these tails, starting from the scales and widths of another."""
        begin, width_kev = grids, fwhm_kev
        if start is not None:
            scales = zip(grids, start.values.kev_per_unit, start.values.zero, strict=True)
            begin = [replace(grid, kev_per_unit=float(scale), zero=float(zero)) for grid, scale, zero in scales]
            width_kev = float(start.values.fwhm_kev.mean())
        freed = (*free, "tails") if tails else free
        model = LineModel(
            begin, nuclides, fwhm_kev=width_kev, tails=tails, free=freed, own=(*own, *more_own), **options
        )
        return fit(model, counts, 0.0 if start else search)

    best = tried(None, ())
    strongest = _strongest(best, nuclides)
    if strongest < ENOUGH_FOR_TAIL:
        return best
    width_kev = float(best.values.fwhm_kev.mean()) if "fwhm" in free else fwhm_kev
    first = (_FIRST[0], _FIRST[1] * width_kev)
    one = tried(best, [first])
    if _is_tail(one) and (better(best, one) or _determined(best, one)):
        best = one
    for fraction, length in _SECOND:
        two = tried(one, [first, (fraction, length * width_kev)])
        if _is_tail(two) and better(one, two) and two.deviance < best.deviance:
            best = two
    if own_widths and strongest >= ENOUGH_FOR_WIDTHS and "fwhm" not in own and len(nuclides) > 1:
        widths = tried(best, best.values.tails.tolist(), "fwhm")
        best = widths if better(best, widths) else best
    return best


def model_of(
    found: Fit,
    grids: Sequence[Grid],
    nuclides: Sequence[str | Emitter],
    free: Sequence[str] = ("scale", "fwhm"),
    tails: Sequence[tuple[float, float]] | None = None,
    **options: Any,
) -> LineModel:
    """A model that starts from all values of a fit; tails: used instead of those of the fit."""
    values = found.values
    own = ("fwhm",) if values.fwhm_kev.shape[1] > 1 else ()
    given = values.tails if tails is None else np.array(tails, float).reshape(-1, 2)
    model = LineModel(grids, nuclides, tails=[(f, tau) for f, tau in given.tolist()], free=free, own=own, **options)
    model.start[:] = model.vector(replace(values, tails=given))
    return model


def alternatives(
    found: Fit,
    grids: Sequence[Grid],
    nuclides: Sequence[str | Emitter],
    counts: Sequence,
    free: Sequence[str] = ("scale", "fwhm"),
    **options: Any,
) -> list[Fit]:
    """Fits with other plausible shapes, which show how much the counts of `found` depend on the shape.

    One has one tail more: a fixed tail of typical size if there is none, as few counts do not determine it. Another has
    one tail fewer, unless the likelihood ratio excludes this. With two tails, the second is always left out in one fit,
    as a third could not be distinguished. Fits that do not converge are left out.
    """
    width_kev = float(found.values.fwhm_kev.mean())
    tails = [(fraction, tau_kev) for fraction, tau_kev in found.values.tails.tolist()]

    def tried(others, *more_free) -> Fit:
        return fit(model_of(found, grids, nuclides, (*free, *more_free), others, **options), counts)

    if not tails:
        others = [tried([(_FIRST[0], _FIRST[1] * width_kev)])]
    else:
        fewer = tried(tails[:-1], *(["tails"] if tails[:-1] else []))
        others = [fewer] if len(tails) == MOST_TAILS or not better(fewer, found) else []
        if len(tails) < MOST_TAILS:
            within = [(min(part, 1 / MOST_TAILS), tau_kev) for part, tau_kev in tails]  # within the bounds for two
            others += [tried([*within, (fraction, length * width_kev)], "tails") for fraction, length in _SECOND]
    return [one for one in others if one.valid]


def _strongest(found: Fit, nuclides):
    """Counts of the strongest line in one spectrum."""
    emitters = [Emitter.of(one) if isinstance(one, str) else one for one in nuclides]
    shares = np.array([max(one.shares) / sum(one.shares) for one in emitters])
    return float(np.max(found.values.counts * shares))
