"""Writes operator interfaces (.opi) for the web pages of Yamcs: labels, values and plots.

The pages require more properties than these displays need; the properties not needed have fixed values.
"""

from __future__ import annotations

import xml.etree.ElementTree as ET
from dataclasses import dataclass

INK, FAINT, WHITE = "333333", "d0d0d0", "ffffff"
_WIDGETS = "org.csstudio.opibuilder.widgets"
LINE, BARS, AREA = 0, 3, 5  # kinds of traces
_HEX = 3  # the format of a value in hexadecimal


@dataclass(frozen=True)
class Axis:
    """low, high: the range; if is_auto, the range until there are data."""

    title: str
    low: float
    high: float
    is_auto: bool = False
    is_log: bool = False


@dataclass(frozen=True)
class Trace:
    """x, y: array parameters of the same length, `points`."""

    name: str
    x: str
    y: str
    points: int
    color: str
    kind: int = LINE
    width: int = 1


class Display:
    """A display; positions and sizes in pixels."""

    def __init__(self, name: str, width: int, height: int):
        self._root = ET.Element("display", typeId="org.csstudio.opibuilder.Display", version="1.0.0")
        _properties(self._root, width=width, height=height, name=name, show_grid=False)
        _color(self._root, "background_color", WHITE)
        scaled = ET.SubElement(self._root, "auto_scale_widgets")
        _properties(scaled, auto_scale_widgets=False, min_width=-1, min_height=-1)
        _common(self._root, "display")
        _properties(ET.SubElement(self._root, "macros"), include_parent_macros=True)
        _properties(self._root, x=0, y=0, visible=True, enabled=True, widget_type="Display")
        _color(self._root, "foreground_color", INK)

    def text(self) -> str:
        """The file."""
        ET.indent(self._root)
        return '<?xml version="1.0" encoding="UTF-8"?>\n' + ET.tostring(self._root, encoding="unicode") + "\n"

    def label(
        self, text: str, x: int, y: int, width: int, height: int = 20, size: int = 13, bold: bool = False
    ) -> ET.Element:
        label = self._widget("Label", x, y, width, height)
        _font(label, "font", size, bold)
        _properties(label, text=text, transparent=True, auto_size=False, wrap_words=False)
        _properties(label, horizontal_alignment=0, vertical_alignment=1, show_scrollbar=False)
        return label

    def value(
        self,
        parameter: str,
        x: int,
        y: int,
        width: int,
        height: int = 20,
        size: int = 13,
        not_read: float | None = None,
        is_hex: bool = False,
    ) -> None:
        """The value of a parameter, with its unit; the text "not read" if the value is `not_read` or more."""
        shown = self._widget("Text Update", x, y, width, height)
        _font(shown, "font", size)
        _properties(shown, pv_name=parameter, text="", transparent=True, format_type=_HEX if is_hex else 0)
        _properties(shown, precision=0 if is_hex else -1, precision_from_pv=not is_hex, rotation_angle=0)
        _properties(shown, horizontal_alignment=0, vertical_alignment=1, show_units=True, show_lohi=True)
        _properties(shown, foreground_alarm_sensitive=False, background_alarm_sensitive=True)
        if not_read is not None:
            _rule(shown, "visible", parameter, f"pv0 >= {not_read}", "false")
            missing = self.label("not read", x, y, width, height, size)
            _set(missing, "visible", "false")
            _rule(missing, "visible", parameter, f"pv0 >= {not_read}", "true")

    def graph(self, title: str, x: int, y: int, width: int, height: int, axes: tuple[Axis, Axis], traces: list[Trace]):
        """A plot; axes: x and y."""
        graph = self._widget("XY Graph", x, y, width, height)
        _font(graph, "title_font", 13)
        _properties(
            graph,
            title=title,
            axis_count=2,
            trace_count=len(traces),
            show_legend=len(traces) > 1,
            show_toolbar=False,
            show_plot_area_border=True,
            transparent=True,
        )
        _color(graph, "plot_area_background_color", WHITE)
        for number, axis in enumerate(axes):
            _axis(graph, number, axis)
        for number, trace in enumerate(traces):
            _trace(graph, number, trace)

    def _widget(self, kind: str, x: int, y: int, width: int, height: int) -> ET.Element:
        widget = ET.SubElement(self._root, "widget", typeId=f"{_WIDGETS}.{kind}", version="1.0.0")
        _properties(widget, widget_type=kind, name=kind, x=x, y=y, width=width, height=height, visible=True)
        _properties(widget, enabled=True)
        _common(widget, f"{kind}-{len(self._root)}")
        _color(widget, "foreground_color", INK)
        _color(widget, "background_color", WHITE)
        return widget


