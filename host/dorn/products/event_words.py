"""Decoding of event lists for thousands of packets at once: in each step, one event or mark of every packet.

`dorn.analysis.event_list.read` defines the result, packet by packet.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from dorn.analysis.event_list import CLASSES
from dorn.analysis.event_table import HITS

_PATTERN, _HEAD = 2, 3  # index of the hit pattern, and of the codes of an event or the state of a mark
_LENGTHS = np.maximum(HITS, 1) + np.uint8(_HEAD)  # words of an event with this hit pattern; 0: of a mark
_PADDING = 2 * _HEAD  # octets after the words that may be read, though never used
_MODULUS = 1 << 32  # of clock and time stamps


@dataclass
class Listed:
    """The events and windows in some packets, in the order of the packets and their words."""

    time_us: np.ndarray  # int64[events]
    event_class: np.ndarray  # uint8[events]
    hits: np.ndarray  # uint16[events]
    event_packet: np.ndarray  # int64[events]: position of its packet
    codes: np.ndarray  # uint16[hits]
    window_begin_us: np.ndarray  # int64[windows]
    window_end_us: np.ndarray  # int64[windows]
    window_class: np.ndarray  # uint8[windows]
    window_packet: np.ndarray  # int64[windows]


def decode(data: bytes, counts: np.ndarray, time_us: np.ndarray, clock_us: np.ndarray) -> tuple[Listed, np.ndarray]:
    """Decode n packets. data: the words of all packets joined; counts: int64[n], words of each packet; time_us,
    clock_us: int64[n], fields of the packets.

    Returns the events and windows, and bool[n]: whether the words of a packet are a valid event list. Packets with
    invalid words are not used at all.
    """
    words = np.frombuffer(data + bytes(_PADDING), ">u2").astype(np.uint16)
    at, valid = _entries(words, counts)
    packet = np.repeat(np.arange(len(counts)), counts)[at]
    mark = _mark_before(words, at, packet, valid)
    keep = valid[packet]
    at, packet, mark = at[keep], packet[keep], mark[keep]
    stamp_us = words[at] | words[at + 1].astype(np.int64) << 16
    at_us = time_us[packet] - (clock_us[packet] - stamp_us) % _MODULUS
    is_event = words[at + _PATTERN] > 0
    hits = words[at + _PATTERN][is_event]
    events = (at_us[is_event], (words[mark[is_event] + _HEAD] >> 8).astype(np.uint8), hits, packet[is_event])
    codes = words[spread(at[is_event] + _HEAD, HITS[hits])]
    states = words[at[~is_event] + _HEAD]
    return Listed(*events, codes, *_windows(at_us[~is_event], states, packet[~is_event], time_us)), valid


def spread(begin: np.ndarray, n: np.ndarray) -> np.ndarray:
    """For each begin, the n consecutive positions from it, int64[sum of n]."""
    end = np.cumsum(n, dtype=np.int64)
    return np.arange(end[-1] if len(end) else 0) + np.repeat(begin - (end - n), n)


def _entries(words: np.ndarray, counts: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """The positions of all events and marks, in order, and bool[n]: whether the last one ends with its packet."""
    end = np.cumsum(counts)
    valid = np.ones(len(counts), bool)
    starts_here = np.zeros(len(words), bool)
    of = np.flatnonzero(counts)  # the packets that have a next entry
    at = (end - counts)[of]
    while len(of):
        starts_here[at] = True
        at = at + _LENGTHS[words[at + _PATTERN]]
        rest = end[of] - at
        valid[of[rest < 0]] = False
        more = rest > 0
        of, at = of[more], at[more]
    return np.flatnonzero(starts_here), valid


def _mark_before(words: np.ndarray, at: np.ndarray, packet: np.ndarray, valid: np.ndarray) -> np.ndarray:
    """The position of the mark in effect at each entry, which gives its class. Packets with an unknown class, or an
    event for which no earlier mark in the packet opens a window, become invalid in `valid`."""
    if not len(at):
        return at
    state = words[at + _HEAD]
    is_mark = words[at + _PATTERN] == 0
    last = np.maximum.accumulate(np.where(is_mark, np.arange(len(at)), 0))
    in_window = is_mark[last] & (packet[last] == packet) & (state[last] & 1 == 1)
    valid[packet[np.where(is_mark, state >> 8 >= len(CLASSES), ~in_window)]] = False
    return at[last]


def _windows(at_us: np.ndarray, states: np.ndarray, packet: np.ndarray, time_us: np.ndarray) -> tuple[np.ndarray, ...]:
    """Start, end, class and packet of the windows. A window lasts from a mark that opens it to the next mark of the
    class, or to the time of the packet if there is none. If the next mark opens the window again, it starts there."""
    event_class = (states >> 8).astype(np.uint8)
    order = np.lexsort([event_class, packet])  # stable: marks of a class in a packet stay in order
    at_us, packet, event_class, opens = at_us[order], packet[order], event_class[order], (states[order] & 1) == 1
    continued = np.zeros(len(order), bool)  # followed by another mark of its class in its packet
    continued[:-1] = (packet[1:] == packet[:-1]) & (event_class[1:] == event_class[:-1])
    end_us = np.where(continued, np.roll(at_us, -1), time_us[packet])
    of = opens & ~(continued & np.roll(opens, -1))
    return at_us[of], end_us[of], event_class[of], packet[of]
