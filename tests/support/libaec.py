"""An independent implementation of CCSDS 121.0-B: libaec, in the package imagecodecs. Blocks of 16, with predictor."""

import imagecodecs
import numpy as np

BLOCK = 16


def encode(samples: list[int], bits: int) -> bytes:
    """Encode with a single reference sample; at most 64 blocks."""
    kind = "<u2" if bits > 8 else "u1"
    out = bytearray(8 * len(samples) + 64)  # imagecodecs writes beyond the size that it would allocate itself
    data = np.array(samples, kind).tobytes()
    return bytes(imagecodecs.aec_encode(data, out=out, **_options(bits)))


def decode(data: bytes, count: int, bits: int) -> list[int]:
    kind = np.dtype("<u2" if bits > 8 else "u1")
    out = bytearray(count * kind.itemsize)
    return np.frombuffer(imagecodecs.aec_decode(data, out=out, **_options(bits)), kind).tolist()


def _options(bits: int) -> dict:
    flags = imagecodecs.AEC.FLAG.DATA_PREPROCESS
    return {"bitspersample": bits, "flags": flags, "blocksize": BLOCK, "rsi": 64}