def _axis(graph: ET.Element, number: int, axis: Axis) -> None:
    values = {
        "auto_scale": axis.is_auto,
        "auto_scale_treshold": 0.0,
        "axis_title": axis.title,
        "dash_grid_line": True,
        "left_bottom_side": True,
        "log_scale": axis.is_log,
        "maximum": axis.high,
        "minimum": axis.low,
        "scale_format": "",
        "show_grid": True,
        "time_format": 0,
        "visible": True,
        "y_axis": bool(number),
    }
    _properties(graph, **{f"axis_{number}_{name}": value for name, value in values.items()})
    _color(graph, f"axis_{number}_axis_color", INK)
    _color(graph, f"axis_{number}_grid_color", FAINT)
    for font in ("scale_font", "title_font"):
        _font(graph, f"axis_{number}_{font}", 12)


def _trace(graph: ET.Element, number: int, trace: Trace) -> None:
    values = {
        "anti_alias": True,
        "buffer_size": trace.points,
        "concatenate_data": False,
        "line_width": trace.width,
        "name": trace.name,
        "plot_mode": 0,
        "point_size": 4,
        "point_style": 0,
        "trace_type": trace.kind,
        "update_delay": 100,
        "update_mode": 0,
        "visible": True,
        "x_axis_index": 0,
        "x_pv": trace.x,
        "y_axis_index": 1,
        "y_pv": trace.y,
    }
    _properties(graph, **{f"trace_{number}_{key}": value for key, value in values.items()})
    _color(graph, f"trace_{number}_trace_color", trace.color)


def _common(element: ET.Element, name: str) -> None:
    """Properties that the page requires of every element."""
    _properties(element, wuid=name, border_style=0, border_width=0, tooltip="")
    _properties(ET.SubElement(element, "scale_options"), width_scalable=True, height_scalable=True, keep_wh_ratio=False)
    ET.SubElement(element, "rules")
    ET.SubElement(element, "scripts", pathCount="0")
    ET.SubElement(element, "actions", hook="false", hook_all="false")
    _color(element, "border_color", INK)


def _rule(element: ET.Element, name: str, parameter: str, condition: str, value: str) -> None:
    """Set a property to a value while a condition on pv0, the parameter, holds."""
    rules = element.find("rules")
    assert rules is not None
    rule = ET.SubElement(rules, "rule", name=name, prop_id=name, out_exp="false")
    ET.SubElement(ET.SubElement(rule, "exp", bool_exp=condition), "value").text = value
    ET.SubElement(rule, "pv", trig="true").text = parameter


def _properties(element: ET.Element, **values) -> None:
    for name, value in values.items():
        ET.SubElement(element, name).text = str(value).lower() if isinstance(value, bool) else str(value)


def _set(element: ET.Element, name: str, value: str) -> None:
    """Change a property."""
    found = element.find(name)
    assert found is not None
    found.text = value


def _color(element: ET.Element, name: str, rgb: str) -> None:
    red, green, blue = (str(int(rgb[at : at + 2], 16)) for at in (0, 2, 4))
    ET.SubElement(ET.SubElement(element, name), "color", red=red, green=green, blue=blue)


def _font(element: ET.Element, name: str, size: int, bold: bool = False) -> None:
    style = "1" if bold else "0"
    ET.SubElement(
        ET.SubElement(element, name), "opifont.name", fontName="Liberation Sans", height=str(size), style=style
    )
