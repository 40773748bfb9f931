"""Widths of an ADC's channels, measured with a flat spectrum, and spectra corrected for them on the ground.

Code-density method (IEEE Std 1241): if every amplitude is equally frequent, the counts of a channel are proportional to
its width. Stored spectra are left unchanged.

    widths = CodeWidths.from_counts(flat)         # (n, channels), n independent measurements, e.g. one per detector
    density, error = widths.corrected(counts)     # without the spikes of the over-wide codes
    energies_kev = 3.0 * (widths.centres() - 50)  # without the nonlinearity of the scale

The position of a pulse within an over-wide code cannot be recovered.

The method assumes a flat spectrum, which for a sliding pulser depends on its DAC. Dither averages the DAC's steps, not
its integral nonlinearity, which enters `edges` and `centres` directly, except for its straight-line part (`dorn study
adc` quantifies this for a DAC's data sheet). Single uneven steps affect the widths, and thereby limit `comb`; over-wide
codes far exceed them.
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import cache

import numpy as np

from dorn.dictionary import Dictionary
from dorn.util.checks import SourceError, above_zero, at_least, text_of

OVER_WIDE = (511, 1535, 2559, 3583)  # codes of the RP2040's ADC: data sheet, erratum RP2040-E11
SIGMAS = 5.0  # standard deviations: a width closer to the ordinary one is taken as ordinary
_HEADER = "channel,width_codes,error_codes"
# channels at each end of the flat spectrum that are not used, as noise and the end of the range may affect them
_END = 3


@cache
def scale() -> tuple[int, int]:
    """(channels of a spectrum, ideal codes per channel), from the dictionary."""
    instrument = Dictionary.load().instrument
    return instrument["channels"], instrument["codes_per_channel"]


@dataclass(frozen=True, eq=False)
class CodeWidths:
    """Widths of channels `first` to `first` + len(widths) - 1; the others are not measured and taken as ordinary."""

    first: int
    widths: np.ndarray  # in ideal codes; their mean is that of scale()
    errors: np.ndarray  # one standard deviation, in ideal codes

    @classmethod
    def from_counts(cls, counts) -> CodeWidths:
        """Widths from n >= 2 independent flat spectra of the same ADC, (n, channels).

        The error is the scatter of the n widths, root mean square over all channels, divided by sqrt(n): it is
        measured, and valid for both stratified and random amplitudes. Raises ValueError if there are too few data.
        """
        counts = np.asarray(counts, float)
        filled = np.flatnonzero(counts.sum(axis=0))
        if len(counts) < 2 or len(filled) < 2 * _END + 3:
            raise ValueError("fewer than two flat spectra, or too few channels with counts")
        first, last = int(filled[0]) + _END, int(filled[-1]) - _END
        part = counts[:, first : last + 1]
        if not (part.sum(axis=1).all() and part.sum(axis=0).all()):
            raise ValueError("an empty spectrum, or a channel without counts between channels with counts")
        # normalised: detectors need not have the same rate
        each = part / part.mean(axis=1, keepdims=True)
        total = part.sum(axis=0)
        # best-fit line through the edges, as for transition levels: scales the widths to ideal codes
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
        """The median width, in ideal codes: the reference of relative widths."""
        return float(np.median(self.widths))

    def outstanding(self) -> np.ndarray:
        """Whether each measured channel's width stands out from those of all channels, by more than 5 sigma.

        sigma combines in quadrature the error and the scatter of the ordinary channels' widths (1.4826 times the median
        deviation from the median): the erratum's codes stand out, the ordinary comb does not.
        """
        deviation = np.abs(self.widths - self.ordinary())
        return deviation > SIGMAS * np.hypot(self.errors, 1.4826 * np.median(deviation))

    def significant(self) -> np.ndarray:
        """Whether each measured channel's width differs from the ordinary one by more than 5 errors."""
        return np.abs(self.widths - self.ordinary()) > SIGMAS * self.errors

    def relative(self, comb: bool = False) -> tuple[np.ndarray, np.ndarray]:
        """(width relative to the ordinary one, its error) of all channels, exactly (1, 0) for those not corrected.

        Only channels that stand out are corrected, to keep the noise of the widths out of the others; with `comb`, all
        whose width differs significantly.
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
        # error of N / w, from the Poisson error of N and the error of w
        return counts / relative, np.hypot(np.sqrt(counts), counts * errors / relative) / relative

    def edges(self) -> np.ndarray:
        """Edges of all channels, (channels + 1,), in ideal codes: the cumulative measured widths.

        Their best-fit line is that of an ideal ADC; channels that were not measured have the ideal width.
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
        """Centres of all channels, in ideal codes: E = kev_per_code * (centre - zero_code)."""
        edges = self.edges()
        return (edges[1:] + edges[:-1]) / 2

    def over_wide(self) -> dict[int, tuple[int | None, float, float]]:
        """Outstanding channel that is too wide -> (over-wide code in it, that code's width, one standard deviation).

        The code is that of the erratum, or None if no such code is in the channel; the channel's whole excess is
        assigned to it. Widths are in ordinary codes, a quarter of an ordinary channel. The channel's three other codes
        may vary as codes do elsewhere: the standard deviation includes this, from the scatter of ordinary channels.
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
        """Save as CSV, `channel,width_codes,error_codes`, to full precision."""
        rows = zip(self.channels.tolist(), self.widths.tolist(), self.errors.tolist(), strict=True)
        with open(path, "w", encoding="utf-8") as file:
            file.write(_HEADER + "\n")
            file.writelines(f"{channel},{width!r},{error!r}\n" for channel, width, error in rows)

    @classmethod
    def load(cls, path) -> CodeWidths:
        """Load a table written by `save`. Raises SourceError if it is invalid."""
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
                raise SourceError.at(path, "row", f"{len(words)} values, expected 3", line, at)
            channel, width, error = words
            if not (channel.isascii() and channel.isdecimal() and len(channel) < 5 and int(channel) < channels):
                raise SourceError.at(path, "channel", f"not a whole number from 0 to {channels - 1}", channel, at)
            first = int(channel) if first is None else first
            if int(channel) != first + len(widths):
                raise SourceError.at(path, "channel", "not consecutive", channel, at)
            widths.append(above_zero(width, path, "width_codes", at))
            errors.append(at_least(0, error, path, "error_codes", at))
        if first is None:
            raise SourceError.at(path, "channel", "no rows")
        return cls(first, np.array(widths), np.array(errors))
