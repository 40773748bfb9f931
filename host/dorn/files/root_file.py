"""ROOT files (CERN), by uproot: one-dimensional histograms are read; histograms, trees and texts are written."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, BinaryIO

import numpy as np

from dorn.util.checks import SourceError
from dorn.util.extras import missing


@dataclass(frozen=True, eq=False)
class Histogram:
    """edges: float64[n + 1]; counts: int64[n]."""

    edges: np.ndarray
    counts: np.ndarray
    title: str
    label: str  # axis label with the unit


@dataclass(frozen=True, eq=False)
class Ragged:
    """A branch whose entries differ in length: n, the length of each entry, and the concatenated values."""

    n: np.ndarray
    values: np.ndarray


def write(
    file: BinaryIO,
    histograms: Mapping[str, Histogram],
    trees: Mapping[str, Mapping[str, np.ndarray | Ragged]],
    texts: Mapping[str, str],
) -> None:
    """Write to a file open for writing and reading. trees: name -> branches, all with the same number of entries, each
    with values of one shape or ragged. Raises UserError if uproot is not installed."""
    try:
        import awkward
        import uproot
    except ImportError:
        raise missing("export: uproot writes .root files", "export") from None
    with uproot.recreate(file) as top:
        for name, text in texts.items():
            top[name] = text
        for name, one in histograms.items():
            top[name] = _histogram(one)
        for name, branches in trees.items():
            columns: dict[str, Any] = {
                title: awkward.unflatten(one.values, one.n) if isinstance(one, Ragged) else one
                for title, one in branches.items()
            }
            types = {
                title: one.type.content if isinstance(branches[title], Ragged) else np.dtype((one.dtype, one.shape[1:]))
                for title, one in columns.items()
            }
            tree = top.mktree(name, types)
            if len(next(iter(columns.values()))):
                tree.extend(columns)


def _histogram(one: Histogram) -> Any:
    """Like a numpy histogram written by uproot, but with a title and an axis label."""
    from uproot.writing import identify

    n, counts = len(one.counts), one.counts.astype(float)
    middles = (one.edges[1:] + one.edges[:-1]) / 2
    sums = (counts.sum(), counts.sum(), (counts * middles).sum(), (counts * middles**2).sum())
    axis = identify.to_TAxis("xaxis", one.label, n, one.edges[0], one.edges[-1], fXbins=one.edges)
    data = np.concatenate([[0.0], counts, [0.0]])  # with the underflow and overflow bins
    return identify.to_TH1x(None, one.title, data, *(sums[0], *sums), None, axis)


def read(path) -> dict[str, tuple[np.ndarray, np.ndarray] | SourceError]:
    """Name -> (edges float64[n + 1], counts int64[n]) of each histogram, in the order of the file, or why its counts
    cannot be read.

    Raises SourceError if the file cannot be read, or has no histogram with counts; UserError if uproot is not
    installed.
    """
    try:
        import uproot
    except ImportError:
        raise missing(f"{path}: uproot reads .root files", "export") from None
    try:
        opened: Any = uproot.open(path)
        with opened as content:
            names = [name for name, kind in content.classnames(cycle=False).items() if kind.startswith("TH1")]
            found = [(name, content[name].values(), content[name].axis().edges()) for name in names]
    except OSError as error:
        raise SourceError.at(path, "file", f"cannot be read: {error.strerror or 'not a file'}") from None
    except Exception as error:  # a damaged file raises errors of struct, zlib, uproot and others
        raise SourceError.at(path, "file", "not a ROOT file", str(error)) from None
    if not found:
        raise SourceError.at(path, "file", "has no one-dimensional histogram")
    read: dict[str, tuple[np.ndarray, np.ndarray] | SourceError] = {}
    for name, counts, edges in found:
        wrong = counts[~((counts >= 0) & (counts < 2**53) & (counts == np.floor(counts)))]
        if len(wrong):
            read[name] = SourceError.at(path, name, "not a whole number of counts", str(wrong[0]))
        else:
            read[name] = edges.astype(float), counts.astype(np.int64)
    errors = [one for one in read.values() if isinstance(one, SourceError)]
    if len(errors) == len(read):
        raise errors[0]
    return read
