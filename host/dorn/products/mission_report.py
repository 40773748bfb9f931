"""The report of a mission or a run: one page for readers who did not take part."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from html import escape

import numpy as np

from dorn.products import accounts, mission_plots, page
from dorn.products.accounts import Report, Table
from dorn.products.analysis import counts_text, text
from dorn.products.clock import Clock
from dorn.products.directions import SIDES
from dorn.products.exchange import UNKNOWN, Exchange
from dorn.products.nuclides_by_phase import Analysis, arrays_of, by_phase, groups_of
from dorn.products.outcome import Outcome, assumptions
from dorn.products.packet_columns import packet_columns
from dorn.products.slice_arrays import SliceArrays
from dorn.util.dates import utc_text

_MOST_ROWS = 60  # of a table that grows with the mission
_TOGETHER_S = 60.0  # between requests of one collection of stored packets
_SUMMED = 4  # channels of a spectrum, for the picture
_EXPLAINED = """Alpha particles of each nuclide have known energies, and appear as lines in the spectrum of a detector.
The lines of all nuclides were fitted together to the counts of a phase. A number after +- is one standard deviation.
A nuclide below its decision threshold was not detected: the number after &lt; is its upper limit (95 %)."""


@dataclass
class _Acquisition:
    """The spectra of one phase. live_s: mean of the spectra."""

    name: str
    origin: int
    begin_us: int
    end_us: int = 0
    live_s: float = 0.0
    counts: int = 0


class MissionReport:
    """Builds the report. The archive must be open."""

    def __init__(self, exchange: Exchange, analysis: Analysis | None = None, command: str = "", lines=None):
        """analysis: settings for the nuclides. command: the command line as entered. lines: nuclides that the plots
        label, by default those of run.json."""
        self._lines = (exchange.run.get("lines") or []) if lines is None else lines
        self._exchange, self._analysis, self._command = exchange, analysis or Analysis(), command
        self._clock = Clock(exchange.phases)
        self._reports = accounts.reports(exchange)
        self._slices = arrays_of(exchange)

    def html(self) -> bytes:
        """The page."""
        name = self._exchange.about["instrument"]
        parts = [f"<h1>{escape(name)}: report of an archive</h1>", *self._head(), *self._timeline(), *self._rates()]
        parts += [*self._spectra(), *self._nuclides(), *self._particles(), *self._packets(), *self._requests()]
        parts += [*self._anomalies(), *self._housekeeping()]
        parts.append(f"<p class='weak'>Made by: <code>{escape(self._command)}</code></p>")
        return page.page(f"{name}: report", parts)

    def _head(self) -> list[str]:
        exchange, summary = self._exchange, self._exchange.summary
        missing = accounts.verdict(exchange)
        words = f"<p class=warning>Missing: {escape('; '.join(missing))}.</p>" if missing else ""
        words = words or "<p class=good>Complete: every stored packet and every count in a spectrum was received.</p>"
        origins = []
        for origin, about in summary["origins"].items():
            first, last = (
                about[f"{end}_utc"] or self._utc(int(origin), about[f"{end}_s"]) for end in ("first", "last")
            )
            origins.append((origin, about["unique_id"] or "unknown", about["packets"], first, last))
        facts = [(name, value) for name, value in exchange.about.items() if value != "unknown"]
        facts += [(f"{which} time", f"{summary[f'{which}_time_s'] or 0:.6f} s") for which in ("real", "live")]
        dates = f"<p>{UNKNOWN.partition(':')[0]}: times are those of the on-board clock, in s.</p>"
        heading = ("origin", "board", "packets", "first packet", "last packet")
        said = dates if exchange.dates_unknown else ""
        return [words, page.table(("", ""), facts), page.table(heading, origins), said]

    def _utc(self, origin: int, time_s: float) -> str:
        then = self._exchange.utc(origin, round(time_s * 1e6))
        return utc_text(then) if then else f"{time_s:.3f} s"

    def _at(self, origin: int, time_us: int) -> float:
        """A time on the time axis of the figures, h."""
        return round(float(self._clock.hours(origin, np.array([time_us]))[0]), 3)

    def _timeline(self) -> list[str]:
        exchange = self._exchange
        figure = mission_plots.timeline(exchange.phases, self._reports, self._storms_h(), self._clock)
        rows = []
        for number, one in enumerate(self._acquisitions(), 1):
            rate = one.counts / one.live_s if one.live_s else 0.0
            times = self._utc(one.origin, one.begin_us / 1e6), self._at(one.origin, one.begin_us)
            times += (self._at(one.origin, one.end_us), round(one.live_s, 3))
            rows.append((number, one.name, *times, one.counts, round(rate, 3)))
        heading = ("", "acquisition", "start", "from, h", "to, h", "live time, s", "counts", "counts/s")
        return [
            "<h2>Timeline</h2><p>Phases are named after the observation table loaded last, and the mode; grey: no "
            "acquisition; red: storm mode. Below, event reports by severity.</p>",
            page.svg(figure, "timeline of phases and events"),
            page.table(heading, rows[:_MOST_ROWS]),
            _more(rows),
        ]

    def _acquisitions(self) -> list[_Acquisition]:
        found: dict[tuple[int, int, str], _Acquisition] = {}
        for interval in self._exchange.intervals:
            one, phase = interval.slice, interval.phase
            key = one.origin, phase.begin_us if phase else 0, interval.name
            begin_us, end_us = one.times_us.tolist()
            whole = found.setdefault(key, _Acquisition(interval.name, one.origin, begin_us))
            whole.end_us = max(whole.end_us, end_us)
            whole.live_s += float(one.live_us.mean()) / 1e6
            whole.counts += int(one.counts.sum()) + int(one.coincidences.sum())
        return list(found.values())

    def _storms_h(self) -> np.ndarray:
        """float64[n, 2]: start and end of storms, by their reports."""
        spans, begin_h = [], None
        for one in self._reports:
            if one.name in ("storm_begin", "storm_end"):
                at_h = float(self._clock.hours(one.origin, np.array([round(one.time_s * 1e6)]))[0])
                if one.name == "storm_begin":
                    begin_h = at_h
                elif begin_h is not None:
                    spans.append((begin_h, at_h))
                    begin_h = None
        spans += [] if begin_h is None else [(begin_h, self._clock.length_h)]
        return np.array(spans).reshape(-1, 2)

    def _rates(self) -> list[str]:
        found = self._exchange.products.rates()
        if not len(found):
            return []
        figure = mission_plots.rates(found, self._clock)
        return ["<h2>Rates</h2><p>Events per second of live time.</p>", page.svg(figure, "rates over time")]

    def _spectra(self) -> list[str]:
        groups = {}
        for name, of in groups_of(self._exchange).items():
            edges_kev, sides = _sides(self._slices, of)
            if sum(counts.sum() for counts in sides.values()):
                groups[name] = edges_kev, sides
        if not groups:
            return []
        figure = mission_plots.spectra(groups, self._lines)
        return ["<h2>Spectra by phase</h2>", page.svg(figure, "spectra of front and back detectors in each phase")]

    def _nuclides(self) -> list[str]:
        parts = [f"<h2>Nuclides</h2><p>{_EXPLAINED}</p>"]
        all_outcomes: list[Outcome] = []
        for name, found in by_phase(self._exchange, self._slices, self._analysis).items():
            parts.append(f"<h3>{escape(name)}</h3>")
            if found.outcomes:
                parts.append(_table_of(found.outcomes))
            parts += [f"<p>Not analysed: {escape(fault)}.</p>" for fault in found.faults]
            for one in found.outcomes:
                if one.warning():
                    said = f"{one.name}: do not use these values: {one.warning()}"
                    parts.append(f"<p class=warning>{escape(said)}</p>")
            all_outcomes += found.outcomes
        if all_outcomes:
            parts.append("<p>Assumptions:</p><ul>")
            parts += [f"<li>{escape(text)}</li>" for text in _assumptions(all_outcomes)]
            parts.append("<li>Slices recorded in storm mode are left out.</li></ul>")
        return parts

    def _particles(self) -> list[str]:
        about = (
            "<h2>Account of particles</h2><p>Each pulse of a detector ends in one counter, each event in one class.</p>"
        )
        return [about, *map(_table, accounts.particles(self._exchange))]

    def _packets(self) -> list[str]:
        found = accounts.packets(self._exchange)
        return ["<h2>Account of packets</h2>", *(_table(one) for one in found if one.rows)]

    def _requests(self) -> list[str]:
        found = accounts.requests(self._exchange)
        if not found:
            return ["<h2>Repeated requests</h2><p>Nothing was retrieved from the packet store.</p>"]
        rows: list[tuple] = []
        last_s, last_origin = -np.inf, None
        for origin, time_s, first, last, sent in found:
            if origin != last_origin or time_s - last_s > _TOGETHER_S:
                rows.append((self._utc(origin, time_s), self._at(origin, round(time_s * 1e6)), first, last, 0, 0))
            *at, lowest, highest, n, packets = rows[-1]
            rows[-1] = (*at, min(lowest, first), max(highest, last), n + 1, packets + sent)
            last_s, last_origin = time_s, origin
        said = f"<p>{len(found)} requests, {sum(one[-1] for one in found)} packets sent.</p>"
        heading = ("time", "h", "from record", "to record", "requests", "packets")
        return ["<h2>Repeated requests</h2>", said, page.table(heading, rows[:_MOST_ROWS]), _more(rows)]

    def _anomalies(self) -> list[str]:
        found = accounts.anomalies(self._reports)
        parts = ["<h2>Anomalies</h2>"]
        parts.append(_table(found) if found.rows else "<p>No report of low severity or above, and no boot.</p>")
        checked = accounts.limits(self._exchange)
        if checked.rows:
            parts += ["<p>Monitored readings out of limits:</p>", _table(checked)]
        serious = [one for one in self._reports if one.severity in ("medium", "high")]
        if serious:
            rows = [self._row(one) for one in serious]
            parts += ["<p>Reports of medium and high severity:</p>"]
            parts += [page.table(("time", "h", "severity", "report", ""), rows[:_MOST_ROWS]), _more(rows)]
        return parts

    def _row(self, one: Report) -> tuple:
        at = self._utc(one.origin, one.time_s), self._at(one.origin, round(one.time_s * 1e6))
        return (*at, one.severity, one.name.replace("_", " "), one.text)

    def _housekeeping(self) -> list[str]:
        found = packet_columns(self._exchange.archive, ["housekeeping"]).get("housekeeping")
        if found is None:
            return []
        figure = mission_plots.housekeeping(found, self._clock)
        said = f"<h2>Housekeeping</h2><p>{len(found.time_s)} packets; missing readings are left out.</p>"
        return [said, page.svg(figure, "trends of housekeeping")]


def _sides(slices: SliceArrays, of: np.ndarray) -> tuple[np.ndarray, dict[str, np.ndarray]]:
    """(edges in keV, sums of the front and of the back detectors), on the energy scale of the first detector."""
    width_kev = slices.energy_kev[:, 1] - slices.energy_kev[:, 0]
    edges_kev = np.concatenate([slices.energy_kev, slices.energy_kev[:, -1:] + width_kev[:, None]], 1)
    edges_kev -= width_kev[:, None] / 2
    onto_kev, counts = edges_kev[0, ::_SUMMED], slices.counts[of].sum(0, dtype=np.int64)
    sides = {}
    for side, name in enumerate(SIDES):
        total = np.zeros(len(onto_kev) - 1)
        for detector in range(side, len(counts), 2):
            below = np.interp(onto_kev, edges_kev[detector], np.append(0, np.cumsum(counts[detector])))
            total += np.diff(below)
        sides[name] = total
    return onto_kev, sides


def _table_of(outcomes: Sequence[Outcome]) -> str:
    """Counts, rates and activities of the nuclides in each direction."""
    heading, columns = ["nuclide"], [[one.nuclide for one in outcomes[0].emissions.emissions]]
    for one in outcomes:
        rates, activities = one.rates(), one.activities()
        heading += [f"{one.name}: counts", "alphas/s"]
        columns.append([counts_text(emission) for emission in one.emissions.emissions])
        columns.append([text(rates[name]) if rates else "" for name in columns[0]])
        if activities:
            heading.append(one.unit)
            columns.append([text(activities[name]) for name in columns[0]])
    return page.table(heading, zip(*columns, strict=True))


def _assumptions(outcomes: list[Outcome]) -> list[str]:
    """The assumptions that hold for all phases; the number of tails is chosen in each fit."""
    return [one for one in assumptions(outcomes) if "number of tails" not in one]


def _table(one: Table) -> str:
    return page.table(one.heading, one.rows)


def _more(rows: Sequence) -> str:
    """A note on the rows that a table leaves out."""
    return f"<p>and {len(rows) - _MOST_ROWS} more</p>" if len(rows) > _MOST_ROWS else ""
