"""What commands print about archives and nuclides."""

from __future__ import annotations

import sys
from pathlib import Path
from typing import TYPE_CHECKING

from dorn.errors import UserError

if TYPE_CHECKING:
    from dorn.products.outcome import Outcome

NEAR, FAR = 0.01, 0.03  # relative error allowed for the scale: with a calibration, and without


def nuclides_of(text: str | None) -> list[str]:
    """The nuclides of --lines, by default default_lines(). Raises UserError if one is named twice."""
    names = default_lines() if text is None else [name.strip() for name in text.split(",")]
    if len(set(names)) < len(names):
        raise UserError.at("--lines", "NUCLIDE,...", "one twice", text)
    return names


def decays_as(text: str | None) -> dict[str, str]:
    """Nuclide -> the one whose half-life applies, from --decays-as. Raises UserError if that is no ancestor."""
    from dorn.nuclides.chains import members

    found = {}
    for pair in text.split(",") if text else []:
        name, _, parent = (word.strip() for word in pair.partition("="))
        if not (name and parent) or name in found:
            raise UserError.at("--decays-as", "NUCLIDE=PARENT,...", "each nuclide once, with its parent", text)
        if name not in members([parent]):
            raise UserError.at("--decays-as", "PARENT", f"does not decay to {name}", parent)
        found[name] = parent
    return found


def default_lines() -> list[str]:
    """The nuclides of a radon measurement, with the instrument's own Po-209."""
    from dorn.nuclides.chains import alpha_emitters
    from dorn.products.style import ANALYSED

    return alpha_emitters(ANALYSED)


def show_faults(faults: list[str]) -> None:
    """Print what is wrong with an archive on stderr."""
    for line in faults:
        print(line, file=sys.stderr)


def show(outcomes: list[Outcome]) -> None:
    """Print what was found."""
    from dorn.products.analysis import counts_text, text
    from dorn.products.outcome import FLUX_UNIT

    for one in outcomes:
        rates, activities = one.rates(), one.activities()
        live_s = one.emissions.direction.mean_live_s
        lived = f", {live_s:.2f} s live" if live_s else ""
        quality = f"chi2/dof {one.emissions.chi2_per_dof():.2f}"
        n = len(one.emissions.counts)
        print(f"{one.name}: {n} {'spectra' if n > 1 else 'spectrum'}{lived}, {quality}")
        if one.emissions.direction.left_out:
            print(f"  without counts, left out: {', '.join(one.emissions.direction.left_out)}")
        unit = one.unit if activities else ""
        counts = "counts" if one.background is None else "counts with background"
        print(f"  {'nuclide':8} {counts:26} {'alphas/s' if rates else '':26} {unit}".rstrip())
        for emission in one.emissions.emissions:
            name = emission.nuclide
            cells = [text(of[name]) if name in of else "" for of in (rates, activities)]
            mixed = f"  not separated from {', '.join(emission.mixed_with)}" if emission.mixed_with else ""
            print(f"  {name:8} {counts_text(emission):26} {cells[0]:26} {cells[1]}{mixed}".rstrip())
        for names, counts, error in one.emissions.sums:
            print(f"  {' + '.join(names)}: {counts:.1f} +- {error:.1f} counts")
        for name, value in one.activities_at_date().items():
            print(f"  {name:8} {text(value)} {one.unit} at {one.date}")
        for name, why in one.not_corrected().items():
            print(f"  {name:8} not corrected: {why}")
        for name, value in one.fluxes().items():
            print(f"  {name:8} {text(value)} {FLUX_UNIT} from the ground, in a steady state without lateral transport")
        if one.warning():
            print(f"  warning: {one.warning()}")
        for what in one.missing():
            print(f"  missing for an activity: {what}")


def show_beside_truth(archive: Path, source) -> None:
    """Print the activity of each nuclide in an archive, beside that in the scenario that was played. The efficiency is
    1: the scenario states the activity whose alphas reach the detectors."""
    from dorn.analysis.activity import alphas_per_decay
    from dorn.analysis.emission import emissions
    from dorn.analysis.geometry import measured
    from dorn.products import Archive
    from dorn.products.analysis import text
    from dorn.products.directions import directions, selected
    from dorn.products.outcome import Outcome

    slices = Archive(archive).slices()
    truth = source.expected(0.0, source.duration_s)
    names = [name for name in default_lines() if name in truth]
    found = {}
    for one in directions(slices, selected(slices, None, None, True), FAR):
        activities = Outcome(emissions(one, names, quick=True), None, measured(1.0, 0.0)).activities()
        found[one.name] = [text(activities[name]) for name in names]
    print(f"{'Bq':8}  " + "  ".join(f"{side:16} {'true':>5}" for side in found))
    for k, name in enumerate(names):
        per_bq = alphas_per_decay(name)[0] * source.duration_s
        true_bq = [truth[name][side :: len(found)].sum() / per_bq for side in range(len(found))]
        cells = (f"{activities[k]:16} {true:5.2f}" for activities, true in zip(found.values(), true_bq, strict=True))
        print(f"{name:8}  " + "  ".join(cells))
