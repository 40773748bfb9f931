"""Record numbers on ground, compared with a plain set."""

from itertools import pairwise

import numpy as np
from dorn.link.index import INDEX
from dorn.link.records import Received, Records
from hypothesis import given
from hypothesis import strategies as st
from support.products import DICTIONARY, packet

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


def stored(record, time_s, origin, name="rates", **fields):
    """A decoded packet of an origin."""
    return DICTIONARY.decode(packet(name, time_s=time_s, record=record, origin=origin, **fields).octets)


def test_packets_of_the_current_origin_are_late_below_the_highest_record():
    received = Received()
    assert received.take(stored(5, 1.0, 9)) == (False, True)
    assert received.take(stored(7, 2.0, 9)) == (False, True)
    assert received.take(stored(6, 1.5, 9)) == (True, True)
    assert received.take(stored(6, 1.5, 9)) == (True, False)
    assert received.take(stored(0, 3.0, 9)) == (False, True), "not stored"
    assert received.take(DICTIONARY.decode(packet("pong").octets)) == (False, True)
    assert (received.origin, received.records.received, received.records.repeated) == (9, 3, 1)


def test_an_older_packet_of_another_origin_is_late_and_a_later_one_changes_the_origin():
    received = Received()
    received.take(stored(5000, 100.0, 9))
    assert received.take(stored(3, 50.0, 8)) == (True, True)
    assert received.take(stored(3, 50.0, 8)) == (True, False)
    assert received.origin == 9 and 3 in received.records, "the record is in the store of this instrument"
    assert received.take(stored(9000, 200.0, 10)) == (False, True)
    assert received.origin == 10 and received.records.missing(8998, 9001) == [(8998, 8999), (9001, 9001)]


def test_records_of_an_archive_are_received_by_their_origin_only():
    index = np.zeros(3, INDEX)
    index["record"], index["origin"] = [1, 2, 4], [8, 8, 9]
    received = Received()
    received.know(index)
    assert received.take(stored(2, 50.0, 9)) == (True, True), "the number belongs to another origin"
    assert received.records.missing(1, 5) == [(1, 1), (3, 3), (5, 5)]
