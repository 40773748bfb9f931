"""Record numbers on ground, against a plain set."""

from itertools import pairwise

from dorn.link.records import Records
from hypothesis import given
from hypothesis import strategies as st

numbers = st.integers(1, 60)


def expanded(ranges):
    return [record for first, last in ranges for record in range(first, last + 1)]


@given(st.lists(st.one_of(numbers, st.tuples(numbers, numbers))), numbers, numbers)
def test_as_a_set_does(steps, first, last):
    records, there, received, repeated = Records(), set(), 0, 0
    for step in steps:
        if isinstance(step, tuple):
            records.settle(*step)
            there |= set(range(step[0], step[1] + 1))
            continue
        assert records.add(step) == (step not in there)
        received += step not in there
        repeated += step in there
        there.add(step)
    assert (records.received, records.repeated) == (received, repeated)
    assert records.latest == max(there, default=0)
    assert [record for record in range(1, 62) if record in records] == sorted(there)
    missing = records.missing(first, last)
    assert expanded(missing) == [record for record in range(first, last + 1) if record not in there]
    assert all(a[1] + 1 < b[0] for a, b in pairwise(missing))  # as few ranges as can be


def test_a_mission_of_records_takes_a_few_ranges():
    records = Records()
    for record in range(2**32 - 100_000, 2**32):
        records.add(record)
    assert records.missing(2**32 - 100_001, 2**32 - 1) == [(2**32 - 100_001, 2**32 - 100_001)]
    assert len(records._first) == 1
