"""Decoding of CCSDS 121.0-B-3 for thousands of packets at once: in each step, one block of every packet.

`coding.ccsds121` defines the result, packet by packet; this decoder accepts the same packets and yields the same
samples. Samples have 16 bits. Positions are bits from the start of all coded octets joined.
"""

from __future__ import annotations

import numpy as np

from dorn.dictionary.coding import BLOCK, REST

_AT_ONCE = 2048  # packets per batch: larger batches need more memory, smaller ones more time
_OPTION_BITS, _SAMPLE_BITS = 4, 16
_MOST = 2**_SAMPLE_BITS - 1
_NOT_CODED = 2**_OPTION_BITS - 1  # the option of a block of plain samples
_LEAST_OCTETS = 3  # option and reference sample
_PADDING = 40  # octets after the data, which may be read but are never used
_CLIP = 1 << 30  # above any valid prediction error
_ONES_IN = np.array([bin(octet).count("1") for octet in range(256)], np.uint8)
_STEPS = np.arange(BLOCK)[:, None]


def decode(data, starts, octets, counts, out, places) -> np.ndarray:
    """Decode packets. starts, octets: int64[n], offset in `data` and number of each packet's coded octets; counts:
    int64[n], samples to decode; out: uint16[...], zeros, with BLOCK spare elements; places: int64[n], indices in `out`
    at which the samples start.

    Returns bool[n]: whether the octets are valid coded data of that many samples. The output for the other packets is
    undefined.
    """
    valid = np.zeros(len(starts), bool)
    for first in range(0, len(starts), _AT_ONCE):
        some = slice(first, first + _AT_ONCE)
        pieces = zip(starts[some].tolist(), octets[some].tolist(), strict=True)
        joined = b"".join([data[at : at + n] for at, n in pieces])
        end = 8 * np.cumsum(octets[some])
        valid[some] = _Decoder(_Bits(joined), end, counts[some], out, places[some]).run()
    return valid


class _Bits:
    """Random access to the bits of `data`, for many positions at once."""

    def __init__(self, data: bytes):
        raw = np.frombuffer(data + bytes(_PADDING), np.uint8)
        self._raw = raw
        self.limit = 8 * (len(raw) - 8)  # positions up to here can be read
        # view(bool): twice as fast
        positions = np.flatnonzero(np.unpackbits(raw).view(bool)).astype(np.int32)
        self._ones = np.concatenate([positions, np.full(BLOCK + 4, 8 * len(raw), np.int32)])
        self._ones_after = np.lib.stride_tricks.sliding_window_view(self._ones, BLOCK)
        self._ones_before = np.zeros(len(raw) + 1, np.int32)  # before each octet
        np.cumsum(_ONES_IN[raw], out=self._ones_before[1:], dtype=np.int32)
        wide = raw.astype(np.int64)
        self._words = wide << 24  # the 32 bits from each octet on
        for n in (1, 2, 3):
            self._words[:-n] |= wide[n:] << 24 - 8 * n

    def numbers(self, at, bits):
        """The number that starts at each position and has `bits` bits, up to 24."""
        return self._words[at >> 3] >> 32 - bits - (at & 7) & (1 << bits) - 1

    def ones(self, at, n: int) -> np.ndarray:
        """int32[n, len(at)]: the positions of the next n one bits from each position on."""
        octet = at >> 3
        rank = self._ones_before[octet] + _ONES_IN[self._raw[octet] >> 8 - (at & 7)]
        return np.ascontiguousarray(self._ones_after[rank, :n].T)


def _zeros_before(ones: np.ndarray, at: np.ndarray) -> np.ndarray:
    """Decode unary numbers from `at` on: the zeros before each one bit, given the positions of the one bits."""
    zeros = np.empty_like(ones)
    zeros[0] = ones[0] - at
    np.subtract(ones[1:], ones[:-1], out=zeros[1:])
    zeros[1:] -= 1
    return zeros


