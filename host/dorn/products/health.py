"""The housekeeping packet in readable form: fields in groups, with units and limits."""

from __future__ import annotations

from typing import NamedTuple

from dorn.dictionary import Dictionary

# title -> fields
GROUPS = {
    "Instrument": (
        *("mode", "uptime_ms", "boot_count", "reset_cause", "consecutive_resets", "integration", "scheduled"),
        *("unique_id", "board", "manifest", "dictionary", "version_major", "version_minor", "version_patch"),
    ),
    "Slow control": (
        *("bias_state", "bias_mv", "leakage_na", "temperature_head", "temperature_board", "slow_control_errors"),
        *("pulses_fired", "out_of_limits"),
    ),
    "Acquisition": (
        *("event_rate", "storm", "detectors_on", "ring_overruns", "ring_slips", "pass_limit_reached"),
        *("builder_faults", "events_listed"),
    ),
    "Processor and memory": (
        *("heap_free", "heap_free_min", "gc_max_us", "busy_permille", "cycles", "task_overruns", "task_failures"),
    ),
    "Link and telecommands": (
        *("commands_accepted", "commands_rejected", "authentication_failures", "frames_bad", "uplink_lost"),
        *("packets_dropped",),
    ),
    "Packet store": ("store_first", "store_last", "store_discarded"),
}
HEX = ("unique_id", "manifest", "dictionary", "detectors_on", "out_of_limits")
_KELVIN, _ZERO_CELSIUS_K = "0.01 K", 273.15


class Reading(NamedTuple):
    """A field as text. limits: empty if not monitored; is_out: the value is out of limits."""

    name: str
    value: str
    unit: str
    limits: str
    is_out: bool


def readings(housekeeping: dict, dictionary: Dictionary) -> dict[str, list[Reading]]:
    """Title -> its fields. housekeeping: fields of the packet."""
    fields = {item.name: item for item in dictionary.telemetry["housekeeping"].scalars}
    return {
        title: [_reading(fields[name], housekeeping[name], dictionary) for name in names]
        for title, names in GROUPS.items()
    }


def _reading(item, value: int, dictionary: Dictionary) -> Reading:
    unit = "degC" if item.unit == _KELVIN else item.unit
    if item.enum:
        return Reading(item.name, dictionary.texts[item.enum].get(value, str(value)), unit, "", False)
    if item.name in HEX:
        return Reading(item.name, f"{value:0{2 * item.size}x}", unit, "", False)
    if not item.limits:
        return Reading(item.name, str(value), unit, "", False)
    monitor = dictionary.monitors[item.limits]
    low, high = _text(monitor.low, item.unit), _text(monitor.high, item.unit)
    limits = f"at least {low}" if monitor.high == item.high or monitor.high >= 2**32 - 1 else f"{low} to {high}"
    if value == item.high:
        return Reading(item.name, "not read", "", limits, False)
    return Reading(item.name, _text(value, item.unit), unit, limits, not monitor.low <= value <= monitor.high)


def _text(value: int, unit: str) -> str:
    return f"{value / 100 - _ZERO_CELSIUS_K:.2f}" if unit == _KELVIN else str(value)
