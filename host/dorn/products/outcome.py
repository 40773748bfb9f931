"""One direction, or one spectrum, as `dorn analyse` sees it: rates, activities, fluxes, and what may be wrong."""

from __future__ import annotations

import datetime
from collections.abc import Mapping
from dataclasses import dataclass, field
from functools import cached_property

from dorn.analysis import decay_correction
from dorn.analysis.activity import Quantity, activity, emission_rate
from dorn.analysis.emission import BELOW, Counted, Emissions
from dorn.analysis.geometry import Efficiency
from dorn.analysis.shape_error import DIFFERENCE
from dorn.nuclides import Nuclide, nuclide
from dorn.products import iso_limits
from dorn.util.dates import utc_text

RADON = ("Rn-219", "Rn-220", "Rn-222")  # leave the ground as a gas
FLUX_UNIT = "1/(cm2 s)"
_POOR = 2.0  # chi-squared per degree of freedom
_HALF_LIVES = 50.0  # beyond this, a decay correction is meaningless


@dataclass(frozen=True)
class Reference:
    """The date to which activities are corrected, and the measurement. Times are UTC, with time zone. decays_as:
    nuclide -> the one whose half-life applies to its activity, if not its own."""

    date: datetime.datetime
    began: datetime.datetime
    duration_s: float
    decays_as: Mapping[str, str] = field(default_factory=dict)

    @property
    def date_text(self) -> str:
        return utc_text(self.date, "seconds")

    @property
    def began_text(self) -> str:
        return utc_text(self.began, "seconds")

    @property
    def elapsed_s(self) -> float:
        return (self.began - self.date).total_seconds()


@dataclass(frozen=True, eq=False)
class Outcome:
    """The result of one direction. of_plane: whether the efficiency is in cm2, per spectrum. untimed: why the live time
    in the file cannot be read."""

    emissions: Emissions
    background: Counted | None = None
    efficiency: Efficiency | None = None
    of_plane: bool = False
    reference: Reference | None = None
    untimed: str = ""

    @property
    def name(self) -> str:
        return self.emissions.direction.name

    def rates(self) -> dict[str, Quantity]:
        """Alphas per second that reach all detectors, by nuclide; empty without a live time."""
        of = self.emissions.direction
        if of.total_live_s is None:
            return {}
        rates = {}
        for one in self.emissions.emissions:
            other = None
            if self.background is not None and self.background.direction.total_live_s:
                other = self.background.of(one.nuclide), self.background.direction.total_live_s
            rates[one.nuclide] = emission_rate(one, len(of.counts), of.total_live_s, other)
        return rates

    def activities(self) -> dict[str, Quantity]:
        """Bq, or Bq/cm2 for a plane, averaged over the measurement; empty without an efficiency or a live time."""
        return {name: self.activity_of(name, rate) for name, rate in self.rates().items()} if self.efficiency else {}

    @cached_property
    def iso_rates(self) -> iso_limits.Results:
        """For `rates`, by ISO 11929."""
        has_time = self.emissions.direction.total_live_s is not None
        return iso_limits.of_rates(self.emissions, self.background) if has_time else {}

    @cached_property
    def iso_activities(self) -> iso_limits.Results:
        """For `activities`, by ISO 11929."""
        if self.efficiency is None or self.emissions.direction.total_live_s is None:
            return {}
        return iso_limits.of_activities(self.emissions, self.background, self.efficiency, self.of_plane)

    def activity_of(self, name: str, rate: Quantity) -> Quantity:
        """The activity for a rate in all spectra. Requires an efficiency."""
        assert self.efficiency is not None
        return activity(rate, name, self.efficiency, len(self.emissions.direction.counts) if self.of_plane else 1)

    def activities_at_date(self) -> dict[str, Quantity]:
        """`activities` at the reference date, without those of `not_corrected`; empty without a date."""
        if self.reference is None:
            return {}
        corrected, left_out = {}, self.not_corrected()
        for name, value in self.activities().items():
            if name not in left_out:
                as_one, times_s = self._decays_as(name), (self.reference.elapsed_s, self.reference.duration_s)
                factor, error = decay_correction.decay_factor(as_one.half_life_s, as_one.half_life_u_s, *times_s)
                corrected[name] = value.over(1 / factor, half_life=error / factor)
        return corrected

    def _decays_as(self, name: str) -> Nuclide:
        """The nuclide whose half-life is used to correct the activity."""
        return nuclide(self.reference.decays_as.get(name, name) if self.reference else name)

    def fluxes(self) -> dict[str, Quantity]:
        """Atoms of radon that leave a cm2 of ground each second in a steady state; only for a plane or a column."""
        return {name: value for name, value in self.activities().items() if name in RADON and self.of_plane}

    @property
    def unit(self) -> str:
        return "Bq/cm2" if self.of_plane else "Bq"

    def warning(self) -> str:
        """Why the result should not be trusted; empty if nothing is wrong."""
        poor = self.emissions.chi2_per_dof()
        if poor > _POOR:
            return (
                f"the lines do not describe the spectra, chi2 per degree of freedom {poor:.1f}: "
                "is the energy scale right, and are all nuclides named?"
            )
        poor = float("nan") if self.background is None else self.background.chi2_per_dof()
        if poor > _POOR:
            return (
                f"the lines do not describe the background measurement, chi2 per degree of freedom {poor:.1f}: "
                "was it made with the same energy scale?"
            )
        return ""

    def missing(self) -> list[str]:
        """What is missing for an activity, in words."""
        found = []
        if self.emissions.direction.total_live_s is None:
            why = f" ({self.untimed})" if self.untimed else ""
            found.append(f"the live time, which is not in the file{why}: --live")
        if self.efficiency is None:
            found.append("the efficiency: --efficiency or --geometry")
        return found

    @property
    def date(self) -> str:
        """The reference date; empty without one."""
        return self.reference.date_text if self.reference else ""

    def not_corrected(self) -> dict[str, str]:
        """Nuclide -> why it has no activity at the reference date, of those that have an activity."""
        if self.reference is None or not self.efficiency:
            return {}
        reasons, rates = {}, self.rates()
        farthest_s = abs(self.reference.elapsed_s) + self.reference.duration_s
        present = [name for name, rate in rates.items() if rate.status != BELOW]
        for name in rates:
            parent = decay_correction.fed_by(name, present)
            if parent and name not in self.reference.decays_as:
                reasons[name] = f"is fed by {parent}: its own half-life does not apply; --decays-as"
            elif farthest_s > _HALF_LIVES * self._decays_as(name).half_life_s:
                reasons[name] = f"too many half-lives between the measurement and {self.date}"
        return reasons


