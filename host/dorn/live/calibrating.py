"""Calibration by two clicks on known lines, which give the starting values for a fit of all lines."""

from __future__ import annotations

import asyncio
from collections.abc import Callable

import numpy as np
from bokeh.layouts import column, row
from bokeh.models import Button, Select

from dorn import nuclides
from dorn.analysis.calibration import Calibration, channel_edges
from dorn.errors import UserError
from dorn.live.curves import CURVES, Curve
from dorn.live.shared import Shared
from dorn.live.spectrum import alpha_nuclides
from dorn.live.style import SCROLLED, html, paragraph, table
from dorn.products.slices import DETECTORS

_NEAR = 12  # channels from a click within which its peak is
_HOW = (
    "Choose two nuclides, press the button, and click on their lines. The clicks give approximate positions; then "
    "all lines shown are fitted, for each detector of the first spectrum, as dorn calibrate does."
)


class CalibrationPanel:
    """Calibrates the detectors of the first curve shown."""

    def __init__(self, shared: Shared, lines: Callable[[], list[str]], curve: Callable[[], Curve | None], schedule):
        """lines: nuclides whose lines are shown. curve: the one to be clicked, None if not of detectors. schedule:
        calls a function in the document's thread."""
        self._shared, self._lines, self._curve, self._schedule = shared, lines, curve, schedule
        self._clicks_kev: list[tuple[str, float]] = []  # nuclide, energy on the axis
        self._nuclides = [
            Select(title=f"{n} click on", value=value, options=alpha_nuclides(), width=110)
            for n, value in (("first", "Po-209"), ("second", "Po-214"))
        ]
        self.begin = Button(label="Calibrate with two clicks", button_type="primary", width=220)
        self.begin.on_click(self._begin)
        self._text = html()
        self.layout = column(row(*self._nuclides), self.begin, self._text, sizing_mode="stretch_width", styles=SCROLLED)
        self.is_clicking = False
        self._say(_HOW)

    def _say(self, *lines: str, more: str = "") -> None:
        source = self._shared.calibration.source or "default"
        self._text.text = "".join(map(paragraph, (f"Calibration in use: {source}.", *lines))) + more

    def _begin(self) -> None:
        first, second = (one.value for one in self._nuclides)
        found = self._curve()
        if first == second:
            self._say("Choose two nuclides with different lines.")
        elif found is None:
            self._say("Choose the spectra of one detector, or of the front, the back or all detectors, as the first.")
        else:
            self._clicks_kev, self.is_clicking = [], True
            self._say(f"Click on the {first} line of the spectrum of {found.name}.")

    def click(self, energy_kev: float) -> None:
        """A click on the spectrum, at this energy on its axis."""
        found = self._curve()
        if not self.is_clicking or found is None:
            return
        nuclide = self._nuclides[len(self._clicks_kev)].value
        self._clicks_kev.append((nuclide, peak_kev(found, energy_kev)))
        if len(self._clicks_kev) == 1:
            second = self._nuclides[1].value
            self._say(f"{nuclide} is at {self._clicks_kev[0][1]:.0f} keV on this axis.", f"Now click on {second}.")
            return
        self.is_clicking = False
        self._say("Fitting the lines ...")
        self._task = asyncio.ensure_future(self._fit(CURVES[found.name]))  # referenced, or it may be garbage-collected

    async def _fit(self, numbers: tuple[int, ...]) -> None:
        player = self._shared.player
        spectra = player.measurement.spectra()
        counts = {n: spectra[n].counts for n in numbers if n in spectra}
        names = list(dict.fromkeys([*(name for name, _ in self._clicks_kev), *self._lines()]))
        given = counts, self._clicks_kev, names, self._shared.calibration, player.dictionary.instrument
        try:
            scales, faults = await asyncio.get_running_loop().run_in_executor(None, fitted, *given)
        except Exception as error:
            said = f"The fit failed: {error}"
            self._schedule(lambda: self._say(said))
            raise
        self._schedule(lambda: self._done(scales, faults, names))

    def _done(self, scales: dict, faults: dict, names: list[str]) -> None:
        said = [f"Detector {n} is not calibrated: {fault}" for n, fault in faults.items()]
        if scales:
            try:
                said.insert(0, f"{len(scales)} detectors: {self._shared.use(scales, names)}.")
            except (UserError, OSError) as error:
                said.insert(0, f"{len(scales)} detectors: in use on this page; {error}")
        rows = [
            (str(n), f"{one.kev_per_unit:.5f}", f"{one.zero:.2f}", f"{one.fwhm_kev:.1f}", f"{one.chi2_per_dof:.2f}")
            for n, one in scales.items()
        ]
        head = ("detector", "keV/code", "zero", "FWHM keV", "chi2/dof")
        self._say(*said, more=table(head, rows, numbers=range(1, 5)) if rows else "")


def peak_kev(curve: Curve, energy_kev: float) -> float:
    """The energy of the highest channel near a click, on the axis of the curve."""
    middles = (curve.edges_kev[1:] + curve.edges_kev[:-1]) / 2
    at = int(np.clip(np.searchsorted(middles, energy_kev), 0, len(middles) - 1))
    first = max(0, at - _NEAR)
    return float(middles[first + int(np.argmax(curve.counts[first : at + _NEAR + 1]))])


def fitted(
    counts: dict[int, np.ndarray],
    clicks_kev: list[tuple[str, float]],
    names: list[str],
    calibration: Calibration,
    instrument: dict,
) -> tuple[dict, dict]:
    """(detector -> Scale, detector -> why it was not calibrated).

    counts: detector -> counts. clicks_kev: two of (nuclide, energy by `calibration`). names: all nuclides to be fitted.
    """
    from dorn.analysis import energy_scale

    scales, faults = {}, {}
    true_kev = np.array([nuclides.main_kev(name) for name, _ in clicks_kev])
    for number in (n for n in counts if n < DETECTORS):
        shown_kev = np.array([energy_kev for _, energy_kev in clicks_kev])
        codes = shown_kev / calibration.kev_per_code[number] + calibration.zero_code[number]
        try:
            if not (codes[1] - codes[0]) * (true_kev[1] - true_kev[0]) > 0:
                raise UserError("the clicks are not in the order of the line energies")
            start = (true_kev[1] - true_kev[0]) / (codes[1] - codes[0])
            zero = codes[0] - true_kev[0] / start
            scales[number] = energy_scale.calibrate(counts[number], channel_edges(instrument), names, start, zero)
        except UserError as error:
            faults[number] = str(error)
    return scales, faults
