"""A measured spectrum as a separate direction, on an energy scale found from its lines."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from dorn.analysis import energy_scale
from dorn.analysis.emission import Direction
from dorn.errors import UserError
from dorn.files.spectrum import Spectrum

_SAME = 2e-3  # of the range, by which a stored scale may differ between two measurements
_NEAR = 0.005  # relative error allowed for a scale that was found


def direction(
    name: str,
    spectrum: Spectrum,
    nuclides: Sequence[str],
    start: tuple[float, float] | None = None,
    live_s: float | None = None,
) -> tuple[Direction, str]:
    """The direction, and a text about the source of its energy scale.

    start: approximate (offset_kev, kev_per_channel); without it the scale is found from the lines, or if not all are
    found, the one in the file is used. live_s: used if the spectrum has none. Raises UserError without a scale.
    """
    if len(spectrum.counts) < 2:
        raise UserError.at(name, "counts", "only one channel")
    lived_s = spectrum.live_s or live_s
    live = None if lived_s is None else np.array([lived_s])
    given = _given(spectrum, start)
    try:
        if given is None or (start is None and not spectrum.in_kev):
            scale = energy_scale.calibrate_unknown(spectrum.counts, spectrum.edges, nuclides)
            edges_kev, how = scale.energy_kev(spectrum.edges), "found from the lines"
        else:
            scale = energy_scale.calibrate(spectrum.counts, given, nuclides, 1.0, 0.0)
            edges_kev, how = scale.energy_kev(given), "from its start and the lines"
    except UserError as error:
        if given is None:
            why = spectrum.faults.get("calibration", "none in the file")
            raise UserError.at(name, "energy scale", f"{why}, give --start ({error})") from None
        how = "as given" if start or spectrum.in_kev else "as stored in the file"
        how += ", as not all lines were found on it"
        return Direction(name, [given], [spectrum.counts], live), how
    return Direction(name, [edges_kev], [spectrum.counts], live, (), scale.fwhm_kev, _NEAR), how


def check_same_scale(path: str, background: Spectrum, spectrum: Spectrum) -> None:
    """Raise UserError if a background was not measured with the channels of a spectrum; a scale that is not stored is
    taken for the same."""
    if len(background.counts) != len(spectrum.counts):
        raise UserError.at(path, "counts", f"not {len(spectrum.counts)} channels", len(background.counts))
    ours_kev, others_kev = (_given(one, None) for one in (spectrum, background))
    if ours_kev is None or others_kev is None:
        same = np.allclose(background.edges, spectrum.edges)
    else:
        same = np.abs(others_kev - ours_kev).max() <= _SAME * np.ptp(ours_kev)
    if not same or background.in_kev != spectrum.in_kev:
        raise UserError.at(path, "energy scale", "not that of the spectrum from which it is subtracted")


def _given(spectrum: Spectrum, start) -> np.ndarray | None:
    """Edges in keV, by the calibration `start` or the stored one; None if there is none, or they do not increase."""
    if spectrum.in_kev:
        return spectrum.edges
    terms = start or spectrum.coefficients
    if len(terms) < 2:
        return None
    edges_kev = np.polynomial.polynomial.polyval(spectrum.edges, terms)
    return edges_kev if (np.diff(edges_kev) > 0).all() else None
