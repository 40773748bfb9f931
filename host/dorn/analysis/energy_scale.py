"""The energy scale of a spectrum from the lines of named nuclides, and its drift.

    scale = calibrate(counts, edges, ["Pu-239", "Am-241", "Cm-244"], kev_per_unit=3.0, zero=50.0)
    scale.energy_kev(1900), scale.error_kev(1900)

All lines are fitted together (`line_fit`), in a window around them; other nuclides with lines there must be named, too.
Several detectors are fitted independently, as each has its own gain.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from dorn.analysis import line_choice, quality
from dorn.analysis.calibration import energy_error_kev
from dorn.analysis.line_fit import Fit, fit
from dorn.analysis.line_model import Grid, LineModel
from dorn.errors import UserError
from dorn.nuclides import Line, main_kev, nuclide

SEARCH = 0.02  # relative error allowed for the initial kev_per_unit: gains of detectors differ by less
FWHM_KEV = 50.0  # initial value; a factor of two is close enough
_ZERO_SPAN_KEV = 200.0  # least span of the main lines: with less, a fitted zero has no useful uncertainty
_ZERO_KEV = 20.0  # uncertainty of a zero that is not fitted
_BELOW, _ABOVE = 8.0, 4.0  # fitted range around the lines, in FWHM
_PER_FWHM = 6  # channels per FWHM; finer ones are added up
_FOUND = 5.0  # ratio of counts to their standard error from which a nuclide is taken as found
_WIDE = 0.08  # search around each candidate if the scale is unknown
_STEP = 0.01  # relative spacing of the starting values of a search: less than an FWHM


@dataclass(frozen=True, eq=False)
class Scale:
    """Energy = kev_per_unit * (position - zero). Errors are one standard deviation, from counting statistics (increased
    if the fit is poor), the energies in the table of nuclides, and the zero if it is fixed."""

    kev_per_unit: float
    zero: float
    covariance: np.ndarray  # float64[2, 2], of kev_per_unit and zero
    statistical: np.ndarray  # float64[2, 2], from counting statistics alone
    zero_is_fixed: bool
    nuclides: tuple[str, ...]  # those found
    missing: tuple[str, ...]  # those not found
    counts: np.ndarray  # float64[nuclides]
    counts_error: np.ndarray
    fwhm_kev: float  # of the Gaussian; of the strongest nuclide if each has its own
    fwhm_error_kev: float
    tails: tuple[tuple[float, float], ...]  # (fraction, tau_kev)
    chi2_per_dof: float  # of channels added up to 5 or more expected counts; NaN if there are too few

    def energy_kev(self, position):
        """The energy at a position, a number or an array."""
        return self.kev_per_unit * (np.asarray(position, float) - self.zero)

    def error_kev(self, position, covariance=None):
        """The standard error of `energy_kev`. covariance: another one to use, such as `statistical`."""
        return energy_error_kev(
            position, self.kev_per_unit, self.zero, self.covariance if covariance is None else covariance
        )

    def position(self, energy_kev):
        """The position of an energy, a number or an array."""
        return np.asarray(energy_kev, float) / self.kev_per_unit + self.zero


def calibrate(
    counts, edges, nuclides: Sequence[str], kev_per_unit: float, zero: float, search: float = SEARCH
) -> Scale:
    """The scale of one spectrum. counts: int[channels]; edges: float[channels + 1], in ADC codes or channels.

    kev_per_unit, zero: initial values; search: relative error allowed for kev_per_unit. Of all scales within the
    search, the one at which the most nuclides are found is used. The zero is fitted if the main lines found span
    200 keV or more. Raises UserError if fewer than half of the nuclides are found, or the scale is outside the search
    range, which may mean that other lines were mistaken for theirs.
    """
    counts, edges = _arrays(counts, edges)
    if len(set(nuclides)) < len(nuclides):
        raise UserError.at("calibration", "lines", "a nuclide twice", ", ".join(nuclides))
    rough = _rough(counts, edges, list(nuclides), kev_per_unit, zero, search)
    found, seen = _narrow(counts, edges, rough, zero, _span_kev(nuclides) >= _ZERO_SPAN_KEV)
    if found.errors.zero[0] > 0 and _span_kev(_significant(found)) < _ZERO_SPAN_KEV:
        found, seen = _narrow(counts, edges, rough, zero, False)
    names = _significant(found)
    if 2 * len(names) < len(nuclides):
        what = f"found {', '.join(names) or 'none'} of {', '.join(nuclides)}"
        raise UserError.at("calibration", "lines", what)
    if not found.valid:
        raise UserError.at("calibration", "fit", "does not converge", ", ".join(found.at_bounds) or None)
    scale = _scale(found, seen)
    for name in names:
        energy_kev = _main(name).energy_kev
        shift = kev_per_unit * (scale.position(energy_kev) - zero) / energy_kev - 1
        if abs(shift) > search + _STEP / 2:
            what = f"{name} {100 * shift:+.1f} % from the start, beyond the search of {100 * search:g} %: another line?"
            raise UserError.at("calibration", "lines", what)
    return scale


def calibrate_unknown(counts, edges, nuclides: Sequence[str], zero: float = 0.0) -> Scale:
    """Like `calibrate`, with only the zero known: the highest peak may be any of the nuclides. Raises UserError unless
    all are found; or if they are one line on this scale, and the spectrum has another peak that it could be."""
    counts, edges = _arrays(counts, edges)
    highest = _highest(counts, edges, zero)
    rough = []
    for name in nuclides:
        try:
            start = _main(name).energy_kev / (highest - zero)
            rough.append(_rough(counts, edges, list(nuclides), start, zero, _WIDE))
        except UserError:
            continue
    if rough:
        best = max(rough, key=lambda found: float(np.min(_significance(found))))
        found, seen = _narrow(counts, edges, best, zero, _span_kev(nuclides) >= _ZERO_SPAN_KEV)
        if found.valid and len(_significant(found)) == len(nuclides):
            scale = _scale(found, seen)
            if _span_kev(nuclides) < _ZERO_SPAN_KEV and (other := _other_peak(counts, edges, scale)) is not None:
                at = f"{scale.position(main_kev(nuclides[0])):.0f} or {other:.0f}"
                raise UserError.at("calibration", "lines", f"several peaks, at {at}: which is it?", nuclides[0])
            return scale
    raise UserError.at("calibration", "lines", "not found", ", ".join(nuclides))


def gains(counts, edges, scale: Scale, name: str) -> tuple[np.ndarray, np.ndarray]:
    """The gain of each slice relative to `scale`, and its error from counting statistics: float64[slices] each, from
    the line of one nuclide with the shape of `scale`; NaN where the line is not found. counts: int[slices, channels].
    A gain above 1 moves lines up: kev_per_unit in that slice is that of the scale divided by the gain."""
    edges = np.asarray(edges, float)
    inside = window(edges, [name], scale.kev_per_unit, scale.zero, scale.fwhm_kev, SEARCH)
    grid = Grid(edges[inside.start : inside.stop + 1], scale.kev_per_unit, scale.zero)
    model = LineModel([grid], [name], fwhm_kev=scale.fwhm_kev, tails=scale.tails, free=("scale",))
    gain, error = np.full(len(counts), np.nan), np.full(len(counts), np.nan)
    for n, of_slice in enumerate(np.asarray(counts)[:, inside]):
        if of_slice.any():
            found = fit(model, [of_slice], SEARCH)
            if found.valid and _significant(found):
                kev_per_unit = found.values.kev_per_unit[0]
                gain[n] = scale.kev_per_unit / kev_per_unit
                error[n] = gain[n] * found.errors.kev_per_unit[0] / kev_per_unit
    return gain, error


def _arrays(counts, edges) -> tuple[np.ndarray, np.ndarray]:
    counts, edges = np.asarray(counts), np.asarray(edges, float)
    if counts.shape != (len(edges) - 1,):
        raise UserError.at("calibration", "counts", f"not {len(edges) - 1} channels", str(counts.shape))
    return counts, edges


def _rough(counts, edges, nuclides, kev_per_unit, zero, search) -> Fit:
    """The fit that finds the most nuclides, without tails and with a free width, from starting values over the whole
    search range."""
    best, most = None, (-1, -np.inf)
    n = int(np.ceil(search / _STEP))
    for factor in 1 + search * np.linspace(-1, 1, 2 * n + 1):
        start = factor * kev_per_unit
        inside = window(edges, nuclides, start, zero, FWHM_KEV, _STEP)
        grid, seen = binned(counts, edges, inside, start, zero, FWHM_KEV)
        if not seen.any():
            continue
        found = fit(LineModel([grid], nuclides, fwhm_kev=FWHM_KEV), [seen])
        score = len(_significant(found)), float(np.sum(np.minimum(_significance(found), _FOUND))) - found.deviance
        if found.valid and score > most:
            best, most = found, score
    if best is None:
        raise UserError.at("calibration", "lines", "no counts near them", ", ".join(nuclides))
    return best


def _narrow(counts, edges, rough: Fit, zero, zero_is_free) -> tuple[Fit, np.ndarray]:
    """The fit in a narrow window around the lines of a rough fit, and the counts in the window."""
    nuclides = list(rough.nuclides)
    fwhm_kev, kev_per_unit = float(rough.values.fwhm_kev[0, 0]), float(rough.values.kev_per_unit[0])
    inside = window(edges, nuclides, kev_per_unit, zero, fwhm_kev, 0.0)
    grid, seen = binned(counts, edges, inside, kev_per_unit, zero, fwhm_kev)
    free = ("scale", "fwhm", *(["zero"] if zero_is_free else []))
    return line_choice.choose([grid], nuclides, [seen], fwhm_kev=fwhm_kev, free=free), seen


def window(edges, nuclides, kev_per_unit, zero, fwhm_kev, search) -> slice:
    """Channels around the main lines, anywhere within the search. Raises UserError if they are outside the spectrum."""
    energies_kev = [_main(name).energy_kev for name in nuclides]
    low_kev = min(energies_kev) * (1 - search) - _BELOW * fwhm_kev
    high_kev = max(energies_kev) * (1 + search) + _ABOVE * fwhm_kev
    first, last = np.searchsorted(edges, [zero + low_kev / kev_per_unit, zero + high_kev / kev_per_unit])
    inside = slice(max(int(first) - 1, 0), min(int(last), len(edges) - 1))
    if inside.stop - inside.start < 2 * _PER_FWHM:
        raise UserError.at("calibration", "lines", "outside the spectrum", ", ".join(nuclides))
    return inside


def binned(counts, edges, inside, kev_per_unit, zero, fwhm_kev):
    """The grid of the window, with channels as wide as the resolution permits, and its counts."""
    width_kev = kev_per_unit * (edges[inside.stop] - edges[inside.start]) / (inside.stop - inside.start)
    together = max(1, int(fwhm_kev / (_PER_FWHM * width_kev)))
    starts = np.arange(inside.start, inside.stop - together + 1, together)
    sums = np.add.reduceat(counts[: starts[-1] + together], starts)
    return Grid(edges[np.append(starts, starts[-1] + together)], kev_per_unit, zero), sums


def _highest(counts, edges, zero):
    """Position of the highest peak above a tenth of the range; below that there is noise."""
    middles = (edges[1:] + edges[:-1]) / 2
    above = np.flatnonzero(middles > zero + 0.1 * (edges[-1] - zero))
    if not counts[above].any():
        raise UserError.at("calibration", "counts", "no line")
    width = max(1, len(counts) // 200)
    smooth = np.convolve(counts[above], np.ones(width) / width, "same")
    return float(middles[above][np.argmax(smooth)])


def _other_peak(counts, edges, scale: Scale) -> float | None:
    """Position of a peak that is not of the lines of the scale, with at least a tenth of their counts."""
    middles = (edges[1:] + edges[:-1]) / 2
    width = max(1, round(scale.fwhm_kev / scale.kev_per_unit / float(np.median(np.diff(edges)))))
    sums = np.convolve(counts, np.ones(width), "same")  # within one FWHM
    least = 0.1 * np.interp(scale.position(main_kev(scale.nuclides[0])), middles, sums)
    beside = np.maximum(np.roll(sums, 2 * width), np.roll(sums, -2 * width))
    energy_kev = scale.energy_kev(middles)
    lines_kev = [line.energy_kev for name in scale.nuclides for line in nuclide(name).lines]
    outside = energy_kev < min(lines_kev) - _BELOW * scale.fwhm_kev
    outside |= energy_kev > max(lines_kev) + _ABOVE * scale.fwhm_kev
    outside &= middles > scale.zero + 0.1 * (edges[-1] - scale.zero)  # as in _highest
    peaks = np.flatnonzero(outside & (sums >= least) & (sums > beside + _FOUND * np.sqrt(sums + beside)))
    return float(middles[peaks[np.argmax(sums[peaks])]]) if len(peaks) else None


def _significance(found: Fit) -> np.ndarray:
    """Counts of each nuclide over their error."""
    counts, errors = found.values.counts, found.errors.counts
    return np.divide(counts, errors, out=np.zeros_like(counts), where=(errors > 0) & np.isfinite(errors))


def _significant(found: Fit) -> list[str]:
    return [name for name, ratio in zip(found.nuclides, _significance(found), strict=True) if ratio >= _FOUND]


def _span_kev(nuclides) -> float:
    """Span from the lowest to the highest main line."""
    return float(np.ptp([_main(name).energy_kev for name in nuclides])) if nuclides else 0.0


def _scale(found: Fit, seen: np.ndarray) -> Scale:
    values, errors = found.values, found.errors
    kev_per_unit, zero = float(values.kev_per_unit[0]), float(values.zero[0])
    at = [found.names.index(name) for name in ("kev_per_unit 0", "zero 0")]
    strongest = min(int(np.argmax(values.counts)), values.fwhm_kev.shape[1] - 1)
    names = tuple(_significant(found))
    inside = np.isin(found.nuclides, names)
    zero_is_fixed = not errors.zero[0] > 0
    chi2_per_dof = quality.chi2_per_dof(found.expected, [seen], len(seen) - found.dof)
    statistical = found.covariance[np.ix_(at, at)] * (chi2_per_dof if chi2_per_dof > 1 else 1.0)
    covariance = statistical + _covariance_of_table(names, values.counts[inside], kev_per_unit, not zero_is_fixed)
    if zero_is_fixed:  # the gain compensates for a wrong zero at the lines, and only there
        energy_kev = np.average([_main(name).energy_kev for name in names], weights=values.counts[inside])
        by_zero = np.array([kev_per_unit**2 / energy_kev, 1.0]) * _ZERO_KEV / kev_per_unit
        covariance = covariance + np.outer(by_zero, by_zero)
    return Scale(
        kev_per_unit=kev_per_unit,
        zero=zero,
        covariance=covariance,
        statistical=statistical,
        zero_is_fixed=zero_is_fixed,
        nuclides=names,
        missing=tuple(name for name in found.nuclides if name not in names),
        counts=values.counts[inside],
        counts_error=errors.counts[inside],
        fwhm_kev=float(values.fwhm_kev[0, strongest]),
        fwhm_error_kev=float(errors.fwhm_kev[0, strongest]),
        tails=tuple((float(fraction), float(tau_kev)) for fraction, tau_kev in values.tails),
        chi2_per_dof=chi2_per_dof,
    )


def _covariance_of_table(nuclides, counts, kev_per_unit, zero_is_free):
    """float64[2, 2]: covariance of kev_per_unit and zero, from the uncertainties of the line energies.

    A least-squares straight line through the main lines, weighted by their counts, has a slope and an intercept that
    are linear in the energies. An energy without a stated uncertainty is taken as exact.
    """
    lines = [_main(name) for name in nuclides]
    distance = np.array([line.energy_kev for line in lines]) / kev_per_unit  # from the zero
    design = np.stack([distance, -kev_per_unit * np.ones(len(lines))], 1)  # d energy / d (kev_per_unit, zero)
    if not zero_is_free:
        design = design[:, :1]
    weighted = design * np.maximum(counts, 1.0)[:, None]
    by_energy = np.zeros((2, len(lines)))
    by_energy[: design.shape[1]] = np.linalg.solve(weighted.T @ design, weighted.T)
    errors_kev = np.array([line.energy_u_kev or 0.0 for line in lines])
    return (by_energy * errors_kev**2) @ by_energy.T


def _main(name: str) -> Line:
    """The most intense line of a nuclide. Raises UserError if it has none."""
    lines = nuclide(name).lines
    if not lines:
        raise UserError.at("calibration", "lines", "has no alpha line", name)
    return max(lines, key=lambda line: line.intensity)
