"""Widths of a converter's channels, measured with a flat spectrum, and spectra corrected for them on ground.

The code-density method (IEEE Std 1241): where every amplitude is equally frequent, the counts of a channel are
proportional to its width. Stored spectra stay as counted.

    widths = CodeWidths.from_counts(flat)         # (n, channels), n independent measurements, e.g. one a detector
    density, error = widths.corrected(counts)     # the over-wide codes' spikes are gone
    energies_kev = 3.0 * (widths.centres() - 50)  # and the bends of the scale

What it cannot bring back: which of the values within an over-wide code a pulse had.

What it assumes: that the spectrum is flat. With a sliding pulser that is its DAC's matter. A dither averages the DAC's
steps, not its integral nonlinearity: that goes straight into `edges` and `centres`, less the straight line through it
(`dorn study adc` says how far, for a DAC's data sheet). The unevenness of its single steps goes into the widths: it
limits `comb`, while over-wide codes stand far out of it.
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import cache

import numpy as np

from dorn.dictionary import Dictionary
from dorn.util.checks import SourceError, above_zero, at_least, text_of

OVER_WIDE = (511, 1535, 2559, 3583)  # codes of the RP2040's converter: data sheet, erratum RP2040-E11
SIGMAS = 5.0  # a width that differs from the ordinary one by less is taken as ordinary
_HEADER = "channel,width_codes,error_codes"
# channels at each end of the flat spectrum that noise and its own ends may reach
_END = 3


@cache
def scale() -> tuple[int, int]:
    """(channels of a spectrum, ideal codes in each), as the dictionary has them."""
    instrument = Dictionary.load().instrument
    return instrument["channels"], instrument["codes_per_channel"]


@dataclass(frozen=True, eq=False)
class CodeWidths:
    """Channels `first` to `first` + len(widths) - 1; the others were not measured and are taken as ordinary."""

    first: int
    widths: np.ndarray  # in ideal codes: on average those of scale()
    errors: np.ndarray  # one standard deviation, in ideal codes

    @classmethod
    def from_counts(cls, counts) -> CodeWidths:
        """From flat spectra, (n, channels), n >= 2 independent ones of the same converter.

        The error is what the widths of the n scatter by, root mean square over all channels, divided by sqrt(n): it
        is measured, and holds for stratified amplitudes as for random ones. ValueError if there is too little.
        """
        counts = np.asarray(counts, float)
        filled = np.flatnonzero(counts.sum(axis=0))
        if len(counts) < 2 or len(filled) < 2 * _END + 3:
            raise ValueError("not two flat spectra of some ten channels")
        first, last = int(filled[0]) + _END, int(filled[-1]) - _END
        part = counts[:, first : last + 1]
        if not (part.sum(axis=1).all() and part.sum(axis=0).all()):
            raise ValueError("an empty spectrum, or a channel without counts among others that have some")
        # each as if it had the counts of all: detectors need not see the same rate
        each = part / part.mean(axis=1, keepdims=True)
        total = part.sum(axis=0)
        # best-fit line through the edges, as for the transition levels: the scale is that of ideal codes
        edges = np.concatenate(([0.0], np.cumsum(total)))
        _, codes = scale()
        per_count, _ = np.polyfit(edges, codes * np.arange(len(edges)), 1)
        error = codes * np.sqrt(each.var(axis=0, ddof=1).mean() / len(counts))
        return cls(first, per_count * total, np.full(len(total), error))

    @property
    def channels(self) -> np.ndarray:
        """Numbers of the measured channels."""
        return self.first + np.arange(len(self.widths))

    def ordinary(self) -> float:
        """The median width, in ideal codes: what relative widths refer to, as most channels have it."""
        return float(np.median(self.widths))

    def outstanding(self) -> np.ndarray:
        """Of each measured channel, whether its width stands out of those of all channels.

        By more than 5 sigma; sigma is the error and, added in quadrature, what the ordinary channels' widths scatter
        by (1.4826 times the median deviation from the median): the erratum's codes do, the ordinary comb does not.
        """
        deviation = np.abs(self.widths - self.ordinary())
        return deviation > SIGMAS * np.hypot(self.errors, 1.4826 * np.median(deviation))

    def significant(self) -> np.ndarray:
        """Of each measured channel, whether its width differs from the ordinary one by more than 5 errors."""
        return np.abs(self.widths - self.ordinary()) > SIGMAS * self.errors

    def relative(self, comb: bool = False) -> tuple[np.ndarray, np.ndarray]:
        """(width relative to the ordinary one, its error) of all channels, exactly (1, 0) where none is corrected.

        Only outstanding channels are corrected, so that no noise of the widths gets into the others; with `comb`
        all whose width differs significantly.
        """
        channels, _ = scale()
        relative, errors = np.ones(channels), np.zeros(channels)
        chosen = self.significant() if comb else self.outstanding()
        at = self.channels[chosen]
        relative[at] = self.widths[chosen] / self.ordinary()
        errors[at] = self.errors[chosen] / self.ordinary()
        return relative, errors

    def corrected(self, counts, comb: bool = False) -> tuple[np.ndarray, np.ndarray]:
        """(counts / relative width, one standard deviation) of a spectrum as counted."""
        counts = np.asarray(counts, float)
        relative, errors = self.relative(comb)
        # N / w: Poisson of N, and the error of w
        return counts / relative, np.hypot(np.sqrt(counts), counts * errors / relative) / relative

    def edges(self) -> np.ndarray:
        """Edges of all channels, (channels + 1,), in ideal codes: cumulative widths, all of them as measured.

        A best-fit line through them is that of an ideal converter; channels not measured continue the ends.
        """
        channels, codes = scale()
        edges = codes * np.arange(channels + 1) - 0.5
        last = self.first + len(self.widths)
        ideal = edges[self.first : last + 1].copy()
        measured = np.concatenate(([0.0], np.cumsum(self.widths)))
        measured += ideal.mean() - measured.mean()
        edges[: self.first] += measured[0] - ideal[0]
        edges[last + 1 :] += measured[-1] - ideal[-1]
        edges[self.first : last + 1] = measured
        return edges

    def centres(self) -> np.ndarray:
        """Middles of all channels, in ideal codes: E = kev_per_code * (centre - zero_code)."""
        edges = self.edges()
        return (edges[1:] + edges[:-1]) / 2

    def over_wide(self) -> dict[int, tuple[int | None, float, float]]:
        """Outstanding channel that is too wide -> (over-wide code in it, that code's width, one standard deviation).

        The code is the erratum's, None where the channel holds none; all of the channel's excess belongs to it.
        Widths are in ordinary codes, a quarter of an ordinary channel. The other codes of the channel may differ by
        as much as codes do elsewhere: the deviation has that of three codes, from the scatter of ordinary channels.
        """
        ordinary, (_, codes) = self.ordinary(), scale()
        scatter = 1.4826 * np.median(np.abs(self.widths - ordinary)) * np.sqrt(3 / codes)
        found = {}
        for i in np.flatnonzero(self.outstanding() & (self.widths > ordinary)).tolist():
            code = next((code for code in OVER_WIDE if code // codes == self.first + i), None)
            width = codes * self.widths[i] / ordinary - (codes - 1)
            error = codes / ordinary * np.hypot(self.errors[i], scatter)
            found[self.first + i] = code, float(width), float(error)
        return found

    def save(self, path) -> None:
        """As CSV, `channel,width_codes,error_codes`; numbers as they are, to the last bit."""
        rows = zip(self.channels.tolist(), self.widths.tolist(), self.errors.tolist(), strict=True)
        with open(path, "w", encoding="utf-8") as file:
            file.write(_HEADER + "\n")
            file.writelines(f"{channel},{width!r},{error!r}\n" for channel, width, error in rows)

    @classmethod
    def load(cls, path) -> CodeWidths:
        """What `save` wrote. Raises SourceError."""
        (at, header), *rows = [
            (at, line.strip()) for at, line in enumerate(text_of(path).splitlines(), start=1) if line.strip()
        ]
        if header != _HEADER:
            raise SourceError.at(path, "header", f"not {_HEADER}", header, at)
        first, widths, errors = None, [], []
        channels, _ = scale()
        for at, line in rows:
            words = line.split(",")
            if len(words) != 3:
                raise SourceError.at(path, "row", f"{len(words)} values where 3 belong", line, at)
            channel, width, error = words
            if not (channel.isascii() and channel.isdecimal() and len(channel) < 5 and int(channel) < channels):
                raise SourceError.at(path, "channel", f"not a whole number from 0 to {channels - 1}", channel, at)
            first = int(channel) if first is None else first
            if int(channel) != first + len(widths):
                raise SourceError.at(path, "channel", "not the one after the row before", channel, at)
            widths.append(above_zero(width, path, "width_codes", at))
            errors.append(at_least(0, error, path, "error_codes", at))
        if first is None:
            raise SourceError.at(path, "channel", "no rows")
        return cls(first, np.array(widths), np.array(errors))
