# CCSDS 121.0-B-3, lossless data compression: blocks of 16 samples, unit-delay predictor, basic set of code options.
# The output of each call is self-contained: it begins with its only reference sample.
from array import array

import micropython
from micropython import const

BLOCK = const(16)  # samples
_BLOCK_BITS = const(4)  # log2(BLOCK)
_PAIRS = const(8)  # pairs of samples in a block, for the second extension
_LONG_ID = const(4)  # bits of the option identifier, for samples of more than 8 bits
_SHORT_ID = const(3)
_ZERO_BLOCKS = const(0)  # option identifiers: zero blocks, followed by one more bit
_SECOND_EXTENSION = const(1)  # also followed by one more bit
_SPLIT = const(1)  # + k: sample splitting with k low bits; the last identifier: uncoded samples
_ALL_LEFT = const(5)  # code length of 'zero blocks up to the segment's end'; that of n zero blocks is n, + 1 from 5 on
_PAIR_MOST = const(255)  # limit of a pair's sum: its block is too long from there on; larger squares may exceed 32 bits
_OCTET_BITS = const(3)  # shift from a position in bits to its octet
_BIT = const(7)  # mask of a position in bits: the bit within its octet
_FIRST = const(128)  # the first bit of an octet
_MOST = const(1024)  # samples per call: 64 blocks, one segment
_LEAST = const(42)  # octets: more than any block takes, including _SPARE
_SPARE = const(2)  # octets after the code, as low bits are written three octets at a time

_errors = array("H", bytes(2 * BLOCK))  # mapped prediction errors of a block


def encode(source, first, count, bits, out):
    """Code array("H")[first:first+count], samples of 1 to 16 `bits`, as far as there is room in `out`.

    count: whole blocks, at most 1024 samples. out: bytearray of at least 42 octets, of which two stay unused.
    Return (samples coded, a multiple of 16 and never 0; octets). Raises ValueError if the range or `out` is invalid.
    """
    if count % BLOCK or not BLOCK <= count <= _MOST or first < 0 or first + count > len(source) or len(out) < _LEAST:
        raise ValueError  # viper does not check bounds; no text, as the event report has only the line number
    coded = _encode(source, first, count, bits, out, len(out) - _SPARE, _errors)
    return coded >> 16, coded & 0xFFFF


@micropython.viper
def _encode(source: ptr16, first: int, count: int, bits: int, out: ptr8, room: int, errors: ptr16) -> int:
    # returns samples << 16 | octets
    i = 0
    while i < room + _SPARE:  # the code only sets bits
        out[i] = 0
        i += 1
    room <<= _OCTET_BITS
    pos = 0
    most = (1 << bits) - 1  # the largest sample
    option_bits = _LONG_ID
    if bits <= 8:
        option_bits = _SHORT_ID
    not_coded = (1 << option_bits) - 1  # option for a block that no other option makes shorter
    last = source[first]
    done = 0
    while done < count:
        at = first + done
        begin = 0  # the first of all samples is the reference, which is not coded
        if done == 0:
            begin = 1
        option = _ZERO_BLOCKS
        extra = 0  # bits after the option identifier that belong to it
        ones = BLOCK  # number of unary codes, of value >> low, each ended by a one bit; written before the low bits
        low = 0  # number of low bits of each value, written after the unary codes
        blocks = 1
        same = 0
        while done + same < count and source[at + same] == last:
            same += 1
        if same >= BLOCK:
            # a single code gives the number of blocks
            extra = 1
            blocks = same >> _BLOCK_BITS
            size = blocks
            if blocks >= _ALL_LEFT:
                size += 1
                if done + (blocks << _BLOCK_BITS) == count:
                    size = _ALL_LEFT
            errors[0] = size - 1
            begin = 0
            ones = 1
        else:
            size = BLOCK - begin  # bits of all codes
            pairs = 0  # the same, with the second extension
            i = 0
            while i < BLOCK:
                sample = source[at + i]
                error = sample - last
                margin = last  # up to this magnitude, both signs are possible
                if most - last < margin:
                    margin = most - last
                if error > margin:
                    error += margin
                elif error < 0 - margin:
                    error = margin - error
                elif error < 0:
                    error = 0 - 2 * error - 1
                else:
                    error <<= 1
                errors[i] = error
                size += error
                if i & 1:
                    error += errors[i - 1]
                    if error > _PAIR_MOST:
                        error = _PAIR_MOST
                    pairs += (error * (error + 1) >> 1) + errors[i] + 1
                last = sample
                i += 1
            # sample splitting: one more low bit of each value, as long as that makes the block shorter
            while low < not_coded - 2:
                split = (BLOCK - begin) * (low + 2)
                i = begin
                while i < BLOCK:
                    split += errors[i] >> (low + 1)
                    i += 1
                if split >= size:
                    break
                size = split
                low += 1
            option = _SPLIT + low
            whole = (BLOCK - begin) * bits
            pairs += 1
            if whole <= size and whole <= pairs:
                option = not_coded
                size = whole
                low = bits
                ones = 0
            elif pairs <= size:
                option = _SECOND_EXTENSION
                extra = 1
                size = pairs - 1
                low = 0
                i = 0
                while i < _PAIRS:
                    error = errors[2 * i] + errors[2 * i + 1]
                    errors[i] = (error * (error + 1) >> 1) + errors[2 * i + 1]
                    i += 1
                begin = 0
                ones = _PAIRS
        head = option
        width = option_bits + extra
        if done == 0:
            head = head << bits | source[first]
            width += bits
        if pos + width + size > room:
            break
        while width:
            width -= 1
            if head >> width & 1:
                out[pos >> _OCTET_BITS] |= _FIRST >> (pos & _BIT)
            pos += 1
        i = begin
        while i < ones:
            pos += errors[i] >> low
            out[pos >> _OCTET_BITS] |= _FIRST >> (pos & _BIT)
            pos += 1
            i += 1
        if low:
            while begin < BLOCK:
                value = (errors[begin] & (1 << low) - 1) << 24 - low - (pos & _BIT)
                i = pos >> _OCTET_BITS
                out[i] |= value >> 16
                out[i + 1] |= value >> 8
                out[i + 2] |= value
                pos += low
                begin += 1
        done += blocks << _BLOCK_BITS
    return done << 16 | pos + _BIT >> _OCTET_BITS
