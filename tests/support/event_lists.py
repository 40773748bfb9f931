"""Generated event lists, and their table as read by the reader of single packets."""

from dataclasses import fields, replace

import numpy as np
from dorn.analysis import event_list
from dorn.analysis.event_table import EventTable
from hypothesis import strategies as st

from support.products import DICTIONARY, ORIGIN, packet

CLOCK = 2**32  # modulus of clock and stamps
IN_PACKET = 279  # words
ARRAYS = [item.name for item in fields(EventTable) if item.name not in ("kev_per_code", "zero_code")]


def mark(stamp, event_class, opens):
    return [stamp & 0xFFFF, stamp >> 16, 0, event_class << 8 | opens]


def event(stamp, codes):
    """codes: detector -> code."""
    return [stamp & 0xFFFF, stamp >> 16, sum(1 << d for d in codes), *(codes[d] for d in sorted(codes))]


def listing(words, time_us, clock_us, origin=ORIGIN):
    """A packet with these words."""
    about = {"time_us": time_us, "clock_us": clock_us, "count": len(words), "words": words, "origin": origin}
    return packet("event_list", time_s=time_us // 1_000_000, **about)


_PATTERNS = st.sampled_from([1 << d for d in range(16)]) | st.integers(1, 0xFFFF)
_CODES = st.tuples(_PATTERNS, st.integers(0, 0xFFFF)).map(  # few choices, for speed; bit 15: conversion failed
    lambda of: {d: of[1] + 4919 * d & 0x8FFF for d in range(16) if of[0] >> d & 1}
)
_ENTRIES = st.lists(st.tuples(st.sampled_from(("event", "event", "open", "close")), st.integers(0, 500_000), _CODES))


@st.composite
def lists(draw, origin=ORIGIN):
    """Event lists of one instrument: packets as the firmware sends them, class by class; some are missing."""
    time_us = draw(st.integers(CLOCK, 2**48))
    clock_us = draw(st.sampled_from((0, CLOCK - 3_000_000, 1 << 31)))
    open_us = {}  # class -> clock when its window was listed last
    made = []
    for _ in range(draw(st.integers(1, 5))):
        passed_us = draw(st.integers(2_000_001, 9_000_000))
        time_us, clock_us = time_us + passed_us, (clock_us + passed_us) % CLOCK
        words = []
        for event_class in draw(st.lists(st.sampled_from(event_list.CLASSES), unique=True)):
            is_open = event_class in open_us
            words += mark(open_us.pop(event_class), event_class, 1) if is_open else []
            ago_us = 2_000_000
            for what, step_us, codes in draw(_ENTRIES):
                ago_us = max(0, ago_us - step_us)
                stamp = (clock_us - ago_us) % CLOCK
                if what != "event":
                    is_open = what == "open"
                    words += mark(stamp, event_class, is_open)
                elif is_open:
                    words += event(stamp, codes)
            if is_open:
                open_us[event_class] = clock_us
        if len(words) <= IN_PACKET and draw(st.integers(0, 5)):
            made.append(listing(words, time_us, clock_us, origin))
    return made


def expected(packets):
    """The table of these packets, all of one origin, as read by the reader of single packets."""
    table = event_list.read(DICTIONARY.decode(made.octets) for made in packets).table()
    origin = packets[0].fields["origin"] if packets else 0
    of = {name: np.full_like(getattr(table, name), origin) for name in ("origin", "window_origin")}
    return replace(table, **of)


def check_same(found, *tables):
    """Check that a table has the events and windows of the other tables, in their order."""
    for name in ARRAYS:
        wanted = np.concatenate([getattr(table, name) for table in tables])
        assert getattr(found, name).dtype == wanted.dtype, name
        assert getattr(found, name).tolist() == wanted.tolist(), name
