"""Displays of the Yamcs web pages, for a window of 1280 pixels: health, count rates over time, and spectra."""

from __future__ import annotations

from dorn.dictionary import Dictionary
from dorn.exports.xtce_yamcs import calibrated
from dorn.ground.yamcs.opi import AREA, BARS, WHITE, Axis, Display, Trace
from dorn.ground.yamcs.spectra import FLOOR
from dorn.ground.yamcs.trends import CLASSES, POINTS
from dorn.products.health import GROUPS, HEX

WIDTH = 1010  # pixels beside the menu of the page
_EDGE = 20
_BLUE, _ORANGE, _GREEN, _GREY, _LINE = "1f4e9c", "c2570c", "2e7d32", "777777", "b8bcc4"
_COLORS = (_BLUE, _ORANGE, _GREEN, "8e24aa", "c62828", "00838f", "6d4c41", "9e9d24")
# a point at zero, so that the automatic axis starts there
_ZERO = Trace("", "/rates/zero", "/rates/zero", 1, WHITE)


def files(dictionary: Dictionary) -> dict[str, str]:
    """Name -> text of each display."""
    return {
        "health.opi": _health(dictionary),
        "rates.opi": _rates(dictionary),
        "spectra.opi": _spectra(dictionary, is_log=False),
        "spectra-log.opi": _spectra(dictionary, is_log=True),
    }


def _health(dictionary: Dictionary) -> str:
    system = dictionary.mission["name"]
    fields = {field.name: field for field in dictionary.telemetry["housekeeping"].scalars}
    display = Display("Health", WIDTH, 660)
    display.label("Health", _EDGE, 10, 200, 30, size=18, bold=True)
    columns = (
        ("Instrument", "Packet store"),
        ("Slow control", "Acquisition"),
        ("Processor and memory", "Link and telecommands"),
    )
    for column, titles in enumerate(columns):
        x, y = _EDGE + 330 * column, 55
        for title in titles:
            display.label(title, x, y, 320, 24, size=13, bold=True)
            y += 28
            for name in GROUPS[title]:
                parameter = f"/{system}/housekeeping_{name}"
                display.label(name, x, y, 160, size=11)
                field = fields[name]
                not_read = calibrated(field, field.high) if field.limits else None
                display.value(parameter, x + 160, y, 165, size=11, not_read=not_read, is_hex=name in HEX)
                y += 24
            y += 16
    return display.text()


def _rates(dictionary: Dictionary) -> str:
    display = Display("Rates", WIDTH, 900)
    display.label("Count rates", _EDGE, 10, 200, 30, size=18, bold=True)
    for n, (about, parameter) in enumerate((("triggers", "trigger_rate"), ("live time", "live_share"))):
        display.label(about, 300 + 260 * n, 15, 90)
        display.value(f"/rates/{parameter}", 390 + 260 * n, 15, 160)
    detectors = dictionary.instrument["detectors"]
    minutes = Axis("minutes before the latest packet", -20, 0, is_auto=True)
    graphs = (
        ("rate", "events per second of live time", "1/s", CLASSES),
        ("line", "events in the line regions per minute, all detectors", "1/min", dictionary.lines),
    )
    for n, (prefix, title, unit, names) in enumerate(graphs):
        traces = [
            Trace(name, f"/rates/{prefix}_minutes", f"/rates/{prefix}_{name}", POINTS, color, width=2)
            for name, color in zip(names, _COLORS, strict=False)
        ]
        axes = minutes, Axis(unit, 0, 10, is_auto=True)
        display.graph(title, _EDGE, 50 + 320 * n, WIDTH - 2 * _EDGE, 310, axes, [*traces, _ZERO])
    for n, (name, about, color) in enumerate(
        (("accepted", "hits accepted", _BLUE), ("below_threshold", "hits below the threshold", _GREY))
    ):
        axes = Axis("detector", -1, detectors), Axis("1/s", 0, 1, is_auto=True)
        trace = Trace(about, "/rates/detector", f"/rates/detector_{name}", detectors, color, BARS, 14)
        width = (WIDTH - 3 * _EDGE) // 2
        display.graph(f"{about}, per second", _EDGE + n * (width + _EDGE), 690, width, 200, axes, [_ZERO, trace])
    return display.text()


def _spectra(dictionary: Dictionary, is_log: bool) -> str:
    i = dictionary.instrument
    display = Display("Spectra", WIDTH, 905)
    display.label("Spectra of the running acquisition, as received", _EDGE, 10, 480, 30, size=16, bold=True)
    display.label("live time", 520, 15, 80)
    display.value("/spectra/live_time", 600, 15, 140)
    display.label(f"lines: {', '.join(dictionary.lines.values())}", _EDGE, 40, WIDTH - 2 * _EDGE, size=11)
    highest_mev = i["kev_per_code"] * (i["full_scale_code"] - i["zero_code"]) / 1000
    energy = Axis("MeV", 0, round(highest_mev, 1))
    counts = Axis("counts", FLOOR if is_log else 0, 10, is_auto=True, is_log=is_log)
    lines = Trace("lines", "/spectra/lines_energy", "/spectra/lines_height", 3 * len(dictionary.lines), _LINE)
    for n, (kind, about, color) in enumerate(
        (
            ("front", "front detectors", _BLUE),
            ("back", "back detectors", _ORANGE),
            ("coincidence", "coincidences", _GREEN),
        )
    ):
        y, coincidence = 62 + 280 * n, kind == "coincidence"
        x = "/spectra/coincidence_energy" if coincidence else "/spectra/energy"
        points = i["coincidence_channels" if coincidence else "channels"]
        trace = Trace(about, x, f"/spectra/{kind}", points, color, AREA if not is_log else 0)
        title = "sum energy of front and back" if coincidence else f"{about}, counts per channel"
        display.graph(
            title, _EDGE, y, WIDTH - 2 * _EDGE, 270, (energy, counts), [trace] if coincidence else [lines, trace]
        )
        display.value(f"/spectra/{kind}_total", WIDTH - 200, y, 180)
    return display.text()
