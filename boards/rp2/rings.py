# Memory for rings that DMA writes or reads: a ring of 2**n bytes must lie at a multiple of its size.
import gc

from uctypes import addressof


def aligned(*bits):
    """Rings of 2**bits bytes, each aligned to its size, largest first, in one block. -> (block to keep, addresses)"""
    total, align = sum([1 << b for b in bits]), 1 << bits[0]
    block = bytearray(total + align - 16)  # holds them wherever it lies
    gap = -addressof(block) % align
    # MicroPython takes the first place that fits: with the gap filled, a block without spare room lies aligned
    block = None
    gc.collect()
    filler = bytearray(gap)
    block = bytearray(total)
    if addressof(block) % align:
        block = None
        block = bytearray(total + align - 16)
    del filler
    address = addressof(block)
    address += -address % align
    out = []
    for b in bits:
        out.append(address)
        address += 1 << b
    return block, out
