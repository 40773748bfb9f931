"""Pages of reports: HTML in one file, which needs no network and prints well."""

from __future__ import annotations

import base64
import io
from collections.abc import Iterable, Sequence
from html import escape

from matplotlib import rc_context
from matplotlib.backends.backend_svg import FigureCanvasSVG
from matplotlib.figure import Figure

_STYLE = """
body { font: 15px/1.5 sans-serif; color: #222; max-width: 60em; margin: 2em auto; padding: 0 1em }
h1 { font-size: 1.5em } h2 { font-size: 1.2em; margin-top: 2em }
table { border-collapse: collapse; margin: 1em 0 } th, td { padding: .25em .9em .25em 0; text-align: left }
th { border-bottom: 2px solid #333 } td { border-bottom: 1px solid #ddd; white-space: nowrap }
td.number, th.number { text-align: right; font-variant-numeric: tabular-nums } td.text { white-space: normal }
img { max-width: 100% } code { background: #f3f3f3; padding: 0 .2em } .weak { color: #777 }
.warning { color: #b00020; font-weight: bold } .good { color: #1b6e2c; font-weight: bold }
@page { size: A4; margin: 15mm }
@media print {
  body { font-size: 9.5pt; line-height: 1.35; max-width: none; margin: 0; padding: 0 }
  h1, h2, h3, p { break-after: avoid } img, tr { break-inside: avoid } thead { display: table-header-group }
  th, td { padding: .15em .7em .15em 0 }
}
"""


def page(title: str, parts: Iterable[str]) -> bytes:
    """A page with this title. parts: HTML of its body."""
    head = f"<!DOCTYPE html><html lang='en'><head><meta charset='utf-8'><title>{escape(title)}</title>"
    return "\n".join([f"{head}<style>{_STYLE}</style></head><body>", *parts, "</body></html>\n"]).encode()


def table(heading: Sequence[str], rows: Iterable[Sequence[object]]) -> str:
    """A table. Numbers are right-aligned, as is the heading of a column of numbers; texts longer than a few words may
    wrap."""
    rows = [list(row) for row in rows]
    numeric = [bool(rows) and all(isinstance(row[n], (int, float)) for row in rows) for n in range(len(heading))]
    titles = zip(heading, numeric, strict=True)
    cells = [f"<th{' class=number' if n else ''}>{escape(text)}</th>" for text, n in titles if any(heading)]
    lines = ["<table>", *(["<thead><tr>", *cells, "</tr></thead>"] if cells else []), "<tbody>"]
    for row in rows:
        lines.append("<tr>" + "".join(map(_cell, row)) + "</tr>")
    return "".join([*lines, "</tbody></table>"])


def _cell(value: object) -> str:
    if isinstance(value, int):
        return f"<td class=number>{value:,}</td>".replace(",", "\u202f")
    if isinstance(value, float):
        return f"<td class=number>{value:.6g}</td>"
    text = str(value)
    return f"<td{' class=text' if len(text) > 40 else ''}>{escape(text)}</td>"


def svg(figure: Figure, description: str) -> str:
    """A figure as an image within the page; the output is reproducible."""
    FigureCanvasSVG(figure)
    picture = io.BytesIO()
    with rc_context({"svg.fonttype": "none", "svg.hashsalt": "dorn"}):  # text is kept as text: smaller, and searchable
        figure.savefig(picture, format="svg", metadata={"Date": None, "Creator": None})
    return _image("svg+xml", picture.getvalue(), description)


def png(picture: bytes, description: str) -> str:
    """A PNG as an image within the page."""
    return _image("png", picture, description)


def _image(kind: str, data: bytes, description: str) -> str:
    return f"<img alt='{escape(description)}' src='data:image/{kind};base64,{base64.b64encode(data).decode()}'>"
