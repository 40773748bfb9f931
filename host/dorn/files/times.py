"""Times and dates as programs write them into their files."""

from __future__ import annotations

import re
from datetime import datetime

from dorn.files.mca import NUMBER, decimal

_IN_S = {
    **dict.fromkeys(("s", "sec", "secs", "second", "seconds"), 1.0),
    **dict.fromkeys(("m", "min", "mins", "minute", "minutes"), 60.0),
    **dict.fromkeys(("h", "hr", "hrs", "hour", "hours"), 3600.0),
    **dict.fromkeys(("d", "day", "days"), 86400.0),
    **{"ms": 1e-3, "msec": 1e-3, "us": 1e-6, "usec": 1e-6, "µs": 1e-6, "ns": 1e-9},
}
_CLOCK = r"\d+:\d\d:\d\d(?:[.,]\d*)?"
# with separators of thousands, which are certain only with decimals or in a second place
_GROUPED = (
    r"\d{1,3}(?:[ '\u00a0\u2009\u202f]\d{3})+[.,]\d+|\d{1,3}(?:,\d{3})+\.\d+|\d{1,3}(?:\.\d{3})+,\d+"
    r"|\d{1,3}(?:,\d{3}){2,}|\d{1,3}(?:\.\d{3}){2,}"
)
_VALUE = rf"{_CLOCK}|{_GROUPED}|{NUMBER}"
_PART = re.compile(rf"\s*({_VALUE})\s*([A-Za-zµ]*)(?![\d:])")
_REST = re.compile(r"\s*([#(/,;|!%\]\"'.].*)?", re.DOTALL)  # what may follow a time: another field or a comment
_PAIR = re.compile(rf"(?<![\d:])(nan|inf|{_CLOCK}|{NUMBER})\s*([A-Za-z]*)(?![\d:])")
_NAME = re.compile(
    r"(?<![A-Za-z])(preset|set|target|max(?:imum)?)?[\W_]*(live|real|true|elapsed)[ _-]*time(?:[ _]*(preset|limit))?"
    r"(?:[\s_]*[(\[]([^)\]]*)[)\]]|_([A-Za-z]+))?(?:[\s:=,;|\"']|-(?![\d.,]))*",
    re.IGNORECASE,
)
# month before day, as ORTEC writes it, then forms in which they cannot be confused
_DATES = ("%m/%d/%Y", "%d/%m/%Y", "%m/%d/%y", "%d/%m/%y", "%Y-%m-%d", "%Y/%m/%d", "%d.%m.%Y")
_DATES += ("%d-%b-%Y", "%d %b %Y", "%b %d %Y")
_TIMES = ("%H:%M:%S", "%H:%M:%S.%f", "%I:%M:%S %p", "%H:%M")


def seconds(text: str, unit: str = "s") -> float | None:
    """A time such as `29.5 s`, `5 min 30 s`, `01:30:00` or `1 234,5 s`, in seconds; None for 0, which means unknown.
    `unit`: of a number without one. Raises ValueError for anything else, also for `1,234`, which has two meanings."""
    parts, at = [], 0
    while found := _PART.match(text, at):
        parts.append((found.group(1), found.group(2).lower()))
        at = found.end()
    if not parts or not _REST.fullmatch(text, at):
        raise ValueError(f"not a time ({text.strip()[:40]})")
    if len(parts) == 1:
        unit = parts[0][1] or unit
    elif not all(own or ":" in value for value, own in parts):
        raise ValueError(f"not one time ({text.strip()[:40]})")
    units = [1.0 if ":" in value else unit_s(own or unit) for value, own in parts]
    if units != sorted(set(units), reverse=True):
        raise ValueError(f"not one time ({text.strip()[:40]})")
    return duration(sum(_value(*part) * each for part, each in zip(parts, units, strict=True)))


def _value(value: str, unit: str) -> float:
    if ":" in value:
        if unit not in ("", "s", "h"):
            raise ValueError(f"not a time ({value} {unit})")
        hours, minutes, rest_s = value.split(":")
        return 3600 * decimal(hours) + 60 * decimal(minutes) + decimal(rest_s)
    if re.fullmatch(r"[1-9]\d{0,2},\d{3}", value):
        raise ValueError(f"a comma before three digits has two meanings ({value})")
    if re.fullmatch(_GROUPED, value):
        last = max(value.rfind(mark) for mark in ",.")
        apart = value.count(value[last]) > 1  # only separators of thousands
        whole, part = (value, "") if apart else (value[:last], value[last + 1 :])
        value = re.sub(r"\D", "", whole) + (f".{part}" if part else "")
    return decimal(value)


def unit_s(name: str) -> float:
    """A unit of time in s. Raises ValueError."""
    if name.lower() not in _IN_S:
        raise ValueError(f"unit of time not known ({name})")
    return _IN_S[name.lower()]


def live_and_real(text: str) -> tuple[float | None, float | None]:
    """Seconds from a line such as `10 20`, `10 20 s` or `10 s, 20 s # set`; None for 0, which means unknown. Raises
    ValueError."""
    words = _PAIR.findall(re.split("#|//|!", text)[0])
    if len(words) != 2:
        raise ValueError(f"live and real time expected ({text[:40]})")
    (live, unit), (real, last) = words
    return seconds(f"{live} {unit}", last or "s"), seconds(f"{real} {last}")


def named(text: str) -> tuple[float | None, float | None]:
    """Live and real time in s, where lines of a text name them, such as `Live time (s): 29.5`; None for one that is not
    there. Times that were set in advance do not count. Raises ValueError if one cannot be read, or has two values."""
    found: dict[str, set] = {"live": set(), "real": set()}
    wrong: dict[str, str] = {}
    for line in text.split("\n"):
        names = list(_NAME.finditer(line))
        for name, after in zip(names, [*names[1:], None], strict=False):
            value = line[name.end() : after.start() if after else len(line)]
            if name.group(1) or name.group(3) or not re.search(r"\d", value):
                continue
            kind = "live" if name.group(2).lower() == "live" else "real"
            try:
                found[kind].add(seconds(value, name.group(4) or name.group(5) or "s"))
            except ValueError as error:
                wrong[kind] = str(error)
    for kind, values in found.items():
        if len(values) > 1:
            raise ValueError(f"{kind} time: appears twice, with different values")
        if not values and kind in wrong:
            raise ValueError(f"{kind} time: {wrong[kind]}")
    live, real = (next(iter(found[kind]), None) for kind in ("live", "real"))
    return live, real


def duration(time_s: float) -> float | None:
    """A time as read; None for 0, which means unknown. Raises ValueError below 0."""
    if time_s < 0:
        raise ValueError(f"below 0 ({time_s:g})")
    return time_s or None


def date(text: str) -> datetime:
    """Date and time as one of many programs writes it. 01/02/2026 is taken for 2 January, as in ORTEC's format. Raises
    ValueError for anything else, and for a date before 1900."""
    text = " ".join(text.replace(",", " ").split())
    found = None
    try:
        found = datetime.fromisoformat(text)
    except ValueError:
        for form in (f"{day} {time}".strip() for day in _DATES for time in (*_TIMES, "")):
            try:
                found = datetime.strptime(text, form)
                break
            except ValueError:
                continue
    if found is None or not 1900 <= found.year < 2200:
        raise ValueError(f"not a date and time that is known ({text[:40]})")
    return found
