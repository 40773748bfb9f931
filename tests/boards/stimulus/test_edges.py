"""boards/stimulus/edges.py and sources.py under MicroPython: pulses become the edges that the PIO machine plays."""

import functools
import json

import pytest
from dorn.image import stimulus
from dorn.util.paths import onboard_root
from hypothesis import example, given
from hypothesis import strategies as st
from scipy import stats
from support import chip, micropython

LEAD_IN = 10_000
RISE, AFTER, FALLEN, FALL = 11, 5, 2, 8  # cycles, counted in the listing of boards/stimulus/front_end.py
RISES = 1 << 15
NEVER = 0xFFFFFFFF
LONGEST = (1 << 30) - 1  # a gap

ANSWER = """
import array, json
from uctypes import addressof, bytearray_at
from boards.stimulus import edges, sources

ring = bytearray(1 << edges.BITS)

def made(first, end):
    view = memoryview(ring)
    out = []
    for e in range(first, end):
        at = 16 * (e % edges.EDGES)
        out.append([int.from_bytes(view[at + k : at + k + 4], "little") for k in (0, 4, 8, 12)])
    return out

def play(width, lead_in, pulses, held=0):
    s = edges.state(width, lead_in, held)
    words = pulses + [0] * (2 * edges.BLOCK - len(pulses) % (2 * edges.BLOCK))
    out, done, blocks = [], 0, 0
    while not done:
        block = array.array("I", words[2 * edges.BLOCK * blocks : 2 * edges.BLOCK * (blocks + 1)])
        before = s[edges.MADE]
        done = edges.append(addressof(ring), s, addressof(block))
        assert s[edges.MADE] - before <= 3 * edges.BLOCK
        assert bool(done) == edges.ended(addressof(block))
        out += made(before, s[edges.MADE])
        blocks += 1
    return out, made(s[edges.MADE], s[edges.MADE] + 1)[0], s[edges.PULSES], s[edges.LATE]

def read(kind, *arguments):
    source, out = getattr(sources, kind)(*arguments), []
    block = array.array("I", [0] * (2 * edges.BLOCK))
    while True:
        source.read(addressof(block))
        for i in range(0, len(block), 2):
            if block[i + 1] == 0:
                return out
            out.append((block[i], block[i + 1]))

def answer(line):
    name, *arguments = json.loads(line)
    return json.dumps({"play": play, "read": read}[name](*arguments))
"""


@pytest.fixture(scope="module")
def board():
    with micropython.Child(ANSWER, heap_kb=2048, path=[onboard_root()]) as child:
        yield lambda *arguments: json.loads(child.ask(json.dumps(arguments)))


def played(edges):
    """What the machine makes of edges, by the cycles of its listing: (time, lines, levels) of rises, and
    (time, comparators) of all edges."""
    now, rises, comparators = 0, [], []
    for _, delay, high, levels in edges:
        end = now + 2 * (delay + 1)
        if levels:
            rises.append((end + RISE, high, levels))
            comparators.append((end + RISE, high))
            now = end + RISE + AFTER
        else:
            comparators.append((end + FALLEN, high))
            now = end + FALL
    return rises, comparators


def ladder(word):
    """The two levels that the ladder's pins, GP16-22 and GP26, get from a word."""
    return [half & 0x7F | half >> 3 & 0x80 for half in (word & 0x7FF, word >> 16)]


pulse = st.tuples(st.integers(1, 40_000), st.integers(1, 0xFFFF), st.integers(0, 255), st.integers(0, 255))


def words(pulses):
    return [word for gap, lines, front, back in pulses for word in (gap, lines | front << 16 | back << 24)]


@given(st.lists(pulse, max_size=150), st.integers(60, 1200))
def test_pulses_rise_when_asked_and_fall_a_width_later(board, pulses, width):
    edges, last, count, late = board("play", width, LEAD_IN, words(pulses))
    rises, comparators = played(edges)
    assert count == len(rises) == len(pulses) and last[1:] == [NEVER, 0, 0]
    assert [ladder(levels) for _, _, levels in rises] == [[front, back] for _, _, front, back in pulses]
    assert all(levels & RISES for _, _, levels in rises)
    assert [edge[0] for edge in edges if edge[3]] == list(range(1, len(pulses) + 1))
    times, t = [], LEAD_IN
    for gap, *_ in pulses:
        t += gap
        times.append(t)
    lateness = [time - asked for (time, _, _), asked in zip(rises, times, strict=True)]
    assert all(d >= -1 for d in lateness)  # the machine counts in steps of two
    assert late or all(d <= 0 for d in lateness)
    risen = fallen = 0  # pulses fall in their order, each a width after its rise, or at once if edges hold it up
    for edge, (time, high) in zip(edges, comparators, strict=True):
        risen, fallen = (risen + 1, fallen) if edge[3] else (risen, fallen + 1)
        assert high == functools.reduce(int.__or__, (lines for _, lines, _, _ in pulses[fallen:risen]), 0)
        if not edge[3]:
            held_up = time - (rises[fallen - 1][0] + width)
            assert -2 <= held_up <= 16 * len(pulses)
    assert risen == fallen == len(pulses)


@given(st.lists(st.tuples(st.integers(2000, 40_000), st.integers(1, 0xFFFF)), min_size=1, max_size=150))
def test_separate_pulses_are_exact(board, pulses):
    """Rise and fall to the cycle, or one before: the machine counts in steps of two."""
    edges, _, count, late = board("play", 500, LEAD_IN, words([(gap, lines, 1, 2) for gap, lines in pulses]))
    assert (count, late) == (len(pulses), 0)
    _, comparators = played(edges)
    t, expected = LEAD_IN, []
    for gap, lines in pulses:
        t += gap
        expected += [(t, lines), (t + 500, 0)]
    assert [high for _, high in comparators] == [high for _, high in expected]
    assert all(0 <= wanted - time <= 2 for (time, _), (wanted, _) in zip(comparators, expected, strict=True))


