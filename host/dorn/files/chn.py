"""Measured spectra in ORTEC's integer format (.chn, .Chn), as MAESTRO writes them.

Little-endian. 32 octets of header: -1, number of the MCA, segment, seconds of the start, real and live time in 20 ms,
date and time of the start, first channel, number of channels. Then the counts, 4 octets per channel. Then an optional
trailer: -102 (or -101, without the quadratic term), 2 octets reserved, the terms of the calibration as floats of 4
octets.
Source: ORTEC Software File Structure Manual, part 753800, chapter on integer .CHN files.
"""

import struct

import numpy as np

from dorn.files.mca import McaFile
from dorn.util.checks import SourceError, number, octets_of

_HEADER = struct.Struct("<hhh2sii8s4sHH")
_TICK_S = 0.02
_TERMS = {-101: 2, -102: 3}  # of the calibration, by the mark of the trailer
_UNCALIBRATED = (0.0, 1.0)  # MAESTRO stores this without a calibration, with a quadratic term of 0


def read(path):
    """Read the file at `path` as an McaFile. Raises SourceError."""
    data = octets_of(path)
    if len(data) < _HEADER.size:
        raise SourceError.at(path, "header", f"shorter than {_HEADER.size} octets: not a .chn file", len(data))
    mark, *_, real_ticks, live_ticks, _, _, first_channel, channels = _HEADER.unpack_from(data)
    if mark != -1:
        raise SourceError.at(path, "header", "does not begin with -1: not a .chn file", mark)
    end = _HEADER.size + 4 * channels
    if not channels or len(data) < end:
        there = (len(data) - _HEADER.size) // 4
        raise SourceError.at(path, "counts", f"{there} channels where the header announces {channels}")
    counts = np.frombuffer(data, "<i4", channels, _HEADER.size).astype(np.int64)
    if counts.min() < 0:
        raise SourceError.at(path, "counts", f"below 0 in channel {first_channel + counts.argmin()}", int(counts.min()))
    live_s, real_s = (_time(t, path, field) for field, t in (("live time", live_ticks), ("real time", real_ticks)))
    return McaFile(counts, first_channel, live_s, real_s, *_calibration(data[end:], path))


def _time(ticks, path, field):
    if ticks < 0:
        raise SourceError.at(path, field, "below 0", ticks)
    return ticks * _TICK_S or None  # 0 in a file without a measurement: no time, not an error


def _calibration(trailer, path):
    if not trailer:
        return (), ""
    mark = struct.unpack_from("<h", trailer)[0] if len(trailer) > 1 else None
    if mark not in _TERMS:
        raise SourceError.at(path, "trailer", "begins neither with -101 nor with -102", mark)
    form = struct.Struct(f"<{_TERMS[mark]}f")
    if len(trailer) < 4 + form.size:
        raise SourceError.at(path, "trailer", "ends within the calibration", len(trailer))
    terms = tuple(number(term, path, "calibration") for term in form.unpack_from(trailer, 4))
    text = " ".join(f"{term:g}" for term in terms)
    if terms[:2] == _UNCALIBRATED and not any(terms[2:]):
        return (), text
    return terms, text
