"""Measured spectra in ORTEC's integer format (.chn, .Chn), as MAESTRO writes them.

Little-endian, counts unsigned. 32 octets of header: -1, MCA number, segment, seconds of the start, real and live time
in 20 ms, date and time of the start, first channel, number of channels (0 from some programs). Then the counts, 4
octets per channel. Then an optional trailer: -102 (or -101, without the quadratic term), 2 octets reserved, the
calibration terms as 4-octet floats; from its octet 256 on, the descriptions of detector and sample, each a length and
63 characters. Only the counts are required.
Source: ORTEC Software File Structure Manual, part 753800, chapter on integer .CHN files.
"""

import struct
from datetime import datetime

import numpy as np

from dorn.errors import UserError
from dorn.files.mca import McaFile, OtherKind, calibrated, decimal, one_line, without_zone
from dorn.files.times import duration
from dorn.util.checks import SourceError, octets_of

_HEADER = struct.Struct("<hhh2sii8s4sHH")
TICK_S = 0.02
_TRAILER, _TEXTS, _TEXT = 512, 256, 63  # octets: length of the trailer, offset of its texts, maximum length of a text
_MONTHS = ("Jan", "Feb", "Mar", "Apr", "May", "Jun", "Jul", "Aug", "Sep", "Oct", "Nov", "Dec")
_MOST = 2**31 - 1
_TERMS = {-101: 2, -102: 3}  # mark of the trailer -> number of calibration terms
_UNCALIBRATED = (0.0, 1.0)  # stored by MAESTRO if there is no calibration, with a quadratic term of 0


def read(path):
    """Read the file at `path` as an McaFile. Raises SourceError."""
    data = octets_of(path)
    if len(data) < _HEADER.size:
        raise OtherKind.at(path, "header", f"shorter than {_HEADER.size} octets: not a .chn file", len(data))
    mark, _, _, seconds, real_ticks, live_ticks, date, time, first_channel, channels = _HEADER.unpack_from(data)
    if mark != -1:
        raise OtherKind.at(path, "header", "does not begin with -1: not a .chn file", mark)
    channels = channels or _channels(data, path)
    end = _HEADER.size + 4 * channels
    if len(data) < end:
        there = (len(data) - _HEADER.size) // 4
        raise SourceError.at(path, "counts", f"{there} channels where the header announces {channels}")
    counts = np.frombuffer(data, "<u4", channels, _HEADER.size).astype(np.int64)
    one = McaFile(counts, first_channel, None, None, ())
    detector, sample = _texts(data[end:])
    one.name, one.remarks = detector, (sample,) if sample else ()
    one.optional("times", _times, live_ticks, real_ticks)
    one.optional("start", _start, date, time + seconds)
    one.optional("calibration", _calibrate, data[end:])
    return one


def _channels(data, path):
    """The number of channels of a file whose header says 0: all up to the trailer of 512 octets, if there is one."""
    n, rest = divmod(len(data) - _HEADER.size, 4)
    at = len(data) - _TRAILER
    if n and not rest and at >= _HEADER.size and _is_trailer(data[at:]):
        n -= _TRAILER // 4
    elif any(_is_trailer(data[at:]) for at in range(_HEADER.size, len(data), 4)):
        n = 0  # a trailer of another length, or a count that looks like one
    if rest or not n:
        raise SourceError.at(path, "counts", "the header announces 0 channels, and the length does not tell", len(data))
    return n


def _is_trailer(data):
    return len(data) > 3 and struct.unpack_from("<hh", data) in ((mark, 0) for mark in _TERMS)


def write(one: McaFile) -> bytes:
    """The content of a file. The format cannot hold all of a spectrum: times are rounded to 20 ms, the start down to
    the second, and calibration terms to float32; name and remarks share one text, truncated to 63 characters.

    Raises UserError, naming the field and its value, for counts, times, channels or a year that it cannot hold.
    """
    ticks = [round((time_s or 0.0) / TICK_S) for time_s in (one.real_s, one.live_s)]
    start = None if one.start is None else without_zone(one.start)
    limits = {
        "counts": (int(max(one.counts, default=0)), _MOST),
        "real time": (ticks[0], _MOST),
        "live time": (ticks[1], _MOST),
        "channels": (one.first_channel + len(one.counts), 2**16 - 1),
    }
    for field, (value, most) in limits.items():
        if value > most:
            raise UserError.at(".chn", field, f"above {most}, the most the format can hold", value)
    when = b"  ", b" " * 8, b" " * 4
    if start is not None:
        if not 1900 <= start.year < 2100:
            raise UserError.at(".chn", "start", "not from 1900 to 2099", start.isoformat())
        date = f"{start.day:02d}{_MONTHS[start.month - 1]}{start.year % 100:02d}{(start.year - 1900) // 100}"
        when = f"{start.second:02d}".encode(), date.encode(), f"{start.hour:02d}{start.minute:02d}".encode()
    header = _HEADER.pack(-1, 1, 1, when[0], *ticks, when[1], when[2], one.first_channel, len(one.counts))
    terms = [*one.coefficients, 0.0, 0.0, 0.0][:3] if one.coefficients else [*_UNCALIBRATED, 0.0]
    trailer = struct.pack("<hh3f", -102, 0, *terms).ljust(_TEXTS, b"\0")
    for text in (one_line(one.name), one_line("; ".join(one.remarks))):
        cut = text[:_TEXT].encode()
        trailer += bytes([len(cut)]) + cut.ljust(_TEXT, b"\0")
    return header + one.counts.astype("<i4").tobytes() + trailer.ljust(_TRAILER, b"\0")


def _start(one: McaFile, date: bytes, time: bytes) -> None:
    """date: DDMMMYYC, with 1 for C from the year 2000 on; time: HHMMSS."""
    if not (date + time).strip(b" \0"):
        return
    try:
        day, month, year = int(date[:2]), _MONTHS.index(date[2:5].decode().capitalize()) + 1, int(date[5:7])
        year += 2000 if date[7:] == b"1" else 1900
        one.start = datetime(year, month, day, int(time[:2]), int(time[2:4]), int(time[4:]))
    except ValueError:
        raise ValueError(f"start: not a date and time ({date + time!r})") from None


def _texts(trailer: bytes) -> tuple[str, str]:
    """The descriptions of detector and sample; empty where the trailer has none."""
    places = _TEXTS, _TEXTS + 1 + _TEXT
    found = [trailer[at + 1 : at + 1 + min(trailer[at], _TEXT)] if at < len(trailer) else b"" for at in places]
    return found[0].decode("latin-1").strip(" \0"), found[1].decode("latin-1").strip(" \0")


def _times(one: McaFile, live_ticks: int, real_ticks: int) -> None:
    try:
        one.live_s, one.real_s = duration(live_ticks * TICK_S), duration(real_ticks * TICK_S)
    except ValueError as error:
        raise ValueError(f"live or real time: {error}") from None


def _calibrate(one: McaFile, trailer: bytes) -> None:
    if not trailer:
        return
    mark = struct.unpack_from("<h", trailer)[0] if len(trailer) > 1 else None
    if mark not in _TERMS:
        raise ValueError(f"trailer: begins neither with -101 nor with -102 ({mark})")
    form = struct.Struct(f"<{_TERMS[mark]}f")
    if len(trailer) < 4 + form.size:
        raise ValueError(f"trailer: ends within the calibration ({len(trailer)})")
    terms = form.unpack_from(trailer, 4)
    one.calibration_text = " ".join(f"{term:g}" for term in terms)
    one.coefficients = calibrated([decimal(term) for term in terms])
