# fsw/pus/parameters.py in isolation: when values are written, and the allocation estimate.
from array import array

from check import equal
from doubles import Reports
from fsw import icd, memory
from kept_parameters import parameters

SAVED = 3 * 1450  # a save reads both copies and writes one; the copies are not on flash yet
WRITTEN, REPLACED = 2500, 4000
STORAGE_DELAY = icd.P_STORAGE_DELAY


class Part:
    value = 0


def bench():
    made = parameters(Reports())
    part = Part()
    for number in range(256):
        made.bind(number, 1, part, "value", 1)
    return made


def test_writing_adds_to_the_allocation_estimate():
    made = bench()
    memory.garbage[0] = 0
    made.set(STORAGE_DELAY, 7)  # the very first write makes both copies; the second save reads the first
    first, memory.garbage[0] = memory.garbage[0], 0
    octets = 6 * len(made.all()) + 8
    equal(first, WRITTEN + 2 * SAVED + 620 + 2 * octets)
    made.set(STORAGE_DELAY, 8)  # waits for ten seconds to pass
    equal(memory.garbage[0], 0)


def test_replacing_adds_to_the_allocation_estimate():
    made = bench()
    memory.garbage[0] = 0
    made.replace(made.all())
    equal(memory.garbage[0], REPLACED)


def test_many_values_are_written_in_a_later_step():
    made = bench()
    values = array("I", made.all())
    values[0] += 1
    memory.garbage[0] = 0
    made.replace(values)
    equal(memory.garbage[0], REPLACED)
    assert made.step(0)
    assert memory.garbage[0] > REPLACED + WRITTEN, memory.garbage[0]
    assert not made.step(0)
