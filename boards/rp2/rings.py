# Memory for rings that DMA writes or reads: a ring of 2**n bytes must be aligned to its size.
import gc

from uctypes import addressof


def aligned(*bits):
    """Allocate rings of 2**bits bytes, largest first, each aligned, in one block. Return (block to keep, addresses)."""
    total, align = sum([1 << b for b in bits]), 1 << bits[0]
    block = bytearray(total)
    place = addressof(block)
    gap = -place % align
    if gap:
        # MicroPython allocates the first gap that fits: with the gap before it filled, the block is aligned. A filler
        # that lands in a hole elsewhere does not fill the gap: then a larger one is tried.
        block = None
        gc.collect()
        filler = bytearray(gap)
        while addressof(filler) != place and gap < 4 * align:
            gap += align
            filler = bytearray(gap)
        block = bytearray(total)
        del filler
    if addressof(block) % align:
        block = None
        gc.collect()
        block = bytearray(total + align - 16)  # large enough at any address
    address = addressof(block)
    address += -address % align
    out = []
    for b in bits:
        out.append(address)
        address += 1 << b
    return block, out
