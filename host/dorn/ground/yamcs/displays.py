"""Displays of the Yamcs web pages: tables of parameters (.par), and operator interfaces (.opi) with plots."""

import json
import xml.etree.ElementTree as ET

from dorn.dictionary import Dictionary
from dorn.ground.yamcs.quicklook import AXES

_SYSTEM = "/DORN"
_BLUE = "1f4e9c"


def files(dictionary: Dictionary) -> dict[str, str]:
    """Name -> text of each display."""
    hk = dictionary.telemetry["housekeeping"]
    rates = dictionary.telemetry["rates"]
    return {
        "health.par": _table(_names(hk, hk.scalars)),
        "rates.par": _table(_names(rates, rates.scalars)),
        "rates.opi": _plots(
            "Rates",
            [
                ("hits accepted, by detector", "detector", f"{_SYSTEM}/rates_accepted"),
                ("hits below threshold, by detector", "detector", f"{_SYSTEM}/rates_below_threshold"),
                ("events in the line regions, 8 per detector", "region", f"{_SYSTEM}/line_rates_counts"),
            ],
        ),
        "spectra.opi": _plots(
            "Spectra of the latest integration",
            [
                ("front detectors, counts per channel", "channel", "/quicklook/front"),
                ("back detectors, counts per channel", "channel", "/quicklook/back"),
            ],
        ),
    }


def _names(layout, fields) -> list[str]:
    return [f"{_SYSTEM}/{layout.name}_{field.name}" for field in fields]


def _table(parameters: list[str]) -> str:
    schema = "https://yamcs.org/schema/parameter-table.schema.json"
    return json.dumps({"$schema": schema, "scroll": False, "parameters": parameters}, indent=1) + "\n"


def _plots(title: str, plots: list[tuple]) -> str:
    """Plots below each other: (title, name in quicklook.AXES of the x axis, array parameter)."""
    width, height, top = 1100, 300, 50
    display = ET.Element("display", typeId="org.csstudio.opibuilder.Display", version="1.0.0")
    _properties(display, width=width + 40, height=top + len(plots) * (height + 10), name=title, show_grid=False)
    _colour(display, "background_color", "ffffff")
    scaled = ET.SubElement(display, "auto_scale_widgets")
    _properties(scaled, auto_scale_widgets=False, min_width=-1, min_height=-1)
    _common(display, "display")
    _properties(ET.SubElement(display, "macros"), include_parent_macros=True)
    _properties(display, x=0, y=0, visible=True, enabled=True, widget_type="Display")
    _colour(display, "foreground_color", "000000")
    label = _widget(display, "Label", 20, 10, width, 30)
    _properties(label, text=title, transparent=True, auto_size=False, wrap_words=False)
    _properties(label, horizontal_alignment=0, vertical_alignment=1, show_scrollbar=False)
    for n, (about, along, parameter) in enumerate(plots):
        graph = _widget(display, "XY Graph", 20, top + n * (height + 10), width, height)
        _properties(
            graph,
            title=about,
            axis_count=2,
            trace_count=1,
            show_legend=False,
            show_toolbar=False,
            show_plot_area_border=True,
            transparent=True,
        )
        _colour(graph, "plot_area_background_color", "ffffff")
        for axis, (text, is_y, most) in enumerate(((along, False, AXES[along]), ("counts", True, 10))):
            _axis(graph, axis, text, is_y, most)
        _trace(graph, along, parameter)
    ET.indent(display)
    return '<?xml version="1.0" encoding="UTF-8"?>\n' + ET.tostring(display, encoding="unicode") + "\n"


def _axis(graph, number: int, title: str, is_y: bool, most: int) -> None:
    values = {
        "auto_scale": is_y,
        "auto_scale_treshold": 0.0,
        "axis_title": title,
        "dash_grid_line": True,
        "left_bottom_side": True,
        "log_scale": False,
        "maximum": most,
        "minimum": 0,
        "scale_format": "",
        "show_grid": True,
        "time_format": 0,
        "visible": True,
        "y_axis": is_y,
    }
    _properties(graph, **{f"axis_{number}_{name}": value for name, value in values.items()})
    _colour(graph, f"axis_{number}_axis_color", "000000")
    _colour(graph, f"axis_{number}_grid_color", "d0d0d0")
    for font in ("scale_font", "title_font"):
        _font(graph, f"axis_{number}_{font}")


def _trace(graph, along: str, parameter: str) -> None:
    values = {
        "anti_alias": True,
        "buffer_size": AXES[along],
        "concatenate_data": False,
        "line_width": 1,
        "name": parameter,
        "plot_mode": 0,
        "point_size": 4,
        "point_style": 0,
        "trace_type": 0,
        "update_delay": 100,
        "update_mode": 0,
        "visible": True,
        "x_axis_index": 0,
        "x_pv": f"/quicklook/{along}",
        "y_axis_index": 1,
        "y_pv": parameter,
    }
    _properties(graph, **{f"trace_0_{key}": value for key, value in values.items()})
    _colour(graph, "trace_0_trace_color", _BLUE)


def _widget(display, kind: str, x: int, y: int, width: int, height: int) -> ET.Element:
    widget = ET.SubElement(display, "widget", typeId=f"org.csstudio.opibuilder.widgets.{kind}", version="1.0.0")
    _properties(widget, widget_type=kind, name=kind, x=x, y=y, width=width, height=height, visible=True, enabled=True)
    _common(widget, f"{kind}-{x}-{y}")
    _colour(widget, "foreground_color", "000000")
    _colour(widget, "background_color", "ffffff")
    _font(widget, "font" if kind == "Label" else "title_font")
    return widget


def _common(element, name: str) -> None:
    """Properties that the page requires of every element."""
    _properties(element, wuid=name, border_style=0, border_width=0, pv_name="", tooltip="")
    _properties(ET.SubElement(element, "scale_options"), width_scalable=True, height_scalable=True, keep_wh_ratio=False)
    ET.SubElement(element, "rules")
    ET.SubElement(element, "scripts", pathCount="0")
    ET.SubElement(element, "actions", hook="false", hook_all="false")
    _colour(element, "border_color", "000000")


def _properties(element, **values) -> None:
    for name, value in values.items():
        ET.SubElement(element, name).text = str(value).lower() if isinstance(value, bool) else str(value)


def _colour(element, name: str, rgb: str) -> None:
    red, green, blue = (str(int(rgb[at : at + 2], 16)) for at in (0, 2, 4))
    ET.SubElement(ET.SubElement(element, name), "color", red=red, green=green, blue=blue)


def _font(element, name: str) -> None:
    ET.SubElement(ET.SubElement(element, name), "opifont.name", fontName="Liberation Sans", height="13", style="0")
