"""The page of one browser."""

from __future__ import annotations

from html import escape

from bokeh.document import Document
from bokeh.events import ConnectionLost
from bokeh.layouts import column, row
from bokeh.models import Button, CustomJS, RadioButtonGroup, Spinner, TabPanel, Tabs

from dorn.live.calibrating import CalibrationPanel
from dorn.live.curves import CURVES, Curve, curve
from dorn.live.player import ALL
from dorn.live.shared import Shared
from dorn.live.side import CommandPanel, DownloadsPanel, HealthPanel, ReportsPanel
from dorn.live.spectrum import SpectrumPanel
from dorn.live.style import change, clock, html, when
from dorn.live.times import DetectorsPanel, RatesPanel, WaterfallPanel
from dorn.products.slices import DETECTORS

PERIOD_MS = 500
_SIDE = 400  # pixels
# Bokeh reconnects only for half a minute, within 5 minutes of loading the page, and cannot read the arrays in the
# document of a restarted server: the page is loaded again as soon as the server answers
_WHEN_LOST = """
const note = document.createElement("p")
note.textContent = "No connection to the server: this page is loaded again when it answers."
note.style = "position: fixed; top: 0; left: 0; right: 0; margin: 0; padding: 1em; background: #b00; color: white"
document.body.append(note)
setInterval(() => fetch("favicon.ico", {cache: "no-store"}).then(() => location.reload(), () => null), 1000)
"""


