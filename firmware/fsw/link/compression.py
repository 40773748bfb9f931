# CCSDS 121.0-B-3, lossless data compression: blocks of 16 samples, unit-delay predictor, basic set of code options.
# What one call codes stands alone: it begins with a reference sample and has no other.
from array import array

import micropython
from micropython import const

BLOCK = const(16)  # samples
_MOST = const(1024)  # samples in a call: 64 blocks, one segment
_LEAST = const(42)  # octets: more than a block ever takes, and
_SPARE = const(2)  # behind what is coded: low bits are written three octets at a time

_errors = array("H", bytes(2 * BLOCK))  # mapped prediction errors of a block


def encode(source, first, count, bits, out):
    """Code array("H")[first:first+count], samples of `bits`, 1 to 16, each, as far as there is room in `out`.

    count: whole blocks, at most 1024 samples. out: bytearray of 42 octets or more, two of them left unused.
    -> (samples coded, a multiple of 16 and never none; octets)
    """
    if count % BLOCK or not BLOCK <= count <= _MOST or first < 0 or first + count > len(source) or len(out) < _LEAST:
        # viper writes without looking: the bounds are checked here
        raise ValueError(f"compression: {count} from {first} of {len(source)} into {len(out)}")
    coded = _encode(source, first, count, bits, out, len(out) - _SPARE, _errors)
    return coded >> 16, coded & 0xFFFF


@micropython.viper
def _encode(source: ptr16, first: int, count: int, bits: int, out: ptr8, room: int, errors: ptr16) -> int:
    # -> samples << 16 | octets
    i = 0
    while i < room + _SPARE:  # only ones are written
        out[i] = 0
        i += 1
    room <<= 3  # bits
    pos = 0
    most = (1 << bits) - 1  # the greatest sample
    option_bits = 4
    if bits <= 8:
        option_bits = 3
    not_coded = (1 << option_bits) - 1  # the option for a block that no other makes shorter
    last = source[first]
    done = 0
    while done < count:
        at = first + done
        begin = 0  # the first of all samples is the reference, which is not coded
        if done == 0:
            begin = 1
        option = 0
        extra = 0  # bits behind the option that are part of it
        ones = 16  # each ends a unary code, and these come first, of values >> low
        low = 0  # bits of each value, which come then
        blocks = 1
        same = 0
        while done + same < count and source[at + same] == last:
            same += 1
        if same >= 16:
            # Blocks of zeros: one code says how many. The fifth says "all that are left": from there on it is one more.
            extra = 1
            blocks = same >> 4
            size = blocks
            if blocks >= 5:
                size += 1
                if done + (blocks << 4) == count:
                    size = 5
            errors[0] = size - 1
            begin = 0
            ones = 1
        else:
            size = 16 - begin  # of the codes, in bits
            pairs = 0  # the same of the second extension
            i = 0
            while i < 16:
                sample = source[at + i]
                error = sample - last
                margin = last  # up to which both signs are possible
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
                    if error > 255:  # too long whatever the others take; its square could be too much for 32 bits
                        error = 255
                    pairs += (error * (error + 1) >> 1) + errors[i] + 1
                last = sample
                i += 1
            # sample splitting: one low bit more of each, as long as that makes all shorter
            while low < not_coded - 2:
                split = (16 - begin) * (low + 2)
                i = begin
                while i < 16:
                    split += errors[i] >> (low + 1)
                    i += 1
                if split >= size:
                    break
                size = split
                low += 1
            option = low + 1
            whole = (16 - begin) * bits
            pairs += 1
            if whole <= size and whole <= pairs:
                option = not_coded
                size = whole
                low = bits
                ones = 0
            elif pairs <= size:
                option = 1
                extra = 1
                size = pairs - 1
                low = 0
                i = 0
                while i < 8:
                    error = errors[2 * i] + errors[2 * i + 1]
                    errors[i] = (error * (error + 1) >> 1) + errors[2 * i + 1]
                    i += 1
                begin = 0
                ones = 8
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
                out[pos >> 3] |= 128 >> (pos & 7)
            pos += 1
        i = begin
        while i < ones:
            pos += errors[i] >> low
            out[pos >> 3] |= 128 >> (pos & 7)
            pos += 1
            i += 1
        if low:
            while begin < 16:
                value = (errors[begin] & (1 << low) - 1) << 24 - low - (pos & 7)
                i = pos >> 3
                out[i] |= value >> 16
                out[i + 1] |= value >> 8
                out[i + 2] |= value
                pos += low
                begin += 1
        done += blocks << 4
    return done << 16 | pos + 7 >> 3
