"""HDF5 files: arrays in groups, each with its unit and meaning as attributes; written by h5py."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, BinaryIO

import numpy as np

from dorn.util.extras import missing


@dataclass(frozen=True, eq=False)
class Column:
    """One array of numbers or texts (dtype object)."""

    values: np.ndarray
    unit: str = ""  # empty if there is none, as for flags or texts
    about: str = ""


def write(file: BinaryIO, about: Mapping[str, str], groups: Mapping[str, Mapping[str, Column]]) -> None:
    """Write groups of arrays to an open file. about: attributes of the file. Raises UserError if h5py is missing."""
    try:
        import h5py
    except ImportError:
        raise missing("export: h5py writes .h5 files", "export") from None
    with h5py.File(file, "w") as top:
        top.attrs.update(about)
        for name, columns in groups.items():
            group = top.create_group(name)
            for title, column in columns.items():
                values: Any = column.values
                options: dict[str, Any] = {}
                if values.dtype == object:
                    options = {"dtype": h5py.string_dtype()}
                elif values.ndim and values.size:
                    options = {"compression": "gzip", "compression_opts": 1, "shuffle": True}
                data = group.create_dataset(title, data=values, **options)
                data.attrs["units"] = column.unit
                data.attrs["description"] = column.about
