"""Events of an archive are those of the reader of single packets, `event_list.read`, and agree with the counters."""

from itertools import pairwise

import numpy as np
import pytest
from dorn.analysis import event_list
from dorn.head.front_end import FrontEnd, Head
from dorn.link.archive import Archive
from dorn.products.event_files import CLASSES
from dorn.products.products import Products
from dorn.session.instrument import Instrument
from dorn.targets.unix import UnixTarget
from hypothesis import given, settings
from hypothesis import strategies as st
from particles import poisson
from support.event_lists import IN_PACKET, check_same, event, expected, listing, lists, mark
from support.instrument import play
from support.products import DICTIONARY, products

QUOTAS = {f"quota_{n}": 50 for n in range(len(CLASSES))}


def recorded(folder, cps, seconds, **parameters):
    """(Products, table by the reader of single packets) of an acquisition."""
    path = folder / "telemetry.ccsds"
    with UnixTarget(Head(FrontEnd())) as target:
        i = Instrument(target)
        i.record(path)
        i.connect()
        i.set_parameters(**parameters)
        i.advance(4)  # windows depend on earlier events for this long
        i.start()
        play(i, poisson(cps, seconds, seed=cps, pairs=0.3))
        i.stop()
        i.close()
    with Archive(DICTIONARY, path) as archive:
        return Products(archive), event_list.read(archive.packets()).table()


@given(lists(), st.randoms(use_true_random=False))
def test_events_and_windows_are_those_of_the_reader_in_any_order_of_packets(packets, rng):
    shuffled = rng.sample(packets, len(packets)) + packets[:1]  # one packet is included twice
    check_same(products(*shuffled).events, expected(packets))


@settings(max_examples=50)
@given(lists(origin=7), lists(origin=9))
def test_events_of_two_origins_are_not_mixed(one, other):
    tables = expected(one), expected(other)
    found = products(*other, *one).events
    check_same(found, *tables)
    filled = [table for table in tables if len(table) or len(table.window_class)]
    for part, table in zip(found.origins(), filled, strict=True):
        check_same(part, table)


ODD_WORDS = st.lists(
    st.sampled_from((0, 1, 2, 3, 5, 256, 257, 512, 769, 1024, 1025)) | st.integers(0, 0xFFFF), max_size=IN_PACKET
)


@given(lists(), st.lists(ODD_WORDS, max_size=5))
def test_lists_that_the_reader_refuses_are_counted_and_the_rest_is_decoded(packets, odd):
    made = [*packets, *(listing(words, 1_000_000 * n, 77) for n, words in enumerate(odd))]
    good = []
    for one in made:
        try:
            event_list.read([DICTIONARY.decode(one.octets)])
            good.append(one)
        except ValueError:
            continue
    collected = products(*made)
    check_same(collected.events, expected(good))
    assert collected.not_understood.total() == len(made) - len(good)
    assert collected.packets == len(good)


@pytest.mark.parametrize(
    "words",
    [
        event(6, {4: 1000}),
        mark(5, 0, 1) + mark(6, 0, 0) + event(7, {4: 1000}),
        mark(5, 0, 1) + mark(6, 1, 0) + event(7, {4: 1000}),
        mark(5, 4, 1),
        mark(5, 0, 1) + event(6, {4: 1000, 5: 1})[:-1],
        [*mark(5, 0, 1), 6],
    ],
    ids=["no mark", "closed", "class closed", "unknown class", "incomplete event", "incomplete stamp"],
)
def test_nothing_of_an_odd_list_is_used(words):
    good = listing(mark(5, 0, 1) + event(6, {4: 1000}), 10_000_000, 100)
    for odd in (listing(words, 5_000_000, 100), listing(words, 20_000_000, 100)):
        collected = products(good, odd)
        assert collected.not_understood == {"event_list: values not valid for this instrument": 1}
        check_same(collected.events, expected([good]))


def test_a_time_that_on_board_time_cannot_have_is_odd():
    assert products(listing([], 2**32 * 10**6, 0).but(time_s=1)).not_understood.total() == 1


def test_a_missing_packet_closes_the_window():
    made = [listing(mark(10**6 * n - 10**6, 1, 1), 10**6 * n, 10**6 * n) for n in range(1, 6)]
    whole, parts = products(*made).events, products(*made[:2], *made[3:]).events
    assert whole.windows_us(1).tolist() == [[0, 5_000_000]] and whole.exposure_s(1) == 5
    assert parts.windows_us(1).tolist() == [[0, 2_000_000], [3_000_000, 5_000_000]] and parts.exposure_s(1) == 4


def test_windows_of_classes_and_origins_do_not_continue_each_other():
    """Each one starts when another one ends."""
    words = mark(1_000_000, 0, 1) + mark(2_000_000, 0, 0) + mark(2_000_000, 1, 1)
    made = listing(words, 3_000_000, 3_000_000, origin=7), listing(mark(0, 1, 1), 4_000_000, 1_000_000, origin=9)
    found = products(*made).events
    assert found.window_begin_us.tolist() == [1_000_000, 2_000_000, 3_000_000]
    assert (found.window_origin.tolist(), found.window_class.tolist()) == ([7, 7, 9], [0, 1, 1])


def test_energies_are_those_of_the_default_calibration():
    codes = {1: 50, 2: 1717, 3: 1717 | 1 << 15}
    found = products(listing(mark(5, 3, 1) + event(6, codes), 10_000_000, 100)).events
    np.testing.assert_array_equal(found.energy_kev, [0.0, 5001.0, np.nan])
    assert [column.tolist() for column in found.each_hit()] == [[0, 0, 0], [1, 2, 3]]


def test_a_recorded_run_has_the_events_of_the_reader(tmp_path):
    """More events than the quotas: windows open and close."""
    collected, reference = recorded(tmp_path, 100, 40)
    found = collected.events
    reference.origin[:] = reference.window_origin[:] = found.origin[0]
    check_same(found, reference)
    assert set(found.event_class.tolist()) >= {0, 1, 2} and len(found.windows_us(0)) > 3
    for event_class in range(len(CLASSES)):
        assert all(a[1] < b[0] for a, b in pairwise(found.windows_us(event_class).tolist()))


def test_events_in_windows_that_are_always_open_are_those_counted(tmp_path):
    """All windows are open, so the list has as many events as the counters of each class in the same time."""
    collected, _ = recorded(tmp_path, 20, 120, **QUOTAS)
    found, totals = collected.events, collected.totals()
    counts = np.bincount(found.event_class, minlength=len(CLASSES))
    assert counts.tolist() == [totals.count(name) for name in CLASSES] and counts[:3].min() > 200
    for event_class in range(len(CLASSES)):
        assert len(found.windows_us(event_class)) == 1
        assert abs(found.exposure_s(event_class) - totals.real_us / 1e6) < 0.01