class _Decoder:
    """All packets advance together; those that are complete or invalid are removed."""

    def __init__(self, bits: _Bits, ends, counts, out, places):
        self._bits = bits
        self._out = out
        self._valid = np.zeros(len(ends), bool)
        octets = np.diff(ends, prepend=0) >> 3
        # for each packet not yet complete: index, position, end, blocks left, place of the next sample, last sample
        self._id = np.flatnonzero((counts % BLOCK == 0) & (counts > 0) & (octets >= _LEAST_OCTETS))
        self._at = (ends - 8 * octets)[self._id]
        self._end = ends[self._id]
        self._left = counts[self._id] // BLOCK
        self._place = places[self._id].astype(np.int64)
        self._last = np.zeros(len(self._id), np.int32)

    def run(self) -> np.ndarray:
        """Decode. Returns which packets are valid."""
        reference = 1  # the first sample of the first block is not coded
        while len(self._id):
            self._step(reference)
            reference = 0
        return self._valid

    def _step(self, reference: int) -> None:
        """Decode one block, or one run of zero blocks, in every packet."""
        option = self._bits.numbers(self._at, _OPTION_BITS)
        self._at = self._at + _OPTION_BITS
        low = np.flatnonzero(option == 0)  # zero blocks or second extension: the next bit decides
        is_pairs = self._bits.numbers(self._at[low], 1) == 1
        self._at[low] += 1
        zeros, pairs = low[~is_pairs], low[is_pairs]
        if reference:
            self._last = self._bits.numbers(self._at, _SAMPLE_BITS).astype(np.int32)
            self._at += _SAMPLE_BITS
            self._out[self._place] = self._last
        np.minimum(self._at, self._bits.limit, out=self._at)
        errors = np.zeros((BLOCK - reference, len(self._id)), np.int32)
        invalid = np.zeros(len(self._id), bool)
        self._split(np.flatnonzero((option > 0) & (option < _NOT_CODED)), option, errors)
        self._plain(np.flatnonzero(option == _NOT_CODED), errors)
        self._pairs(pairs, errors, reference)
        self._zero_blocks(zeros, invalid)
        coded = np.ones(len(self._id), bool)
        coded[zeros] = False
        self._add(np.flatnonzero(coded), errors, reference, invalid)
        self._leave(invalid | (self._at > self._end))

    def _split(self, of, option, errors) -> None:
        """Split-sample options: all high parts in unary code, then all low parts, of option - 1 bits."""
        if not len(of):
            return
        ones = self._bits.ones(self._at[of], len(errors))
        high = _zeros_before(ones, self._at[of])
        at = ones[-1].astype(np.int64) + 1
        bits = option[of] - 1
        some = np.flatnonzero(bits)
        if len(some):
            width = bits[some]
            begin = np.minimum(at[some], self._bits.limit)
            each = np.minimum(begin + _STEPS[: len(errors)] * width, self._bits.limit)
            value = high[:, some].astype(np.int64) << width | self._bits.numbers(each, width)
            high[:, some] = np.minimum(value, _CLIP)
            at[some] = begin + len(errors) * width
        errors[:, of] = high
        self._at[of] = at

    def _plain(self, of, errors) -> None:
        """Blocks whose prediction errors are not coded."""
        if len(of):
            each = np.minimum(self._at[of] + _STEPS[: len(errors)] * _SAMPLE_BITS, self._bits.limit)
            errors[:, of] = self._bits.numbers(each, _SAMPLE_BITS)
            self._at[of] += _SAMPLE_BITS * len(errors)

    def _pairs(self, of, errors, reference: int) -> None:
        """Second extension: number = s (s + 1) / 2 + second for two errors with the sum s. The reference sample takes
        the place of the first error."""
        if not len(of):
            return
        ones = self._bits.ones(self._at[of], BLOCK // 2)
        numbers = _zeros_before(ones, self._at[of]).astype(np.int64)
        total = ((np.sqrt(8.0 * numbers + 1) - 1) // 2).astype(np.int64)
        second = numbers - total * (total + 1) // 2
        both = np.empty((BLOCK, len(of)), np.int32)
        both[0::2] = total - second
        both[1::2] = second
        errors[:, of] = both[reference:]
        self._at[of] = ones[-1].astype(np.int64) + 1

    def _zero_blocks(self, of, invalid) -> None:
        """A run of blocks that repeat the last sample."""
        if not len(of):
            return
        one = self._bits.ones(self._at[of], 1)[0].astype(np.int64)
        blocks = one - self._at[of] + 1
        left = self._left[of]
        blocks = np.where(blocks == REST, left, blocks - (blocks > REST))
        invalid[of] |= blocks > left
        self._at[of] = one + 1
        fill = np.flatnonzero((self._last[of] != 0) & (blocks <= left))
        samples = BLOCK * blocks[fill]
        within = np.arange(samples.sum()) - np.repeat(np.cumsum(samples) - samples, samples)
        self._out[np.repeat(self._place[of][fill], samples) + within] = np.repeat(self._last[of][fill], samples)
        self._left[of] -= blocks
        self._place[of] += BLOCK * blocks

    def _add(self, of, errors, reference: int, invalid) -> None:
        """Add the mapped prediction errors to the last samples (CCSDS 121.0-B-3 4.3)."""
        if not len(of):
            return
        if len(of) < len(self._id):
            errors = errors[:, of]
        invalid[of] |= (errors > _MOST).any(0)
        np.minimum(errors, _MOST, out=errors)
        step = errors >> 1 ^ -(errors & 1)  # where both signs are possible
        last = self._last[of]
        samples = np.empty_like(errors)
        never_high = int(last.max()) + int(errors.max()) * BLOCK <= _MOST >> 1  # then the margin is the sample itself
        for n, error in enumerate(errors):
            value = last + step[n]
            if never_high:
                np.copyto(value, error, where=error > 2 * last)
            else:
                margin = np.minimum(last, _MOST - last)
                np.copyto(value, np.where(last == margin, error, _MOST - error), where=error > 2 * margin)
            samples[n] = last = value
        self._last[of] = last
        window = np.lib.stride_tricks.sliding_window_view(self._out, len(errors), writeable=True)
        window[self._place[of] + reference] = samples.T
        self._left[of] -= 1
        self._place[of] += BLOCK

    def _leave(self, invalid) -> None:
        """Remove the packets that are complete or invalid. A valid one ends with fewer than 8 bits, all zero."""
        complete = np.flatnonzero((self._left <= 0) & ~invalid)
        rest = self._end[complete] - self._at[complete]
        few = rest < 8
        zero = self._bits.numbers(self._at[complete], np.where(few, rest, 0)) == 0
        self._valid[self._id[complete[few & zero]]] = True
        stay = np.flatnonzero(~invalid & (self._left > 0))
        if len(stay) < len(self._id):
            for name in ("_id", "_at", "_end", "_left", "_place", "_last"):
                setattr(self, name, getattr(self, name)[stay])