class View:
    """Draws what has changed, every PERIOD_MS."""

    def __init__(self, document: Document, shared: Shared, with_commands: bool):
        self._shared = shared
        dictionary = shared.player.dictionary
        self._drawn: tuple = ()
        self._headed: tuple = ()
        self._period_s: tuple[float, float] | None = None
        self._curves: list[Curve] = []
        self._head = html()
        self._spectrum = SpectrumPanel(dictionary, self._redraw, shared.lines)
        self._calibration = CalibrationPanel(
            shared, lambda: self._spectrum.lines.value, self._clicked, document.add_next_tick_callback
        )
        self._spectrum.on_click = self._calibration.click
        below = {
            "Rates": RatesPanel(self._choose),
            "Waterfall": WaterfallPanel(dictionary),
            "Detectors": DetectorsPanel(dictionary),
        }
        beside = {"Health": HealthPanel(), "Reports": ReportsPanel()}
        if with_commands and shared.commander:
            beside = {"Commands": CommandPanel(shared.commander)} | beside
        fixed = {"Lines": self._spectrum.lines, "Calibrate": self._calibration, "Download": DownloadsPanel()}
        self._below, self._beside = self._chosen(below), self._tabs(beside | fixed)
        self._updated = [(self._below, list(below.values())), (self._beside, list(beside.values()))]
        self._whole = Button(label="Whole measurement", width=150, visible=False)
        self._whole.on_click(lambda: self._choose(None, None))
        plots = [panel.layout for panel in below.values()]
        choice = row(self._below, self._whole)
        left = column(self._spectrum.layout, choice, *plots, sizing_mode="stretch_width")
        head = row(self._head, *([] if shared.commander else self._replay()), sizing_mode="stretch_width")
        body = row(left, self._beside, sizing_mode="stretch_width")
        self.update()  # before it is part of the document: Bokeh searches the whole document at each addition
        document.title = f"DORN {shared.title}"
        document.config.reconnect_session = document.config.notify_connection_status = False
        document.js_on_event(ConnectionLost, CustomJS(code=_WHEN_LOST))
        document.add_root(column(head, body, sizing_mode="stretch_width"))
        document.add_periodic_callback(self.update, PERIOD_MS)

    def _tabs(self, panels: dict) -> Tabs:
        tabs = [TabPanel(title=title, child=getattr(panel, "layout", panel)) for title, panel in panels.items()]
        shown = Tabs(tabs=tabs, width=_SIDE, sizing_mode="stretch_height")
        when(shown, "active", self._redraw)
        return shown

    def _chosen(self, panels: dict) -> RadioButtonGroup:
        """Buttons that select which panel is visible; not tabs, in which Bokeh gives plots no width."""
        group = RadioButtonGroup(labels=list(panels), active=0)

        def show():
            for n, panel in enumerate(panels.values()):
                panel.layout.visible = n == group.active
            self._redraw()

        when(group, "active", show)
        for n, panel in enumerate(panels.values()):
            panel.layout.visible = n == 0
        return group

    def _replay(self) -> list:
        """The controls for replaying an archive: replay, speed, pause, show all."""
        player = self._shared.player
        self._speed = Spinner(value=player.speed or 60, low=0.1, step=10, width=90, format="0[.]0")
        play, pause, all_ = (
            Button(label=label, width=width) for label, width in (("Replay", 80), ("Pause", 70), ("Show all", 80))
        )

        def replay():
            player.speed, player.paused, pause.label = float(self._speed.value or 1), False, "Pause"
            player.begin()

        def show_all():
            player.speed, player.paused, pause.label = ALL, False, "Pause"

        def toggle():
            player.paused = not player.paused
            pause.label = "Continue" if player.paused else "Pause"

        play.on_click(replay)
        all_.on_click(show_all)
        pause.on_click(toggle)
        when(self._speed, "value", lambda: setattr(player, "speed", float(self._speed.value or 1)))
        return [play, self._speed, pause, all_]

    def _redraw(self) -> None:
        self._drawn = ()
        self.update()

    def _choose(self, begin_s: float | None, end_s: float | None) -> None:
        """Show the spectra of a period, or of the whole measurement."""
        self._period_s = None if begin_s is None or end_s is None else (begin_s, end_s)
        self._redraw()

    def _clicked(self) -> Curve | None:
        """The first curve if it shows only detector spectra, otherwise None."""
        first = next(iter(self._curves), None)
        return first if first and all(number < DETECTORS for number in CURVES[first.name]) else None

    def update(self) -> None:
        """Draw what has changed since the last time."""
        player = self._shared.player
        measurement = player.measurement
        commander = self._shared.commander
        if commander and measurement.is_acquiring and self._period_s is None:
            commander.ask(sum(1 << number for number in {n for one in self._curves for n in CURVES[one.name]}))
        state = (measurement, measurement.version, player.part, player.fault, commander and commander.state)
        if state != self._headed:
            self._headed = state
            change(self._head, self._heading())
        state = (measurement, measurement.version, self._shared.calibration)
        if state == self._drawn:
            return
        self._drawn = state
        spectra, copies = measurement.spectra(), measurement.running()
        if self._period_s is not None:
            spectra, begin_s, end_s = measurement.slices_between(*self._period_s)
            copies = {}
            self._whole.label = f"{clock(begin_s)} to {clock(end_s)}: show all"
            self._whole.width = 240
        self._whole.visible = self._period_s is not None
        instrument = measurement.dictionary.instrument
        names = [name for name in self._spectrum.curves.value if name in CURVES]
        scale = self._shared.calibration, instrument
        self._curves = [curve(name, spectra, *scale) for name in names]
        running = {name: curve(name, copies, *scale) for name in names if copies.keys() & set(CURVES[name])}
        self._spectrum.draw(self._curves, running)
        for tabs, panels in self._updated:
            if tabs.active < len(panels):
                panels[tabs.active].update(measurement)

    def _heading(self) -> str:
        player, commander = self._shared.player, self._shared.commander
        measurement = player.measurement
        hk = measurement.housekeeping
        parts = [f"<b>{escape(self._shared.title)}</b>"]
        if hk:
            mode = measurement.dictionary.texts["mode"].get(hk["mode"], str(hk["mode"]))
            board = measurement.dictionary.texts["board"].get(hk["board"], "")
            parts.append(f"{board}, mode {mode}" + (", <b class=out>storm</b>" if hk["storm"] else ""))
        totals = measurement.history.rates().totals() if measurement.history.n else None
        if totals and totals.real_us:
            dead = 100 * (1 - totals.live_us / totals.real_us)
            parts.append(f"live {totals.live_us / 1e6:.2f} of {totals.real_us / 1e6:.2f} s, dead {dead:.2f} %")
            parts.append(f"{1e6 * totals.count('events') / max(totals.live_us, 1):.1f} triggers/s")
        parts.append(f"on board {clock(measurement.time_s)}")
        if len(measurement.origins) > 1:
            parts.append(f"{len(measurement.origins)} origins")
        if player.is_playing:
            parts.append(f"played {100 * player.part:.0f} %")
        elif commander:
            parts.append(commander.state)
        if player.fault:
            parts.append(f"<b class=out>{escape(player.fault)}</b>")
        return f"<p>{' &nbsp;·&nbsp; '.join(parts)}</p>"
