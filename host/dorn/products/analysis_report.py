"""report.html: the result in one file, for a reader who does not know the instrument."""

from __future__ import annotations

from html import escape

from dorn.analysis.emission import BELOW, FOUND, NOT_SEPARATED
from dorn.products import page, time_fits
from dorn.products.analysis import counts_text, text
from dorn.products.outcome import FLUX_UNIT, Outcome

_ABOUT = """Alpha particles of each nuclide have known energies, and appear as lines in the spectrum of a detector. The
lines of all nuclides were fitted together to the measured counts. A number after +- is one standard deviation. A
nuclide below its decision threshold was not detected: a number after &lt; is then the upper limit, which the true value
exceeds in 5 % of such cases."""


def html(outcomes: list[Outcome], content: dict, png: bytes) -> bytes:
    """content: that of analysis.json; png: that of fits.png."""
    sources, over_time = ", ".join(content["sources"]), "\n".join(time_fits.lines(content))
    parts = [
        "<h1>Nuclides in alpha spectra</h1>",
        f"<p>{_ABOUT}</p><p>Measurement: <code>{escape(sources)}</code><br>",
        f"Made by: <code>{escape(content['command'])}</code></p>",
        *(_direction(one) for one in outcomes),
        *([f"<h2>Over time</h2><pre>{escape(over_time)}</pre>"] if over_time else []),
        "<h2>Spectra and fits</h2><p>Counts (points), the fit (red) and the contribution of each nuclide; below, the "
        "difference between counts and fit in standard deviations, which should scatter within 2 around 0.</p>",
        page.png(png, "spectra and fits"),
        "<h2>Assumptions</h2><ul>",
        *(f"<li>{escape(one)}</li>" for one in content["assumptions"]),
        *(f"<li>Not analysed: {escape(one)}</li>" for one in content["not_analysed"]),
        "</ul><p class='weak'>analysis.json beside this file has all numbers, errors by cause and covariances.</p>",
    ]
    return page.page(f"Alpha spectra: {sources}", parts)


def _direction(one: Outcome) -> str:
    emissions, rates, activities = one.emissions, one.rates(), one.activities()
    at_date, left_out, fluxes = one.activities_at_date(), one.not_corrected(), one.fluxes()
    of = emissions.direction
    live = f", {of.mean_live_s:.6g} s of live time" if of.mean_live_s else ""
    head = ["nuclide", "counts" if one.background is None else "counts with background"]
    head += ["alphas per second"] if rates else []
    head += [f"activity, {one.unit}", "errors by cause"] if activities else []
    head += [f"at {one.date}, {one.unit}"] if one.date and activities else []
    head += [f"flux, {FLUX_UNIT}"] if fluxes else []
    head.append("")
    rows = []
    for emission in emissions.emissions:
        name = emission.nuclide
        status = rates[name].status if rates else emission.status
        cells = [name, counts_text(emission)]
        cells += [text(rates[name])] if rates else []
        cells += [text(activities[name]), _causes(activities[name])] if activities else []
        cells += [text(at_date[name]) if name in at_date else left_out[name]] if one.date and activities else []
        cells += [text(fluxes[name]) if name in fluxes else ""] if fluxes else []
        cells.append(_STATUS[status] + (f" from {', '.join(emission.mixed_with)}" if emission.mixed_with else ""))
        rows.append(cells)
    lines = [
        f"<h2>{escape(one.name)}</h2><p>{len(of.counts)} spectra{live}; chi-squared per degree of freedom "
        f"{one.emissions.chi2_per_dof():.2f}.{_left_out(of.left_out)}</p>",
        page.table(head, rows),
        *(f"<p>{escape(' + '.join(n))}: {c:.1f} +- {e:.1f} counts together.</p>" for n, c, e in emissions.sums),
    ]
    if one.warning():
        lines.append(f"<p class='warning'>Do not use these values: {escape(one.warning())}</p>")
    if one.missing():
        lines.append(f"<p>An activity was not computed; missing: {escape('; '.join(one.missing()))}.</p>")
    return "\n".join(lines)


def _left_out(labels) -> str:
    return f" Without counts, left out: {escape(', '.join(labels))}." if labels else ""


_STATUS = {FOUND: "", BELOW: "not detected", NOT_SEPARATED: "not separated"}


def _causes(value) -> str:
    """The relative errors by cause."""
    if value.value <= value.threshold or not value.value:
        return ""
    return ", ".join(f"{name} {100 * e / abs(value.value):.2g} %" for name, e in value.errors.items() if e)
