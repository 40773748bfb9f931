# fsw/spectra/channels.py in isolation.
from array import array

from check import equal
from fsw import icd
from fsw.spectra import kernel as k
from fsw.spectra.channels import Channels, clear

DETECTORS, UNITS, CHANNELS, PAIR_CHANNELS = 16, 8, 1024, 256
SPECTRA = DETECTORS + UNITS


class Bench:
    def __init__(self):
        self.state = array("I", bytes(4 * k.STATE))
        self.channels = Channels(self.state)
        self.channels.empty()

    def put(self, s, counts):
        """channel -> counts"""
        spectra = self.channels.singles if s < DETECTORS else self.channels.pairs
        first = s * CHANNELS if s < DETECTORS else (s - DETECTORS) * PAIR_CHANNELS
        for channel in counts:
            spectra[first + channel] = counts[channel]


def length(s):
    return CHANNELS if s < DETECTORS else PAIR_CHANNELS


def test_there_is_room_for_every_spectrum():
    channels = Bench().channels
    equal((len(channels.singles), len(channels.pairs)), (DETECTORS * CHANNELS, UNITS * PAIR_CHANNELS))


def test_no_spectrum_needs_closing_at_first():
    channels = Channels(array("I", bytes(4 * k.STATE)))
    equal((channels.to_close(), channels.closing), (None, 0))


def test_the_extent_of_a_spectrum_excludes_its_neighbours():
    for s in range(SPECTRA):
        bench = Bench()
        last = length(s) - 1
        for neighbour in range(SPECTRA):
            if neighbour != s:
                bench.put(neighbour, {0: 9, length(neighbour) - 1: 9})
        total, first, end, spectra, at = bench.channels.measure(s)
        equal(total, 0, s)
        assert first > end, (first, end)
        for counts, wanted in (
            ({7: 5}, (5, 7, 7)),
            ({7: 5, 0: 1}, (6, 0, 7)),
            ({7: 5, 0: 1, last: 0xFFFF}, (0x10005, 0, last)),
        ):
            bench.put(s, counts)
            total, first, end, spectra, at = bench.channels.measure(s)
            equal((s, total, first, end), (s,) + wanted, counts)
            equal((spectra[at + 7], spectra[at + end]), (5, counts.get(last, 5)), s)


def test_the_last_channel_alone_is_found():
    for s in (0, 15, 16, 23):
        bench = Bench()
        last = length(s) - 1
        bench.put(s, {last: 2})
        equal(bench.channels.measure(s)[:3], (2, last, last), s)
        bench.put(s, {last: 0, 0: 3})
        equal(bench.channels.measure(s)[:3], (3, 0, 0), s)


def test_taking_a_spectrum_zeroes_it_and_not_its_neighbours():
    for s in range(SPECTRA):
        bench = Bench()
        n = length(s)
        counts = {0: 1, 5: 0xFFFF, n - 1: 3}
        for each in range(SPECTRA):
            bench.put(each, {0: 1, 5: 0xFFFF, length(each) - 1: 3})
        copy = array("H", [77] * CHANNELS)
        bench.channels.take(s, copy)
        equal(list(copy), [counts.get(c, 0) for c in range(n)] + [77] * (CHANNELS - n), s)
        for each in range(SPECTRA):
            equal(bench.channels.measure(each)[0], 0 if each == s else 0x10003, (s, each))


def test_a_restart_empties_all_spectra():
    bench = Bench()
    for s in range(SPECTRA):
        bench.put(s, {c: 1 for c in range(length(s))})
    bench.channels.close_all(icd.CLOSED_BY_STOP, 1)
    bench.state[k.NEARLY_FULL] = bench.state[k.HELD] = 0x800001
    bench.state[k.READ] = 5
    bench.channels.empty()
    equal([bench.channels.measure(s)[0] for s in range(SPECTRA)], [0] * SPECTRA)
    equal((max(bench.channels.singles), max(bench.channels.pairs)), (0, 0))
    equal((bench.channels.closing, bench.state[k.NEARLY_FULL], bench.state[k.HELD]), (0, 0, 0))
    equal((bench.channels.to_close(), bench.state[k.READ]), (None, 5))


def test_exactly_the_given_words_are_cleared():
    words = array("I", [0xFFFFFFFF] * 5)
    clear(words, 3)
    equal(list(words), [0, 0, 0, 0xFFFFFFFF, 0xFFFFFFFF])
    clear(words, 0)
    equal(words[3], 0xFFFFFFFF)


def test_all_spectra_of_an_integration_are_closed_in_turn():
    bench = Bench()
    channels = bench.channels
    equal(channels.to_close(), None)
    channels.close_all(icd.CLOSED_BY_TIME, 7)
    assert channels.closing
    for s in range(SPECTRA):
        equal(channels.to_close(), s)
        equal(channels.closed(s, 8), (icd.CLOSED_BY_TIME, 7), s)
    equal((channels.to_close(), channels.closing), (None, 0))


def test_a_nearly_full_spectrum_is_closed_alone_in_the_running_integration():
    for s in range(SPECTRA):
        bench = Bench()
        channels, state = bench.channels, bench.state
        state[k.NEARLY_FULL] = state[k.HELD] = 1 << s
        equal((channels.to_close(), channels.closing), (s, 0))
        equal(channels.closed(s, 8), (icd.CLOSED_BY_OVERFLOW, 8), s)
        equal((channels.to_close(), state[k.NEARLY_FULL], state[k.HELD]), (None, 0, 0), s)


def test_closing_one_spectrum_leaves_the_others_pending():
    bench = Bench()
    channels, state = bench.channels, bench.state
    state[k.NEARLY_FULL], state[k.HELD] = 0b1010_0000, 0b1000_0000
    equal(channels.to_close(), 5)
    equal(channels.closed(5, 3), (icd.CLOSED_BY_OVERFLOW, 3))
    equal((channels.to_close(), state[k.NEARLY_FULL], state[k.HELD]), (7, 0b1000_0000, 0b1000_0000))


def test_a_nearly_full_spectrum_of_an_ended_integration_is_closed_once():
    bench = Bench()
    channels, state = bench.channels, bench.state
    channels.close_all(icd.CLOSED_BY_TIME, 7)
    state[k.NEARLY_FULL] = 0b110
    for _ in range(3):
        equal(channels.closed(channels.to_close(), 8), (icd.CLOSED_BY_TIME, 7))
    equal((channels.to_close(), state[k.NEARLY_FULL]), (3, 0))
    state[k.NEARLY_FULL] = 0b010  # full again
    equal(channels.to_close(), 1)
    equal(channels.closed(1, 8), (icd.CLOSED_BY_OVERFLOW, 8))
    equal(channels.to_close(), 3)
