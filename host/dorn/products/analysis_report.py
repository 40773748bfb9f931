"""report.html: the result in one file, for a reader who does not know the instrument."""

from __future__ import annotations

import base64
from html import escape

from dorn.analysis.emission import BELOW, FOUND, NOT_SEPARATED
from dorn.products.analysis import counts_text, text
from dorn.products.outcome import FLUX_UNIT, Outcome, assumptions

_STYLE = """
body { font: 15px/1.5 sans-serif; color: #222; max-width: 60em; margin: 2em auto; padding: 0 1em }
h1 { font-size: 1.5em } h2 { font-size: 1.2em; margin-top: 2em }
table { border-collapse: collapse; margin: 1em 0 } th, td { padding: .25em .9em .25em 0; text-align: left }
th { border-bottom: 2px solid #333 } td { border-bottom: 1px solid #ddd; white-space: nowrap }
img { max-width: 100% } code { background: #f3f3f3; padding: 0 .2em } .weak { color: #777 }
.warning { color: #b00020; font-weight: bold }
"""
_ABOUT = """Alpha particles of each nuclide have known energies, and appear as lines in the spectrum of a detector. The
lines of all nuclides were fitted together to the measured counts. A number after +- is one standard deviation. A
nuclide below its decision threshold was not detected: a number after &lt; is then the upper limit, which the true value
exceeds in 5 % of such cases."""


def html(outcomes: list[Outcome], content: dict, png: bytes) -> bytes:
    """content: that of analysis.json; png: that of fits.png."""
    picture = base64.b64encode(png).decode()
    sources = ", ".join(content["sources"])
    parts = [
        f"<!DOCTYPE html><html lang='en'><head><meta charset='utf-8'><title>Alpha spectra: {escape(sources)}</title>",
        f"<style>{_STYLE}</style></head><body><h1>Nuclides in alpha spectra</h1>",
        f"<p>{_ABOUT}</p><p>Measurement: <code>{escape(sources)}</code><br>",
        f"Made by: <code>{escape(content['command'])}</code></p>",
        *(_direction(one) for one in outcomes),
        "<h2>Spectra and fits</h2><p>Counts (points), the fit (red) and the contribution of each nuclide; below, the "
        "difference between counts and fit in standard deviations, which should scatter within 2 around 0.</p>",
        f"<img alt='spectra and fits' src='data:image/png;base64,{picture}'>",
        "<h2>Assumptions</h2><ul>",
        *(f"<li>{escape(one)}</li>" for one in assumptions(outcomes)),
        *(f"<li>Not analysed: {escape(one)}</li>" for one in content["not_analysed"]),
        "</ul><p class='weak'>analysis.json beside this file has all numbers, errors by cause and covariances.</p>",
        "</body></html>\n",
    ]
    return "\n".join(parts).encode()


def _direction(one: Outcome) -> str:
    emissions, rates, activities = one.emissions, one.rates(), one.activities()
    at_date, fluxes = one.activities_at_date(), one.fluxes()
    of = emissions.direction
    live = f", {of.total_live_s / len(of.counts):.6g} s of live time" if of.total_live_s else ""
    head = ["nuclide", "counts"]
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
        cells += [text(at_date[name]) if name in at_date else "too many half-lives"] if one.date and activities else []
        cells += [text(fluxes[name]) if name in fluxes else ""] if fluxes else []
        cells.append(_STATUS[status] + (f" from {', '.join(emission.mixed_with)}" if emission.mixed_with else ""))
        rows.append("".join(f"<td>{escape(cell)}</td>" for cell in cells))
    table = "".join(f"<tr>{row}</tr>" for row in rows)
    heading = "".join(f"<th>{escape(cell)}</th>" for cell in head)
    lines = [
        f"<h2>{escape(one.name)}</h2><p>{len(of.counts)} spectra{live}; chi-squared per degree of freedom "
        f"{one.chi2_per_dof():.2f}.</p><table><tr>{heading}</tr>{table}</table>",
        *(f"<p>{escape(' + '.join(n))}: {c:.1f} +- {e:.1f} counts together.</p>" for n, c, e in emissions.sums),
    ]
    if one.warning():
        lines.append(f"<p class='warning'>Do not use these values: {escape(one.warning())}</p>")
    if one.missing():
        lines.append(f"<p>An activity was not computed; missing: {escape('; '.join(one.missing()))}.</p>")
    return "\n".join(lines)


_STATUS = {FOUND: "", BELOW: "not detected", NOT_SEPARATED: "not separated"}


def _causes(value) -> str:
    """The relative errors by cause."""
    if value.value <= value.threshold or not value.value:
        return ""
    return ", ".join(f"{name} {100 * e / abs(value.value):.2g} %" for name, e in value.errors.items() if e)
