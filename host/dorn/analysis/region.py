"""Counts of a region of channels, without a model of the line: gross, and net of a background under it."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from dorn.errors import UserError

_EDGE = 2  # channels at each end whose mean is taken as the background there, as in multichannel analysers


@dataclass(frozen=True)
class Region:
    """gross: all counts; net: gross minus a straight line between the means of two channels at each end; error: one
    standard deviation of net, from counting statistics."""

    gross: float
    net: float
    error: float


def region(counts, first: int, last: int) -> Region:
    """The counts of channels first to last, inclusive. Raises UserError if the region is not within the spectrum, or
    has fewer than four channels."""
    counts = np.asarray(counts, float)
    if not 0 <= first <= last < len(counts):
        raise UserError.at("region", "channels", f"not within 0 to {len(counts) - 1}", f"{first} to {last}")
    inside = counts[first : last + 1]
    if len(inside) < 2 * _EDGE:
        raise UserError.at("region", "channels", f"fewer than {2 * _EDGE}", f"{first} to {last}")
    weights = np.ones(len(inside))
    weights[:_EDGE] -= len(inside) / (2 * _EDGE)
    weights[-_EDGE:] -= len(inside) / (2 * _EDGE)
    return Region(float(inside.sum()), float(weights @ inside), float(np.sqrt(weights**2 @ inside)))
