"""How many objects the garbage collector of the emulated Pico has pending at most, from its heap.

MicroPython's collector follows references depth first: it marks what an object refers to, keeps it in a list of STACK
places, and follows the last one. If there are more, it scans the whole heap again, which doubles the time of a
collection. The firmware lets it begin with a chain of pairs (`_set_order` in fsw/app.py).

This depends on the layout of the heap in MicroPython 1.28 (py/gc.c), and only on that: what the chain does not lead to
is not followed.
"""

from __future__ import annotations

import struct
from collections.abc import Callable

STACK = 64  # MICROPY_ALLOC_GC_STACK_SIZE
_RAM, _RAM_BYTES = 0x2000_0000, 0x4_0000  # the four striped banks; the heap ends with them
_BLOCK = 16  # octets
_HEAD, _TAIL = 1, 2  # states of a block in the allocation table, two bits each


class Heap:
    """The objects in the heap; an object is known by the number of its first block."""

    def __init__(self, read_word: Callable[[int], int]):
        """read_word(address) of the chip. Raises ValueError if no heap is found."""
        self._words = [read_word(_RAM + 4 * i) for i in range(_RAM_BYTES // 4)]
        table, self._begin, self._end = self._area()
        octets = struct.pack(f"<{len(self._words)}I", *self._words)[table - _RAM :]
        blocks = (self._end - self._begin) // _BLOCK
        states = [octets[block // 4] >> 2 * (block % 4) & 3 for block in range(blocks)]
        self._length: dict[int, int] = {}  # in blocks
        for block, state in enumerate(states):
            if state == _HEAD:
                last = self._length[block] = block
            elif state == _TAIL:
                self._length[last] = block
        self._length = {first: end - first + 1 for first, end in self._length.items()}
        self._children = {block: self._references(block) for block in self._length}

    def _area(self) -> tuple[int, int, int]:
        """(address of the allocation table, of the first block, of the end), from the collector's own record."""
        for i in range(len(self._words) - 4):
            table, octets, finalisers, begin, end = self._words[i : i + 5]
            in_order = _RAM < table < table + octets <= finalisers < begin < end
            if in_order and end - begin == 4 * _BLOCK * octets:
                return table, begin, end
        raise ValueError("no heap of MicroPython found")

    def _of(self, block: int) -> list[int]:
        """The words of an object."""
        first = (self._begin - _RAM + _BLOCK * block) // 4
        return self._words[first : first + 4 * self._length[block]]

    def _references(self, block: int) -> list[int]:
        found = []
        for word in self._of(block):
            if self._begin <= word < self._end and word % _BLOCK == 0:
                other = (word - self._begin) // _BLOCK
                if other in self._length:
                    found.append(other)
        return found

    def chain(self) -> list[int]:
        """The longest chain of pairs, each with the next as its first item, from its beginning."""
        after = {}
        for block, length in self._length.items():
            if length == 1:
                _, size, first, _ = self._of(block)
                if size == 2 and self._begin <= first < self._end:
                    after[block] = (first - self._begin) // _BLOCK
        longest: list[int] = []
        for block in set(after) - set(after.values()):
            links = [block]
            while links[-1] in after:
                links.append(after[links[-1]])
            longest = max(longest, links, key=len)
        return longest

    def pending(self) -> int:
        """The largest number of objects pending while the collector follows the names of the module that holds the
        beginning of the chain."""
        beginning = self.chain()[0]
        holders = [block for block, children in self._children.items() if beginning in children]
        names = max(holders, key=lambda block: len(self._children[block]))  # garbage may refer to the beginning as well
        marked, stack, most, block = {names}, [], 0, names
        while True:
            for child in self._children[block]:
                if child not in marked:
                    marked.add(child)
                    stack.append(child)
            most = max(most, len(stack))
            if not stack:
                return most
            block = stack.pop()