@given(st.lists(pulse, min_size=1, max_size=100), st.integers(1, 0xFFFF))
def test_held_comparators_are_high_in_every_edge(board, pulses, held):
    edges, last, *rest = board("play", 500, LEAD_IN, words(pulses), held)
    without, _, *others = board("play", 500, LEAD_IN, words(pulses))
    assert [[n, delay, high | held, levels] for n, delay, high, levels in without] == edges
    assert last[1:] == [NEVER, held, 0] and rest == others


def test_a_pulse_too_close_to_the_one_before_is_late_and_those_after_it_are_not(board):
    edges, _, _, late = board("play", 500, LEAD_IN, words([(1000, 1, 1, 1), (5, 2, 1, 1), (10_000, 4, 1, 1)]))
    times = [time for time, _, _ in played(edges)[0]]
    assert late == 1 and times[1] == times[0] + AFTER + 2 + RISE
    assert times[2] in (LEAD_IN + 11_005, LEAD_IN + 11_004)


def test_a_pause_moves_what_follows(board):
    edges, _, count, _ = board("play", 500, LEAD_IN, [1000, 0, *words([(1000, 1, 1, 1)])])
    assert count == 1 and played(edges)[0][0][0] in (LEAD_IN + 2000, LEAD_IN + 1999)


gap = st.integers(1, LONGEST) | st.sampled_from([1, 1000, 1 << 29, LONGEST])


@given(st.lists(st.tuples(gap, st.integers(0, 3)), min_size=1, max_size=150), st.integers(0, 1))
@example([(LONGEST, 0)] * 5, 0)
def test_pauses_of_any_length_keep_the_times_of_pulses(board, gaps, held):
    """Also those of the host, as long as a gap may be. On the chip, whose integers are signed, no time may reach
    2**31."""
    pulses = [*((min(gap + 2000, LONGEST), lines) for gap, lines in gaps), (2000, 1)]
    edges, last, count, late = board("play", 500, LEAD_IN, words([(gap, lines, 1, 2) for gap, lines in pulses]), held)
    rises, _ = played(edges)
    t, times = LEAD_IN, []
    for gap, lines in pulses:
        t += gap
        times += [t] if lines else []
    assert count == len(times) and late == 0 and last[1:] == [NEVER, held, 0]
    assert all(0 <= asked - time <= 2 for (time, _, _), asked in zip(rises, times, strict=True))
    assert max(delay for _, delay, _, _ in edges) < 3 << 28  # half of 2**30 + 2**29 cycles
    assert all(high == held for _, _, high, levels in edges if not levels)


def test_the_chip_makes_the_edges_of_the_unix_port(board):
    """Its integers have 32 bits and are signed: 2**31 cycles are 17.2 s. Pauses of 10, 17, 20 and 40 s."""
    pulses = [(125_000, 1, 1, 2)]
    for seconds in (10, 17, 20, 40):
        gap = seconds * 125_000_000
        pulses += [(LONGEST, 0, 0, 0)] * (gap // LONGEST) + [(gap % LONGEST, 1, 1, 2)]
    arguments = (500, LEAD_IN, words(pulses))
    script = f"{ANSWER}\nprint(json.dumps(play(*{arguments})))"
    assert json.loads(chip.run(script, files=stimulus.files())) == board("play", *arguments)


def test_a_regular_source(board):
    assert board("read", "Regular", 130, 1250, 0b11, 100, 200) == [[1250, 0b11 | 100 << 16 | 200 << 24]] * 130


@pytest.mark.parametrize(("mean", "seed"), [(4000, 1), (125_000, 2), (50_000_000, 0xFFFF)])
def test_a_poisson_source_has_exponential_gaps(board, mean, seed):
    read = board("read", "Poisson", 5000, mean, seed, 0xFFFF, 0, [10, 20, 30, 40])
    gaps = [gap for gap, _ in read]
    assert len(gaps) == 5000
    # its logarithms are a table of 256, and 1/1024 of the mean: the distribution has steps below 0.004
    assert stats.kstest(gaps, stats.expon(scale=mean).cdf).pvalue > 0.001
    assert abs(sum(gaps) / 5000 / mean - 1) < 4 / 5000**0.5
    assert abs(stats.pearsonr(gaps[1:], gaps[:-1]).statistic) < 4 / 5000**0.5
    detectors = [(word & 0xFFFF).bit_length() - 1 for _, word in read]
    heights = [word >> 16 for _, word in read]
    assert {height & 0xFF for height in heights} == {10, 20, 30, 40}
    assert all(height & 0xFF == height >> 8 for height in heights)
    for found, n in ((detectors, 16), (heights, 4)):
        assert stats.chisquare([found.count(value) for value in sorted(set(found))]).pvalue > 0.001
        assert len(set(found)) == n
    assert read == board("read", "Poisson", 5000, mean, seed, 0xFFFF, 0, [10, 20, 30, 40])
    assert read != board("read", "Poisson", 5000, mean, seed ^ 1, 0xFFFF, 0, [10, 20, 30, 40])


def test_a_poisson_source_keeps_to_its_lines_and_pairs(board):
    lines = [word & 0xFFFF for _, word in board("read", "Poisson", 4000, 4000, 5, 0b0101, 25, [7])]
    assert set(lines) == {0b0001, 0b0100, 0b0011, 0b1100}
    pairs = sum(line.bit_count() == 2 for line in lines)
    assert abs(pairs - 1000) < 4 * (4000 * 0.25 * 0.75) ** 0.5