def assumptions(outcomes: list[Outcome]) -> list[str]:
    """The assumptions behind the results, in words."""
    tails = {one.name: len(one.emissions.fit.values.tails) for one in outcomes}
    found = [
        "Counts of a nuclide are those of all its lines, in proportion to the intensities in the table of nuclides.",
        "Spectra of one direction see the same rate of each nuclide, and share its counts in proportion to live times.",
        "The background is flat or falls or rises linearly over the energies that are fitted.",
        "Lines have the same tails in all spectra of a direction; their number is chosen by likelihood: "
        + ", ".join(f"{name} {n}" for name, n in tails.items())
        + ".",
        "The error `shape` is the largest change of the counts with one tail more, and with one fewer where the "
        "likelihood does not exclude it. Added in quadrature: the tails of nuclides differ by "
        f"{DIFFERENCE:.0%} from the common ones (one standard deviation).",
        *(
            f"{one.name}: no fit with other tails converged, so the error `shape` lacks this part."
            for one in outcomes
            if not one.emissions.other_shapes
        ),
        "Errors are one standard deviation, limits are at 95 %, provided that no other nuclide has lines there.",
        "Intervals at 95 % are those of Feldman and Cousins up to 100 counts with background, otherwise by likelihood; "
        "errors that do not come from counting are added in quadrature.",
        "A true value at the detection limit is found in 95 % of measurements; thresholds are exact for few counts, "
        "those of ISO 11929 are not.",
        "Chi-squared per degree of freedom, of channels added up to at least 5 counts, is near 1 for a good fit.",
    ]
    if any(one.efficiency for one in outcomes):
        found += sorted({f"Efficiency: {one.efficiency.how}." for one in outcomes if one.efficiency})
        found.append("Activities are means over the measurement, without correction for decay.")
    else:
        found.append("Rates are alphas that reach the detectors, not decays of a source.")
    if any(one.background for one in outcomes):
        found.append(
            "The background, fitted with the energy scales, widths and tails of the measurement, is subtracted."
        )
    if any(one.fluxes() for one in outcomes):
        found.append(
            "A flux of radon is the activity of the column above the ground, and so assumes a steady state without "
            "lateral transport: as many atoms leave the ground as decay above it. If the gas moves far during its "
            "lifetime, it is the flux of a region, not of the site: on the Moon at 300 K, Rn-222 hops some 1100 km."
        )
    for one in outcomes:
        if one.emissions.direction.left_out:
            left_out = ", ".join(one.emissions.direction.left_out)
            found.append(
                f"{one.name}: without counts, and not among the detectors of rates and activities: {left_out}."
            )
    found += dict.fromkeys(text for one in outcomes for text in _of_date(one, outcomes))
    return found + [
        f"{one.name}: the activity of {name} is not corrected to the date: {why}."
        for one in outcomes
        for name, why in one.not_corrected().items()
    ]


def _of_date(one: Outcome, outcomes: list[Outcome]) -> list[str]:
    if one.reference is None:
        return []
    times = {(other.reference.began, other.reference.duration_s) for other in outcomes if other.reference}
    measurement = f"The measurement {one.name}" if len(times) > 1 else "The measurement"
    others = ", ".join(f"{name} as {parent}" for name, parent in one.reference.decays_as.items() if parent != name)
    start = f"{measurement} began {one.reference.began_text} and took {one.reference.duration_s:.6g} s."
    found = f"Activities at {one.reference.date_text} are corrected with the half-life of each nuclide"
    found += f"; as given, as in equilibrium with a parent: {others}" if others else ""
    return [f"{start} {found}."]
