"""The tabs beside the spectrum: health, event reports, downloads, telecommands."""

from __future__ import annotations

from html import escape

from bokeh.layouts import column, row
from bokeh.models import Button, TextInput

from dorn.errors import UserError
from dorn.live.measurement import Measurement
from dorn.live.shared import Commander
from dorn.live.style import SCROLLED, change, clock, html, paragraph, table
from dorn.products.health import readings

DOWNLOADS = {
    "spectra.csv": "spectra of detectors",
    "coincidences.csv": "spectra of detection units",
    "rates.csv": "rates over time",
    "spectrum.png": "picture of the spectra",
}
_SHOWN = 60  # reports


class HealthPanel:
    def __init__(self):
        self.layout = html(styles=SCROLLED)

    def update(self, measurement: Measurement) -> None:
        if measurement.housekeeping is None:
            change(self.layout, paragraph("no housekeeping packet yet"))
            return
        parts = [paragraph(f"at {clock(measurement.housekeeping_s)} on board; values out of limits are red")]
        for title, fields in readings(measurement.housekeeping, measurement.dictionary).items():
            rows = [(one.name, one.value, one.unit, one.limits) for one in fields]
            out = [n for n, one in enumerate(fields) if one.is_out]
            parts.append(f"<h4>{title}</h4>{table((), rows, numbers=(1,), out=out)}")
        change(self.layout, "".join(parts))


class ReportsPanel:
    def __init__(self):
        self.layout = html(styles=SCROLLED)

    def update(self, measurement: Measurement) -> None:
        shown = list(measurement.reports)[-_SHOWN:][::-1]
        rows = [(clock(one.time_s), escape(one.severity), escape(one.name), escape(one.text)) for one in shown]
        out = [n for n, one in enumerate(shown) if one.severity in ("medium", "high")]
        change(self.layout, table(("on board", "severity", "report", ""), rows, out=out, wide=3))


class DownloadsPanel:
    def __init__(self):
        links = "".join(
            f'<p><a href="download/{name}" download="{name}">{name}</a>: {about}</p>'
            for name, about in DOWNLOADS.items()
        )
        note = "Decoded from the whole archive, with the calibration in use. The icon to the right of a"
        self.layout = html(links + paragraph(f"{note} plot saves it as shown."))


class CommandPanel:
    """Telecommands, for browsers that have the token."""

    def __init__(self, commander: Commander):
        self._commander = commander
        self._line = TextInput(placeholder="set_parameter parameter=threshold_3 value=200", sizing_mode="stretch_width")
        self._log = html()
        buttons = []
        for label, text in (("Start", "start"), ("Stop", "stop"), ("Clear", "clear")):
            button = Button(label=label, width=70)
            button.on_click(lambda text=text: self._send(f"function function={text}"))
            buttons.append(button)
        send = Button(label="Send", width=70, button_type="warning")
        send.on_click(lambda: self._send(self._line.value))
        self.layout = column(row(*buttons), row(self._line, send, sizing_mode="stretch_width"), self._log)
        self.layout.sizing_mode = "stretch_width"

    def _send(self, text: str) -> None:
        try:
            self._commander.send(text)
        except UserError as error:
            self._log.text = paragraph(f"not sent: {error}")

    def update(self, measurement: Measurement) -> None:
        lines = self._commander.log()
        if lines:
            change(self._log, "".join(map(paragraph, lines)))
