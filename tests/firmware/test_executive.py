"""fsw/executive.py under MicroPython: when it collects garbage."""

from support.micropython import run
from support.onboard import script

# Without MicroPython's automatic collection a full heap raises MemoryError; 12 tasks leave 63 000 octets per cycle.
GARBAGE = script("executive_garbage")


def test_garbage_is_collected_before_a_step_would_fill_the_heap():
    steps, caught_up, collections = run(GARBAGE, heap_kb=128).split()
    assert int(steps) == 400 and caught_up == "True"
    assert int(collections) > 400 * 12 * 55 * 96 / 128 / 1024
