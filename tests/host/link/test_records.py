"""Record numbers on ground, compared with a plain set."""

from itertools import pairwise

from dorn.link.records import Records
from hypothesis import given
from hypothesis import strategies as st

numbers = st.integers(1, 60)


def expanded(ranges):
    return [record for first, last in ranges for record in range(first, last + 1)]


@given(st.lists(st.one_of(numbers, st.tuples(numbers, numbers))), numbers, numbers)
def test_records_behave_like_a_set(steps, first, last):
    records, known, received, repeated = Records(), set(), 0, 0
    for step in steps:
        if isinstance(step, tuple):
            records.settle(*step)
            known |= set(range(step[0], step[1] + 1))
            continue
        assert records.add(step) == (step not in known)
        received += step not in known
        repeated += step in known
        known.add(step)
    assert (records.received, records.repeated) == (received, repeated)
    assert records.latest == max(known, default=0)
    assert [record for record in range(1, 62) if record in records] == sorted(known)
    missing = records.missing(first, last)
    assert expanded(missing) == [record for record in range(first, last + 1) if record not in known]
    assert all(a[1] + 1 < b[0] for a, b in pairwise(missing))  # no adjacent ranges


def test_many_consecutive_records_take_one_range():
    records = Records()
    for record in range(2**32 - 100_000, 2**32):
        records.add(record)
    assert records.missing(2**32 - 100_001, 2**32 - 1) == [(2**32 - 100_001, 2**32 - 100_001)]
    assert len(records._first) == 1
