"""What `dorn analyse` and `dorn demo` print of nuclides."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from dorn.products.analysis import Outcome

_SEARCH = 0.03  # by which the scale may be wrong


def default_lines() -> list[str]:
    """The nuclides that the plot of a run names."""
    from dorn.nuclides.chains import alpha_emitters
    from dorn.products.style import LABELLED

    return alpha_emitters(LABELLED)


def show(outcomes: list[Outcome]) -> None:
    """Print what was found."""
    from dorn.products.analysis import counts_text, text

    for one in outcomes:
        rates, activities = one.rates(), one.activities()
        fit = one.emissions.fit
        live_s = one.emissions.direction.total_live_s
        lived = f", {live_s / len(one.emissions.counts):.2f} s live" if live_s else ""
        quality = f"deviance/dof {fit.deviance / max(fit.dof, 1):.2f}"
        print(f"{one.name}: {len(one.emissions.counts)} spectra{lived}, {quality}")
        unit = one.unit if activities else ""
        print(f"  {'nuclide':8} {'counts':26} {'alphas/s' if rates else '':26} {unit}".rstrip())
        for emission in one.emissions.emissions:
            name = emission.nuclide
            cells = [text(of[name]) if name in of else "" for of in (rates, activities)]
            mixed = f"  not separated from {', '.join(emission.mixed_with)}" if emission.mixed_with else ""
            print(f"  {name:8} {counts_text(emission):26} {cells[0]:26} {cells[1]}{mixed}".rstrip())
        for names, counts, error in one.emissions.sums:
            print(f"  {' + '.join(names)}: {counts:.1f} +- {error:.1f} counts")
        if one.warning():
            print(f"  warning: {one.warning()}")
        for what in one.missing():
            print(f"  missing for an activity: {what}")


def show_beside_truth(archive: Path, source) -> None:
    """Print the alphas per second of each nuclide in an archive, beside those of the scenario that was played."""
    from dorn.analysis.emission import emissions
    from dorn.products import Archive
    from dorn.products.analysis import Outcome, text
    from dorn.products.directions import directions, selected

    slices = Archive(archive).slices()
    truth = source.expected(0.0, source.duration_s)
    names = [name for name in default_lines() if name in truth]
    found = {}
    for one in directions(slices, selected(slices, None, None, True), _SEARCH):
        rates = Outcome(emissions(one, names, quick=True)).rates()
        found[one.name] = [text(rates[name]) for name in names]
    print(f"{'alphas/s':8}  " + "  ".join(f"{side:16} {'true':>5}" for side in found))
    for k, name in enumerate(names):
        true_cps = [truth[name][side :: len(found)].sum() / source.duration_s for side in range(len(found))]
        cells = (f"{rates[k]:16} {true:5.2f}" for rates, true in zip(found.values(), true_cps, strict=True))
        print(f"{name:8}  " + "  ".join(cells))


def show_half_lives(found: dict, nuclide: str | None) -> None:
    """Print the half-lives of each direction beside that of the table."""
    from dorn.nuclides import half_life_s

    for name, one in found.items():
        if "fault" in one:
            print(f"{name}: no half-life of {nuclide}: {one['fault']}")
            continue
        fit = one["deviance"] / max(one["degrees_of_freedom"], 1)
        print(
            f"{name}: half-life of {nuclide} {one['half_life_s']:.5g} +- {one['error_s']:.2g} s, "
            f"deviance/dof {fit:.2f}; in the table {half_life_s(nuclide or ''):.5g} s"
        )
