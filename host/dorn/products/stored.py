"""Files of arrays, NAME.npz, as `numpy.load` reads them; identical arrays give identical files.

`numpy.savez` needs whole arrays in memory; here they may come in parts.
"""

from __future__ import annotations

import math
import zipfile
from collections.abc import Iterable, Mapping
from typing import BinaryIO, NamedTuple

import numpy as np


class Parts(NamedTuple):
    """An array of this type and shape, given in parts along the first axis."""

    dtype: np.dtype | type
    shape: tuple[int, ...]
    parts: Iterable[np.ndarray]


def write_npz(file: BinaryIO, arrays: Mapping[str, np.ndarray | Parts], compress: bool = True) -> None:
    """Write arrays. Raises ValueError if the parts of an array do not add up to its size."""
    method = zipfile.ZIP_DEFLATED if compress else zipfile.ZIP_STORED
    with zipfile.ZipFile(file, "w", method, compresslevel=1) as archive:
        for name, array in arrays.items():
            if isinstance(array, np.ndarray):
                array = Parts(array.dtype, array.shape, (array,))
            dtype, left = np.dtype(array.dtype), math.prod(array.shape)
            header = {"descr": np.lib.format.dtype_to_descr(dtype), "fortran_order": False, "shape": array.shape}
            info = zipfile.ZipInfo(f"{name}.npy")  # with the date 1980-01-01
            info.compress_type = method
            with archive.open(info, "w", force_zip64=True) as entry:
                np.lib.format.write_array_header_1_0(entry, header)
                for part in array.parts:
                    entry.write(np.ascontiguousarray(part, dtype).tobytes())
                    left -= part.size
            if left:
                raise ValueError(f"{name}: the parts differ from the shape {array.shape} by {left} values")
