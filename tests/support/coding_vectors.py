"""CCSDS's own test data for 121.0-B, basic options, and samples that Hypothesis makes."""

import random

import numpy as np
from hypothesis import strategies as st

from support.data import data

BLOCK = 16
WIDTHS = range(1, 17)  # bits of a sample


def vector(bits: int) -> tuple[list[int], bytes]:
    """The samples of a vector, and what they are coded to. Skips the test without the data."""
    name = f"test_p256n{bits:02}"
    samples = np.fromfile(data("ccsds121", "AllOptions", f"{name}.dat"), "<u2" if bits > 8 else "u1")
    coded = data("ccsds121", "AllOptions", f"{name}{'-basic' if bits <= 4 else ''}.rz").read_bytes()
    return samples.tolist(), coded


def samples(bits: int = 16, most_blocks: int = 12):
    """Whole blocks; stretches of them are a constant, numbers up to one, or steps from one end to the other."""
    most = 2**bits - 1
    stretch = st.tuples(st.integers(1, 100), st.integers(0, most), st.integers(0, 2**32))

    def blocks(stretches) -> list[int]:
        found: list[int] = []
        for length, high, seed in stretches:
            rng = random.Random(seed)
            kind = rng.choice((lambda: high, lambda: rng.randint(0, high), lambda: rng.choice((0, most))))  # noqa: B023
            found += [kind() for _ in range(length)]
        found += found[-1:] * (-len(found) % BLOCK)
        return found[: BLOCK * most_blocks]

    return st.lists(stretch, min_size=1, max_size=8).map(blocks)
