"""Pending objects of the garbage collector: heaps laid out as MicroPython does, with a known graph."""

import pytest
from dorn.study.collector import Heap

RAM, TABLE, BLOCKS = 0x2000_0000, 0x2000_0100, 1024
FIRST = TABLE + 0x400
TUPLE = 0x1000_0000  # type of a tuple, in flash


class Memory:
    """The words of a chip with a heap. Objects are added one after the other."""

    def __init__(self):
        self.words = dict.fromkeys(range(RAM, RAM + 0x40000, 4), 0)
        octets = BLOCKS // 4
        record = TABLE, octets, TABLE + octets + 1, FIRST, FIRST + 16 * BLOCKS
        self.words.update(zip(range(RAM + 0x40, RAM + 0x54, 4), record, strict=True))
        self._next = 0

    def add(self, *words):
        """Add an object with these words; returns its address."""
        blocks = -(-len(words) // 4)
        address = FIRST + 16 * self._next
        for n in range(blocks):
            block = self._next + n
            word, shift = TABLE + block // 16 * 4, 2 * (block % 16)
            self.words[word] |= (2 if n else 1) << shift
        self._next += blocks
        self.words.update(zip(range(address, address + 4 * len(words), 4), words, strict=True))
        return address

    def pair(self, first, second):
        return self.add(TUPLE, 2, first, second)

    def heap(self):
        return Heap(self.words.__getitem__)


def chained(memory, *seconds):
    """A chain that leads to these objects, the last one first, and a table of names that refers to it."""
    link = 0
    for second in seconds:
        link = memory.pair(link, second)
    return memory.add(0, 7, link, 0, 0, 0, 0, 0)


def test_a_chain_adds_one_pending_object_at_a_time():
    memory = Memory()
    chained(memory, *(memory.add(9) for _ in range(20)))
    heap = memory.heap()
    assert len(heap.chain()) == 20 and heap.pending() == 2


@pytest.mark.parametrize("width", [3, 63, 70])
def test_all_children_of_an_object_are_pending_beside_the_rest_of_the_chain(width):
    memory = Memory()
    children = [memory.add(9) for _ in range(width)]
    chained(memory, memory.add(9), memory.add(*children))
    assert memory.heap().pending() == width + 1


def test_what_has_been_followed_is_not_pending_again():
    memory = Memory()
    children = [memory.add(9) for _ in range(30)]
    wide = memory.add(*children)
    deep = memory.add(wide, *(memory.add(9) for _ in range(10)))  # its last children are followed first
    # alone: 11 children, then 30 more when the first of them is followed
    chained(memory, memory.add(9), deep)
    assert memory.heap().pending() == 1 + 30
    memory = Memory()
    children = [memory.add(9) for _ in range(30)]
    wide = memory.add(*children)
    deep = memory.add(*(memory.add(9) for _ in range(10)), wide)
    chained(memory, deep, memory.add(9))
    assert memory.heap().pending() == 10 + 30, "all others are pending while the last one is followed"
    chained(memory, deep, wide, memory.add(9))
    # the longest chain is now this one, which leads to the wide object first
    assert memory.heap().pending() == 1 + 30


def test_a_memory_without_heap_is_an_error():
    with pytest.raises(ValueError, match="no heap"):
        Heap(lambda address: 0)
