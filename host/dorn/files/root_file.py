"""One-dimensional histograms of ROOT files (CERN), read by uproot."""

from __future__ import annotations

from typing import Any

import numpy as np

from dorn.util.checks import SourceError
from dorn.util.extras import missing


def read(path) -> dict[str, tuple[np.ndarray, np.ndarray]]:
    """Name -> (edges float64[n + 1], counts int64[n]) of each histogram, in the order of the file.

    Raises SourceError if the file cannot be read, has no histogram or one without whole counts, UserError without
    uproot.
    """
    try:
        import uproot
    except ImportError:
        raise missing(f"{path}: uproot reads .root files", "study") from None
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
    read = {}
    for name, counts, edges in found:
        wrong = counts[~((counts >= 0) & (counts < 2**53) & (counts == np.floor(counts)))]
        if len(wrong):
            raise SourceError.at(path, name, "not a whole number of counts", str(wrong[0]))
        read[name] = edges.astype(float), counts.astype(np.int64)
    return read
